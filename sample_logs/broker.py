"""The message broker: streams, and the consumers that compete for their messages.

Ordered, a stream travels on one connection per producer and each key belongs to one consumer that
finishes a message, retries included, before it takes the next. Unordered, every message finds its
own way and the next free consumer takes it. Delivery is at least once either way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kernel import Dice, Kernel
from ledger import Observer, Turn
from nodes import Node
from settings import Configuration, Setup


@dataclass(frozen=True)
class Message:
    """An event on its way. `sequence` counts per stream, key and epoch of the producer."""

    id: str
    type: str
    stream: str
    key: str
    cause: str | None = None
    links: tuple[str, ...] = ()
    correlation: str | None = None
    entity: str | None = None
    entity_version: int | None = None
    expected_version: int | None = None
    schema_version: str = "1"
    epoch: str | None = None
    sequence: int | None = None
    turn: Turn | None = None
    """The submission of an order it belongs to; not on the wire."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of its log records."""

    def fields(self) -> dict[str, Any]:
        """What producer and consumers log of it."""
        return {
            "stream": self.stream,
            "partition_key": self.key,
            "sequence": self.sequence,
            "epoch": self.epoch,
            "causation_id": self.cause,
            "correlation_id": self.correlation,
            "entity": self.entity,
        }


@dataclass(frozen=True, eq=False)
class Delivery:
    """A copy of a message that waits for a consumer."""

    message: Message
    attempt: int = 1
    is_redelivered: bool = False


class Task:
    """A delivery in the hands of a consumer: exactly one of `done` and `retry` ends it."""

    def __init__(self, slot: Slot, delivery: Delivery):
        self.node = slot.node
        self.message = delivery.message
        self.attempt = delivery.attempt
        self.is_alive = True
        self.transaction: Any = None
        """The transaction it runs in, for whoever has to roll it back."""
        self._slot = slot
        self.delivery = delivery

    def done(self) -> None:
        """The message is handled: acknowledge it."""
        if self.is_alive:
            self.is_alive = False
            self._slot.acknowledge(self.delivery)

    def retry(self) -> bool:
        """Handle it again after a pause; False when it has been tried often enough."""
        if self.attempt >= self._slot.subscription.setup.retry_limit:
            return False
        self.is_alive = False
        self._slot.again(self.delivery)
        return True


Handler = Callable[[Task], None]


class Slot:
    """One consumer of a node: it handles one message at a time."""

    def __init__(self, subscription: Subscription, node: Node):
        self.subscription = subscription
        self.node = node
        self.lane: deque[Delivery] = deque()
        """Messages of the keys that belong to this consumer while the stream is ordered."""
        self.task: Task | None = None
        self.held: Delivery | None = None
        """What it has in hand, also while it pauses before it tries again."""

    def take(self, delivery: Delivery) -> None:
        self.subscription.note_receive(self.node, delivery)
        self._begin(delivery)

    def _begin(self, delivery: Delivery) -> None:
        self.held = delivery
        self.task = Task(self, delivery)
        self.subscription.handler(self.task)

    def acknowledge(self, delivery: Delivery) -> None:
        group, self.task = self.subscription, None
        if not group.dice.happens(group.setup.ack_loss):
            self._release()
            return
        copy = Delivery(delivery.message, delivery.attempt + 1, is_redelivered=True)
        if group.is_ordered():  # nothing behind an unacknowledged message is delivered
            group.kernel.after(group.setup.visibility, self._if_held(delivery, lambda: self.take(copy)))
        else:
            group.kernel.after(group.setup.visibility, lambda: group.offer(copy))
            self._release()

    def again(self, delivery: Delivery) -> None:
        group, self.task = self.subscription, None
        pause = group.dice.around(group.setup.backoff, 0.5)
        if group.is_ordered():  # in place: nothing overtakes it, and nobody delivers it again
            repeated = Delivery(delivery.message, delivery.attempt + 1, delivery.is_redelivered)
            group.kernel.after(pause, self._if_held(delivery, lambda: self._begin(repeated)))
        else:
            copy = Delivery(delivery.message, delivery.attempt + 1, is_redelivered=True)
            group.kernel.after(pause, lambda: group.offer(copy))
            self._release()

    def _if_held(self, delivery: Delivery, action: Callable[[], None]) -> Callable[[], None]:
        """The action, unless a crash takes the delivery away before."""

        def guarded() -> None:
            if self.held is delivery:
                action()

        return guarded

    def _release(self) -> None:
        self.held = None
        self.subscription.feed(self)


class Subscription:
    """A service that reads a stream: its nodes share the messages."""

    def __init__(self, broker: Broker, stream: str, service: str, handler: Handler, dice: Dice):
        self.kernel = broker.kernel
        self.setup = broker.setup
        self.stream = stream
        self.service = service
        self.handler = handler
        self.dice = dice
        self.slots: list[Slot] = []
        self.backlog: deque[Delivery] = deque()
        """Messages that any free consumer takes."""
        self._broker = broker
        self._owners: dict[str, Slot] = {}

    def is_ordered(self) -> bool:
        return self._broker.is_ordered(self.stream)

    def waiting(self) -> int:
        return len(self.backlog) + sum(len(slot.lane) for slot in self.slots)

    def offer(self, delivery: Delivery) -> None:
        """A message has come, for the first time or again."""
        if self._broker.is_down:
            return
        if self.is_ordered():
            slot = self._owner(delivery.message.key)
            slot.lane.append(delivery)
            self.feed(slot)
            return
        self.backlog.append(delivery)
        free = [slot for slot in self.slots if slot.held is None and slot.node.is_up]
        if free:
            self.feed(free[self.dice.pick(len(free))])

    def _owner(self, key: str) -> Slot:
        """The consumer a key belongs to; new keys go round, so that frequent ones are spread."""
        if key not in self._owners:
            self._owners[key] = self.slots[len(self._owners) % len(self.slots)]
        return self._owners[key]

    def feed(self, slot: Slot) -> None:
        """Give a consumer its next message, if it is free and there is one."""
        if slot.held is not None or not slot.node.is_up or self._broker.is_down:
            return
        if slot.lane:
            slot.take(slot.lane.popleft())
        elif self.backlog:
            slot.take(self.backlog.popleft())

    def note_receive(self, node: Node, delivery: Delivery) -> None:
        message = delivery.message
        stamp = node.log(
            "receive", message.type, message.id, **message.fields(),
            attempt=delivery.attempt if delivery.attempt > 1 else None,
            redelivered=delivery.is_redelivered or None,
        )  # fmt: skip
        self._broker.observer.received(
            node, message, stamp, self.kernel.now, is_redelivered=delivery.is_redelivered
        )

    def abandon(self, node: Node) -> list[Task]:
        """The node died: what its consumers had in hand goes back. Returns their tasks."""
        tasks = []
        for slot in self.slots:
            if slot.node is not node or slot.held is None:
                continue
            if slot.task is not None:
                slot.task.is_alive = False
                tasks.append(slot.task)
            copy = Delivery(slot.held.message, slot.held.attempt + 1, is_redelivered=True)
            slot.held = slot.task = None
            if self.is_ordered():
                slot.lane.appendleft(copy)
            else:
                self.kernel.after(self.setup.visibility, partial(self.offer, copy))
        return tasks

    def revive(self, node: Node) -> None:
        for slot in self.slots:
            if slot.node is node:
                self.feed(slot)

    def purge(self) -> None:
        """Forget all that waits."""
        self.backlog.clear()
        for slot in self.slots:
            slot.lane.clear()


class Broker:
    """Carries messages from producers to the subscriptions of their stream."""

    def __init__(
        self, kernel: Kernel, setup: Setup, configuration: Configuration, observer: Observer, seed: int
    ):
        self.kernel = kernel
        self.setup = setup
        self.observer = observer
        self.is_down = False
        self.subscriptions: list[Subscription] = []
        self.congestion = 1.0
        """How much longer the network takes than when nothing waits."""
        self._configuration = configuration
        self._seed = seed
        self._network = Dice(seed, "network")
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._tail: dict[tuple[str, str], int] = {}

    def is_ordered(self, stream: str) -> bool:
        return stream not in self._configuration.unordered_streams

    def subscribe(self, stream: str, service: str, nodes: list[Node], slots: int, handler: Handler) -> None:
        """Let `slots` consumers on each of `nodes` read `stream`."""
        dice = Dice(self._seed, f"{service} of {stream}")
        subscription = Subscription(self, stream, service, handler, dice)
        subscription.slots = [Slot(subscription, node) for _ in range(slots) for node in nodes]
        self.subscriptions.append(subscription)

    def waiting(self) -> int:
        return sum(subscription.waiting() for subscription in self.subscriptions)

    def number(self, node: Node, stream: str, key: str) -> int:
        """The next number of this producer in a stream and key."""
        place = (node.epoch, stream, key)
        self._numbers[place] = self._numbers.get(place, 0) + 1
        return self._numbers[place]

    def publish(self, node: Node, message: Message) -> None:
        """Log the send and put the message on the network."""
        node.log(
            "send", message.type, message.id, **message.fields(),
            links=list(message.links) or None,
            schema_version=message.schema_version,
            **message.data,
        )  # fmt: skip
        self.observer.sent(message)
        delay = self._network.around(self.setup.link, 0.3)
        if self.is_ordered(message.stream):
            place = (node.name, message.stream)
            arrival = max(self.kernel.now + delay, self._tail.get(place, 0))
            self._tail[place] = arrival
        else:
            wander = self._network.exponential(self.setup.jitter * self.congestion)
            arrival = self.kernel.now + delay + wander
            if self._network.happens(self.setup.resend):
                again = arrival + self._network.exponential(self.setup.jitter * self.congestion)
                self.kernel.at(again, lambda: self._arrive(message, is_first=False))
        self.kernel.at(arrival, lambda: self._arrive(message))

    def _arrive(self, message: Message, *, is_first: bool = True) -> None:
        lossy = not self.is_ordered(message.stream)
        for subscription in self.subscriptions:
            if subscription.stream != message.stream:
                continue
            if lossy and is_first and self._network.happens(self.setup.loss):
                self.observer.lost(message, subscription.service)
            else:
                subscription.offer(Delivery(message))

    def restart(self) -> None:
        """Come back empty, with nothing left of the producers before."""
        self.is_down = False
        self._numbers.clear()
        self._tail.clear()
        for subscription in self.subscriptions:
            subscription.purge()
