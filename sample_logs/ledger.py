"""What really happened, kept by the simulation itself while it runs: the truth beside the logs.

Nothing here is read back from a log. Instants are those the nodes wrote (their clocks), where a
reader of the logs can only know those, and the true ones where that is said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from kernel import SECOND

if TYPE_CHECKING:
    from broker import Message
    from locks import Deadlock
    from nodes import Node


@dataclass(eq=False)
class Turn:
    """One submission of an order. The first has no parent; each further one is caused by a
    compensation or a timeout of its parent.
    """

    order: str
    number: int
    started_at: int
    parent: Turn | None = None


class Observer:
    """Is told what happens, and does nothing with it."""

    def sent(self, message: Message) -> None: ...

    def received(
        self, node: Node, message: Message, stamp: int, now: int, *, is_redelivered: bool
    ) -> None: ...

    def lost(self, message: Message, consumer: str) -> None: ...

    def turned(self, turn: Turn) -> None: ...

    def gave_up(self, event_id: str, cause: str) -> None: ...

    def asked(self, held: str, resource: str, now: int) -> None: ...

    def deadlocked(self, deadlock: Deadlock) -> None: ...

    def wrote(self, event_id: str, entity: str, expected: int, version: int, stamp: int) -> None: ...

    def incident(self, kind: str, stamp: int, **facts: Any) -> None: ...


@dataclass(frozen=True)
class _Arrival:
    stamp: int
    node: str
    now: int
    event_id: str
    sequence: int | None


_VISITS = 4
"""So many make a loop."""
_WINDOW = 30 * SECOND
"""Of the loop gain."""
_Scope = tuple[str, str, str, str | None]
"""Consumer, stream, key, epoch of the producer: where numbers count."""


class Ledger(Observer):
    """Keeps everything, and sums it up as TRUTH.json."""

    def __init__(self) -> None:
        self._sent: dict[str, Message] = {}
        self._arrivals: dict[_Scope, list[_Arrival]] = defaultdict(list)
        self._copies: Counter[tuple[str, str]] = Counter()
        self._deliveries: Counter[str] = Counter()
        self._redelivered: Counter[str] = Counter()
        self._dropped: Counter[tuple[str, str]] = Counter()
        self._turns: list[Turn] = []
        self._given_up: list[tuple[str, str]] = []
        self._orders: dict[tuple[str, str], int] = {}
        self._deadlocks: list[Deadlock] = []
        self._incidents: list[dict[str, Any]] = []
        self._writes: list[tuple[str, int, int, int, str]] = []

    def sent(self, message: Message) -> None:
        self._sent[message.id] = message

    def received(self, node: Node, message: Message, stamp: int, now: int, *, is_redelivered: bool) -> None:
        consumer = node.service
        scope = (consumer, message.stream, message.key, message.epoch)
        self._arrivals[scope].append(_Arrival(stamp, node.name, now, message.id, message.sequence))
        self._copies[consumer, message.id] += 1
        self._deliveries[consumer] += 1
        self._redelivered[consumer] += is_redelivered

    def lost(self, message: Message, consumer: str) -> None:
        self._dropped[message.stream, consumer] += 1

    def turned(self, turn: Turn) -> None:
        self._turns.append(turn)

    def gave_up(self, event_id: str, cause: str) -> None:
        self._given_up.append((cause, event_id))

    def asked(self, held: str, resource: str, now: int) -> None:
        # Within a class only the same two locks can be in the way of each other.
        first, second = _class(held), _class(resource)
        self._orders.setdefault((held, resource) if first == second else (first, second), now)

    def deadlocked(self, deadlock: Deadlock) -> None:
        self._deadlocks.append(deadlock)

    def wrote(self, event_id: str, entity: str, expected: int, version: int, stamp: int) -> None:
        self._writes.append((entity, stamp, expected, version, event_id))

    def incident(self, kind: str, stamp: int, **facts: Any) -> None:
        self._incidents.append({"stamp": stamp, "kind": kind, **facts})

    # ---- the sums ----

    def truth(self, instant: Callable[[int], str]) -> dict[str, Any]:
        """All of it; `instant` spells a stamp as the logs do."""
        by_log, by_time = self._late(true_order=False), self._late(true_order=True)
        return {
            "publishes": len(self._sent),
            "publishes_by_stream": _counts(Counter(message.stream for message in self._sent.values())),
            "deliveries": _counts(self._deliveries),
            "redelivered": _counts(self._redelivered),
            "late_deliveries": [
                {"consumer": consumer, "stream": stream, "late": late, "late_first_copies": first}
                for (consumer, stream), (late, first) in sorted(by_log.items())
            ],
            "late_first_copies_in_true_order": sum(first for _, first in by_time.values()),
            "delivered_more_than_once": self._duplicates(),
            "dropped_by_the_network": [
                {"stream": stream, "consumer": consumer, "messages": count}
                for (stream, consumer), count in sorted(self._dropped.items())
            ],
            "never_arrived": self._never_arrived(),
            "gaps": self._gaps(),
            **self._causality(),
            "loops": self._loops(),
            "turns": len(self._turns),
            "given_up": len(self._given_up),
            "loop_gain": self._gain(instant),
            "inversions": self._inversions(instant),
            "deadlocks": [self._deadlock(deadlock, instant) for deadlock in self._deadlocks],
            "deadlocks_per_hour": self._per_hour(instant),
            "overwritten": len(self._overwriting()),
            "incidents": [
                {"at": instant(one["stamp"]), **{name: one[name] for name in one if name != "stamp"}}
                for one in self._incidents
            ],
        }

    def planted(self) -> dict[str, set[tuple[str, ...]]]:
        """Every finding by what names it, for whoever compares one by one: kind -> findings.

        late: consumer, stream, event. copied: consumer, event. missing: consumer, stream, key,
        epoch, number. edge: cause, effect. loop: root, type, entity. deadlock: its members.
        overwriting: event.
        """
        return {
            "late": {
                (consumer, stream, one.event_id)
                for (consumer, stream, _, _), arrivals in self._arrivals.items()
                for one, is_first in _behind(arrivals, true_order=False)
                if is_first
            },
            "copied": {one for one, count in self._copies.items() if count > 1},
            "missing": {
                (
                    gap["consumer"], gap["stream"], gap["partition_key"] or "", gap["epoch"] or "",
                    str(number),
                )
                for gap in self._gaps()
                for number in range(gap["first_missing"], gap["last_missing"] + 1)
            },
            "edge": self._edges(),
            "loop": {(loop["root"], loop["type"], loop["entity"]) for loop in self._loops()},
            "deadlock": {
                tuple(sorted(edge.owner for edge in deadlock.edges)) for deadlock in self._deadlocks
            },
            "overwriting": {(event_id,) for event_id in self._overwriting()},
        }  # fmt: skip

    def _late(self, *, true_order: bool) -> dict[tuple[str, str], tuple[int, int]]:
        """Consumer and stream -> arrivals after a greater number (RFC 4737), and the first copies
        among them.
        """
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for (consumer, stream, _, _), arrivals in self._arrivals.items():
            behind = [is_first for _, is_first in _behind(arrivals, true_order=true_order)]
            if behind:
                late, first = found.get((consumer, stream), (0, 0))
                found[consumer, stream] = (late + len(behind), first + sum(behind))
        return found

    def _duplicates(self) -> list[dict[str, Any]]:
        events: Counter[str] = Counter()
        copies: Counter[str] = Counter()
        for (consumer, _), count in self._copies.items():
            if count > 1:
                events[consumer] += 1
                copies[consumer] += count - 1
        return [
            {"consumer": consumer, "events": count, "copies": copies[consumer]}
            for consumer, count in sorted(events.items())
        ]

    def _never_arrived(self) -> list[dict[str, Any]]:
        readers = defaultdict(set)
        for consumer, stream, _, _ in self._arrivals:
            readers[stream].add(consumer)
        missing: Counter[tuple[str, str]] = Counter()
        for message in self._sent.values():
            for consumer in readers[message.stream]:
                missing[message.stream, consumer] += not self._copies[consumer, message.id]
        return [
            {"stream": stream, "consumer": consumer, "messages": count}
            for (stream, consumer), count in sorted(missing.items())
            if count
        ]

    def _gaps(self) -> list[dict[str, Any]]:
        """Runs of numbers that are missing between two that arrived: what a consumer can know."""
        found = []
        for (consumer, stream, key, epoch), arrivals in sorted(self._arrivals.items(), key=str):
            numbers = sorted({one.sequence for one in arrivals if one.sequence is not None})
            found += [
                {
                    "consumer": consumer, "stream": stream, "partition_key": key, "epoch": epoch,
                    "first_missing": before + 1, "last_missing": after - 1,
                }
                for before, after in pairwise(numbers)
                if after - before > 1
            ]  # fmt: skip
        return found

    def _overwriting(self) -> set[str]:
        """Writes that began from a version older than the newest written before, by the logged times."""
        newest: Counter[str] = Counter()
        found = set()
        for entity, _, expected, version, event_id in sorted(self._writes):
            if expected < newest[entity]:
                found.add(event_id)
            newest[entity] = max(newest[entity], version)
        return found

    def _edges(self) -> set[tuple[str, str]]:
        edges = set(self._given_up)
        for message in self._sent.values():
            edges |= {(cause, message.id) for cause in (message.cause, *message.links) if cause}
        for deadlock in self._deadlocks:
            edges |= {(cause, deadlock.id) for cause in deadlock.causes}
        return edges

    def _causality(self) -> dict[str, int]:
        edges = self._edges()
        effects = {effect for _, effect in edges}
        return {"edges": len(edges), "roots": len({cause for cause, _ in edges} - effects)}

    def _loops(self) -> list[dict[str, Any]]:
        """Chains that came back: (type, entity) seen again and again below one root."""
        depth: dict[str, int] = {}
        root: dict[str, str] = {}
        visits: dict[tuple[str, str, str], set[int]] = defaultdict(set)
        for message in self._sent.values():  # causes are sent before their effects
            above = message.cause
            depth[message.id] = depth[above] + 1 if above else 0
            root[message.id] = root[above] if above else message.id
            if message.entity:
                visits[root[message.id], message.type, message.entity].add(depth[message.id])
        return [
            {"root": first, "type": kind, "entity": entity, "visits": len(depths)}
            for (first, kind, entity), depths in sorted(visits.items())
            if len(depths) >= _VISITS
        ]

    def _gain(self, instant: Callable[[int], str]) -> list[dict[str, Any]]:
        """Per window: turns begun in it (first submissions apart), and the turns those caused."""
        parents: Counter[int] = Counter()
        children: Counter[int] = Counter()
        for turn in self._turns:
            if turn.parent is None:
                continue
            parents[turn.started_at // _WINDOW] += 1
            if turn.parent.parent is not None:
                children[turn.parent.started_at // _WINDOW] += 1
        return [
            {"since": instant(number * _WINDOW), "turns": count, "caused": children[number]}
            for number, count in sorted(parents.items())
        ]

    def _inversions(self, instant: Callable[[int], str]) -> list[dict[str, str]]:
        """Classes of locks that were asked for in both orders, and since when."""
        since: dict[tuple[str, str], int] = {}
        for (held, asked), at in self._orders.items():
            back = self._orders.get((asked, held))
            if held < asked and back is not None:
                classes = _class(held), _class(asked)
                since[classes] = min(max(at, back), since.get(classes, max(at, back)))
        return [
            {"first_class": first, "second_class": second, "inverted_at": instant(at)}
            for (first, second), at in sorted(since.items())
        ]

    @staticmethod
    def _deadlock(deadlock: Deadlock, instant: Callable[[int], str]) -> dict[str, Any]:
        return {
            "id": deadlock.id,
            "reported_at": instant(deadlock.reported_at),
            "closed_at": instant(deadlock.closed_at),
            "members": sorted(edge.owner for edge in deadlock.edges),
            "victim": deadlock.edges[0].owner,
            "resources": sorted({edge.resource for edge in deadlock.edges}),
        }

    def _per_hour(self, instant: Callable[[int], str]) -> dict[str, int]:
        """UTC hour -> deadlocks reported in it; hours without one are for the reader to add."""
        return _counts(Counter(instant(one.reported_at)[:13] + ":00:00Z" for one in self._deadlocks))


def _class(resource: str) -> str:
    """What locks are called but for their numbers: `account-#`."""
    return f"{resource.rpartition('-')[0]}-#"


def _behind(arrivals: list[_Arrival], *, true_order: bool) -> Iterator[tuple[_Arrival, bool]]:
    """The arrivals of a scope after a greater number (RFC 4737), and whether they are first copies."""
    greatest, seen = 0, set()
    for one in sorted(arrivals, key=lambda a: a.now if true_order else (a.stamp, a.node)):
        if one.sequence is None:
            continue
        if one.sequence < greatest:
            yield one, one.event_id not in seen
        seen.add(one.event_id)
        greatest = max(greatest, one.sequence)


def _counts(counter: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counter.items()) if count}
