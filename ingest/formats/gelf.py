"""GELF of Graylog: `version`, `host` and `short_message`; fields of applications begin with `_`.

The level is that of syslog, 0 to 7. Source: Graylog documentation, "GELF payload specification".
"""

from ingest.formats.base import JsonFormat
from ingest.formats.journald import severity_of

FORMAT = JsonFormat(
    name="gelf",
    priority=820,
    match=lambda shape: () if shape.has("version", "host", "short_message") else None,
    by_value=True,
    fields={
        "occurred_at": (("timestamp",),),
        "node": (("host",),),
        "message": (("short_message",),),
    },
    computed={"severity": f"coalesce({severity_of('severity')}, {{severity}})"},
)
