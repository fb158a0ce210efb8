"""AWS X-Ray: segments and subsegments, each a document: `trace_id`, `id`, `parent_id`, `name`, `start_time`.

Source: AWS X-Ray documentation, "Segment documents".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path


def _match(shape: Shape) -> Path | None:
    is_over = shape.has("end_time") or shape.has("in_progress")
    return () if shape.has("trace_id", "id", "name", "start_time") and is_over else None


FORMAT = JsonFormat(
    name="xray",
    priority=640,
    match=_match,
    by_name=False,
    fields={
        "event_id": (("id",),),
        "parent_id": (("parent_id",),),
        "correlation_id": (("trace_id",),),
        "occurred_at": (("start_time",),),
        "service": (("name",),),
        "event_type": (("name",),),
    },
    inputs={"instance": ("aws", "ec2", "instance_id"), "container": ("aws", "ecs", "container")},
    derived={"node": "coalesce({instance}, {container})"},
)
