"""Files whose first line names their columns, while they are written, rotated, and read again."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.check import Checker
from ingest.mapping import NO_MAPPING, from_options
from ingest.reader import Share
from ingest.requests import ask
from ingest.service import Settings
from ingest.tailer import Patience
from stormwatch.redaction import Redaction
from stormwatch.storage import open_empty

from .rig import Rig, refuse_poison

NAMES = ("id", "time", "type", "note")
HEADER = b"id,time,type,note\n"
W3C = b"#Version: 1.0\n#Fields: date time id type\n"
OTHER = b"#Date: 2026-11-20 10:00:00\n#Fields: date time type extra id\n"
TIME = "2026-11-20T10:00:00"


def rows(rig: Rig, first: int, count: int) -> bytes:
    """So many rows, some of them of several lines; all of them are expected to arrive once."""
    numbers = range(first, first + count)
    rig.written.extend(numbers)
    notes = ("", "plain", '"of\ntwo, lines""; and more\n"')
    return b"".join(f"{n},{TIME}Z,tick,{notes[n % 3]}\n".encode() for n in numbers)


def directed(rig: Rig, first: int, count: int, *, is_other: bool = False) -> bytes:
    """The same of a W3C log."""
    numbers = range(first, first + count)
    rig.written.extend(numbers)
    form = "2026-11-20 10:00:00 tick - {}\n" if is_other else "2026-11-20 10:00:00 {} tick\n"
    return b"".join(form.format(n).encode() for n in numbers)


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\0") | st.sampled_from(',;"\n|'), max_size=12
)
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=9)


@settings(max_examples=20)
@given(
    TABLES,
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.lists(st.floats(0, 1), max_size=5),
    st.sampled_from([1, 3, 1000]),
)
def test_any_table_is_read_while_it_is_written(
    table: list[tuple[str, str]], delimiter: str, end: str, cuts: list[float], records: int
) -> None:
    """Cut anywhere, with restarts, in batches of any size: its rows, byte for byte."""
    written = []
    for number, (kind, note) in enumerate(table):
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter, lineterminator=end).writerow((number, TIME, kind, note))
        written.append(out.getvalue().encode())
    header = delimiter.join(NAMES).encode() + end.encode()
    content = header + b"".join(written)
    places = sorted(int(cut * len(content)) for cut in cuts)
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory), batch=Share(bytes=64 << 10, records=records), patience=Patience(tail_s=30))
        for start, stop in zip([0, *places], [*places, len(content)], strict=True):
            rig.add("table.csv", content[start:stop])
            rig.look()
            if stop % 2:
                rig.restart()
        rig.drain()
        rig.check_conservation()
        assert rig.rejects() == []
        lengths = rig.query("SELECT byte_length FROM observations ORDER BY byte_offset")
        assert lengths == [(len(one),) for one in written]
        assert rig.files("blank_bytes", "committed_offset") == [(len(header), len(content))]
        assert _cells(rig) == table
        rig.close()


def _cells(rig: Rig) -> list[tuple[str, str]]:
    found = rig.query("SELECT event_type, attributes FROM observations ORDER BY byte_offset")
    return [
        (kind or json.loads(left or "{}").get("type", ""), json.loads(left or "{}").get("note", ""))
        for kind, left in found
    ]


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 7, 64])
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_in_the_middle(rig: Rig, step: int, end: str) -> None:
    content = HEADER + rows(rig, 0, 9)
    for number, start in enumerate(range(0, len(content), step)):
        rig.add("app.csv", content[start : start + step])
        rig.look()
        if number % 9 == 0:
            rig.restart() if end == "stop" else rig.kill()
    rig.drain()
    rig.check()
    assert rig.rejects() == []


def test_a_header_alone_waits_for_a_row(rig: Rig) -> None:
    rig.add("app.csv", HEADER)
    rig.drain()
    assert rig.files("committed_offset") == [(0,)]
    rig.add("app.csv", rows(rig, 0, 1)[:8])
    rig.restart()
    rig.drain()
    assert rig.files("committed_offset") == [(0,)]
    rig.clock.pass_time(3601)
    rig.look()
    assert rig.rejects()[0][1] == "2 fields where the header names 4"


def test_a_row_that_does_not_fit_is_quarantined_alone(rig: Rig) -> None:
    rig.add("app.csv", HEADER + rows(rig, 0, 3) + b"1,2\n" + rows(rig, 3, 3) + b'8,"torn\n' + rows(rig, 6, 9))
    rig.drain()
    rig.check()
    assert [raw for raw, _ in rig.rejects()] == [b"1,2\n", b'8,"torn\n']


@pytest.mark.parametrize("is_copied", [False, True])
def test_the_new_file_of_a_rotation_has_the_header_again(rig: Rig, is_copied: bool) -> None:
    rig.add("app.csv", HEADER + rows(rig, 0, 5))
    rig.look()
    rig.add("app.csv", rows(rig, 5, 5))
    if is_copied:
        rig.look()
        rig.copytruncate("app.csv", "app.csv.1")
    else:
        rig.rename("app.csv", "app.csv.1")
    rig.add("app.csv", HEADER + rows(rig, 10, 5))
    rig.drain()
    rig.check()
    assert rig.rejects() == []


def test_a_program_that_starts_again_writes_the_header_again(rig: Rig) -> None:
    rig.add("app.csv", HEADER + rows(rig, 0, 5) + HEADER + rows(rig, 5, 5))
    rig.drain()
    rig.check()
    assert rig.rejects() == []


@pytest.mark.parametrize("records", [pytest.param(1, marks=pytest.mark.slow), 4, 1000])
@pytest.mark.parametrize("is_packed", [False, True])
def test_directives_that_name_other_columns(
    make_rig: Callable[..., Rig], records: int, is_packed: bool
) -> None:
    """However it is cut, and read on after a restart behind them."""
    rig = make_rig(batch=Share(bytes=64 << 10, records=records))
    parts = [
        W3C + directed(rig, 0, 5), W3C + directed(rig, 5, 5), OTHER + directed(rig, 10, 5, is_other=True),
        directed(rig, 15, 2, is_other=True), W3C[:-1] + b"\r\n" + directed(rig, 17, 3),
        W3C + OTHER, directed(rig, 20, 3, is_other=True) + b"1 2 3\n",
    ]  # fmt: skip
    if is_packed:
        rig.add("app.log.gz", gzip.compress(b"".join(parts)))
    for part in () if is_packed else parts:
        rig.add("app.log", part[:-9])
        rig.look()
        rig.add("app.log", part[-9:])
        rig.restart()
        rig.look()
    rig.drain()
    rig.check()
    assert [raw for raw, _ in rig.rejects()] == [b"1 2 3\n"]
    assert rig.query("SELECT DISTINCT occurred_at::VARCHAR, event_type FROM observations") == [
        ("2026-11-20 10:00:00", "tick")
    ]


@pytest.mark.parametrize("is_directed", [False, True])
def test_reading_again(make_rig: Callable[..., Rig], is_directed: bool) -> None:
    small = Share(bytes=4 << 10, records=4)
    rig = make_rig(batch=small)
    content = HEADER + rows(rig, 0, 20)
    if is_directed:
        content = W3C + directed(rig, 20, 9) + OTHER + directed(rig, 29, 9, is_other=True)
        rig.written = rig.written[20:]
    rig.add("app.csv", content)
    rig.drain()
    rig.check()
    before = rig.files("stored_bytes", "blank_bytes")
    rig.settings = Settings(rig.logs, mapping=from_options(["correlation=type"]), batch=small)
    rig.restart()
    ask(rig.store, ["app.csv"])
    rig.drain()
    rig.check()
    assert rig.files("stored_bytes", "blank_bytes") == before
    assert rig.query("SELECT DISTINCT correlation_id FROM observations") == [("tick",)]


def test_a_row_that_the_database_refuses_goes_to_quarantine_alone(rig: Rig) -> None:
    refused = f"99,{TIME}Z,poison,\n".encode()
    with pytest.MonkeyPatch.context() as patch:
        refuse_poison(patch)
        rig.add("app.csv", HEADER + rows(rig, 0, 7) + refused + rows(rig, 7, 7))
        rig.drain()
    rig.check()
    [(raw, reason)] = rig.rejects()
    assert (raw, "the database cannot take it" in reason) == (refused, True)


def test_check_says_what_columns_mean(tmp_path: Path) -> None:
    (tmp_path / "app.csv").write_bytes(HEADER + b"1,2026-11-20T10:00:00Z,tick,a\n1,2\n")
    with open_empty() as connection:
        checker = Checker(tmp_path, NO_MAPPING, connection, Redaction())
        checker.learn("app.csv")
        checker.judge()
        checker.add("app.csv")
        [report] = checker.reports()
    assert (report.is_whole, report.formats) == (True, {"json": 1})
    assert {one.column: one.fields for one in report.mapped} == {
        "event_id": ("id",), "occurred_at": ("time",), "event_type": ("type",)
    }  # fmt: skip
    assert [one.field for one in report.kept] == ["note"]
    assert [one.reason for one in report.rejected] == ["2 fields where the header names 4"]


def test_values_tell_what_columns_mean(rig: Rig) -> None:
    """As of objects: a cause by the ids it names."""
    lines = ["key,time,why,type"]
    lines += [f"k-{n:08},{TIME}.{n:03}Z,{f'k-{n - 1:08}' if n % 5 else ''},tick" for n in range(400)]
    rig.add("app.csv", "\n".join(lines).encode() + b"\n")
    rig.drain()
    found = rig.query("SELECT count(event_id), count(causation_id) FROM observations")
    assert found == [(400, 320)]
