"""What is kept per minute says what the events say, however it came about."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from stormwatch.catalog import Catalog
from stormwatch.minutes.keeper import Minutes, leave, mark_stale
from stormwatch.minutes.replay import SPAN, number_of, start_of
from stormwatch.minutes.statements import COUNTED
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
import plans  # type: ignore[import-not-found]  # a script of sample_logs
import weeks  # type: ignore[import-not-found]  # a script of sample_logs

START = datetime(2026, 1, 5)  # noqa: DTZ001 - naive UTC as stored
MINUTE = timedelta(minutes=1)
_INSERT = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, byte_offset, 1 AS byte_length, 0 AS record_no, 'canonical' AS format,
    event_id, event_type, causation_id, correlation_id, occurred_at, occurred_at AS ingested_at,
    CASE WHEN hash(event_id) % 50 = 0 THEN 2 END AS attempt,
    CASE event_type WHEN 'order' THEN 'work' WHEN 'ship' THEN 'parcels' END AS stream,
    CASE hash(event_id, occurred_at) % 3 WHEN 0 THEN 'send' WHEN 1 THEN 'receive' ELSE 'process' END
        AS operation,
    CASE hash(occurred_at) % 2 WHEN 0 THEN 'billing' ELSE 'store' END AS service,
    (epoch(occurred_at) + hash(event_id) % 40)::BIGINT AS sequence
FROM parsed
"""
_SIMULATED = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, id AS byte_offset, 1 AS byte_length, 0 AS record_no, 'canonical' AS format,
    $start AS ingested_at, 'e-' || id AS event_id, 'e-' || cause_id AS causation_id,
    $start::TIMESTAMP + to_microseconds((occurred_s * 1e6)::BIGINT) AS occurred_at,
    event_type::VARCHAR AS event_type, attempt, 'create' AS operation, 'node-' || node AS node
FROM written
"""

_SCHEMA = pa.schema(
    [
        *(
            pa.field(name, pa.string())
            for name in ("event_id", "event_type", "causation_id", "correlation_id")
        ),
        pa.field("occurred_at", pa.timestamp("us")),
        pa.field("byte_offset", pa.int64()),
    ]
)
_COLUMNS = _SCHEMA.names[:-1]
_ASKED: dict[str, dict[str, object]] = {
    "loop_gain": {"span": 3 * MINUTE},
    "repeated_work": {"baseline": 20 * MINUTE, "span": 2 * MINUTE},
    "backlog": {"span": 5 * MINUTE},
}

Row = tuple[str, str, str | None, str | None, datetime]
"""Event id, type, cause, flow, instant."""


def _log(seed: int, minutes: int = 40) -> list[Row]:
    """Orders whose steps cause each other and are retried, each observed up to three times."""
    chance = random.Random(seed)
    rows: list[Row] = []

    def happen(number: str, kind: str, cause: str | None, flow: str | None, at: datetime) -> None:
        for _ in range(chance.choice((1, 1, 2, 3))):
            rows.append((number, kind, cause, flow, at))
            at += timedelta(seconds=chance.expovariate(1 / 40))

    for order in range(minutes * 4):
        at = START + timedelta(seconds=chance.uniform(0, minutes * 60))
        flow = f"f{order}" if order % 3 else None
        number, kind = f"o{order}", "order"
        happen(number, kind, None, flow, at)
        for step in range(chance.randrange(14)):
            at += timedelta(seconds=chance.expovariate(1 / 30))
            cause = None if chance.random() < 0.1 else number if chance.random() < 0.9 else "never logged"
            number, kind = f"o{order}.{step}", chance.choice(("reserve", "retry", "retry", "retry", "ship"))
            happen(number, kind, cause, flow, at)
    return rows


class Site:
    """A database, with what a writer does when it stores rows."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self.store = store
        self._catalog = catalog
        self.batch = 0

    def commit(self, rows: Sequence[Row]) -> None:
        self.batch += 1
        with self.store.cursor() as cursor, self.store.transaction(cursor):
            columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
            cursor.register("parsed", pa.table({**columns, "byte_offset": list(range(len(rows)))}, _SCHEMA))
            cursor.execute(_INSERT)
            mark_stale(cursor, self.batch, "parsed")
            cursor.execute(
                "INSERT INTO batches VALUES (?, ?, ?, 0, 0, NULL, 1)", [self.batch, START, len(rows)]
            )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.store.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def answers(self, since: datetime, until: datetime) -> dict[str, list[dict[str, Any]]]:
        """Of all that is taken from what is kept."""
        with self.store.cursor() as cursor:
            return {
                name: self._catalog.run(cursor, name, since=since, until=until, **given).to_pylist()
                for name, given in _ASKED.items()
            }

    def order(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """How fast the budget of reorderings is used up."""
        with self.store.cursor() as cursor:
            found = self._catalog.run(cursor, "delivery_budgets", since=since, until=until).to_pylist()
        return [one for one in found if one["fault"] == "reordered"]

    def gains(self, since: datetime, until: datetime, **more: Any) -> list[dict[str, Any]]:
        with self.store.cursor() as cursor:
            given = {"since": since, "until": until, **more}
            return self._catalog.run(cursor, "loop_gain", **given).to_pylist()

    def kept(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table: self.ask(f"FROM {table} ORDER BY ALL") for _, table, _ in COUNTED}

    def is_kept(self, since: datetime, until: datetime) -> bool:
        with self.store.cursor() as cursor:
            [(found,)] = cursor.execute(
                "SELECT is_kept FROM _kept_minutes(?::TIMESTAMP, ?::TIMESTAMP, INTERVAL 1 MINUTE)",
                [since, until],
            ).fetchall()
            return bool(found)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    catalog = Catalog.load()
    with Store(tmp_path / "log.duckdb") as store:
        with store.cursor() as cursor:
            catalog.install(cursor)
        yield Site(store, catalog)


def _keep(site: Site, until: datetime) -> None:
    """Keep all there is to keep, and leave: as a process does that is stopped."""
    minutes = Minutes(site.store)

    def turn() -> bool:
        minutes.rest_no_more()
        return minutes.keep(until)

    while turn() or site.ask("SELECT 1 FROM stale_minutes LIMIT 1"):
        pass
    minutes.close()


def _end(rows: Sequence[Row]) -> datetime:
    return start_of(number_of(max(row[-1] for row in rows)) + 1)


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_it_answers_as_the_events_do(seed: int, site: Site) -> None:
    rows = _log(seed)
    site.commit(rows)
    end = _end(rows)
    end = start_of(number_of(end) // 5 * 5)
    by_events, order = site.answers(START, end), site.order(START, end)
    assert any(one["burn_5min"] for one in order)
    assert all(by_events.values())
    assert any(one["kind"] == "deep chain" and one["repeated_count"] for one in by_events["repeated_work"])
    _keep(site, _end(rows))
    site.store.cursor().execute("DELETE FROM observations")
    assert site.is_kept(START, end)
    assert site.answers(START, end) == by_events
    assert site.order(START, end) == order


@pytest.mark.parametrize("bucket", [2 * MINUTE, pytest.param(5 * MINUTE, marks=pytest.mark.slow)])
def test_longer_buckets_are_made_of_minutes(bucket: timedelta, site: Site) -> None:
    rows = _log(4, minutes=120)
    site.commit(rows)
    end = START + 120 * MINUTE
    given = {"since": START, "until": end, "bucket": bucket, "span": bucket, "baseline": 10 * bucket}
    by_events = site.gains(**given)
    _keep(site, _end(rows))
    site.store.cursor().execute("DELETE FROM observations")
    assert [(one["bucket_start"], one["loop"], one["loop_count"]) for one in site.gains(**given)] == [
        (one["bucket_start"], one["loop"], one["loop_count"]) for one in by_events
    ]
    for kept, counted in zip(site.gains(**given), by_events, strict=True):
        assert kept["gain"] == pytest.approx(counted["gain"], rel=0.02)


def test_buckets_shorter_than_a_minute_are_counted_from_the_events(site: Site) -> None:
    rows = _log(5)
    site.commit(rows)
    given = {"since": START, "until": _end(rows), "bucket": 30 * timedelta(seconds=1), "span": 3 * MINUTE}
    by_events = site.gains(**given)
    _keep(site, _end(rows))
    assert by_events
    assert site.gains(**given) == by_events


def test_it_does_not_matter_when_rows_were_read(site: Site, tmp_path: Path) -> None:
    """One file after another, in pieces, with counting and restarts in between; or all at once."""
    rows = _log(6, minutes=20)
    end = _end(rows)
    chance = random.Random(7)
    shuffled = chance.sample(rows, len(rows))
    for begin in range(0, len(shuffled), 500):
        site.commit(shuffled[begin : begin + 500])
        _keep(site, START + chance.randrange(1, 25) * MINUTE)
    _keep(site, end)
    in_pieces = site.kept()
    catalog = Catalog.load()
    with Store(tmp_path / "other.duckdb") as store:
        with store.cursor() as cursor:
            catalog.install(cursor)
        other = Site(store, catalog)
        other.commit(rows)
        _keep(other, end)
        at_once = other.kept()
    assert in_pieces == at_once
    assert all(at_once.values())


def test_minutes_are_counted_one_by_one_as_the_log_goes_on(site: Site) -> None:
    rows = sorted(_log(8), key=lambda row: row[-1])
    end = _end(rows)
    minutes = Minutes(site.store)
    for number in range(number_of(START), number_of(end)):
        site.commit([row for row in rows if number_of(row[-1]) == number])
        minutes.keep(start_of(number + 1))
        assert site.ask("SELECT until_no FROM minute_state") == [(number + 1,)]
    assert site.ask("FROM stale_minutes") == []
    step_by_step = site.kept()
    minutes.close()
    site.store.cursor().execute("DELETE FROM minute_state")
    _keep(site, end)
    assert site.kept() == step_by_step


def test_rows_that_come_while_a_minute_is_counted_make_it_stale(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = _log(9)
    site.commit(rows[:-200])
    minutes = Minutes(site.store)
    count = minutes._head.count

    def meanwhile(*given: Any) -> int:
        reached = count(*given)
        site.commit(rows[-200:])
        return reached

    monkeypatch.setattr(minutes._head, "count", meanwhile)
    minutes.keep(_end(rows))
    assert site.ask("SELECT 1 FROM stale_minutes LIMIT 1") == [(1,)]
    minutes.close()
    _keep(site, _end(rows))
    found = site.kept()
    site.store.cursor().execute("DELETE FROM minute_state")
    _keep(site, _end(rows))
    assert site.kept() == found


def test_what_nobody_counted_is_read_from_the_events(site: Site) -> None:
    rows = sorted(_log(10), key=lambda row: row[-1])
    half = START + 20 * MINUTE
    site.commit([row for row in rows if row[-1] < half])
    _keep(site, half)
    assert site.is_kept(START, half)
    site.commit([row for row in rows if row[-1] >= half])
    assert not site.is_kept(START, _end(rows))
    given = {"since": START, "until": _end(rows), "span": 3 * MINUTE}
    partly = site.gains(**given)
    site.store.cursor().execute("DELETE FROM minute_state")
    assert site.gains(**given) == partly


def test_while_minutes_are_kept_the_last_ones_may_be_missing(site: Site) -> None:
    rows = _log(11)
    site.commit(rows)
    minutes = Minutes(site.store)
    while minutes.keep(START + 30 * MINUTE):
        pass
    assert site.is_kept(START, START + 32 * MINUTE)
    assert site.is_kept(START, START + 1000 * MINUTE)  # there is no more, as far as can be told
    leave(site.store)  # what a process does that takes over after one that was killed
    assert not site.is_kept(START, START + 31 * MINUTE)
    assert site.is_kept(START, START + 30 * MINUTE)


def test_of_an_old_log_a_day_and_a_little_is_kept(site: Site) -> None:
    far = START + timedelta(days=30)
    site.commit([("a", "old", None, None, START), ("b", "new", "a", None, far)])
    _keep(site, far + MINUTE)
    assert {row[1] for row in site.kept()["minute_counts"]} == {"new"}
    assert site.is_kept(far - timedelta(hours=26), far)
    assert not site.is_kept(START, far)
    # What is older than anything kept makes nothing stale.
    site.commit([("c", "older", None, None, START + MINUTE)])
    assert site.ask("FROM stale_minutes") == []


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
    rows = _log(12)
    site.commit(rows)
    minutes = Minutes(site.store)
    while minutes.keep(_end(rows)):
        pass
    cursor = minutes._head.cursor
    [(count, oldest)] = cursor.execute("SELECT count(*), min(last_no) FROM recent").fetchall()
    assert 0 < count < len(rows) / 2
    # The causes of effects that count are always known.
    assert oldest == number_of(_end(rows)) - SPAN


def test_after_an_error_it_begins_anew(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = _log(13)
    site.commit(rows)
    minutes = Minutes(site.store)

    def fail(_: int) -> None:
        raise duckdb.IOException("No space left")

    monkeypatch.setattr(minutes._head, "_step", fail)
    with pytest.raises(duckdb.IOException):
        minutes.keep(_end(rows))
    assert not any(site.kept().values())
    while minutes.keep(_end(rows)):
        pass
    found = site.kept()
    minutes.close()
    site.store.cursor().execute("DELETE FROM minute_state")
    _keep(site, _end(rows))
    assert site.kept() == found


@pytest.mark.slow
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
    _keep(site, begin + MINUTE)  # from its beginning on, not the last hours only
    _keep(site, crash + MINUTE)
    site.store.cursor().execute("DELETE FROM observations")
    kept = site.gains(**given)
    assert [(one["bucket_start"], one["loop"]) for one in kept] == [
        (one["bucket_start"], one["loop"]) for one in by_events
    ]
    assert [one["level"] for one in kept] == [one["level"] for one in by_events]
    assert {"storm"} <= {one["level"] for one in kept}
    for one, other in zip(kept, by_events, strict=True):
        assert one["gain"] == pytest.approx(other["gain"], rel=0.01)
