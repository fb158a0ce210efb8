"""Which words of a log say what was done: operations, changes, and what is done with locks."""

from __future__ import annotations

from typing import Final

OPERATION_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "create": ("create", "created"),
    "send": (
        "send", "sent", "sending", "publish", "published", "publishing", "emit", "emitted", "emitting",
        "produce",
        "produced", "producing", "enqueue", "enqueued", "enqueuing", "dispatch", "dispatched", "dispatching",
        "xadd", "pub", "outbound", "outgoing", "out", "push", "pushed", "gesendet", "versendet", "ausgehend",
        "enviado", "enviada", "publicado", "publicada", "envoye", "envoyé", "emission", "émission", "envoi",
        "inviato", "pubblicato", "verzonden", "tx",
    ),
    "receive": (
        "receive", "received", "receiving", "recv", "deliver", "delivered", "delivering", "delivery",
        "consume",
        "consumed", "consuming", "dequeue", "dequeued", "poll", "polled", "pull", "pulled", "fetch",
        "fetched",
        "xreadgroup", "inbound", "incoming", "in", "arrived", "empfangen", "eingehend", "recibido",
        "recibida", "recebido", "recebida", "recu", "reçu", "reception", "réception", "ricevuto", "ontvangen",
        "rx",
    ),
    "process": (
        "process", "processed", "processing", "handle", "handled", "handling", "execute", "executed",
        "executing", "verarbeitet", "procesado", "processado", "traite", "traité", "elaborato", "verwerkt",
    ),
    "settle": (
        "settle", "settled", "ack", "acked", "acking", "acknowledge", "acknowledged", "nack", "nacked", "nak",
        "naked", "reject", "rejected", "requeue", "requeued", "xack", "dead_letter", "dead_lettered",
        "offset_commit", "offset_committed", "commit_offset", "committed_offset",
    ),
    "change": (
        "change", "deploy", "deployed", "deployment", "redeploy", "redeployed", "rollout", "rolled_out",
        "feature_flag", "change_config", "update_config", "reload_config", "new_version", "new_release",
        "rebalance", "rebalanced", "rebalancing", "failover", "leader_election", "leader_elected",
        "leader_changed", "scale_up", "scaled_up", "scale_down", "scaled_down", "scale_out", "scaled_out",
        "scale_in", "scaled_in",
    ),
    "start": ("start", "started", "startup", "starting", "restart", "restarted", "restarting"),
    "stop": ("stop", "stopped", "shutdown", "shut_down", "stopping", "shutting_down"),
    "crash": ("crash", "crashed", "oom_killed"),
}  # fmt: skip
"""Operation -> the words logs use for it."""

_PROGRAMS = (
    "service", "app", "application", "node", "instance", "server", "worker", "consumer", "producer", "broker",
    "container", "pod",
)  # fmt: skip

OPERATION_PHRASES: Final[dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]] = {
    "settings": (
        "change",
        (
            "config", "configuration", "setting", "settings", "feature_flag", "feature_toggle", "feature",
            "flag", "toggle", "schema", "topology",
        ),
        (
            "change", "changed", "update", "updated", "set", "toggled", "enabled", "disabled", "reload",
            "reloaded", "applied", "switched", "flipped", "migrated", "rolled_back",
        ),
    ),
    "deployments": (
        "change",
        ("deployment", "deploy", "release", "rollout", "rollback", "version", "upgrade", "migration"),
        (
            "start", "started", "begin", "complete", "completed", "finish", "finished", "done", "succeeded",
            "success", "failed", "deployed", "changed", "updated", "activated", "applied", "promoted",
            "rolled_back",
        ),
    ),
    "programs": (
        "change",
        _PROGRAMS,
        (
            "deploy", "deployed", "deployment", "redeployed", "upgraded", "released", "rollout", "rolled_out",
            "rolled_back", "version_changed", "scaled",
        ),
    ),
    "groups": (
        "change",
        ("consumer", "group", "consumer_group", "partition", "partitions"),
        ("rebalance", "rebalanced", "rebalancing", "reassigned", "revoked", "assigned"),
    ),
    "starts": (
        "start",
        _PROGRAMS,
        ("start", "started", "startup", "starting", "restart", "restarted", "restarting"),
    ),
    "stops": ("stop", _PROGRAMS, ("stop", "stopped", "shutdown", "shut_down", "stopping", "shutting_down")),
    "crashes": ("crash", (*_PROGRAMS, "process"), ("crash", "crashed", "died", "oom_killed")),
}  # fmt: skip
"""What of -> the operation, and the nouns and verbs that tell it together: `config.updated`."""

MESSAGE_NOUNS: Final = ("message", "msg", "event", "record", "basic")
"""What a word of send, receive, process or settle may stand with: `message_sent`, `basic.ack`."""

LOCK_NOUNS: Final = ("rwlock", "mutex", "latch", "semaphore", "monitor")
"""What a word of a wait, an acquisition or a release may stand with: `rwlock.acquired`, `mutex_wait`."""

LOCK_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "lock_wait": (
        "lock_wait", "wait", "waiting", "waits", "blocked", "lock_blocked", "lock_waiting", "wait_for_lock",
        "waiting_for_lock", "lock_requested", "lock_request", "request_lock", "acquiring",
    ),
    "lock_acquire": (
        "lock_acquire", "acquire", "acquired", "locked", "lock", "lock_acquired", "acquire_lock",
        "acquired_lock", "lock_granted", "read_lock", "write_lock", "read_locked", "write_locked",
        "lock_shared", "rlock", "rdlock", "wrlock",
    ),
    "lock_release": (
        "lock_release", "release", "released", "unlock", "unlocked", "lock_released", "release_lock",
        "released_lock", "read_unlock", "write_unlock", "read_unlocked", "write_unlocked",
        "unlock_shared", "runlock", "rdunlock", "wrunlock",
    ),
    "deadlock": ("deadlock", "deadlocked", "deadlock_detected", "lock_deadlock"),
}  # fmt: skip
"""The same for locks; counted only in a record that names a locked resource."""
