"""The business: orders are placed, charged, reserved, shipped, and what happens when order is lost.

An order is three messages in a row; each expects the version the one before it made. Billing
refuses a message that comes out of turn, the order is compensated and submitted again, again as
three messages in a row. That is the loop: ordered, it does not turn; unordered, each submission can
cause further ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from broker import Broker, Message, Task
from kernel import MINUTE, Dice, Kernel
from ledger import Observer, Turn
from locks import EXCLUSIVE, LockManager, Transaction
from nodes import Node
from settings import Configuration, Setup

STEPS = ("order.placed", "order.item_added", "order.confirmed")
RESUBMITTED = "order.resubmitted"
_KEPT = 20 * MINUTE
"""So long an order is remembered."""


@dataclass(eq=False)
class Order:
    name: str
    customer: str
    is_refused: bool
    """The strict price check will not let it pass."""
    node: Node
    correlation: str
    sent_version: int = 0
    version: int = 0
    """As billing has it."""
    judged: set[str] = field(default_factory=set)
    """Messages that billing has accepted or refused; a further copy of one changes nothing."""
    turns: int = 0
    is_closed: bool = False


class Shop:
    """The services and what they do with a message."""

    def __init__(
        self, kernel: Kernel, setup: Setup, configuration: Configuration, broker: Broker,
        locks: LockManager, observer: Observer, seed: int, scale: float,
    ):  # fmt: skip
        self._kernel = kernel
        self._setup = setup
        self._configuration = configuration
        self._broker = broker
        self._locks = locks
        self._observer = observer
        self._work = Dice(seed, "work")
        self._pace = Dice(seed, "pace")
        self._orders: dict[str, Order] = {}
        self._transactions = 0
        self._places = max(1, round(8 * scale))
        """So many merchants and warehouses there are."""

    # ---- orders-api ----

    def place(self, order: Order) -> None:
        """A customer places an order."""
        self._orders[order.name] = order
        self._kernel.after(_KEPT, partial(self._forget, order))
        self._submit(order, Turn(order.name, 0, self._kernel.now), cause=None)

    def _forget(self, order: Order) -> None:
        del self._orders[order.name]

    def _submit(self, order: Order, turn: Turn, cause: str | None) -> None:
        self._observer.turned(turn)
        first = STEPS[0] if turn.parent is None else RESUBMITTED
        self._send_step(order, turn, (first, *STEPS[1:]), cause)

    def _send_step(self, order: Order, turn: Turn, steps: tuple[str, ...], cause: str | None) -> None:
        node = order.node
        if not node.is_up:
            return
        order.sent_version += 1
        identity = node.new_id()
        is_first = steps[0] in {STEPS[0], RESUBMITTED}
        self._broker.publish(
            node,
            Message(
                identity, steps[0], "orders", order.customer, cause,
                correlation=order.correlation,
                entity=order.name,
                entity_version=order.sent_version,
                expected_version=None if is_first else order.sent_version - 1,
                schema_version=node.schema_version,
                epoch=node.epoch,
                sequence=self._broker.number(node, "orders", order.customer),
                turn=turn,
            ),
        )  # fmt: skip
        if steps[1:]:
            gap = self._pace.around(self._setup.gap, 0.4)
            self._kernel.after(gap, lambda: self._send_step(order, turn, steps[1:], identity))
        elif self._setup.order_timeout:
            self._kernel.after(self._setup.order_timeout, lambda: self._look(order, turn, identity))

    def _look(self, order: Order, turn: Turn, confirmed: str) -> None:
        """Nobody has charged the order in time: submit it once more."""
        if not order.is_closed and not self._broker.is_down and order.node.is_up:
            self._resubmit(order, turn, confirmed)

    def on_compensated(self, task: Task) -> None:
        order, turn = self._order_of(task)
        delay = self._work.around(self._setup.saga_delay, 0.4)

        def act() -> None:
            if not task.is_alive:
                return
            if order is not None and turn is not None and not order.is_closed:
                order.node = task.node
                self._resubmit(order, turn, task.message.id)
            task.done()

        self._kernel.after(delay, act)

    def _resubmit(self, order: Order, turn: Turn, cause: str) -> None:
        limit = self._setup.max_turns
        if limit is not None and order.turns >= limit:
            identity = order.node.new_id()
            order.node.log(
                "create", "order.abandoned", identity, causation_id=cause,
                correlation_id=order.correlation, entity=order.name,
                severity="ERROR", message=f"given up after {limit} further submissions",
            )  # fmt: skip
            self._observer.gave_up(identity, cause)
            order.is_closed = True
            return
        order.turns += 1
        self._submit(order, Turn(order.name, turn.number + 1, self._kernel.now, turn), cause)

    def _order_of(self, task: Task) -> tuple[Order | None, Turn | None]:
        return self._orders.get(task.message.entity or ""), task.message.turn

    # ---- billing ----

    def on_order(self, task: Task) -> None:
        order, _ = self._order_of(task)
        message = task.message
        if order is None or order.is_closed:
            self._after_work(task, task.done)
            return
        if message.id not in order.judged:
            problem = self._out_of_turn(order, message)
            if problem is not None:
                self._refuse(task, order, problem)
                return
            order.judged.add(message.id)
            self._log_outcome(task, "INFO", None)
        if message.type == STEPS[2] and message.entity_version == order.version:
            self._charge(task, order)
        else:
            self._after_work(task, lambda: self._finish(task))

    def _out_of_turn(self, order: Order, message: Message) -> str | None:
        assert message.entity_version is not None  # noqa: S101 - all messages of orders have one
        if self._configuration.price_check == "strict" and order.is_refused and message.type == STEPS[2]:
            return "price check failed: article not in the price list"
        if message.expected_version is None:
            order.version = max(order.version, message.entity_version)  # it begins anew
            return None
        if message.expected_version != order.version:
            return f"version conflict: expected {message.expected_version}, found {order.version}"
        order.version = message.entity_version
        return None

    def _refuse(self, task: Task, order: Order, problem: str) -> None:
        self._log_outcome(task, "WARN", problem)
        if task.retry():
            return
        order.judged.add(task.message.id)
        self._publish(task, "payment.compensated", "compensations", task.message.key, reason=problem)
        self._after_work(task, task.done)

    def _log_outcome(self, task: Task, severity: str, text: str | None) -> None:
        message = task.message
        task.node.log(
            "process", message.type, message.id, stream=message.stream,
            correlation_id=message.correlation, entity=message.entity,
            entity_version=message.entity_version if text is None else None,
            expected_version=message.expected_version,
            attempt=task.attempt if task.attempt > 1 else None,
            severity=severity, message=text,
        )  # fmt: skip

    def _charge(self, task: Task, order: Order) -> None:
        merchant = f"merchant-{self._work.pick(self._places)}"
        wanted = [f"account-{order.customer}", merchant]
        statements = ["UPDATE balances SET cents = cents + ? WHERE id = ?"] * len(wanted)

        def charged() -> None:
            self._publish(task, "payment.charged", "payments", order.customer)
            order.is_closed = True

        self._in_transaction(task, wanted, statements, self._setup.handle // 2, charged)

    def _after_work(self, task: Task, then: Callable[[], None], median: int = 0) -> None:
        duration = self._work.around(median or self._setup.handle, self._setup.handle_spread)

        def act() -> None:
            if task.is_alive:
                then()

        self._kernel.after(duration, act)

    def _finish(self, task: Task) -> None:
        """The end of the work, unless it fails on the last step and is tried again."""
        if self._work.happens(self._setup.failure):
            self._log_outcome(task, "WARN", "payment provider does not answer")
            if task.retry():
                return
        task.done()

    # ---- transactions ----

    def _in_transaction(
        self, task: Task, wanted: list[str], statements: list[str], work: int, then: Callable[[], None]
    ) -> None:
        """Lock what is wanted, one after the other with work in between; then commit."""
        self._transactions += 1
        transaction = Transaction(
            f"{task.node.name}/tx-{self._transactions}", task.message.id, task.message.correlation,
            on_victim=lambda: self._rolled_back(task, transaction, wanted, statements, work, then),
        )  # fmt: skip
        task.transaction = transaction
        steps = list(zip(wanted, statements, strict=True))
        if self._configuration.lock_order == "by_name":
            steps.sort(reverse=task.node.name in self._configuration.contrary_nodes)

        def commit() -> None:
            self._locks.release(transaction)
            then()
            task.done()

        def take(remaining: list[tuple[str, str]]) -> None:
            if not task.is_alive or task.transaction is not transaction:
                return
            if not remaining:
                self._after_work(task, commit, work // 4)
                return
            resource, statement = remaining[0]
            self._locks.acquire(
                transaction, resource, EXCLUSIVE, statement,
                lambda: self._after_work(task, partial(take, remaining[1:]), work),
            )  # fmt: skip

        take(steps)

    def _rolled_back(
        self, task: Task, transaction: Transaction, wanted: list[str], statements: list[str],
        work: int, then: Callable[[], None],
    ) -> None:  # fmt: skip
        self._locks.release(transaction)
        task.attempt += 1
        self._log_outcome(task, "WARN", "deadlock detected, transaction is repeated")
        pause = self._work.around(self._setup.backoff * 4, 0.8)

        def again() -> None:
            if task.is_alive:
                self._in_transaction(task, wanted, statements, work, then)

        self._kernel.after(pause, again)

    def died(self, tasks: list[Task]) -> None:
        """Roll back what a dead node had begun."""
        for task in tasks:
            if task.transaction is not None:
                self._locks.release(task.transaction)

    # ---- settlement ----

    def transfer(self, node: Node, name: str, accounts: list[str], batch: str) -> None:
        """Ask billing to move money between accounts, to be locked in the order given."""
        self._broker.publish(
            node,
            Message(
                node.new_id(), "transfer.requested", "transfers", batch,
                correlation=batch, entity=name, schema_version=node.schema_version,
                data={"accounts": accounts},
            ),
        )  # fmt: skip

    def on_transfer(self, task: Task) -> None:
        accounts = list(task.message.data["accounts"])
        statements = [f"UPDATE accounts SET cents = cents + ? WHERE name = '{name}'" for name in accounts]

        def settled() -> None:
            self._publish(task, "transfer.settled", "settlements", accounts[0])

        self._in_transaction(task, accounts, statements, self._setup.transfer, settled)

    # ---- the others ----

    def on_payment(self, task: Task) -> None:
        """Inventory reserves the goods."""

        def reserve() -> None:
            warehouse = f"warehouse-{self._work.pick(self._places)}"
            self._publish(task, "stock.reserved", "stock", warehouse, payment=task.message.id)
            task.done()

        self._after_work(task, reserve, self._setup.handle // 3)

    def on_stock(self, task: Task) -> None:
        """Shipping sends them: caused by the reservation, and by the payment that allows it."""

        def ship() -> None:
            payment = task.message.data["payment"]
            self._publish(task, "shipment.created", "shipments", task.message.key, links=(payment,))
            task.done()

        self._after_work(task, ship, self._setup.handle // 3)

    def on_notice(self, task: Task) -> None:
        """Notify tells the customer."""
        self._after_work(task, task.done, self._setup.handle // 3)

    def _publish(
        self, task: Task, event_type: str, stream: str, key: str, links: tuple[str, ...] = (), **data: str
    ) -> None:
        node, handled = task.node, task.message
        self._broker.publish(
            node,
            Message(
                node.new_id(), event_type, stream, key, handled.id, links,
                correlation=handled.correlation,
                entity=handled.entity,
                schema_version=node.schema_version,
                epoch=node.epoch,
                sequence=self._broker.number(node, stream, key),
                turn=handled.turn,
                data=data,
            ),
        )  # fmt: skip
