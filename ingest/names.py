"""Which field names mean what: the lists that read a JSON line nobody described.

Names are compared without case and separators, so `causation_id`, `causationId` and
`causation.id` are one name. Within a list the first name wins. The canonical format
(docs/log-formats.md) uses the first name of most lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

Path = tuple[str, ...]
"""Keys from the top of a record to a field."""

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "event_id": (
        "id", "event_id", "message_id", "messaging.message.id", "msg_id", "event_uuid",
        "log.record.uid", "uuid", "guid",
    ),
    "occurred_at": (
        "time", "timestamp", "@timestamp", "ts", "@t", "datetime", "event_time", "occurred_at",
        "event.created", "created_at", "time_unix_nano", "asctime", "date",
    ),
    "service": (
        "service.name", "service", "source", "app", "app_name", "application",
        "application_name", "app_id", "component",
    ),
    "node": (
        "node", "node_id", "instance", "instance_id", "service.instance.id", "service.node.name",
        "process.name", "host.name", "hostname", "host", "pod", "pod_name", "worker", "server",
    ),
    "operation": (
        "operation", "op", "messaging.operation.type", "messaging.operation", "action",
        "event.action", "event",
    ),
    "event_type": (
        "type", "event_type", "message_type", "event_name", "event.name", "kind", "event", "name",
    ),
    "stream": (
        "stream", "queue", "topic", "destination", "messaging.destination.name", "channel",
        "routing_key", "exchange",
    ),
    "stream_key": (
        "partition_key", "stream_key", "key", "message_key", "ordering_key", "aggregate_id",
        "entity_id", "subject", "device", "device_id", "sensor_id", "account_id", "customer_id",
        "order_id",
    ),
    "epoch": ("epoch", "producer_epoch"),
    "sequence": (
        "sequence", "seq", "sequence_number", "seq_no", "sequence_no", "event.sequence",
        "event_number", "message_number",
    ),
    "broker_sequence": ("offset", "stream_seq", "position", "lsn", "messaging.kafka.offset"),
    "causation_id": (
        "causation_id", "cause_id", "cause", "caused_by", "triggered_by", "trigger_id",
        "source_event_id", "in_reply_to", "related_to",
    ),
    "parent_id": ("parent_id", "parent_event_id", "parent", "parent_span_id"),
    "correlation_id": (
        "correlation_id", "conversation_id", "messaging.message.conversation_id", "trace_id",
        "request_id", "transaction.id", "saga_id", "workflow_id", "flow_id", "root_id", "root",
    ),
    "schema_version": ("schema_version", "event_version", "data_schema", "payload_revision"),
    "entity": ("entity", "entity_id", "aggregate_id", "aggregate", "object_id"),
    "entity_version": ("entity_version", "aggregate_version", "row_version", "after_version"),
    "expected_version": ("expected_version", "before_version", "if_match"),
    "attempt": (
        "attempt", "delivery_count", "deliveries", "times_delivered", "delivery_attempt",
    ),
    "is_redelivered": ("redelivered", "is_redelivered"),
    "severity": ("severity", "level", "log.level", "lvl", "log_level", "severity_text"),
    "message": ("message", "msg", "error.message", "error", "text"),
    "lock_resource": ("resource", "lock", "lock_name", "lock_id"),
    "lock_owner": ("owner", "holder", "thread", "transaction_id", "tx_id"),
    "lock_mode": ("mode", "lock_mode"),
    "lock_blocked_by": ("blocked_by", "waits_for", "held_by"),
}  # fmt: skip
"""Role -> names, best first. `parent_id` and `broker_sequence` fill causation_id and sequence."""

OPERATION_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "create": ("create", "created"),
    "send": (
        "send", "sent", "publish", "published", "emit", "emitted", "produce", "produced",
        "enqueue", "enqueued", "dispatch", "dispatched", "xadd",
    ),
    "receive": (
        "receive", "received", "deliver", "delivered", "consume", "consumed", "dequeue",
        "dequeued", "poll", "polled",
    ),
    "process": ("process", "processed", "processing", "handle", "handled", "handling"),
    "settle": (
        "settle", "settled", "ack", "acked", "acknowledge", "acknowledged", "nack", "nacked",
        "reject", "rejected", "requeue", "requeued", "xack",
    ),
    "change": ("change", "config_change", "config_changed", "deploy", "deployed"),
    "start": ("start", "started", "startup"),
    "stop": ("stop", "stopped", "shutdown"),
    "crash": ("crash", "crashed"),
}  # fmt: skip
"""Operation -> the words logs use for it."""

LOCK_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "lock_wait": ("lock_wait", "wait", "waiting", "blocked"),
    "lock_acquire": ("lock_acquire", "acquire", "acquired", "locked"),
    "lock_release": ("lock_release", "release", "released", "unlock", "unlocked"),
    "deadlock": ("deadlock",),
}
"""The same for locks; counted only in a record that names a locked resource."""

WRAPPERS: Final = frozenset(
    {"metadata", "meta", "headers", "properties", "attributes", "context", "envelope", "fields"}
)
"""Objects that only hold fields: `metadata.causation_id` means `causation_id`."""

CONTAINERS: Final = WRAPPERS | {
    "event", "service", "host", "log", "trace", "transaction", "span", "parent", "process",
    "messaging", "error", "cause", "source", "message", "data", "payload", "body", "record",
}  # fmt: skip
"""Objects that are looked into."""

CANDIDATE_ENVELOPES: Final = frozenset(
    {"event", "data", "payload", "body", "message", "record", "msg", "fields"}
)
"""Objects a log line may carry a whole event in; only known envelopes are taken from them."""

_SEPARATORS = re.compile(r"[_\-.\s]+")


@lru_cache(maxsize=65_536)
def normalise(name: str) -> str:
    """A name without case and separators."""
    return _SEPARATORS.sub("", name).lower()


_RANK: Final = {
    role: {normalise(name): rank for rank, name in enumerate(names)}
    for role, names in NAMES.items()
}
_ROLES_OF: Final[dict[str, tuple[str, ...]]] = {}
for _role, _ranks in _RANK.items():
    for _name in _ranks:
        _ROLES_OF[_name] = (*_ROLES_OF.get(_name, ()), _role)


def _candidate_names(path: Path) -> tuple[str, ...]:
    joined = normalise("".join(path))
    inner = path
    while len(inner) > 1 and normalise(inner[0]) in WRAPPERS:
        inner = inner[1:]
    stripped = normalise("".join(inner))
    return (joined,) if stripped == joined else (joined, stripped)


def roles(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Role -> the paths that can fill it, best first.

    Ordered by the place of the name in its list, then by depth, then by the path itself, so
    that the answer for a record does not depend on which other records were read with it.
    """
    found: dict[str, list[tuple[int, int, Path]]] = {}
    for path in paths:
        for name in _candidate_names(path):
            for role in _ROLES_OF.get(name, ()):
                found.setdefault(role, []).append((_RANK[role][name], len(path), path))
    return {
        role: list(dict.fromkeys(path for *_, path in sorted(candidates)))
        for role, candidates in found.items()
    }


def sort_key(role: str, path: Path) -> tuple[int, int, Path]:
    """Where `path` stands among all paths that can ever fill `role`; unknown names come last."""
    ranks = [_RANK.get(role, {}).get(name, 1_000) for name in _candidate_names(path)]
    return (min(ranks), len(path), path)
