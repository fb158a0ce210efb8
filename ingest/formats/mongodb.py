"""The log of MongoDB from version 4.4 on: `t`, `s`, `c`, `id`, `ctx`, `msg`, and what it is about in `attr`.

`id` tells which of its messages it is, which comes again and again: it is no id of an event. The component
is the type, with that number; the context is a thread or a connection. Source: MongoDB Manual, "Log
Messages".
"""

from ingest.formats.base import JsonFormat
from ingest.formats.timestamped_text import spelled_out

FORMAT = JsonFormat(
    name="mongodb",
    priority=820,
    match=lambda shape: () if shape.has("t", "s", "c", "id", "ctx", "msg") else None,
    by_name=False,
    fields={
        "occurred_at": (("t",),),
        "severity": (("s",),),
        "event_type": (("c",),),
        "message": (("msg",),),
    },
    inputs={"number": ("id",)},
    derived={"severity": spelled_out("{severity}")},
    computed={"event_type": "'mongodb.' || lower({event_type}) || coalesce('.' || {number}, '')"},
)
