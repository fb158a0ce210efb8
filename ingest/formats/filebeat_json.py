"""Lines as Filebeat ships those that it has read as JSON: what was written is the object `json`.

So it is unless Filebeat is told to put the keys beside its own. Source: Filebeat documentation, "filestream
input", `ndjson`; "Decode JSON fields".
"""

from dataclasses import replace

from ingest.formats import filebeat
from ingest.formats.base import Shape

_BESIDE = filebeat.SHIPPED | {"json", "error"}


def _match(shape: Shape) -> bool:
    is_shipped = filebeat.is_shipped(shape) and shape.has("@timestamp", "json")
    return is_shipped and all(path[0] in _BESIDE for path in shape.paths)


FORMAT = replace(
    filebeat.FORMAT,
    name="filebeat_json",
    match=_match,
    held=("json",),
    format=replace(filebeat.FORMAT.format, name="filebeat_json"),
)
