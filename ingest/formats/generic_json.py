"""JSON lines: one object per line, fields recognised by name.

The canonical format of Stormwatch is the first name of each list (docs/log-formats.md); any
other application log is read by the further names, at the top or in an object such as
`metadata` or `headers`, dotted (`event.id`) or nested (`event: {id}`).
"""

from ingest.formats.base import JsonFormat

FORMAT = JsonFormat(name="json", priority=1_000, match=lambda _: (), by_value=True)
