"""loguru with `serialize=True`: the line as a `text`, and the `record` it was made of.

What is bound stands in `record.extra` and goes by the usual names. Source: loguru documentation,
`logger.add`, "The record dict".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path


def _match(shape: Shape) -> Path | None:
    is_record = all(("record", name) in shape.paths for name in ("level", "elapsed", "extra", "time"))
    return () if shape.has("text") and is_record else None


FORMAT = JsonFormat(
    name="loguru",
    priority=814,
    match=_match,
    by_value=True,
    # The name of a process of Python is no node.
    fields={
        "occurred_at": (),
        "severity": (),
        "service": (),
        "node": tuple(("record", "extra", name) for name in NAMES["node"]),
        "message": (("record", "message"),),
    },
    named={"service"},
    inputs={
        "moment": ("record", "time", "timestamp"),
        "level": ("record", "level", "name"),
        "module": ("record", "name"),
    },
    derived={
        "occurred_at": "{moment}",
        "severity": "{level}",
        "service": "coalesce({service}, {module})",
    },
)
