"""Flows of events that cause each other, as the frameworks and stores that are known would log them."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
_START = datetime(2026, 3, 10, 8, tzinfo=UTC)
_DEEPEST = 6


@dataclass(frozen=True)
class Event:
    """One event of a flow, with all the ids that a dialect may write."""

    id: str
    own: str
    """The id beside its own that the effects of a MassTransit message name."""
    cause: Event | None
    root: str
    flow: str
    at: datetime
    entity: str
    number: int
    has_effects: bool
    dice: float
    """In [0, 1): picks one of the ways a dialect has to write an event."""


def flows(rng: random.Random, count: int) -> Iterator[Event]:
    """The events of so many flows: trees of up to 6 steps."""

    def new() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    for _ in range(count):
        root, flow = new(), new()
        waiting: list[tuple[str, Event | None, int]] = [(root, None, 0)]
        while waiting:
            name, cause, depth = waiting.pop()
            effects = rng.choices([0, 1, 2, 3], [35, 40, 20, 5])[0] if depth < _DEEPEST else 0
            at = (cause.at if cause else _START) + timedelta(microseconds=rng.randrange(10**6))
            number, entity = rng.randrange(50), new()
            event = Event(name, new(), cause, root, flow, at, entity, number, effects > 0, rng.random())
            yield event
            waiting.extend((new(), event, depth + 1) for _ in range(effects))


def survivors(rng: random.Random, events: list[Event]) -> list[Event]:
    """Without 8 % of them, with 2 % twice, in any order."""
    kept = [event for event in events if rng.random() >= 0.08]
    kept += rng.sample(kept, len(kept) // 50)
    rng.shuffle(kept)
    return kept


def _iso(event: Event) -> str:
    return event.at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _axon_4(event: Event) -> Json:
    about = {"traceId": event.root, "correlationId": event.cause.id} if event.cause else {}
    common = {
        "aggregateIdentifier": event.entity,
        "type": "Order",
        "sequenceNumber": event.number,
        "timestamp": _iso(event),
        "payloadType": "shop.OrderChanged",
        "payloadRevision": None,
        "eventIdentifier": event.id,
    }
    if event.dice < 1 / 3:
        return {**common, "metaData": about, "payload": {"total": event.number}}
    if event.dice < 2 / 3:
        return {**common, "serializedPayload": "{}", "serializedMetaData": json.dumps(about)}
    entries = (f"<entry><string>{k}</string><string>{v}</string></entry>" for k, v in about.items())
    text = f"<meta-data>{''.join(entries)}</meta-data>"
    number = {"sequenceNumber": str(event.number), "serializedMetaData": text}
    return {"_id": event.entity[:8], **common, "serializedPayload": "<order/>", **number}


def _axon_5(event: Event) -> Json:
    about = {"correlationId": event.root, "causationId": event.cause.id} if event.cause else {}
    common = {"identifier": event.id, "timestamp": _iso(event), "payload": {}, "metadata": about}
    if event.dice < 1 / 2:
        return {"type": "shop.OrderChanged#1.0.0", **common}
    return {**common, "payloadType": "shop.OrderChanged", "aggregateIdentifier": event.entity}


def _masstransit(event: Event) -> Json:
    # Nobody needs the correlation id of a message that causes nothing.
    own = event.own if event.has_effects or event.dice < 1 / 2 else None
    return {
        "messageId": event.id,
        "requestId": None,
        "correlationId": own,
        "conversationId": event.flow,
        "initiatorId": event.cause and event.cause.own,
        "sourceAddress": "rabbitmq://mq/orders",
        "destinationAddress": "rabbitmq://mq/billing",
        "messageType": ["urn:message:Shop:OrderChanged"],
        "message": {"orderId": event.entity, "correlationId": event.entity},
        "sentTime": _iso(event),
        "headers": {},
        "host": {"machineName": "orders-1", "processId": 7},
    }


def _nservicebus(event: Event) -> Json:
    headers = {
        "MessageId": event.id,
        "MessageIntent": "Publish",
        "ConversationId": event.flow,
        "CorrelationId": event.root,
        "TimeSent": event.at.strftime("%Y-%m-%d %H:%M:%S:%f Z"),
        "OriginatingEndpoint": "Sales",
        "EnclosedMessageTypes": "Shop.OrderChanged, Shop, Version=1.0.0.0",
        **({"RelatedTo": event.cause.id} if event.cause else {}),
    }
    named = {f"NServiceBus.{name}": value for name, value in headers.items()}
    if event.dice < 1 / 3:
        return named
    return {"Headers": named, "Body": {}} if event.dice < 2 / 3 else {"level": "INFO", "headers": named}


def _kurrent(event: Event) -> Json:
    about = {"$correlationId": event.flow, **({"$causationId": event.cause.id} if event.cause else {})}
    stream = {"streamId": f"order-{event.entity}", "created": _iso(event)}
    if event.dice < 1 / 3:
        text = {"metaData": json.dumps(about), "data": "{}", "isJson": True}
        return {
            "eventId": event.id,
            "eventType": "OrderChanged",
            "eventNumber": event.number,
            **stream,
            **text,
        }
    if event.dice < 2 / 3:
        objects = {"data": {}, "metadata": about}
        return {
            "eventId": event.id,
            "eventType": "OrderChanged",
            "eventNumber": event.number,
            **stream,
            **objects,
        }
    recorded = {"id": event.id, "type": "OrderChanged", "revision": str(event.number), **stream}
    return {"event": {**recorded, "data": {"id": event.entity}, "metadata": about}, "commitPosition": "7"}


def _cloudevents(event: Event) -> Json:
    extensions = {"correlationid": event.flow, **({"causationid": event.cause.id} if event.cause else {})}
    made = {
        "specversion": "1.0",
        "id": event.id,
        "source": "/orders",
        "type": "order.changed",
        "time": _iso(event),
        "sequence": f"{event.number:08}",
        **extensions,
        "data": {"id": event.entity},
    }
    if event.dice < 2 / 3:
        return made
    return {
        "topic": "orders",
        "partition": 0,
        "offset": event.number,
        "key": "k",
        "payload": json.dumps(made),
    }


DIALECTS: dict[str, Callable[[Event], Json]] = {
    "axon_4": _axon_4,
    "axon_5": _axon_5,
    "masstransit": _masstransit,
    "nservicebus": _nservicebus,
    "kurrent": _kurrent,
    "cloudevents": _cloudevents,
}
"""Name -> how an event is logged."""


def name_of(dialect: str, event: Event) -> str:
    """The id that an event has in a dialect: the one by which its effects name it."""
    is_named_twice = dialect == "masstransit" and _masstransit(event)["correlationId"]
    return event.own if is_named_twice else event.id


def written(dialect: str, events: list[Event]) -> list[bytes]:
    """The lines of a log; some of CloudEvents are batches."""
    records = [DIALECTS[dialect](event) for event in events]
    if dialect != "cloudevents":
        return [json.dumps(record).encode() + b"\n" for record in records]
    pieces = [records[start : start + 10] for start in range(0, len(records), 10)]
    return [
        b"".join(json.dumps(record).encode() + b"\n" for record in piece)
        if number % 3 or "payload" in piece[0]
        else json.dumps(piece, separators=(",", ":")).encode() + b"\n"
        for number, piece in enumerate(pieces)
    ]
