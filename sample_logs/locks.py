"""The lock manager of the ledger database: grants, waits, and finds deadlocks.

As in PostgreSQL, a transaction that has waited for the deadlock timeout looks for a cycle in the
wait-for graph that it is part of; if there is one, it is the victim and is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kernel import Kernel
from ledger import Observer
from nodes import Node
from settings import Setup

EXCLUSIVE, SHARED = "exclusive", "shared"


@dataclass(frozen=True)
class Wait:
    """An edge of the wait-for graph."""

    owner: str
    blocked_by: str
    resource: str
    mode: str
    statement: str
    since: int
    """True instant from which on it has been there."""


@dataclass(frozen=True)
class Deadlock:
    id: str
    reported_at: int
    """By the clock of the database."""
    closed_at: int
    """True instant at which the last edge of the cycle appeared."""
    edges: tuple[Wait, ...]
    """In the order of the cycle; the first waits for the second, and is the victim."""
    causes: tuple[str, ...]
    """Events whose handling collided, that of the victim first."""


@dataclass(eq=False)
class Transaction:
    owner: str
    event_id: str
    correlation: str | None
    on_victim: Callable[[], None]
    held: dict[str, int] = field(default_factory=dict)
    """Resource -> true instant of the grant."""
    request: _Request | None = None


@dataclass(eq=False)
class _Request:
    transaction: Transaction
    resource: str
    mode: str
    statement: str
    granted: Callable[[], None]
    since: int


@dataclass
class _Resource:
    holders: dict[Transaction, str] = field(default_factory=dict)
    queue: list[_Request] = field(default_factory=list)


class LockManager:
    """Locks with two modes and fair queues. Everything it logs is logged by the database node."""

    def __init__(self, kernel: Kernel, setup: Setup, node: Node, observer: Observer):
        self._kernel = kernel
        self._setup = setup
        self._node = node
        self._observer = observer
        self._resources: dict[str, _Resource] = {}

    def acquire(
        self, transaction: Transaction, resource: str, mode: str, statement: str, granted: Callable[[], None]
    ) -> None:
        """Ask for a lock; `granted` is called at once or when it is free."""
        request = _Request(transaction, resource, mode, statement, granted, self._kernel.now)
        for held in transaction.held:
            self._observer.asked(held, resource, self._kernel.now)
        place = self._resources.setdefault(resource, _Resource())
        place.queue.append(request)
        blockers = self._blockers(request)
        if not blockers:
            self._grant(request, waited=False)
            return
        transaction.request = request
        self._log("lock_wait", request, blocked_by=blockers[0][0].owner)
        self._kernel.after(self._setup.deadlock_timeout, lambda: self._check(request))

    def release(self, transaction: Transaction) -> None:
        """End a transaction: all it holds or waits for is free for others."""
        if transaction.request is not None:
            waited_for = transaction.request.resource
            self._resources[waited_for].queue.remove(transaction.request)
            transaction.request = None
            self._serve(waited_for)
        held, transaction.held = transaction.held, {}
        for resource in held:
            mode = self._resources[resource].holders.pop(transaction)
            if self._setup.log_all_locks:
                self._node.log(
                    "lock_release", "lock.released", owner=transaction.owner, resource=resource, mode=mode,
                    correlation_id=transaction.correlation,
                )  # fmt: skip
            self._serve(resource)

    def _blockers(self, request: _Request) -> list[tuple[Transaction, int]]:
        """Who stands in the way, and since when; holders first, then who is ahead in the queue."""
        place = self._resources[request.resource]

        def conflicts(other: str) -> bool:
            return EXCLUSIVE in (request.mode, other)

        found = [
            (holder, max(request.since, holder.held[request.resource]))
            for holder, mode in place.holders.items()
            if conflicts(mode)
        ]
        for ahead in place.queue:
            if ahead is request:
                break
            if conflicts(ahead.mode):
                found.append((ahead.transaction, request.since))
        return found

    def _grant(self, request: _Request, *, waited: bool) -> None:
        place, transaction = self._resources[request.resource], request.transaction
        place.queue.remove(request)
        place.holders[transaction] = request.mode
        transaction.held[request.resource] = self._kernel.now
        transaction.request = None
        if waited or self._setup.log_all_locks:
            self._log("lock_acquire", request)
        self._kernel.after(0, request.granted)

    def _serve(self, resource: str) -> None:
        place = self._resources[resource]
        for request in list(place.queue):
            if self._blockers(request):
                break
            self._grant(request, waited=True)
        if not (place.holders or place.queue):
            del self._resources[resource]

    def _log(self, operation: str, request: _Request, **further: Any) -> None:
        self._node.log(
            operation, "lock.waiting" if operation == "lock_wait" else "lock.acquired",
            owner=request.transaction.owner, resource=request.resource, mode=request.mode,
            correlation_id=request.transaction.correlation, **further,
        )  # fmt: skip

    def _check(self, request: _Request) -> None:
        if request.transaction.request is not request:
            return  # granted, or rolled back, in the meantime
        path = self._cycle(request.transaction, request.transaction, [])
        if path is None:
            return
        waits, members = [], [transaction for transaction, _ in path]
        for (transaction, since), blocker in zip(path, [*members[1:], members[0]], strict=True):
            asked = transaction.request
            assert asked is not None  # noqa: S101 - every member of a cycle waits
            waits.append(
                Wait(transaction.owner, blocker.owner, asked.resource, asked.mode, asked.statement, since)
            )
        self._report(request, waits, members)
        request.transaction.on_victim()

    def _cycle(
        self, at: Transaction, goal: Transaction, visited: list[Transaction]
    ) -> list[tuple[Transaction, int]] | None:
        """The members of a cycle through `goal`, each with the instant its edge appeared."""
        if at.request is None or at in visited:
            return None
        visited.append(at)
        for blocker, since in self._blockers(at.request):
            if blocker is goal:
                return [(at, since)]
            rest = self._cycle(blocker, goal, visited)
            if rest is not None:
                return [(at, since), *rest]
        return None

    def _report(self, request: _Request, waits: list[Wait], members: list[Transaction]) -> None:
        causes = [member.event_id for member in members]
        identity = self._node.new_id()
        stamp = self._node.log(
            "deadlock", "deadlock.detected", identity,
            causation_id=causes[0], links=causes[1:], correlation_id=request.transaction.correlation,
            owner=request.transaction.owner, resource=request.resource, mode=request.mode,
            lock_edges=[
                {
                    "owner": wait.owner, "blocked_by": wait.blocked_by, "resource": wait.resource,
                    "mode": wait.mode, "statement": wait.statement,
                }
                for wait in waits
            ],
            severity="ERROR",
            message=f"deadlock of {len(waits)}: {request.transaction.owner} rolled back",
        )  # fmt: skip
        closed_at = max(wait.since for wait in waits)
        self._observer.deadlocked(Deadlock(identity, stamp, closed_at, tuple(waits), tuple(causes)))
