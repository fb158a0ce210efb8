"""A lock manager with workers that take two locks each: in one order, until one node takes them in the other.

Shares no code with what is under test. Locks are `order-N` and `stock-M`; a worker asks for its second lock
while it holds the first, works, and gives both back. Who waits in a circle is told a second later, when
one of them is rolled back.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

WORKERS = 60
NODES = 6
DEADLOCK_TIMEOUT_S = 1.0


@dataclass
class Office:
    """Runs until the first deadlock after the switch, or for so long."""

    seed: int
    switch_s: float
    length_s: float
    rows: list[tuple[float, str, str, str]] = field(default_factory=list)
    """Seconds, operation, owner, resource."""
    first_deadlock_s: float | None = None

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._numbers = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._holder: dict[str, str] = {}
        self._queues: dict[str, list[tuple[str, Callable[[], None]]]] = {}
        self._waits_for: dict[str, str] = {}
        self._now = 0.0

    def run(self) -> None:
        for worker in range(WORKERS):
            self._after(self._dice.expovariate(0.5), lambda worker=worker: self._begin(worker))
        while self._events and self.first_deadlock_s is None:
            self._now, _, act = heapq.heappop(self._events)
            if self._now > self.length_s:
                return
            act()

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._numbers), act))

    def _log(self, operation: str, owner: str, resource: str) -> None:
        self.rows.append((self._now, operation, owner, resource))

    def _begin(self, worker: int) -> None:
        owner = f"node-{worker % NODES}/tx-{next(self._numbers)}"
        wanted = [f"order-{self._dice.randrange(150)}", f"stock-{self._dice.randrange(150)}"]
        if worker % NODES == 0 and self._now >= self.switch_s:
            wanted.reverse()

        def first() -> None:
            self._after(self._dice.uniform(0.01, 0.05), lambda: self._ask(owner, wanted[1], second))

        def second() -> None:
            self._after(self._dice.uniform(0.01, 0.05), end)

        def end() -> None:
            for resource in wanted:
                self._release(owner, resource)
            self._after(self._dice.expovariate(0.5), lambda: self._begin(worker))

        self._ask(owner, wanted[0], first)

    def _ask(self, owner: str, resource: str, then: Callable[[], None]) -> None:
        if resource not in self._holder:
            self._grant(owner, resource, then)
            return
        self._log("lock_wait", owner, resource)
        self._queues.setdefault(resource, []).append((owner, then))
        self._waits_for[owner] = resource
        self._after(DEADLOCK_TIMEOUT_S, lambda: self._look(owner))

    def _grant(self, owner: str, resource: str, then: Callable[[], None]) -> None:
        self._holder[resource] = owner
        self._waits_for.pop(owner, None)
        self._log("lock_acquire", owner, resource)
        then()

    def _release(self, owner: str, resource: str) -> None:
        del self._holder[resource]
        self._log("lock_release", owner, resource)
        if self._queues.get(resource):
            self._grant(*self._next(resource))

    def _next(self, resource: str) -> tuple[str, str, Callable[[], None]]:
        owner, then = self._queues[resource].pop(0)
        return owner, resource, then

    def _look(self, owner: str) -> None:
        seen, at = [owner], owner
        while at in self._waits_for:
            at = self._holder[self._waits_for[at]]
            if at == owner:
                self.first_deadlock_s = self._now
                self._log("deadlock", owner, self._waits_for[owner])
                return
            if at in seen:
                return
            seen.append(at)
