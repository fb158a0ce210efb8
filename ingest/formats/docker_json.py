"""Docker and containerd `json-file`: every line that a container writes, in an object of its own.

Source: Docker documentation, "JSON File logging driver".
"""

from ingest.formats.base import Envelope, JsonFormat

FORMAT = Envelope(
    name="docker_json",
    match=lambda shape: shape.has("log", "stream", "time") and not shape.has("kubernetes"),
    held=("log",),
    format=JsonFormat(
        name="docker_json",
        priority=0,
        match=lambda _: None,
        fields={"occurred_at": (("time",),), "message": (("log",),)},
        computed={"message": "rtrim({message}, chr(13) || chr(10))"},
        by_name=False,
    ),
    about={"occurred_at": "{time}"},
    inputs={"time": ("time",)},
    sender=("stream",),
    beside=rb'(?![^\n]*"(?:kubernetes|container_id)"[ \t]*+:)(?=[^\n]*"stream"[ \t]*+:)',
    piece=16 << 10,
)
