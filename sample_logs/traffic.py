"""Who asks the system for something, and when: the same for every story of one seed."""

from __future__ import annotations

import bisect
import itertools

from kernel import MILLISECOND, Dice
from settings import Setup


class Customers:
    """Place orders: a few of them most, as customers do (Zipf-Mandelbrot)."""

    def __init__(self, setup: Setup, seed: int, scale: float, run: str):
        self._dice = Dice(seed, "customers")
        self._run = run
        self._refused_share = setup.refused_share
        self.demand = 1.0
        """How many times the usual orders there are now."""
        self._interval = setup.order_interval / scale
        count = max(1, round(setup.customers * scale))
        # Each unit of scale has customers of every rank, so that no single key grows with it.
        ranks = [1 + number % setup.customers for number in range(count)]
        self._cumulated = list(itertools.accumulate(1 / (rank + 2) for rank in ranks))
        self._orders = 0

    def pause(self) -> int:
        """Until the next order."""
        return self._dice.exponential(self._interval / self.demand)

    def order(self) -> tuple[str, str, int, bool]:
        """Name, customer, a number that says where it comes in, and whether it may be refused."""
        self._orders += 1
        place = self._dice.random() * self._cumulated[-1]
        customer = bisect.bisect(self._cumulated, place) + 1
        is_refused = self._dice.happens(self._refused_share)
        return f"{self._run}{self._orders}", f"customer-{customer}", self._dice.pick(1000), is_refused


class Settlement:
    """Moves money between accounts, in batches whose transfers depend on each other.

    Mutual debts go both ways between two accounts; a netting ring goes round three or four.
    Whoever locks the accounts of each transfer in the order given can close a cycle. With tills,
    each transfer is between an account and a till, and none depends on another.
    """

    _SHAPES = ((1, 0.10), (2, 0.45), (3, 0.27), (4, 0.18))
    """Accounts in a batch, and how often."""

    def __init__(self, setup: Setup, seed: int, scale: float, run: str):
        self._dice = Dice(seed, "settlement")
        self._run = run
        self._interval = setup.batch_interval / scale
        self._many_accounts, self._many_tills = setup.accounts, setup.tills
        self._batches = 0
        self._transfers = 0

    def pause(self) -> int:
        """Until the next batch."""
        return self._dice.exponential(self._interval)

    def batch(self) -> tuple[str, list[tuple[str, int, list[str]]]]:
        """Name, and its transfers: name, delay, accounts in the order they are locked."""
        self._batches += 1
        size = 1 if self._many_tills else self._size()
        accounts: list[str] = []
        while len(accounts) < max(size, 2):
            name = f"account-{self._dice.pick(self._many_accounts) + 1}"
            if name not in accounts:
                accounts.append(name)
        if self._many_tills:
            accounts[1] = f"till-{self._dice.pick(self._many_tills) + 1}"
        found = []
        for place in range(size):
            self._transfers += 1
            pair = [accounts[place], accounts[(place + 1) % len(accounts)]]
            delay = self._dice.exponential(80 * MILLISECOND)
            found.append((f"transfer-{self._run}{self._transfers}", delay, pair))
        return f"batch-{self._run}{self._batches}", found

    def _size(self) -> int:
        left = self._dice.random()
        for size, share in self._SHAPES:
            left -= share
            if left < 0:
                return size
        return self._SHAPES[-1][0]
