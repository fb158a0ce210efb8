"""Counts of minutes of which the events were pruned go with them; those that stay are as true as before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stormwatch.catalog import Catalog
from stormwatch.minutes.keeper import Minutes
from stormwatch.minutes.replay import Replay, number_of
from stormwatch.retention.pruner import Pruner
from stormwatch.storage import Store

from .minute_site import MINUTE, START, Site, end_of, keep, log

MINUTE_BY_MINUTE = ("_flow_counts", "_work_counts", "_rate_counts")
FORGOTTEN = ("minute_counts", "minute_effects", "minute_work", "minute_flows", "minute_state", "block_state")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    catalog = Catalog.load()
    with Store(tmp_path / "log.duckdb") as store:
        with store.cursor() as cursor:
            catalog.install(cursor)
        yield Site(store, catalog)


def prune(site: Site, minutes: int, rows: int = 100) -> datetime:
    before = START + minutes * MINUTE
    assert Pruner(site.store, rows).prune(before, "asked for", rest=0).rows["observations"]
    return before


def by_events(site: Site, **given: Any) -> list[list[dict[str, Any]]]:
    """Rates as they are without any counts."""
    with site.store.cursor() as cursor:
        cursor.execute("BEGIN")
        for table in FORGOTTEN:
            cursor.execute(f"DELETE FROM {table}")
        found = [
            Catalog.load().run(cursor, name, **given).to_pylist() for name in ("event_rate", "type_counts")
        ]
        cursor.execute("ROLLBACK")
    return found


def first_counted(site: Site) -> list[int]:
    tables = {"minute_counts": "minute_no", "minute_effects": "minute_no", "minute_work": "minute_no",
              "minute_flows": "minute_no", "block_faults": "block_no * 5"}  # fmt: skip
    return [site.ask(f"SELECT min({column}) FROM {table}")[0][0] for table, column in tables.items()]


@pytest.mark.slow
def test_what_is_kept_answers_as_before(site: Site) -> None:
    rows = log(21)
    site.commit(rows)
    keep(site, end_of(rows))
    window = f"TIMESTAMP '{START + 10 * MINUTE}', TIMESTAMP '{START + 25 * MINUTE}'"
    counted = [
        f"_fault_counts({window})",
        *(
            f"{name}({window}, INTERVAL 1 MINUTE)"
            for name in ("_flow_counts", "_work_counts", "_rate_counts")
        ),
        f"_loop_counts({window}, INTERVAL 1 MINUTE, INTERVAL 3 MINUTE)",
        f"type_counts(since := {window.replace(', ', ', until := ')})",
    ]
    before = {call: site.ask(f"FROM {call} ORDER BY ALL") for call in counted}
    assert all(before.values())
    assert prune(site, 10) == START + 10 * MINUTE
    assert site.is_kept(START + 10 * MINUTE, START + 25 * MINUTE)
    assert {call: site.ask(f"FROM {call} ORDER BY ALL") for call in counted} == before


@pytest.mark.slow
def test_windows_that_begin_before_it_have_what_is_there(site: Site) -> None:
    rows = log(22)
    site.commit(rows)
    keep(site, end_of(rows))
    window = {"since": START, "until": START + 24 * MINUTE}
    whole = site.rates(**window)
    before = prune(site, 13)
    assert site.is_kept(**window), "all there is is counted, so that nobody has to read it again"
    pruned = site.rates(**window)
    assert pruned == by_events(site, **window)
    assert pruned[0] == [one for one in whole[0] if one["bucket_start"] >= before]
    assert pruned[1] == [one for one in whole[1] if one["bucket_start"] >= before]
    assert min(first_counted(site)) >= number_of(before)
    [coverage] = site.ask("SELECT first_at, event_count FROM log_coverage")
    assert coverage == (
        min(row[-1] for row in rows if row[-1] >= before),
        sum(row[-1] >= before for row in rows),
    )


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [10, 13])
def test_a_block_of_which_some_is_gone_is_asked_of_the_events(minutes: int, site: Site) -> None:
    rows = log(23)
    site.commit(rows)
    keep(site, end_of(rows))
    prune(site, minutes)
    assert site.ask("SELECT since_no FROM block_state") == [
        (0 if minutes == 10 else number_of(START) // 5 + 3,)
    ]
    window = f"TIMESTAMP '{START + 10 * MINUTE}', TIMESTAMP '{START + 25 * MINUTE}'"
    found = site.ask(f"FROM _fault_counts({window}) ORDER BY ALL")
    with site.store.cursor() as cursor:
        cursor.execute("DELETE FROM block_state")
    asked = site.ask(f"FROM _fault_counts({window}) ORDER BY ALL")
    assert {row[0] for row in found} == {row[0] for row in asked}
    if minutes == 13:
        assert found == asked, "the hour before it is gone as well, and the counts with it"


class _AfterOne(threading.Event):
    """Stops whoever rests."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return super().wait(timeout)


@pytest.mark.slow
def test_between_slices_of_a_minute_answers_are_true(site: Site) -> None:
    rows = log(28)
    site.commit(rows)
    keep(site, end_of(rows))
    window = {"since": START, "until": START + 24 * MINUTE}
    pruner, kept = Pruner(site.store, 15), []
    before = START + 2 * MINUTE
    while pruner.count(before).rows["observations"]:
        pruner.prune(before, "asked for", stopped=_AfterOne())
        kept.append(site.is_kept(**window))
        assert site.rates(**window) == by_events(site, **window)
        assert site.rates(**{**window, "since": before}) == by_events(site, **{**window, "since": before})
    assert False in kept, "nobody counted the part of a minute that is left for a while"
    assert kept[-1], "what is left begins with a whole minute"


@pytest.mark.slow
def test_counting_goes_on(site: Site) -> None:
    rows = sorted(log(24), key=lambda row: row[-1])
    middle = START + 15 * MINUTE
    site.commit([row for row in rows if row[-1] < middle])
    keep(site, middle)
    prune(site, 10)
    site.batch = site.ask("SELECT max(batch_id) FROM batches")[0][0]
    site.commit([row for row in rows if row[-1] >= middle])
    keep(site, end_of(rows))
    window = {"since": START, "until": end_of(rows)}
    assert site.is_kept(**window)
    assert site.rates(**window) == by_events(site, **window)


@pytest.mark.slow
def test_it_does_not_prune_what_is_being_counted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts that were made before would be stored after, and tell of what is gone."""
    rows = log(25)
    site.commit(rows)
    threads: list[threading.Thread] = []
    store = Replay.store

    def slowly(self: Replay, first: int, last: int) -> None:
        if not threads:
            threads.append(threading.Thread(target=prune, args=(site, 10)))
            threads[0].start()
            threads[0].join(0.3)
            assert threads[0].is_alive()
        store(self, first, last)

    monkeypatch.setattr(Replay, "store", slowly)
    minutes = Minutes(site.store)
    while minutes.keep(end_of(rows)):
        minutes.rest_no_more()
    threads[0].join()
    while minutes.keep(end_of(rows)):
        minutes.rest_no_more()
    minutes.close()
    assert min(first_counted(site)) >= number_of(START + 10 * MINUTE)


@pytest.mark.slow
def test_late_lines_of_what_was_pruned_are_counted_until_they_go(site: Site) -> None:
    rows = log(26)
    site.commit(rows)
    keep(site, end_of(rows))
    prune(site, 15)
    site.batch = site.ask("SELECT max(batch_id) FROM batches")[0][0]
    site.commit([("late", "order", None, None, START + 2 * MINUTE)])
    assert site.ask("SELECT count(*) FROM stale_minutes") == [(1,)]
    window = {"since": START, "until": end_of(rows)}
    assert site.rates(**window) == by_events(site, **window)
    prune(site, 15)
    assert site.ask("FROM stale_minutes") == []
    assert site.is_kept(**window)
    assert site.rates(**window) == by_events(site, **window)


@pytest.mark.slow
def test_what_was_not_counted_yet_is_not_said_to_be(site: Site) -> None:
    """Of a log that was there before, minutes are counted backwards: pruning is no reason to stop there."""
    rows = log(27)
    site.commit(rows)
    keep(site, end_of(rows))
    counted_from = number_of(START + 12 * MINUTE)
    with site.store.cursor() as cursor:
        cursor.execute("UPDATE minute_state SET since_no = ?, effects_since_no = ?", [counted_from] * 2)
        for table in ("minute_counts", "minute_work"):
            cursor.execute(f"DELETE FROM {table} WHERE minute_no < ?", [counted_from])
    prune(site, 5)
    assert site.ask("SELECT since_no FROM minute_state") == [(counted_from,)]
    window = {"since": START, "until": end_of(rows)}
    assert not site.is_kept(**window)
    assert site.rates(**window) == by_events(site, **window)
