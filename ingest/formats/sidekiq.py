"""Sidekiq's JSON log, `ts`, `pid`, `tid`, `lvl`, `msg`, and the job in `ctx`; and jobs as they are queued.

"start" and "done" are of a job, not of a process. A job is of its class, that of Active Job (`wrapped`) where
it has one; `retry_count` is 0 in its second attempt. Source: Sidekiq, Logger::Formatters::JSON; wiki,
"Logging", "Job Format".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path


def _match(shape: Shape) -> Path | None:
    is_log = shape.has("ts", "pid", "tid", "lvl", "msg", "ctx")
    return () if is_log or shape.has("class", "args", "jid") else None


FORMAT = JsonFormat(
    name="sidekiq",
    priority=811,
    match=_match,
    inputs={
        "job": ("ctx", "jid"),
        "kind": ("ctx", "class"),
        "text": ("msg",),
        "queued": ("class",),
        "wrapped": ("wrapped",),
        "retried": ("retry_count",),
    },
    derived={
        "operation": "CASE WHEN {job} IS NULL THEN {operation} WHEN {text} = 'start' THEN 'process' END",
        "event_type": "coalesce({kind}, {wrapped}, {queued}, {event_type}, {text})",
        "attempt": "coalesce({attempt}, (try_cast({retried} AS INTEGER) + 2)::VARCHAR)",
    },
)
