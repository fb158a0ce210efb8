"""Viewers of a log that is being written share what is dear to ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dashboard.sharing import Known, Sharing

START = datetime(2026, 11, 20, 10)  # noqa: DTZ001


@dataclass
class Log:
    """A log with a new version every tenth of a second, and viewers of it."""

    now_s: float = 0.0
    sharing: Sharing = field(init=False)

    def __post_init__(self) -> None:
        self.sharing = Sharing(lambda: self.now_s)

    def newest(self) -> Known:
        return Known(round(10 * self.now_s), START + timedelta(seconds=self.now_s))

    def look(self, at_s: float, session: str, *, cost_s: float = 0.0, database: str = "a") -> int:
        """The version that a session draws, which takes so long."""
        self.now_s = at_s
        known = self.sharing.version(database, session, self.newest)
        self.sharing.spend(database, known.version, cost_s)
        return known.version


def test_a_version_that_was_dear_is_shared_for_three_times_as_long() -> None:
    log = Log()
    assert log.look(10, "a", cost_s=1) == 100
    assert log.look(12.9, "b") == 100
    assert log.look(13, "b") == 130


def test_a_version_is_shared_while_it_is_drawn_if_the_one_before_was_dear() -> None:
    log = Log()
    log.look(10, "a", cost_s=1)
    assert log.look(15, "b") == 150  # nothing is spent on it yet
    assert log.look(15.1, "c") == 150


def test_nobody_is_given_what_is_older_than_four_seconds() -> None:
    log = Log()
    log.look(10, "a", cost_s=60)
    assert log.look(13.9, "b") == 100
    assert log.look(14, "c") == 140


def test_who_looks_alone_always_gets_the_newest() -> None:
    log = Log()
    assert [log.look(at, "a", cost_s=9) for at in (10, 10.1, 10.2)] == [100, 101, 102]


def test_a_version_says_since_when_it_was_not_the_newest() -> None:
    log = Log()
    log.look(10, "a", cost_s=1)
    log.now_s = 12
    assert log.sharing.version("a", "b", log.newest) == Known(100, START + timedelta(seconds=10))


def test_what_costs_nothing_is_not_shared_nor_with_another_database() -> None:
    log = Log()
    log.look(10, "a")
    assert log.look(10.1, "b", cost_s=9) == 101
    assert log.look(10.2, "c", database="other") == 102


def test_ten_viewers_cost_little_more_than_one() -> None:
    log = Log()
    drawn = set()
    for tick in range(600):  # ten viewers every five seconds, one after the other, for five minutes
        drawn.add(log.look(tick / 2, f"viewer {tick % 10}", cost_s=0 if tick / 2 * 10 in drawn else 1.5))
    assert len(drawn) <= 300 / 4 + 2
