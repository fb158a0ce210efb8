"""Serilog's compact log event format (CLEF): `@t`, `@mt`, `@l` and properties at the top.

The template `@mt` is the type of the event; `@i` is a hash of it, never an id. Without `@l` the
level is Information. The flow is what a property calls it, else the trace `@tr`. With a start `@st` it
is a span, named `@sp` below `@ps`; else it was written in the span `@sp`, its cause. Source:
serilog-formatting-compact; SerilogTracing.
"""

from ingest.formats.base import JsonFormat
from ingest.names import NAMES
from ingest.vocabulary import GENERIC

_PARENT = "coalesce(CASE WHEN {start} IS NULL OR in_parent_id <> {span} THEN in_parent_id END, {parent})"

FORMAT = JsonFormat(
    name="serilog_clef",
    priority=800,
    match=lambda shape: () if shape.has("@t") else None,
    by_value=True,
    vocabulary=GENERIC.changed(parent_id=(*NAMES["parent_id"], "@sp")),
    fields={
        "occurred_at": (("@t",),),
        "message": (("@m",), ("@mt",)),
        "severity": (("@l",),),
        # Where a span has an id of another name as well, no column holds this one: it stays in attributes.
        "links": (("@sp",),),
    },
    named={"links"},
    inputs={
        "template": ("@mt",),
        "trace": ("@tr",),
        "span": ("@sp",),
        "parent": ("@ps",),
        "start": ("@st",),
        "source": ("SourceContext",),
    },
    computed={
        "service": "coalesce({service}, {source})",
        "event_id": "coalesce({event_id}, CASE WHEN {start} IS NOT NULL THEN {span} END)",
        "causation_id": f"coalesce(in_causation_id, {_PARENT})",
        "cause_kind": (
            "CASE WHEN in_causation_id IS NOT NULL THEN 'causation'"
            f" WHEN {_PARENT} IS NOT NULL THEN 'parent' END"
        ),
        "severity": "coalesce({severity}, 'Information')",
        "event_type": "coalesce({event_type}, {template})",
        "correlation_id": "coalesce({correlation_id}, {trace})",
    },
)
