"""Messages that Raft nodes say they sent and received, without ids: from, to, type, term, index.

Flat, or as the object `msg` of a record or of its `event`, as etcd-raft's state traces have it. The
channel `from->to` is the stream; what the message says, all but the channel, is the key in it: no
id, for heartbeats are alike and no duplicates. The relation `message_pairs` finds the two ends. Source:
etcd-io/raft, state_trace.go.
"""

from __future__ import annotations

from typing import Final

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path
from ingest.vocabulary import GENERIC

_TYPES: Final = ("type", "msg_type", "msgType", "message_type", "messageType", "kind")
_CONTENT: Final = (
    *_TYPES, "term", "logTerm", "log_term", "logterm", "index", "commit", "entries", "reject", "rejectHint",
    "reject_hint", "vote", "snapshot", "context",
)  # fmt: skip
_NAMES: Final = ", ".join(f"'{'type' if key in _TYPES else key}'" for key in _CONTENT)
_KEYS: Final = ", ".join(f"'/{key}'" for key in _CONTENT)
_OBJECT: Final = (
    "CASE WHEN starts_with({event_msg}, '{{') THEN {event_msg} WHEN starts_with({msg}, '{{') THEN {msg}"
    " WHEN starts_with({msg_object}, '{{') THEN {msg_object} ELSE line END"
)
_FROM: Final = f"json_extract_string({_OBJECT}, '/from')"
_TO: Final = f"json_extract_string({_OBJECT}, '/to')"
_SAID: Final = "lower(coalesce({event_name}, {name}, {operation_word}, {event}, {action}, {direction}))"
_OPERATION: Final = (
    f"CASE WHEN starts_with({_SAID}, 'send') OR starts_with({_SAID}, 'sent') THEN 'send'"
    f" WHEN starts_with({_SAID}, 'rec') THEN 'receive' ELSE operation END"
)
_IS_MESSAGE: Final = f"({_FROM}) IS NOT NULL AND ({_TO}) IS NOT NULL"


def _match(shape: Shape) -> Path | None:
    if any(shape.names(name) for name in ("event_id", "message_id", "msg_id")):
        return None
    for above in ((), ("msg",), ("message",)):
        if all((*above, key) in shape.paths for key in ("from", "to", "term")):
            is_typed = any((*above, key) in shape.paths for key in _TYPES)
            return () if is_typed else None
    is_traced = {("event", "nid"), ("event", "name"), ("event", "role")} <= shape.paths
    return () if is_traced else None


FORMAT = JsonFormat(
    name="raft_trace",
    priority=660,
    match=_match,
    vocabulary=GENERIC.changed(message=("text",), stream=(), stream_key=(), event_id=()),
    fields={"node": (("event", "nid"), ("nid",), ("node",), ("id",))},
    named={"node"},
    inputs={
        "event_msg": ("event", "msg"),
        "msg": ("msg",),
        "msg_object": ("message",),
        "event_name": ("event", "name"),
        "name": ("name",),
        "operation_word": ("op",),
        "event": ("event",),
        "action": ("action",),
        "direction": ("direction",),
    },
    computed={
        "operation": _OPERATION,
        "stream": f"CASE WHEN {_IS_MESSAGE} THEN ({_FROM}) || '->' || ({_TO}) END",
        "stream_key": (
            f"CASE WHEN {_IS_MESSAGE}"
            f" THEN array_to_string(list_transform(json_extract_string({_OBJECT}, [{_KEYS}]),"
            f" lambda one, place: [{_NAMES}][place] || '=' || one), ' ') END"
        ),
        "node": (
            f"coalesce({{node}}, CASE {_OPERATION} WHEN 'send' THEN {_FROM} WHEN 'receive' THEN {_TO} END)"
        ),
        "event_type": (f"coalesce({{event_name}}, json_extract_string({_OBJECT}, '/type'), {{event_type}})"),
    },
)
