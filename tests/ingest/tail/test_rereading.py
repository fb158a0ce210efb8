"""Stored bytes are parsed again: rows are replaced, nothing is lost or there twice."""

from __future__ import annotations

import bz2
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from ingest.mapping import NO_MAPPING, FieldMapping, from_options
from ingest.reader import Limits, Share
from ingest.requests import ask
from ingest.service import Settings
from stormwatch.errors import ConfigError

from .rig import Rig, poison, refuse_poison

CORRECTED = from_options(["id=key", "cause=why"])
SMALL = Share(bytes=4 << 10, records=20)
TABLES = ("observations", "causes", "locks", "rejects")


def lines(first: int, count: int) -> bytes:
    """Lines that names do not tell the id of, every tenth one torn, every seventh about a lock."""
    made = bytearray()
    for number in range(first, first + count):
        record: dict[str, Any] = {"key": f"k-{number}", "why": f"w-{number}", "type": "t", "n": number}
        if number % 7 == 0:
            record |= {"operation": "lock_wait", "resource": "r", "owner": str(number)}
        text = json.dumps(record)
        made += (text[:-9] if number % 10 == 0 else text).encode() + b"\n"
    return bytes(made)


def tables(rig: Rig) -> dict[str, list[tuple[Any, ...]]]:
    """What is stored, without when it was stored and which number its file has."""
    found = {}
    for table in TABLES:
        at = "ingested_at" if table == "observations" else "rejected_at" if table == "rejects" else ""
        without = f"(file_id{', ' + at if at else ''})"
        found[table] = rig.query(
            f"SELECT path, t.* EXCLUDE {without} FROM {table} AS t JOIN files USING (file_id) ORDER BY ALL"
        )
    return found


def as_if_new(make_rig: Callable[..., Rig], files: dict[str, bytes]) -> dict[str, list[tuple[Any, ...]]]:
    rig = make_rig(mapping=CORRECTED)
    for name, data in files.items():
        rig.add(name, data)
    rig.drain()
    return tables(rig)


def with_mapping(rig: Rig, mapping: FieldMapping) -> None:
    """As a process that is started again with another mapping."""
    rig.close()
    rig.settings = Settings(rig.logs, mapping=mapping, batch=SMALL, limits=rig.settings.limits)
    rig._open()


def done(rig: Rig) -> list[tuple[str, bool, str | None]]:
    return rig.query(
        "SELECT path, finished_at IS NOT NULL, problem FROM rereads JOIN files USING (file_id) ORDER BY ALL"
    )


@pytest.fixture
def stored(make_rig: Callable[..., Rig]) -> Rig:
    """Two files that were stored with a mapping that misses the point."""
    rig = make_rig(mapping=NO_MAPPING, batch=SMALL)
    rig.add("a.log", lines(0, 100))
    rig.add("b.log", lines(100, 100))
    rig.drain()
    assert rig.query("SELECT count(causation_id) FROM observations") == [(0,)]
    return rig


@pytest.mark.slow
def test_rows_are_those_of_reading_it_anew(stored: Rig, make_rig: Callable[..., Rig]) -> None:
    with_mapping(stored, CORRECTED)
    asked = ask(stored.store, ["*.log"])
    assert (asked.files, asked.bytes) == (("a.log", "b.log"), len(lines(0, 200)))
    stored.ingester.reread()
    stored.check_conservation()
    assert tables(stored) == as_if_new(make_rig, {"a.log": lines(0, 100), "b.log": lines(100, 100)})
    assert done(stored) == [("a.log", True, None), ("b.log", True, None)]


def test_only_the_files_that_were_asked_for_change(stored: Rig) -> None:
    with_mapping(stored, CORRECTED)
    ask(stored.store, ["b.log"])
    stored.drain()
    changed = stored.query(
        "SELECT path, count(causation_id) FROM observations JOIN files USING (file_id) GROUP BY 1 ORDER BY 1"
    )
    assert changed == [("a.log", 0), ("b.log", 90)]


@pytest.mark.slow
@pytest.mark.parametrize("end", ["restart", "kill"])
def test_it_goes_on_where_it_was_stopped(stored: Rig, make_rig: Callable[..., Rig], end: str) -> None:
    with_mapping(stored, CORRECTED)
    ask(stored.store, ["*.log"])
    for _ in range(30):
        stored.ingester._reread()
        stored.check_conservation()
        getattr(stored, end)()
        stored.check_conservation()
    stored.drain()
    assert tables(stored) == as_if_new(make_rig, {"a.log": lines(0, 100), "b.log": lines(100, 100)})


@pytest.mark.slow
def test_what_is_written_meanwhile_is_read_once(stored: Rig, make_rig: Callable[..., Rig]) -> None:
    with_mapping(stored, CORRECTED)
    ask(stored.store, ["a.log"])
    for number in range(200, 230):
        stored.add("a.log", lines(number, 1))
        stored.ingester._reread()
        stored.look()
    stored.drain()
    stored.check_conservation()
    files = {"a.log": lines(0, 100) + b"".join(lines(n, 1) for n in range(200, 230))}
    expected = as_if_new(make_rig, files)
    found = {table: [row for row in rows if row[0] == "a.log"] for table, rows in tables(stored).items()}
    assert found == expected


def test_a_file_that_was_rotated_and_compressed_is_found(stored: Rig) -> None:
    packed = bz2.compress(stored.path("a.log").read_bytes())
    stored.add("old/a.log.1.bz2", packed)
    stored.path("a.log").unlink()
    with_mapping(stored, CORRECTED)
    ask(stored.store, ["a.log"])
    stored.drain()
    stored.check_conservation()
    assert stored.query("SELECT count(causation_id) FROM observations") == [(90,)]


def test_a_file_that_is_gone_stays_as_it_is(stored: Rig) -> None:
    before = tables(stored)
    stored.path("a.log").unlink()
    with_mapping(stored, CORRECTED)
    ask(stored.store, ["a.log"])
    stored.drain()
    assert tables(stored) == before
    [(path, is_finished, problem)] = done(stored)
    assert (path, is_finished) == ("a.log", True)
    assert "neither at" in (problem or "")


def assert_read_again_alike(rig: Rig) -> None:
    """What was read of a.log is the same when it is read again."""
    before = tables(rig)
    ask(rig.store, ["a.log"])
    rig.drain()
    rig.check_conservation()
    assert tables(rig) == before


def test_a_line_that_is_too_long_stays_one(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(batch=SMALL, limits=Limits(max_line_bytes=2000))
    rig.add("a.log", lines(1, 9) + b'{"key": "' + b"x" * 9000 + b'"}\n' + lines(11, 9))
    rig.drain()
    assert_read_again_alike(rig)


def test_the_first_piece_of_a_line_that_is_too_long_stays_one_while_the_line_is_written(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig(batch=SMALL, limits=Limits(max_line_bytes=2000))
    for part in (lines(1, 9), b'{"key": "' + b"x" * 1500, b"x" * 1500):
        rig.add("a.log", part)
        rig.look()
    before = tables(rig)
    assert [(len(raw), reason) for raw, reason in rig.rejects()] == [(2000, "a line longer than 2000 bytes")]
    ask(rig.store, ["a.log"])
    rig.ingester.reread()
    [(_, is_finished, problem)] = done(rig)
    assert (is_finished, problem) == (True, None)
    assert tables(rig) == before


def test_a_record_behind_a_byte_order_mark_stays_one(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(batch=Share(bytes=64 << 10, records=1))
    rig.add("a.log", "\ufeff".encode() + lines(1, 9) + "\ufeff".encode() + lines(11, 9))
    rig.drain()
    assert_read_again_alike(rig)


def test_a_record_behind_half_a_line_of_another_file_stays_one(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(batch=SMALL)
    content = rig.append("a.log", 30, 300)
    rig.look()
    os.truncate(rig.path("a.log"), len(content) * 2 // 3 + 5)
    rig.look()
    rig.append("a.log", 3)
    rig.drain()
    assert_read_again_alike(rig)
    rig.check()


def test_a_record_that_the_database_refuses_goes_to_quarantine(rig: Rig) -> None:
    rig.add("app.log", rig.lines(17) + poison(17))
    rig.written.append(17)
    rig.append("app.log", 30)
    rig.drain()
    rig.check()
    with pytest.MonkeyPatch.context() as patch:
        refuse_poison(patch)
        ask(rig.store, ["app.log"])
        rig.drain()
    rig.check(missing=[17])
    [(raw, reason)] = rig.rejects()
    assert (raw, "the database cannot take it" in reason) == (poison(17), True)
    ask(rig.store, ["app.log"])
    rig.drain()
    rig.check()
    assert rig.rejects() == []


def test_a_name_that_is_not_stored_is_refused(stored: Rig) -> None:
    with pytest.raises(ConfigError, match=r"c\.log: no stored file is called so; there are: a\.log, b\.log"):
        ask(stored.store, ["c.log"])
