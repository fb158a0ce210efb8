"""Receivers that take their time: what becomes of them, and of the routes beside them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from stormwatch.alerts.config import AlertConfig, Route
from stormwatch.alerts.delivery import Delivery
from stormwatch.alerts.desk import test_route as try_route
from stormwatch.errors import RouteError
from stormwatch.storage import Store
from tests.cli.harness import eventually
from tests.cli.receiver import Receiver

from .outbox import outbox, queue


class Raw:
    """Takes connections, says what it is told to, a piece at a time, and never ends an answer."""

    def __init__(self, first: bytes, drip: bytes = b"") -> None:
        self.taken = threading.Event()
        self._first, self._drip = first, drip
        self._ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            line.recv(1 << 20)
            line.sendall(self._first)
            self.taken.set()
            while not self._ended.wait(0.02) and self._drip:
                line.sendall(self._drip)
            self._ended.wait()

    def down(self) -> None:
        self._ended.set()
        self._socket.close()


@pytest.fixture
def dripping() -> Iterator[Raw]:
    """A receiver whose headers never end, and always go on."""
    one = Raw(b"HTTP/1.1 200 OK\r\nX: ", b"x")
    yield one
    one.down()


def test_the_time_of_a_receiver_is_for_the_whole_answer(dripping: Raw) -> None:
    route = Route("slow", "webhook", dripping.url, timeout_s=0.2)
    with pytest.raises(RouteError, match=r"does not answer within 0\.2 s"):
        try_route(AlertConfig({}, {"slow": route}), "slow")


def test_no_route_waits_for_another_and_stopping_waits_for_none(
    store: Store, receiver: Receiver, dripping: Raw
) -> None:
    slow, quick = Route("a", "webhook", dripping.url, timeout_s=60), Route("b", "webhook", receiver.url)
    queue(store, slow, quick)
    stopped = threading.Event()
    sender = threading.Thread(
        target=Delivery(store, {"a": slow, "b": quick}).run, args=(stopped,), daemon=True
    )
    sender.start()
    assert dripping.taken.wait(30)
    eventually(lambda: [row["delivered_at"] is None for row in outbox(store)] == [True, False])
    stopped.set()
    sender.join(30)
    assert not sender.is_alive()
    # Given up, and no failure of the receiver.
    assert [row["attempts"] for row in outbox(store)] == [0, 1]
    assert "route a" not in {thread.name for thread in threading.enumerate()}


def test_a_status_is_an_answer_though_its_body_never_comes(store: Store) -> None:
    stalled = Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    route = Route("hook", "webhook", stalled.url)
    queue(store, route)
    assert Delivery(store, {"hook": route}).deliver() == 1
    stalled.down()
