"""Docker and containerd `json-file`: every line that a container writes, in an object of its own.

Source: Docker documentation, "JSON File logging driver".
"""

from ingest.formats.base import Envelope, made

FORMAT = Envelope(
    name="docker_json",
    match=lambda shape: shape.has("log", "stream", "time") and not shape.has("kubernetes"),
    held=("log",),
    format=made(
        name="docker_json",
        fields={"occurred_at": "time", "message": "log"},
        computed={"message": "rtrim({message}, chr(13) || chr(10))"},
    ),
    about={"occurred_at": "{time}"},
    inputs={"time": ("time",)},
    sender=("stream",),
    beside=rb'(?![^\n]*"(?:kubernetes|container_id)"[ \t]*+:)(?=[^\n]*"stream"[ \t]*+:)',
    piece=16 << 10,
)
