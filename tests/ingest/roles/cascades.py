"""Flows of events that cause each other, as eight dialects and two that nobody knows log them."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """One event of a flow."""

    id: str
    cause: str | None
    root: str
    flow: str
    own: str
    """An id that a message has beside its own, which its effects name as their cause."""
    cause_own: str | None


def flows(rng: random.Random, count: int) -> list[Event]:
    """Events of so many flows, up to 6 steps deep."""

    def new() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    made = []
    for _ in range(count):
        root, flow = new(), new()
        waiting: list[tuple[str, Event | None, int]] = [(root, None, 0)]
        while waiting:
            name, cause, depth = waiting.pop()
            event = Event(name, cause and cause.id, root, flow, new(), cause and cause.own)
            made.append(event)
            effects = rng.choices([0, 1, 2, 3], [35, 40, 20, 5])[0] if depth < 6 else 0
            waiting.extend((new(), event, depth + 1) for _ in range(effects))
    return made


def survivors(rng: random.Random, events: list[Event]) -> list[Event]:
    """Without 8 % of them, with 2 % twice, in any order."""
    kept = [event for event in events if rng.random() > 0.08]
    kept += rng.sample(kept, len(kept) // 50)
    rng.shuffle(kept)
    return kept


def number(name: str) -> int:
    """A long number for an id."""
    return int(name[:8], 16) + 7 * 10**11


Record = Callable[[Event], dict[str, Any]]
DIALECTS: dict[str, tuple[Record, str, str, str]] = {
    "cloudevents": (
        lambda e: {"id": e.id, "causationid": e.cause, "correlationid": e.flow},
        "id", "causationid", "correlationid",
    ),
    "event store": (
        lambda e: {"eventId": e.id, "metadata": {"$causationId": e.cause, "$correlationId": e.flow}},
        "eventId", "metadata.$causationId", "metadata.$correlationId",
    ),
    "the correlation is the cause": (
        lambda e: {"eventIdentifier": e.id, "correlationId": e.cause, "traceId": e.cause and e.root},
        "eventIdentifier", "correlationId", "traceId",
    ),
    "the correlation is the flow": (
        lambda e: {"identifier": e.id, "causationId": e.cause, "correlationId": e.root},
        "identifier", "causationId", "correlationId",
    ),
    "the cause is named by its second id": (
        lambda e: {
            "messageId": e.id, "correlationId": e.own, "initiatorId": e.cause_own, "conversationId": e.flow,
        },
        "correlationId", "initiatorId", "conversationId",
    ),
    "spans": (
        lambda e: {"spanId": e.id[:18], "parentSpanId": e.cause and e.cause[:18], "traceId": e.flow},
        "spanId", "parentSpanId", "traceId",
    ),
    "nobody knows the names": (
        lambda e: {"uid": e.id, "why": e.cause, "story": e.flow, "tenant": f"t-{int(e.flow[:2], 16) % 7}"},
        "uid", "why", "story",
    ),
    "nested, as numbers": (
        lambda e: {
            "ref": {"no": number(e.id), "after": e.cause and number(e.cause)},
            "n": int(e.id[0], 16), "flow": e.flow,
        },
        "ref.no", "ref.after", "flow",
    ),
}  # fmt: skip
"""Name -> how an event is logged, and which fields are its id, its cause and its flow."""


def written(events: list[Event], record: Record) -> bytes:
    """The lines of a log."""
    return b"".join(json.dumps(record(event)).encode() + b"\n" for event in events)
