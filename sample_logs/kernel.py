"""Simulated time and chance: the two things every other module takes from here.

Instants and durations are whole microseconds since the start of the story, so that the same seed
gives the same bytes wherever it runs.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from random import Random

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

Action = Callable[[], None]


class Kernel:
    """An agenda of actions, carried out in the order of their instants, then of their scheduling."""

    def __init__(self) -> None:
        self.now = 0
        self._agenda: list[tuple[int, int, Action]] = []
        self._scheduled = 0

    def at(self, instant: int, action: Action) -> None:
        """Carry out `action` at `instant`, or now if that is past."""
        self._scheduled += 1
        heapq.heappush(self._agenda, (max(instant, self.now), self._scheduled, action))

    def after(self, delay: int, action: Action) -> None:
        self.at(self.now + delay, action)

    def run(self, until: int) -> None:
        """Carry out all that is due up to and including `until`."""
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, action = heapq.heappop(self._agenda)
            action()
        self.now = max(self.now, until)


class Dice(Random):
    """Chance for one purpose. Purposes have dice of their own, so that what one of them draws
    changes nothing for the others: two stories of one seed have the same customers.
    """

    def __init__(self, seed: int, purpose: str):
        super().__init__(f"{seed}/{purpose}")

    def happens(self, probability: float) -> bool:
        return self.random() < probability

    def exponential(self, mean: float) -> int:
        """Microseconds until the next of events that come `mean` microseconds apart on average."""
        return round(-mean * math.log(1.0 - self.random()))

    def around(self, median: float, spread: float) -> int:
        """Log-normal microseconds; `spread` is the deviation of the logarithm."""
        return round(median * math.exp(spread * self.gauss(0.0, 1.0)))

    def pick(self, count: int) -> int:
        """A number from 0 up to `count`, exclusive."""
        return int(self.random() * count)
