"""The JSON console of .NET's logging: `EventId`, `LogLevel`, `Category`, `Message`, `State`, `Scopes`.

`EventId` numbers the statement in the program that logs, never an event. What is logged with names is
in `State`; the scope of an activity tells the trace and the span it was written in, its cause. Source:
Microsoft.Extensions.Logging.Console, JsonConsoleFormatter.
"""

from ingest.formats.base import JsonFormat

_STATED = {
    "event_id": ("MessageId", "messageId", "EventId", "eventId"),
    "causation_id": ("CausationId", "causationId"),
    "correlation_id": ("CorrelationId", "correlationId", "ConversationId", "conversationId"),
    "event_type": ("EventType", "eventType", "EventName", "eventName", "MessageType", "messageType"),
}
_NOTHING = "'', '(null)', '00000000-0000-0000-0000-000000000000'"
"""What is written where a value is null, or the empty GUID."""


def _scoped(name: str) -> str:
    """SQL: the value of the outermost scope that has it."""
    return f"nullif(json_extract_string({{scopes}}, '$[*].{name}')[1], '')"


def _stated(role: str) -> str:
    values = (f"{{{role}_{number}}}" for number in range(len(_STATED[role])))
    return ", ".join(f"CASE WHEN {one} NOT IN ({_NOTHING}) THEN {one} END" for one in values)


_SPAN = f"nullif({_scoped('SpanId')}, '0000000000000000')"

FORMAT = JsonFormat(
    name="dotnet_console",
    priority=805,
    match=lambda shape: () if shape.has("EventId", "LogLevel", "Category") else None,
    fields={
        "event_id": (),
        "event_type": (),
        "occurred_at": (("Timestamp",),),
        "severity": (("LogLevel",),),
        "message": (("Message",),),
    },
    inputs={
        "category": ("Category",),
        "template": ("State", "{OriginalFormat}"),
        "scopes": ("Scopes",),
        **{
            f"{role}_{number}": ("State", name)
            for role, names in _STATED.items()
            for number, name in enumerate(names)
        },
    },
    derived={
        "event_id": f"coalesce({_stated('event_id')})",
        "causation_id": f"coalesce({{causation_id}}, {_stated('causation_id')}, {_SPAN})",
        "correlation_id": f"coalesce({{correlation_id}}, {_stated('correlation_id')}, {_scoped('TraceId')})",
        "event_type": f"coalesce({_stated('event_type')}, {{event_type}}, {{template}}, {{message}})",
        "service": "coalesce({service}, {category})",
    },
)
