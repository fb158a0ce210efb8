"""Sidekiq's JSON log: `ts`, `pid`, `tid`, `lvl`, `msg`, and the job in `ctx`.

"start" and "done" are of a job, not of a process. Source: Sidekiq, Logger::Formatters::JSON; wiki,
"Logging".
"""

from ingest.formats.base import JsonFormat

FORMAT = JsonFormat(
    name="sidekiq",
    priority=811,
    match=lambda shape: () if shape.has("ts", "pid", "tid", "lvl", "msg", "ctx") else None,
    inputs={"job": ("ctx", "jid"), "kind": ("ctx", "class"), "text": ("msg",)},
    derived={
        "operation": "CASE WHEN {job} IS NULL THEN {operation} WHEN {text} = 'start' THEN 'process' END",
        "event_type": "coalesce({kind}, {event_type}, {text})",
    },
)
