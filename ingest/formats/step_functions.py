"""Executions of AWS Step Functions: lines in CloudWatch Logs, and what `get-execution-history` prints.

The number of an event counts within its execution, so the execution stands before it: by its ARN or, as a
history does not say it, by what started it. Histories are read by way of event_lists. Source: AWS
documentation, "Logging using CloudWatch Logs" and "GetExecutionHistory" of Step Functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_MADE: Final = "@execution"
_STARTED: Final = "ExecutionStarted"
_DIGITS: Final = 12
_EXECUTION: Final = (
    "coalesce({made}, regexp_replace({arn}, '^arn:[^:]*:states:[^:]*:[^:]*:(?:execution|express):', ''))"
)
_PREVIOUS: Final = "coalesce({before}, {previous})"


def of_execution(events: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The events with the execution they are of, if they are its history from its start on, or back to it."""
    started = next((one for one in (events[0], events[-1]) if one.get("type") == _STARTED), None)
    if started is None or "previousEventId" not in started:
        return events
    name = f"execution-{hashlib.sha256(orjson.dumps(started)).hexdigest()[:_DIGITS]}"
    return [{**event, _MADE: name} for event in events]


def _match(shape: Shape) -> Path | None:
    is_line = shape.has("id", "type", "execution_arn", "previous_event_id", "event_timestamp")
    return () if is_line or shape.has("id", "type", "previousEventId", _MADE) else None


FORMAT = JsonFormat(
    name="step_functions",
    priority=170,
    match=_match,
    by_name=False,
    fields={
        "occurred_at": (("event_timestamp",), ("timestamp",)),
        "event_type": (("type",),),
    },
    inputs={
        "id": ("id",),
        "before": ("previous_event_id",),
        "previous": ("previousEventId",),
        "arn": ("execution_arn",),
        "made": (_MADE,),
    },
    derived={
        "event_id": f"{_EXECUTION} || '/' || {{id}}",
        "causation_id": f"CASE WHEN {_PREVIOUS} <> '0' THEN {_EXECUTION} || '/' || {_PREVIOUS} END",
        "correlation_id": "coalesce({arn}, {made})",
        "service": "nullif(split_part({arn}, ':', 7), '')",
        "severity": "CASE WHEN regexp_matches({event_type}, '(?:Failed|TimedOut|Aborted)$') THEN 'ERROR' END",
    },
    made=(_MADE,),
)
