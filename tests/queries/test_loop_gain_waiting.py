"""Loop gain where events wait to be handled: on simulated queues whose true gain is known."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from stormwatch.catalog import Catalog

from .golden import insert
from .test_loop_gain import START, gains


@dataclass
class Queue:
    """Messages that wait in a queue: each is sent, and later handled, in order, as fast as its consumers are.

    Handled, it causes as many messages as `gain` says, on average, from half of the time on `then`.
    Whoever sent it and gets no answer for `patience_s` sends another.
    """

    seed: int
    gain: float
    then: float
    per_s: float
    until_s: float
    capacity_per_s: float
    patience_s: float = float("inf")
    again: str = "work"
    """Type of what is sent because nobody answered."""
    _due: list[tuple[float, int, str, int]] = field(default_factory=list)
    """Instant, number to keep the order, type, cause; or `check` and the message itself."""
    _sent: list[tuple[float, str, int]] = field(default_factory=list)
    _handled: list[float] = field(default_factory=list)
    """Of the first that were sent."""

    def table(self) -> pa.Table:
        """All that was logged."""
        rng = np.random.default_rng(self.seed)
        for at in rng.uniform(0, self.until_s, rng.poisson(self.per_s * self.until_s)):
            self._later(at, "work", -1)
        now = free_at = 0.0
        while now < self.until_s:
            begin = float("inf")
            if len(self._handled) < len(self._sent):
                begin = max(free_at, self._sent[len(self._handled)][0] + 0.5)
            if self._due and self._due[0][0] <= begin:
                now = self._next()
                continue
            now = free_at = begin + rng.exponential(1 / self.capacity_per_s)
            self._handled.append(now)
            for _ in range(rng.poisson(self.gain if now < self.until_s / 2 else self.then)):
                self._later(now, "work", len(self._handled) - 1)
        return self._table()

    def _later(self, at: float, kind: str, cause: int) -> None:
        heapq.heappush(self._due, (at, len(self._due) + len(self._sent), kind, cause))

    def _next(self) -> float:
        at, _, kind, cause = heapq.heappop(self._due)
        if kind == "check" and cause < len(self._handled):
            return at
        self._sent.append((at, self.again if kind == "check" else kind, cause))
        if self.patience_s < self.until_s:
            self._later(at + self.patience_s, "check", len(self._sent) - 1)
        return at

    def _table(self) -> pa.Table:
        rows = [(number, at, kind, "send", cause) for number, (at, kind, cause) in enumerate(self._sent)]
        rows += [
            (number, at, self._sent[number][1], "process", -1) for number, at in enumerate(self._handled)
        ]
        rows = [row for row in rows if row[1] < self.until_s]
        return pa.table(
            {
                "event_id": [f"e{number}" for number, *_ in rows],
                "occurred_at": [START + timedelta(microseconds=int(row[1] * 1e6)) for row in rows],
                "event_type": [row[2] for row in rows],
                "operation": [row[3] for row in rows],
                "causation_id": [None if row[4] < 0 else f"e{row[4]}" for row in rows],
            }
        )


def test_what_waits_to_be_handled_does_not_dilute_the_gain(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    """More is sent than can be handled, so that less and less of it has had its effects."""
    insert(database, "observations", Queue(5, 0.65, 1.3, 10, 240, 60).table())
    [[waiting]] = database.execute(
        "SELECT count(*) - 2 * count(*) FILTER (operation = 'process') FROM observations"
    ).fetchall()
    assert waiting > 1000
    found = {row["bucket_start"]: row for row in gains(database, catalog)}
    late = [row for at, row in found.items() if START + timedelta(seconds=150) <= at]
    assert [row["gain"] for row in late] == pytest.approx([1.3] * len(late), abs=0.15)
    assert np.mean([row["gain"] for row in late]) == pytest.approx(1.3, abs=0.04)
    at_first = [row["level"] for at, row in found.items() if 150 <= (at - START).total_seconds() < 160]
    assert at_first == ["storm"] * 10


def test_of_what_is_passed_over_nobody_waits(database: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Where a third of what was handled is not logged, one causes as many as it does."""
    insert(database, "observations", Queue(6, 0.9, 0.9, 20, 120, 10_000).table())
    whole = np.mean([row["gain"] for row in gains(database, catalog)][30:50])
    database.execute("DELETE FROM observations WHERE operation = 'process' AND hash(event_id) % 3 = 0")
    partly = np.mean([row["gain"] for row in gains(database, catalog)][30:50])
    assert whole == pytest.approx(0.9, abs=0.1)
    assert partly == pytest.approx(whole, abs=0.06)


def test_handling_that_is_hardly_logged_is_not_waited_for(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    """As where only failures are."""
    work = Queue(7, 0.9, 1.02, 20, 120, 10_000).table()
    insert(database, "observations", work)
    database.execute("DELETE FROM observations WHERE operation = 'process'")
    without = gains(database, catalog)
    database.execute("DELETE FROM observations")
    insert(database, "observations", work)
    database.execute("DELETE FROM observations WHERE operation = 'process' AND hash(event_id) % 20 > 0")
    assert [row["gain"] for row in gains(database, catalog)] == [row["gain"] for row in without]


@pytest.mark.parametrize("seed", [1, 2])
def test_who_gives_up_waiting_causes_at_once_and_who_waits_on_does_not_yet(
    seed: int, database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    """Each is sent again when nobody answers in time, and causes 0.2, later 0.4 more when it is handled."""
    insert(database, "observations", Queue(seed, 0.2, 0.4, 10, 150, 14, 1.5, "retry").table())
    found = {row["bucket_start"]: row for row in gains(database, catalog)}

    def between(first: int, last: int) -> list[dict]:
        return [row for at, row in found.items() if first <= (at - START).total_seconds() < last]

    assert np.mean([row["gain"] for row in between(50, 75)]) == pytest.approx(1.2, abs=0.06)
    assert np.mean([row["gain"] for row in between(100, 150)]) == pytest.approx(1.4, abs=0.1)
    assert {row["level"] for row in between(100, 150)} == {"storm"}
