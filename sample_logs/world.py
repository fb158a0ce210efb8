"""The simulated system as a whole: its nodes, its traffic, and what its operators can do to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from broker import Broker
from dialects import DIALECTS, ecs
from kernel import MILLISECOND, SECOND, Dice, Kernel
from ledger import Observer
from locks import LockManager
from messaging import in_cloudevents
from nodes import Clock, Node, Sink
from profiles import Profiles
from settings import Configuration, Setup
from shop import Order, Shop
from spelling import canonical
from traffic import Customers, Settlement

_NODES = {
    "orders-api": 2, "billing": 3, "inventory": 1, "shipping": 2, "notify": 2,
    "ledger-db": 1, "broker": 1, "config": 1,
}  # fmt: skip
_DIALECTS = {"notify": ecs, "shipping": in_cloudevents}
_HAZARDOUS = ("billing", "inventory", "shipping", "notify")
_EXACT_CLOCKS = ("ledger-db", "broker", "config")


class World:
    """One system. `scale` multiplies customers, traffic and consumers alike; `run` marks ids, so
    that several runs can share a directory.
    """

    def __init__(
        self, setup: Setup, seed: int, scale: float, start: datetime, sink: Sink, observer: Observer,
        run: str = "",
    ):  # fmt: skip
        self.kernel = Kernel()
        self.setup = setup
        self.configuration = Configuration()
        self.observer = observer
        self.scale = scale
        self._seed = seed
        self._clocks = Dice(seed, "clocks")
        self._services: dict[str, list[Node]] = {}
        counts = {**_NODES, "settlement": 1} if setup.batch_interval else _NODES
        for service, count in counts.items():
            self._services[service] = [
                Node(
                    self.kernel, sink, start, f"{service}-{number}", self._clock(service),
                    DIALECTS.get(setup.dialect, _DIALECTS.get(service, canonical)), run,
                )
                for number in range(1, count + 1)
            ]  # fmt: skip
        self.broker = Broker(self.kernel, setup, self.configuration, observer, seed)
        locks = LockManager(self.kernel, setup, self.node("ledger-db-1"), observer)
        self._shop = Shop(self.kernel, setup, self.configuration, self.broker, locks, observer, seed, scale)
        self._subscribe()
        self.customers = Customers(setup, seed, scale, run)
        self._settlement = Settlement(setup, seed, scale, run)
        self._profiles = Profiles(self.kernel, setup, self.configuration, observer, seed, scale, run)
        self._closes_at: int | None = None
        self.when_crashed: Callable[[], None] = lambda: None
        """What the operators do when everything is down."""

    def _clock(self, service: str) -> Clock:
        offset = round((self._clocks.random() - 0.5) * 2 * self.setup.clock_offset)
        drift = (self._clocks.random() - 0.5) * 10  # microseconds a second: parts per million
        return Clock() if service in _EXACT_CLOCKS else Clock(offset, drift)

    def _subscribe(self) -> None:
        many = max(1, round(self.scale))
        shop = self._shop
        self._read("orders", "billing", many, shop.on_order)
        self._read("compensations", "orders-api", many, shop.on_compensated)
        self._read("payments", "inventory", many, shop.on_payment)
        self._read("payments", "notify", many, shop.on_notice)
        self._read("stock", "shipping", many, shop.on_stock)
        self._read("shipments", "notify", many, shop.on_notice)
        if self.setup.batch_interval:
            self.configuration.unordered_streams.add("transfers")
            self._read("transfers", "billing", 2 * many, shop.on_transfer)
            self._read("settlements", "notify", many, shop.on_notice)

    def _read(self, stream: str, service: str, slots: int, handler: Callable[..., None]) -> None:
        self.broker.subscribe(stream, service, self._services[service], slots, handler)

    def node(self, name: str) -> Node:
        return next(one for nodes in self._services.values() for one in nodes if one.name == name)

    def nodes(self) -> list[Node]:
        return [node for nodes in self._services.values() for node in nodes]

    # ---- traffic ----

    def open(self, closes_at: int | None) -> None:
        """Start the nodes and let customers in until `closes_at`, microseconds since the start;
        None: for ever.
        """
        self._closes_at = closes_at
        # No clock is off by more, so that none shows the time before.
        self.kernel.run(max(10 * MILLISECOND, self.setup.clock_offset))
        for node in self.nodes():
            node.start()
        self._next_order()
        if self.setup.batch_interval:
            self._next_batch()
        if self.setup.profile_interval:
            self._next_profile()
        if self.setup.backlog_limit:
            self._watch()

    def is_closed(self) -> bool:
        return self._closes_at is not None and self.kernel.now >= self._closes_at

    def plan(self, instant: int, action: Callable[[], None]) -> None:
        """Do something at an instant of the story, unless it is over by then."""
        if self._closes_at is None or instant < self._closes_at:
            self.kernel.at(instant, action)

    def _unless_closed(self, delay: int, action: Callable[[], None]) -> None:
        self.plan(self.kernel.now + delay, action)

    def _next_order(self) -> None:
        self._unless_closed(self.customers.pause(), self._order)

    def _order(self) -> None:
        self._next_order()
        name, customer, entry, is_refused = self.customers.order()
        apis = self._services["orders-api"]
        node = apis[entry % len(apis)]
        if node.is_up:
            self._shop.place(Order(f"order-{name}", customer, is_refused, node, f"flow-{name}"))

    def _next_batch(self) -> None:
        self._unless_closed(self._settlement.pause(), self._batch)

    def _batch(self) -> None:
        self._next_batch()
        batch, transfers = self._settlement.batch()
        for name, delay, accounts in transfers:
            self._unless_closed(delay, partial(self._transfer, name, accounts, batch))

    def _transfer(self, name: str, accounts: list[str], batch: str) -> None:
        node = self.node("settlement-1")
        if node.is_up:
            self._shop.transfer(node, name, accounts, batch)

    def _next_profile(self) -> None:
        self._unless_closed(self._profiles.pause(), self._profile)

    def _profile(self) -> None:
        self._next_profile()
        apis = self._services["orders-api"]
        self._profiles.opened(lambda number: apis[number % len(apis)])

    # ---- operations ----

    def change(self, setting: str, value: str, stream: str | None = None) -> None:
        """The configuration service changes a setting, and says so."""
        now = self.configuration
        if setting == "ordering":
            assert stream is not None  # noqa: S101 - ordering is per stream
            before = "ordered" if self.broker.is_ordered(stream) else "unordered"
            (now.unordered_streams.discard if value == "ordered" else now.unordered_streams.add)(stream)
        else:
            before = getattr(now, setting)
            setattr(now, setting, value)
        if before == value:
            return
        stamp = self.node("config-1").log(
            "change", "config.changed", setting=setting, old=before, new=value, stream=stream,
            message=f"{setting} {before} -> {value}",
        )  # fmt: skip
        self.observer.incident("change", stamp, setting=setting, old=before, new=value, stream=stream)

    def deploy(self, name: str, *, is_contrary: bool = False) -> None:
        """Stop a node in good order and start it with the next version, one that takes locks
        against the order of their names or one that keeps to it.
        """
        node = self.node(name)
        node.log("stop", "node.stopped", severity="INFO")
        contrary = self.configuration.contrary_nodes
        (contrary.add if is_contrary else contrary.discard)(name)
        node.schema_version = str(int(node.schema_version) + 1)
        self.observer.incident("deploy", node.restart(), node=name, schema_version=node.schema_version)

    def crash(self, name: str) -> None:
        """A node dies in the middle of a line, if it is not dead already; what it had in hand
        goes back to the broker.
        """
        node = self.node(name)
        if not node.is_up:
            return
        tasks = [task for one in self.broker.subscriptions for task in one.abandon(node)]
        self._shop.died(tasks)
        message = tasks[0].message if tasks else None
        self.observer.incident("crash", node.clock.read(self.kernel.now), node=name)
        if message is None:
            node.crash(None, "node.health", severity="INFO", message="all consumers idle")
        else:
            node.crash(
                "process", message.type, message.id, stream=message.stream,
                correlation_id=message.correlation, severity="INFO", message="about to commit",
            )  # fmt: skip

    def restart(self, name: str) -> None:
        """A node comes back, if it is down and there is a broker to talk to."""
        node = self.node(name)
        if node.is_up or self.broker.is_down:
            return
        self.observer.incident("restart", node.restart(), node=name)
        for subscription in self.broker.subscriptions:
            subscription.revive(node)

    def crash_all(self) -> None:
        """The broker runs out of memory and takes everything with it, but for the configuration."""
        self.node("broker-1").log(
            "crash", "broker.out_of_memory", severity="FATAL",
            message=f"{self.broker.waiting()} messages wait, no memory left",
        )  # fmt: skip
        self.broker.is_down = True
        for node in self.nodes():
            if node.service != "config":
                self.crash(node.name)
        self._complain()
        self.when_crashed()

    def _complain(self) -> None:
        """Who is left says what it sees."""
        if self.broker.is_down:
            self.node("config-1").log(
                None, "node.health", severity="ERROR", message="the broker does not answer"
            )
            self._unless_closed(15 * SECOND, self._complain)

    def suffer(self, interval: int) -> None:
        """From time to time a consumer dies and comes back; nobody ever finds out why."""
        hazards = Dice(self._seed, "hazards")
        victims = [node.name for node in self.nodes() if node.service in _HAZARDOUS]

        def strike() -> None:
            name = victims[hazards.pick(len(victims))]
            self.crash(name)
            self.kernel.after(4 * SECOND, lambda: self.restart(name))
            self.kernel.after(hazards.exponential(interval), strike)

        self.kernel.after(hazards.exponential(interval), strike)

    def restart_all(self) -> None:
        """Everything comes back, with empty queues."""
        self.broker.restart()
        for node in self.nodes():
            self.restart(node.name)

    def _watch(self) -> None:
        """The broker looks at its memory once a second; the fuller, the slower it takes messages."""
        waiting = self.broker.waiting() / self.scale
        self.broker.congestion = 1.0 + waiting / self.setup.backlog_warning
        if not self.broker.is_down:
            if waiting >= self.setup.backlog_limit:
                self.crash_all()
            elif waiting >= self.setup.backlog_warning and self.kernel.now % (10 * SECOND) < SECOND:
                self.node("broker-1").log(
                    None, "broker.memory_alarm", severity="WARN",
                    message=f"{self.broker.waiting()} messages wait",
                )  # fmt: skip
        if not self.is_closed() or self.broker.waiting():
            self.kernel.after(SECOND, self._watch)
