"""Messages of Celery, version 2 of its protocol: the headers of a task, in `headers` or as fields of a line.

A task names the one that called it (`parent_id`) and the first of all (`root_id`); `correlation_id` of the
properties is the task itself. Source: Celery documentation, "Message Protocol".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path


def _match(shape: Shape) -> Path | None:
    place = shape.envelope("task", "id", "root_id", "parent_id")
    return () if place in ((), ("headers",)) else None


def _header(name: str) -> tuple[Path, ...]:
    return (("headers", name), (name,))


FORMAT = JsonFormat(
    name="celery_messages",
    priority=295,
    match=_match,
    fields={
        "event_id": _header("id"),
        "event_type": _header("task"),
        "causation_id": (),
        "parent_id": _header("parent_id"),
        "correlation_id": _header("root_id"),
        "node": _header("origin"),
        "stream_key": (),
    },
    named={"node"},
    inputs={
        "retries": ("headers", "retries"),
        "retries_so": ("retries",),
        "routing": ("properties", "delivery_info", "routing_key"),
    },
    derived={
        "stream": "coalesce({stream}, {routing})",
        "attempt": "(try_cast(coalesce({retries}, {retries_so}) AS INTEGER) + 1)::VARCHAR",
    },
)
