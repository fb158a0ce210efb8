"""What is older goes and what is younger stays, each byte accounted for and read once, whatever happens."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from ingest.mapping import from_options
from ingest.reader import Share
from ingest.requests import ask
from ingest.service import Settings
from stormwatch.retention.pruner import Pruned, Pruner

from .rig import Rig, line

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - naive UTC as stored
MINUTE = timedelta(minutes=1)
TABLES = ("observations", "causes", "locks", "rejects")
TIMES = {"observations": "coalesce(occurred_at, ingested_at)", "rejects": "rejected_at"}
OF_RECORD = f"""(
    SELECT {TIMES["observations"]} FROM observations AS of
    WHERE (of.file_id, of.byte_offset, of.record_no) = (t.file_id, t.byte_offset, t.record_no)
)"""


def records(first: int, count: int, *, per_minute: int = 10) -> bytes:
    """Lines of which some are torn, without a time, about a lock, or of several causes."""
    made = bytearray()
    for number in range(first, first + count):
        at = START + number * MINUTE / per_minute
        record: dict[str, Any] = {"id": f"e{number}", "type": "t", "time": f"{at.isoformat()}Z"}
        if number % 3 == 0:
            record["links"] = [{"id": f"e{number - 1}"}, {"id": f"e{number - 2}"}]
        if number % 7 == 0:
            record |= {"operation": "lock_wait", "resource": "r", "owner": str(number)}
        if number % 11 == 0:
            del record["time"]
        text = json.dumps(record)
        made += (text[:-9] if number % 13 == 0 else text).encode() + b"\n"
    return bytes(made)


def prune(rig: Rig, minutes: int, rows: int = 25) -> Pruned:
    return Pruner(rig.store, rows).prune(START + minutes * MINUTE, "asked for", rest=0)


def stored(rig: Rig, since: datetime | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of all tables, of `since` and later."""
    found = {}
    for table in TABLES:
        at = TIMES.get(table, OF_RECORD)
        where = "" if since is None else f"WHERE {at} >= TIMESTAMP '{since}'"
        found[table] = rig.query(f"FROM {table} AS t {where} ORDER BY ALL")
    return found


def age(rig: Rig, minutes: int) -> None:
    """Have what was read before the middle be read so many minutes after the start of the log."""
    at = f"TIMESTAMP '{START + minutes * MINUTE}'"
    with rig.store.cursor() as cursor:
        cursor.execute(f"UPDATE observations SET ingested_at = {at} WHERE byte_offset < 9000")
        cursor.execute(f"UPDATE rejects SET rejected_at = {at} WHERE byte_offset < 9000")
        cursor.execute("DELETE FROM covered_days")
        cursor.execute(
            "INSERT INTO covered_days SELECT file_id, date_trunc('day', occurred_at), min(occurred_at),"
            " min(occurred_at) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE),"
            " max(occurred_at) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE), count(*),"
            " count(*) FILTER (occurred_at <= ingested_at + INTERVAL 5 MINUTE)"
            " FROM observations GROUP BY ALL"
        )


@pytest.fixture
def two_files(rig: Rig) -> Rig:
    """Forty minutes of log in two files, read so that some of what has no time is old."""
    rig.add("a.log", records(0, 200))
    rig.add("b.log", records(200, 200))
    rig.drain()
    age(rig, 5)
    rig.check_conservation()
    return rig


@pytest.mark.parametrize("minutes", [3, 13, 27, 50])
@pytest.mark.parametrize("rows", [pytest.param(1, marks=pytest.mark.slow), 25, 10_000])
def test_what_is_younger_stays_exactly(minutes: int, rows: int, two_files: Rig) -> None:
    before, expected = stored(two_files), stored(two_files, START + minutes * MINUTE)
    counted = Pruner(two_files.store).count(START + minutes * MINUTE)
    done = prune(two_files, minutes, rows)
    assert stored(two_files) == expected
    assert done.rows == counted.rows == {t: len(before[t]) - len(expected[t]) for t in TABLES}
    two_files.check_conservation()
    assert prune(two_files, minutes).rows.total() == 0
    if minutes == 13:
        assert all(done.rows[table] and expected[table] for table in TABLES)


def test_counting_changes_nothing(two_files: Rig) -> None:
    before = stored(two_files)
    assert Pruner(two_files.store).count(START + 13 * MINUTE).rows.total() > 100
    assert stored(two_files) == before
    assert two_files.query("FROM prunings") == two_files.query("FROM pruned_files") == []


def test_minutes_go_as_a_whole(two_files: Rig) -> None:
    expected = stored(two_files, START + 13 * MINUTE)
    pruner = Pruner(two_files.store)
    assert pruner.prune(START + 13.9 * MINUTE, "asked for").before == START + 13 * MINUTE
    assert stored(two_files) == expected


def test_nothing_is_read_again_after_a_restart(rig: Rig) -> None:
    rig.append("app.log", 1200)
    rig.append("other.log", 1200)
    rig.drain()
    prune(rig, 30)
    missing = [number for number in rig.written if number // 60 % 60 < 30]
    rig.check(missing=missing)
    for end in (rig.restart, rig.kill):
        end()
        rig.drain()
        rig.check(missing=missing)
        rig.append("app.log", 3)
        rig.rename("other.log", f"other.log.{end.__name__}")
        rig.append("other.log", 3)
        shutil.copyfile(rig.path("app.log"), rig.path(f"copy-{end.__name__}.log"))
        rig.drain()
        rig.check(missing=missing)


def test_a_late_line_is_stored_until_it_is_pruned(rig: Rig) -> None:
    rig.append("app.log", 120)
    rig.drain()
    prune(rig, 1)
    rig.add("late.log", line(0).replace(b"0", b"7", 1))
    rig.drain()
    assert sorted(rig.numbers()) == [7, *range(60, 120)]
    rig.check_conservation()
    prune(rig, 1)
    rig.check(missing=range(60))


@pytest.mark.parametrize("rows", [60, pytest.param(7, marks=pytest.mark.slow)])
def test_between_two_slices_it_can_be_killed(
    rows: int, two_files: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stored(two_files)
    end = START + 30 * MINUTE
    expected = stored(two_files, end)
    cut, slice_of = [], Pruner._slice

    def fail_third(self: Pruner, cursor: Any, before: datetime, reason: str) -> Any:
        if len(cut) == 2:
            raise KeyboardInterrupt
        cut.append(before)
        return slice_of(self, cursor, before, reason)

    steps, minutes_only = 0, True
    while stored(two_files) != expected:
        cut.clear()
        with monkeypatch.context() as patch:
            patch.setattr(Pruner, "_slice", fail_third)
            try:
                prune(two_files, 30, rows)
            except KeyboardInterrupt:
                steps += 1
                two_files.kill()
                two_files.check_conservation()
                [(kept_since,)] = two_files.query("SELECT pruned_before FROM prunings")
                assert kept_since == cut[-1] < end
                minutes_only &= not kept_since.second
                assert stored(two_files) == stored_of(whole, two_files, kept_since)
    assert steps >= 2
    assert minutes_only == (rows == 60), "ten lines a minute, which is divided only if it holds more rows"
    two_files.check_conservation()
    two_files.drain()
    assert stored(two_files) == expected


def stored_of(whole: dict[str, Sequence[tuple[Any, ...]]], rig: Rig, since: datetime) -> dict[str, Any]:
    """Of the rows there were those that are not older; a locks or causes row is as old as its record."""
    columns = [name for name, *_ in rig.query("DESCRIBE observations")]
    place = slice(0, 3)
    key = [columns.index(name) for name in ("file_id", "byte_offset", "record_no")]
    at, read = columns.index("occurred_at"), columns.index("ingested_at")
    kept = [row for row in whole["observations"] if (row[at] or row[read]) >= since]
    places = {tuple(row[number] for number in key) for row in kept}
    return {
        "observations": kept,
        **{name: [row for row in whole[name] if row[place] in places] for name in ("causes", "locks")},
        "rejects": [row for row in whole["rejects"] if row[-1] >= since],
    }


def test_a_slice_that_fails_changes_nothing(two_files: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stored(two_files)
    monkeypatch.setattr("stormwatch.retention.pruner.NOTE", ("SELECT * FROM no_such_table",))
    with pytest.raises(Exception, match="no_such_table"):
        prune(two_files, 30)
    assert stored(two_files) == before
    two_files.check_conservation()
    two_files.add("a.log", records(500, 5))
    two_files.drain()
    assert two_files.query("SELECT count(*), max(batch_id) FROM batches GROUP BY ALL") == [(2, 2)]


def test_it_prunes_while_lines_are_read(rig: Rig) -> None:
    rig.append("app.log", 1800)
    rig.drain()
    failures: list[BaseException] = []

    def keep_pruning() -> None:
        try:
            for minutes in range(1, 26):
                prune(rig, minutes, rows=40)
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    thread = threading.Thread(target=keep_pruning)
    thread.start()
    while thread.is_alive():
        rig.append("app.log", 5)
        rig.append("more.log", 5)
        rig.look()
    thread.join()
    assert failures == []
    rig.drain()
    prune(rig, 25)
    rig.check(missing=[number for number in rig.written if number // 60 % 60 < 25])
    [(first, last, count)] = rig.query("SELECT min(batch_id), max(batch_id), count(*) FROM batches")
    assert (first, last) == (1, count), "numbers of batches have no holes and are given once"


def test_what_was_asked_before_is_asked_again(two_files: Rig) -> None:
    version = "SELECT max(batch_id) FROM batches"
    [(before,)] = two_files.query(version)
    prune(two_files, 13, rows=10_000)
    assert two_files.query(version) == [(before + 1,)]
    prune(two_files, 13)
    assert two_files.query(version) == [(before + 1,)]


def test_batches_of_the_past_are_put_together_by_the_hour(rig: Rig) -> None:
    for _ in range(6):
        rig.append("app.log", 300)
        rig.drain()
    with rig.store.cursor() as cursor:
        cursor.execute(
            "UPDATE batches SET committed_at = TIMESTAMP '2026-11-20 08:20' + INTERVAL 20 MINUTE * batch_id"
        )
    sums = "SELECT sum(event_count), sum(byte_count), max(newest_occurred_at) FROM batches"
    before = rig.query(sums)
    prune(rig, 20)
    assert rig.query(sums) == before
    folded = "SELECT batch_id, event_count FROM batches WHERE byte_count > 0 ORDER BY 1"
    assert rig.query(folded) == [(1, 300), (4, 900), (5, 300), (6, 300)]
    rig.append("app.log", 1)
    rig.restart()
    rig.drain()
    rig.check(missing=range(1200))


# --- parsed again ------------------------------------------------------------------------------


def test_what_was_pruned_is_not_brought_back_when_it_is_parsed_again(two_files: Rig) -> None:
    """With another mapping: as if all had been read with it, and then pruned."""
    mapping = from_options(["service=type"])
    prune(two_files, 13)
    kept = two_files.query("SELECT file_id, byte_offset FROM observations ORDER BY ALL")
    rejected = two_files.query("FROM rejects ORDER BY ALL")
    ids = two_files.query("SELECT effect_id, cause_id FROM causes ORDER BY ALL")
    two_files.close()
    two_files.settings = Settings(two_files.logs, mapping=mapping, batch=Share(bytes=4 << 10, records=20))
    two_files._open()
    ask(two_files.store, ["*.log"])
    two_files.ingester.reread()
    assert two_files.query("SELECT file_id, byte_offset FROM observations ORDER BY ALL") == kept
    assert [row[:4] for row in two_files.query("FROM rejects ORDER BY ALL")] == [row[:4] for row in rejected]
    assert two_files.query("SELECT effect_id, cause_id FROM causes ORDER BY ALL") == ids
    assert two_files.query("SELECT DISTINCT service FROM observations") == [("t",)]
    two_files.check_conservation()
    two_files.add("b.log", records(400, 20))
    two_files.drain()
    two_files.check_conservation()


def test_of_a_file_of_which_nothing_is_left_nothing_is_parsed_again(rig: Rig) -> None:
    rig.append("old.log", 60)
    rig.append("new.log", 60)
    rig.drain()
    prune(rig, 1)
    rig.path("old.log").unlink()
    ask(rig.store, ["*.log"])
    rig.drain()
    assert rig.query("SELECT path, problem FROM rereads JOIN files USING (file_id)") == [("new.log", None)]
    rig.check(missing=range(60))


def test_a_record_read_otherwise_counts_its_bytes_once(rig: Rig) -> None:
    """Two lines, of which one was pruned, are one record when they are read again: it is kept whole."""
    rig.append("app.log", 90)
    rig.drain()
    prune(rig, 1)
    with rig.store.cursor() as cursor:
        cursor.execute(
            "UPDATE observations SET byte_offset = byte_offset + 10, byte_length = byte_length - 10"
            " WHERE event_id = '70'"
        )
        cursor.execute("UPDATE pruned_files SET stored_bytes = stored_bytes + 10")
    rig.check_conservation()
    ask(rig.store, ["app.log"])
    rig.drain()
    rig.check(missing=range(60))


# --- which instant -----------------------------------------------------------------------------


def test_the_age_counts_from_the_newest_event_that_can_be_believed(rig: Rig) -> None:
    rig.append("app.log", 1800)
    rig.add("app.log", b'{"id": "x", "type": "t", "time": "2099-01-01T00:00:00Z"}\n')
    rig.drain()
    pruner = Pruner(rig.store)
    assert pruner.cut_of(10 * MINUTE) == START + 15 * MINUTE, "29:59 - 10 min, in whole blocks of 5 min"
    pruner.prune(START + 20 * MINUTE, "retention")
    assert pruner.cut_of(10 * MINUTE) == START + 15 * MINUTE
    assert rig.query("SELECT count(*) FROM observations") == [(601,)]


def test_without_events_there_is_no_such_instant(rig: Rig) -> None:
    assert Pruner(rig.store).cut_of(MINUTE) is None
    assert prune(rig, 10).rows.total() == 0
