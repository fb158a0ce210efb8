"""Findings to episodes: worked out by hand, and invariants over random findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stormwatch.alerts.engine import Change, Episode, Finding, step
from stormwatch.alerts.rules import Policy

START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - as DuckDB gives it
MINUTE = timedelta(minutes=1)
LEVELS = Policy(
    severities=("watch", "warn"), thresholds=(0.7, 0.8), for_count=3,
    clear_ratio=0.9, clear_after=10 * MINUTE, rearm=60 * MINUTE,
)  # fmt: skip
OF_ROWS = replace(LEVELS, severities=("warn",), thresholds=())
Told = list[tuple[str, int, str | None]]


class Life:
    """Evaluations a minute apart."""

    def __init__(self, policy: Policy = LEVELS) -> None:
        self.policy = policy
        self.episodes: tuple[Episode, ...] = ()
        self.told: Told = []
        self.minute = 0

    def see(self, *findings: Finding) -> Sequence[Change]:
        after = step(self.policy, self.episodes, START + self.minute * MINUTE, findings)
        self.episodes = after.episodes
        self.told += [(one.kind, self.minute, one.episode.severity) for one in after.changes]
        self.minute += 1
        return after.changes

    def values(self, *values: float | None) -> Told:
        """One finding a minute of one key; returns all that was told so far."""
        for value in values:
            self.see(Finding("loop", value))
        return self.told

    @property
    def state(self) -> str:
        [one] = self.episodes
        return one.state


def test_it_fires_at_the_third_evaluation_above_the_threshold() -> None:
    assert Life().values(0.75, 0.75) == []
    assert Life().values(0.75, 0.75, 0.69, 0.75, 0.75) == []
    assert Life().values(0.75, 0.75, 0.75) == [("firing", 2, "watch")]
    assert Life().values(0.5, 0.85, 0.9, 0.82) == [("firing", 3, "warn")]
    assert Life().values(0.75, 0.75, None, 0.75) == []


def test_what_was_pending_for_nothing_is_forgotten() -> None:
    life = Life()
    life.values(0.75)
    assert life.state == "pending"
    life.values(0.1)
    assert life.episodes == ()


def test_it_escalates_in_place_and_never_down() -> None:
    life = Life()
    told = life.values(0.75, 0.75, 0.75, 0.85, 0.85, 0.75, 0.85, 0.85, 0.85, 0.75, 0.75, 0.75)
    assert told == [("firing", 2, "watch"), ("escalated", 8, "warn")]
    assert len(life.episodes) == 1


def test_it_is_over_ten_minutes_below_nine_tenths_of_the_threshold() -> None:
    life = Life()
    told = life.values(0.75, 0.75, 0.75, *[0.62] * 11)
    assert told == [("firing", 2, "watch"), ("resolved", 13, "watch")]
    # Between the clear level (0.63) and the threshold it is neither: the ten minutes begin again.
    other = Life()
    told = other.values(0.75, 0.75, 0.75, *[0.62] * 9, 0.65, *[0.62] * 10)
    assert told == [("firing", 2, "watch")]
    assert other.values(0.62)[-1] == ("resolved", 23, "watch")


def test_silence_is_no_recovery() -> None:
    life = Life()
    life.values(0.75, 0.75, 0.75, *[0.1] * 9)
    for _ in range(100):
        life.see()
    assert life.values(None, 0.1) == [("firing", 2, "watch")]
    assert life.values(*[0.1] * 10)[-1][0] == "resolved"


def test_what_is_not_known_does_not_begin_the_way_down_anew() -> None:
    life = Life()
    # Something every second minute only: ten known minutes below are twenty.
    told = life.values(0.75, 0.75, 0.75, *[0.0, None] * 9)
    assert told == [("firing", 2, "watch")]
    assert life.values(*[0.0, None] * 2)[-1] == ("resolved", 23, "watch")


def test_where_a_rule_says_so_no_row_is_calm() -> None:
    life = Life(replace(LEVELS, absence_is_calm=True))
    life.values(0.75, 0.75, 0.75)
    for _ in range(11):
        life.see()
    assert life.told[-1] == ("resolved", 13, "watch")


def test_what_comes_back_in_time_is_the_same_episode() -> None:
    life = Life()
    life.values(0.75, 0.75, 0.75, *[0.1] * 11, *[0.1] * 30, 0.9, 0.9, 0.9)
    [episode] = life.episodes
    assert [kind for kind, *_ in life.told] == ["firing", "resolved", "firing"]
    assert (episode.fired_count, episode.onset_at, episode.severity) == (2, START, "warn")
    late = Life()
    late.values(0.75, 0.75, 0.75, *[0.1] * 11, *[0.1] * 60, 0.9, 0.9, 0.9)
    [episode] = late.episodes
    assert (episode.fired_count, episode.onset_at) == (1, START + 74 * MINUTE)


def test_the_threshold_of_a_row_is_frozen_while_it_fires() -> None:
    life = Life(OF_ROWS)
    for baseline in (0.1, 0.1, 0.12, *[0.5] * 30):
        life.see(Finding("retry", 0.2, threshold=baseline))
    [episode] = life.episodes
    assert (episode.state, episode.threshold, life.told) == ("firing", 0.12, [("firing", 2, "warn")])


def test_a_loop_that_became_usual_while_it_fires_goes_on() -> None:
    def finding(usual: float, volume: float = 300) -> Finding:
        is_busy = volume >= usual
        return Finding("loop", 0.9 if is_busy else 0.0, held_value=0.9, volume=volume, least_volume=usual)

    life = Life()
    for usual in (200.0, 200.0, 200.0, *[600.0] * 30):
        life.see(finding(usual))
    assert life.state == "firing"
    for _ in range(11):
        life.see(finding(600, volume=150))
    assert life.state == "resolved"


def test_below_its_least_pulse_it_is_silent_and_not_well() -> None:
    life = Life()
    for _ in range(3):
        life.see(Finding("loop", 0.9, pulse=500, least_pulse=50))
    for _ in range(30):
        life.see(Finding("loop", 0.0, pulse=20, least_pulse=5), Finding("part", 0.0, ("loop",), pulse=20))
    assert life.state == "firing"
    for _ in range(11):
        life.see(Finding("loop", 0.0, pulse=30, least_pulse=5), Finding("loop", 0.0, pulse=20))
    assert life.state == "resolved"


def test_a_loop_that_gains_and_loses_types_is_one_episode() -> None:
    life = Life()
    life.see(Finding("a <-> b", 0.9, members=("a", "b")))
    life.see(Finding("a <-> b <-> c", 0.9, members=("a", "b", "c")))
    life.see(Finding("b <-> c", 0.9, members=("b", "c")), Finding("x", 0.9, members=("x",)))
    life.see(Finding("c", 0.9, members=("c",)), Finding("x", 0.9, members=("x",)))
    assert {one.key: one.state for one in life.episodes} == {"a <-> b": "firing", "x": "pending"}


def test_two_findings_of_one_thing_that_begin_together_are_one_episode() -> None:
    life = Life()
    life.see(Finding("a", 0.9, members=("a", "z")), Finding("b", 0.95, members=("b", "z")))
    [episode] = life.episodes
    assert episode.key == "b"


FINDINGS = st.lists(
    st.builds(
        Finding,
        key=st.sampled_from("abc"),
        value=st.none() | st.sampled_from([0.0, 0.6, 0.65, 0.7, 0.75, 0.85]),
        members=st.lists(st.sampled_from("xyz"), unique=True, max_size=2).map(tuple),
        pulse=st.none() | st.sampled_from([0.0, 10.0]),
        least_pulse=st.none() | st.just(5.0),
    ),
    max_size=3,
)


@given(st.lists(FINDINGS, max_size=60))
def test_whatever_is_found(evaluations: list[list[Finding]]) -> None:
    life = Life()
    state: dict[tuple[str, datetime], str] = {}
    last_at: dict[tuple[str, datetime], int] = {}
    for findings in evaluations:
        before = life.minute
        for change in life.see(*findings):
            identity = (change.episode.key, change.episode.onset_at)
            # firing and resolved alternate; only what fires escalates
            expected = {"firing": (None, "resolved"), "escalated": ("firing",), "resolved": ("firing",)}
            assert state.get(identity) in expected[change.kind]
            if change.kind == "resolved":
                assert before - last_at[identity] >= 10, "no flapping: ten minutes below at least"
            if change.kind != "escalated":
                state[identity] = change.kind
                last_at[identity] = before
            if change.kind == "firing":
                assert len(change.episode.recent) == 3
                assert min(change.episode.recent) >= 0.7
        open_keys = [one.key for one in life.episodes if one.state != "resolved"]
        assert len(open_keys) == len(set(open_keys)), "one open episode of a key at most"


@given(st.lists(st.sampled_from([0.63, 0.65, 0.69, 0.7, 0.9]), min_size=3, max_size=60))
def test_nothing_above_the_clear_level_ends_an_episode(values: list[float]) -> None:
    life = Life()
    life.values(0.7, 0.7, 0.7, *values)
    assert life.state == "firing"
    assert [kind for kind, *_ in life.told if kind != "escalated"] == ["firing"]
