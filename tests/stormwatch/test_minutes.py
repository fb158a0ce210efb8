"""What is kept per minute says what the events say, however it came about."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stormwatch.catalog import Catalog
from stormwatch.minutes.keeper import Minutes, leave
from stormwatch.minutes.replay import number_of, start_of
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store

from .minute_site import MINUTE, START, Site, end_of, keep, log

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
import plans  # type: ignore[import-not-found]  # a script of sample_logs
import weeks  # type: ignore[import-not-found]  # a script of sample_logs

from tests.prepared import prepare

pytestmark = pytest.mark.slow

_SIMULATED = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, id AS byte_offset, 1 AS byte_length, 0 AS record_no, 'canonical' AS format,
    $start AS ingested_at, 'e-' || id AS event_id, 'e-' || cause_id AS causation_id,
    $start::TIMESTAMP + to_microseconds((occurred_s * 1e6)::BIGINT) AS occurred_at,
    event_type::VARCHAR AS event_type, attempt, 'create' AS operation, 'node-' || node AS node
FROM written
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    catalog = Catalog.load()
    with Store(prepare(tmp_path / "log.duckdb")) as store:
        yield Site(store, catalog)


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_it_answers_as_the_events_do(seed: int, site: Site) -> None:
    rows = log(seed)
    site.commit(rows)
    end = end_of(rows)
    end = start_of(number_of(end) // 5 * 5)
    by_events, order = site.answers(START, end), site.order(START, end)
    assert any(one["burn_5min"] for one in order)
    assert all(by_events.values())
    assert any(one["kind"] == "deep chain" and one["repeated_count"] for one in by_events["repeated_work"])
    keep(site, end_of(rows))
    assert site.ask("SELECT DISTINCT sign(event_count) FROM minute_effects WHERE kind = 'shift'")
    site.store.cursor().execute("DELETE FROM observations")
    assert site.is_kept(START, end)
    assert site.answers(START, end) == by_events
    assert site.order(START, end) == order


@pytest.mark.parametrize("bucket", [2 * MINUTE, 5 * MINUTE])
def test_longer_buckets_are_made_of_minutes(bucket: timedelta, site: Site) -> None:
    rows = log(4, minutes=120)
    site.commit(rows)
    # What waits to be handled is passed over from a later minute on, or from a later bucket on.
    site.store.cursor().execute("UPDATE observations SET operation = 'create'")
    end = START + 120 * MINUTE
    given = {"since": START, "until": end, "bucket": bucket, "span": bucket, "baseline": 10 * bucket}
    by_events = site.gains(**given)
    keep(site, end_of(rows))
    site.store.cursor().execute("DELETE FROM observations")
    assert [(one["bucket_start"], one["loop"], one["loop_count"]) for one in site.gains(**given)] == [
        (one["bucket_start"], one["loop"], one["loop_count"]) for one in by_events
    ]
    for kept, counted in zip(site.gains(**given), by_events, strict=True):
        assert kept["gain"] == pytest.approx(counted["gain"], rel=0.02)


@pytest.mark.parametrize("bucket", [MINUTE, 5 * MINUTE])
def test_a_window_that_cuts_minutes_has_its_events(bucket: timedelta, site: Site) -> None:
    rows = log(14)
    site.commit(rows)
    second = timedelta(seconds=1)
    windows = [
        (START + a * second, START + b * second) for a, b in ((77, 1501), (60, 1499), (10, 40), (90, 1560))
    ]
    given = [{"since": since, "until": until, "bucket": bucket} for since, until in windows]
    by_events = [site.rates(**one) for one in given]
    minutes = Minutes(site.store)
    while minutes.keep(START + 24 * MINUTE):
        pass
    assert [site.rates(**one) for one in given] == by_events
    assert sum(one["error_count"] for rates, _ in by_events for one in rates) > 0
    # Those that are kept are not read again.
    site.store.cursor().execute(
        "DELETE FROM observations WHERE occurred_at >= $1 AND occurred_at < $2",
        [START + 2 * MINUTE, START + 24 * MINUTE],
    )
    assert [site.rates(**one) for one in given] == by_events


def test_buckets_shorter_than_a_minute_are_counted_from_the_events(site: Site) -> None:
    rows = log(5)
    site.commit(rows)
    given = {"since": START, "until": end_of(rows), "bucket": 30 * timedelta(seconds=1), "span": 3 * MINUTE}
    by_events = site.gains(**given)
    keep(site, end_of(rows))
    assert by_events
    assert site.gains(**given) == by_events


def test_it_does_not_matter_when_rows_were_read(site: Site, tmp_path: Path) -> None:
    """One file after another, in pieces, with counting and restarts in between; or all at once."""
    rows = log(6, minutes=20)
    end = end_of(rows)
    chance = random.Random(7)
    shuffled = chance.sample(rows, len(rows))
    for begin in range(0, len(shuffled), 500):
        site.commit(shuffled[begin : begin + 500])
        keep(site, START + chance.randrange(1, 25) * MINUTE)
    keep(site, end)
    in_pieces = site.kept()
    catalog = Catalog.load()
    with Store(prepare(tmp_path / "other.duckdb")) as store:
        other = Site(store, catalog)
        other.commit(rows)
        keep(other, end)
        at_once = other.kept()
    assert in_pieces == at_once
    assert all(at_once.values())


def test_minutes_are_counted_one_by_one_as_the_log_goes_on(site: Site) -> None:
    rows = sorted(log(8), key=lambda row: row[-1])
    end = end_of(rows)
    minutes = Minutes(site.store)
    for number in range(number_of(START), number_of(end)):
        site.commit([row for row in rows if number_of(row[-1]) == number])
        minutes.keep(start_of(number + 1))
        assert site.ask("SELECT until_no FROM minute_state") == [(number + 1,)]
    assert site.ask("FROM stale_minutes") == []
    step_by_step = site.kept()
    minutes.close()
    site.store.cursor().execute("DELETE FROM minute_state")
    keep(site, end)
    assert site.kept() == step_by_step


def test_rows_that_come_while_a_minute_is_counted_make_it_stale(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stormwatch.minutes.keeper._SLICE_S", 0)  # a minute at a time
    rows = log(9)
    site.commit(rows[:-200])
    minutes = Minutes(site.store)
    count = minutes._head.count

    def meanwhile(*given: Any) -> int:
        reached = count(*given)
        site.commit(rows[-200:])
        return reached

    while minutes.keep(START + 20 * MINUTE):
        pass
    monkeypatch.setattr(minutes._head, "count", meanwhile)
    minutes.keep(end_of(rows))
    assert site.ask("SELECT 1 FROM stale_minutes LIMIT 1") == [(1,)]
    minutes.close()
    keep(site, end_of(rows))
    found = site.kept()
    site.store.cursor().execute("DELETE FROM minute_state")
    keep(site, end_of(rows))
    assert site.kept() == found


def test_what_nobody_counted_is_read_from_the_events(site: Site) -> None:
    rows = sorted(log(10), key=lambda row: row[-1])
    half = START + 20 * MINUTE
    site.commit([row for row in rows if row[-1] < half])
    keep(site, half)
    assert site.is_kept(START, half)
    site.commit([row for row in rows if row[-1] >= half])
    assert not site.is_kept(START, end_of(rows))
    given = {"since": START, "until": end_of(rows), "span": 3 * MINUTE}
    partly = site.gains(**given)
    site.store.cursor().execute("DELETE FROM minute_state")
    assert site.gains(**given) == partly


def test_while_minutes_are_kept_the_last_ones_may_be_missing(site: Site) -> None:
    site.commit(log(11))
    minutes = Minutes(site.store)
    until = START + 20 * MINUTE
    while minutes.keep(until):
        pass
    assert site.is_kept(START, until + 3 * MINUTE)
    assert not site.is_kept(START, until + 6 * MINUTE)
    leave(site.store)  # what a process does that takes over after one that was killed
    assert not site.is_kept(START, until + MINUTE)
    assert site.is_kept(START, until)


def test_effects_before_their_causes_are_effects(site: Site) -> None:
    """As clocks that are a minute and a half apart have it."""
    behind = timedelta(seconds=90)
    rows = [
        (number, kind, cause, flow, at - behind if kind == "ship" else at)
        for number, kind, cause, flow, at in log(16)
    ]
    site.commit(rows)
    since, until = START - 3 * MINUTE, end_of(rows)
    by_events = site.answers(since, until)
    assert by_events["loop_gain"]
    keep(site, until)
    site.store.cursor().execute("DELETE FROM observations")
    for kept, counted in zip(site.gains(since, until, span=3 * MINUTE), by_events["loop_gain"], strict=True):
        assert kept["loop"] == counted["loop"]
        assert kept["gain"] == pytest.approx(counted["gain"], rel=0.05)
        assert kept["coverage_ratio"] == pytest.approx(counted["coverage_ratio"], abs=0.02)


def test_behind_the_newest_event_nothing_is_missing(site: Site) -> None:
    rows = log(11)
    site.commit(rows)
    keep(site, end_of(rows))
    assert site.is_kept(START, end_of(rows) + 1000 * MINUTE)
    later = end_of(rows) + 30 * MINUTE
    site.commit([("later", "order", None, None, later)])
    assert site.is_kept(START, end_of(rows))
    assert not site.is_kept(START, later + MINUTE)


def test_what_was_read_since_is_read_from_the_events(site: Site) -> None:
    rows = log(15)
    late = [row for row in rows if row[0].startswith("o7")]
    site.commit([row for row in rows if row not in late])
    keep(site, end_of(rows))
    assert site.is_kept(START, end_of(rows))
    site.commit(late)
    assert not site.is_kept(START, end_of(rows))
    by_events = site.answers(START, end_of(rows))
    keep(site, end_of(rows))
    assert site.is_kept(START, end_of(rows))
    assert site.answers(START, end_of(rows)) == by_events


def test_of_an_old_log_a_day_and_a_little_is_kept(site: Site) -> None:
    far = START + timedelta(days=30)
    before = far - timedelta(hours=20)
    site.commit(
        [("a", "old", None, None, START), ("m", "before", None, None, before), ("b", "new", "a", None, far)]
    )
    keep(site, far + MINUTE)
    assert site.kept()["minute_counts"] == [(number_of(before), "before", 1), (number_of(far), "new", 1)]
    assert site.is_kept(far - timedelta(hours=26), far)
    assert not site.is_kept(START, far)
    # What is older than anything kept is nobody's business.
    found = site.kept()
    site.commit([("c", "older", None, None, START + MINUTE)])
    assert site.is_kept(far - timedelta(hours=26), far)
    minutes = Minutes(site.store)
    while minutes.keep(far + MINUTE):
        minutes.rest_no_more()
    assert site.kept() == found


def test_of_a_long_silence_no_minute_is_gone_through(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    later = START + timedelta(hours=20)
    site.commit([("a", "one", None, None, START), ("b", "two", "a", None, later)])
    minutes = Minutes(site.store)
    steps = []
    step = minutes._head._step
    monkeypatch.setattr(minutes._head, "_step", lambda number: (steps.append(number), step(number)))
    while minutes.keep(later + MINUTE):
        pass
    assert len(steps) < 200
    assert steps[-1] == number_of(later)


def test_little_is_remembered_of_a_log_with_very_many_events(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stormwatch.minutes.replay.KNOWN_ROWS", 50)
    rows = log(12)
    site.commit(rows)
    minutes = Minutes(site.store)
    while minutes.keep(end_of(rows)):
        pass
    cursor = minutes._head.cursor
    for table in ("recent", "turns", "copies"):
        [(count, oldest)] = cursor.execute(f"SELECT count(*), min(last_no) FROM {table}").fetchall()
        assert 0 < count < len(rows) / 2
        assert oldest > number_of(START) + 5


def test_after_an_error_it_begins_anew(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = log(13)
    site.commit(rows)
    minutes = Minutes(site.store)

    def fail(_: int) -> None:
        raise duckdb.IOException("No space left")

    monkeypatch.setattr(minutes._head, "_step", fail)
    with pytest.raises(duckdb.IOException):
        minutes.keep(end_of(rows))
    assert not any(site.kept().values())
    while minutes.keep(end_of(rows)):
        pass
    found = site.kept()
    minutes.close()
    site.store.cursor().execute("DELETE FROM minute_state")
    keep(site, end_of(rows))
    assert site.kept() == found


@pytest.mark.parametrize(("shape", "seed"), [("step", 951), ("medium", 952)])
def test_a_storm_is_judged_as_by_the_events(shape: str, seed: int, site: Site) -> None:
    plan = plans.storm(shape, seed, 4, 0.95, 0.06)
    run = weeks.simulate(plan, seed)
    with site.store.cursor() as cursor:
        cursor.register("written", run.events)
        cursor.execute(_SIMULATED, {"start": START})
        cursor.unregister("written")
        crash = START + run.crashed_min * MINUTE
        begin = crash - 420 * MINUTE
        cursor.execute("DELETE FROM observations WHERE occurred_at < ?", [begin])
    given = {"since": crash - 180 * MINUTE, "until": crash}
    by_events = site.gains(**given)
    keep(site, begin + MINUTE)  # from its beginning on, not the last hours only
    keep(site, crash + MINUTE)
    site.store.cursor().execute("DELETE FROM observations")
    kept = site.gains(**given)
    assert [(one["bucket_start"], one["loop"]) for one in kept] == [
        (one["bucket_start"], one["loop"]) for one in by_events
    ]
    assert [one["level"] for one in kept] == [one["level"] for one in by_events]
    assert {"storm"} <= {one["level"] for one in kept}
    for one, other in zip(kept, by_events, strict=True):
        assert one["gain"] == pytest.approx(other["gain"], rel=0.01)
