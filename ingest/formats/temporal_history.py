"""Histories of Temporal and Cadence as their tools export them: `{"events": [...]}` of one workflow.

The number of an event counts within its run, so the run stands before it. An event follows the one that its
attributes name (started, scheduled, initiated, or the task of the workflow that decided it). Read by way of
event_lists. Source: Temporal documentation, "Events reference"; `temporal workflow show --output json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ingest.formats.base import JsonFormat

_CAUSES: Final = (
    "startedEventId", "scheduledEventId", "initiatedEventId", "workflowTaskCompletedEventId",
    "decisionTaskCompletedEventId",
)  # fmt: skip
_MADE: Final = ("@id", "@cause", "@run", "@workflow", "@queue")


def of_run(events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The events with what they are to each other, if they are the history of a run."""
    started = events[0].get("workflowExecutionStartedEventAttributes")
    if not isinstance(started, dict):
        return list(events)
    run = started.get("originalExecutionRunId") or started.get("firstExecutionRunId")
    return [_related(event, started, run) for event in events]


def _related(event: Mapping[str, Any], started: Mapping[str, Any], run: object) -> dict[str, Any]:
    about: Mapping[str, Any] = {}
    for key, value in event.items():
        if key.endswith("EventAttributes") and isinstance(value, dict):
            about = value
            break
    cause = None
    for key in _CAUSES:
        if key in about and str(about[key] or "0") != "0":
            cause = about[key]
            break
    queue = about.get("taskQueue") or started.get("taskQueue")
    return {
        **event,
        "@id": f"{run}/{event.get('eventId')}" if run else None,
        "@cause": f"{run}/{cause}" if run and cause else None,
        "@run": run,
        "@workflow": started.get("workflowId"),
        "@queue": queue.get("name") if isinstance(queue, dict) else None,
    }


FORMAT = JsonFormat(
    name="temporal_history",
    priority=170,
    match=lambda shape: () if shape.has("eventId", *_MADE) else None,
    by_name=False,
    fields={
        "event_id": (("@id",),),
        "occurred_at": (("eventTime",), ("timestamp",)),
        "event_type": (("eventType",),),
        "causation_id": (("@cause",),),
        "correlation_id": (("@run",),),
        "stream": (("@queue",),),
        "entity": (("@workflow",),),
    },
    made=_MADE,
)
