"""Messages that nodes say they sent and received, without ids, as in Raft: from, to, type, term, index.

Those of other protocols have a ballot, a round or a view for the term, or a word that says which way they
went, and the node that says so may stand for one of the ends. Flat, or as the object `msg` of a record or of
its `event`, as etcd-raft's state traces have it. The channel `from->to` is the stream; what the message says,
all but the channel, is the key in it: no id, for heartbeats are alike and no duplicates. The relation
`message_pairs` finds the two ends. Source: etcd-io/raft, state_trace.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ingest.expressions import glued
from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path
from ingest.vocabulary import GENERIC

_TYPES: Final = ("msg_type", "msgType", "message_type", "messageType", "type", "kind")
_CONTENT: Final = (
    *_TYPES, "term", "logTerm", "log_term", "logterm", "index", "commit", "entries", "reject", "rejectHint",
    "reject_hint", "vote", "snapshot", "context", "ballot", "round", "view", "viewNumber", "view_number",
    "epoch", "proposal", "slot", "instance", "n", "seq", "key", "value", "digest", "payload", "body",
    "content", "data", "rumor", "ttl", "hops",
)  # fmt: skip
_ROUNDS: Final = ("term", "ballot", "round", "view", "viewNumber", "view_number", "epoch", "proposal", "slot")
_WAYS: Final = ("direction", "dir", "event", "action", "op")
_ENDS: Final = (("from", "src", "sender"), ("to", "dst", "dest", "receiver"))
_NODES: Final = ("node", "nid", "node_id", "nodeId", "host", "process", "server", "replica", "peer")
_NAMES: Final = ", ".join(f"'{'type' if key in _TYPES else key}'" for key in _CONTENT)
_KEYS: Final = ", ".join(f"'/{key}'" for key in _CONTENT)
_OBJECT: Final = (
    "CASE WHEN starts_with({event_msg}, '{{') THEN {event_msg} WHEN starts_with({msg}, '{{') THEN {msg}"
    " WHEN starts_with({msg_object}, '{{') THEN {msg_object} ELSE line END"
)
_PAIRS: Final = (
    f"list_transform(json_extract_string({{object}}, [{_KEYS}]),"
    f" lambda one, place: [{_NAMES}][place] || '=' || one)"
)
_SAID: Final = (
    "lower(coalesce({event_name}, {name}, {operation_word}, {event}, {action}, {direction}, {dir}, {type}))"
)
_OPERATION: Final = (
    "CASE WHEN starts_with({said}, 'send') OR starts_with({said}, 'sent') THEN 'send'"
    " WHEN starts_with({said}, 'rec') THEN 'receive' ELSE operation END"
)
_ASKED: Final = (*_ENDS[0], *_ENDS[1], *_TYPES, "term")
"""Keys of the message that are looked up together."""
_PLACES: Final = ", ".join(f"'/{key}'" for key in _ASKED)


def _first(names: Sequence[str]) -> str:
    """SQL: the first of these keys that the message has."""
    return f"coalesce({', '.join(f'{{told}}[{_ASKED.index(name) + 1}]' for name in names)})"


def _end(names: Sequence[str], operation: str) -> str:
    """One of the two ends; the node itself where only the other one is named."""
    return f"coalesce({_first(names)}, CASE WHEN {{did}} = '{operation}' THEN {{node}} END)"


def _names_no_other(shape: Shape) -> bool:
    """Whether it has no id but those of nodes, and no stream: it is no business event."""
    ids = {path[-1].lower() for path in shape.paths if path[-1].lower().endswith(("id", "guid"))}
    streams = ("topic", "queue", "stream", "exchange")
    return ids <= {"nid", "node_id", "nodeid"} and not any(shape.names(name) for name in streams)


def _match(shape: Shape) -> Path | None:
    if any(shape.names(name) for name in ("event_id", "message_id", "msg_id")):
        return None
    says_node = any(shape.has(name) for name in _NODES)
    for above in ((), ("msg",), ("message",)):
        ends = [any((*above, name) in shape.paths for name in names) for names in _ENDS]
        is_typed = any((*above, key) in shape.paths for key in _TYPES)
        if not (is_typed and (all(ends) or (any(ends) and says_node))):
            continue
        if all((*above, key) in shape.paths for key in ("from", "to", "term")):
            return ()
        if _names_no_other(shape) and any(
            (*above, key) in shape.paths for key in (*_ROUNDS, *(_WAYS if says_node else ()))
        ):
            return ()
    is_traced = {("event", "nid"), ("event", "name"), ("event", "role")} <= shape.paths
    return () if is_traced else None


FORMAT = JsonFormat(
    name="raft_trace",
    priority=660,
    match=_match,
    vocabulary=GENERIC.changed(message=("text",), stream=(), stream_key=(), event_id=()),
    fields={"node": (("event", "nid"), *((name,) for name in _NODES), ("id",))},
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
        "dir": ("dir",),
        "type": ("type",),
    },
    # Worked out once: a branch of CASE works out again what it names.
    prepared={
        "object": _OBJECT,
        "said": _SAID,
        "did": _OPERATION,
        "told": f"json_extract_string({{object}}, [{_PLACES}])",
        "sender": _end(_ENDS[0], "send"),
        "receiver": _end(_ENDS[1], "receive"),
        "is_message": (
            "{sender} IS NOT NULL AND {receiver} IS NOT NULL"
            f" AND ({_first(('term',))} IS NOT NULL OR {{did}} IN ('send', 'receive'))"
        ),
    },
    computed={
        "operation": "{did}",
        "stream": "CASE WHEN {is_message} THEN {sender} || '->' || {receiver} END",
        "stream_key": f"CASE WHEN {{is_message}} THEN {glued(_PAIRS, ' ')} END",
        "node": ("coalesce({node}, CASE {did} WHEN 'send' THEN {sender} WHEN 'receive' THEN {receiver} END)"),
        "event_type": f"coalesce({{event_name}}, {_first(_TYPES)}, {{event_type}})",
    },
)
