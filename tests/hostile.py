"""Lines whose cost must not grow faster than their length."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def within(cpu_s: float) -> Iterator[None]:
    """Fail where it takes longer: far more than the length costs, and far less than its square."""

    def give_up(*_: object) -> None:
        pytest.fail("the cost of a line grows faster than its length")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
