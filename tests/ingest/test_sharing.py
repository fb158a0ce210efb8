"""A second process parses half of a large batch, which makes no other difference."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ingest import sharing
from ingest.engine import Engine
from ingest.framing import frames
from ingest.lines import lines_of
from ingest.mapping import NO_MAPPING, FieldMapping, Inferred, from_options
from ingest.offload import PARSE, Second
from ingest.reader import Chunk
from ingest.records import Outcome
from ingest.sharing import Sharing
from stormwatch.storage import Store
from tests.ingest.mixtures import records

LONG_S = 60.0
SOME = 16
"""A statement is made for every format in every batch: one record of so many is enough of a mixture."""
Row = tuple[Any, ...]


@pytest.fixture
def asked(second: Second, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the second process is asked for, of batches of any size."""
    requests: list[bytes] = []
    share = second.share

    def noted(request: Sequence[bytes], *rest: Any) -> Any:
        requests.append(request[0])
        return share(request, *rest)

    monkeypatch.setattr(sharing, "WORTH_BYTES", 1)
    monkeypatch.setattr(sharing, "SECOND", second)
    monkeypatch.setattr(second, "share", noted)
    return requests


def lines_of_formats(step: int = 1) -> bytes:
    """Every so many-th of the records of all formats in turn, whole, torn and not UTF-8."""
    whole = (one.data for one in records()[::step])
    parts = (part for data in whole for part in (data, data[: len(data) // 2] + b"\xff\n"))
    return b"2026-11-20 10:00:00 [1] ERROR: first\n" * 3 + b"".join(parts)


def chunk(data: bytes) -> Chunk:
    """All of it as read from a file."""
    generation: Any = type("Generation", (), {"file_id": 7, "path": "app.log"})()
    position: Any = None
    return Chunk(generation, 0, data, frames(data, is_all=True), position)


NOTHING = Inferred()


class Batches:
    """Parses with an engine, shared or not."""

    def __init__(self, store: Store, mapping: FieldMapping, told: Inferred, *, is_shared: bool):
        self.cursor = store.cursor()
        self.engine = Engine(self.cursor, mapping, lambda _: told)
        sharing = Sharing(self.engine, mapping)
        self._parse: Callable[..., Outcome] = sharing.parse if is_shared else self.engine.parse

    def parse(self, data: bytes) -> tuple[list[Row], Outcome]:
        """Rows, and what else the bytes became."""
        outcome = self._parse(*lines_of([chunk(data)], self.engine.mapping_no))
        rows = self.cursor.sql("FROM parsed").fetchall()
        return sorted(rows, key=repr), outcome

    def uses(self) -> set[Row]:
        """How records of the last batch were read."""
        return {
            (file_id, use.format, use.mapping_no, *sorted(use.fields.items()), *sorted(use.fixed))
            for (file_id, _), use in self.engine.uses.items()
        }


def both(
    tmp_path: Path, mapping: FieldMapping = NO_MAPPING, told: Inferred = NOTHING
) -> Iterator[tuple[Batches, Batches]]:
    with Store(tmp_path / "one.duckdb") as one, Store(tmp_path / "two.duckdb") as two:
        made = (Batches(store, mapping, told, is_shared=store is two) for store in (one, two))
        yield tuple(made)  # type: ignore[misc]


@pytest.mark.slow
def test_all_formats_become_what_they_become_in_one_process(tmp_path: Path, asked: list[bytes]) -> None:
    data = lines_of_formats()
    for alone, shared in both(tmp_path):
        for part in (data[: len(data) // 3], data):
            rows, outcome = alone.parse(part)
            assert rows
            assert shared.parse(part) == (rows, outcome)
            assert shared.uses() == alone.uses()
    assert PARSE in asked


def test_it_knows_what_is_said_and_told_of_fields(tmp_path: Path, asked: list[bytes]) -> None:
    line = b'2026-11-20T10:00:00Z app[1]: {"k":"e%d","because":"e%d","n":%d,"far":{"off":"p%d"}}\n'
    lines = b"".join(line % (n, n - 1, n, n) for n in range(40))
    mapping, told = (
        from_options(["id=k", "key=far.off", "cause=nowhere"]),
        Inferred({"causation_id": ("because",)}),
    )
    for alone, shared in both(tmp_path, mapping, told):
        rows, outcome = alone.parse(lines)
        assert shared.parse(lines) == (rows, outcome)
        assert {"e1", "e0", "p1"} <= {value for row in rows for value in row}
        assert shared.uses() == alone.uses()
        assert shared.engine.unmet() == alone.engine.unmet() == {("causation_id", ("nowhere",))}
    assert asked == [PARSE]


def test_another_mapping_is_not_taken_for_the_last(tmp_path: Path, asked: list[bytes]) -> None:
    lines = b'2026-11-20T10:00:00Z app[1]: {"one":"e1","other":"e2","n":1}\n' * 40
    for option, found in (("id=one", "e1"), ("id=other", "e2"), ("id=one", "e1")):
        (tmp_path / found).mkdir(exist_ok=True)
        for alone, shared in both(tmp_path / found, from_options([option])):
            rows, outcome = alone.parse(lines)
            assert shared.parse(lines) == (rows, outcome)
            assert any(found in row for row in rows)
    assert asked == [PARSE] * 3


def test_what_the_database_reads_by_itself_is_not_shared(tmp_path: Path, asked: list[bytes]) -> None:
    lines = b'{"id":"a","time":"2026-11-20T10:00:00Z"}\n' * 100
    for alone, shared in both(tmp_path):
        assert shared.parse(lines) == alone.parse(lines)
        assert shared.parse(lines) == alone.parse(lines)
    assert asked == []


@pytest.mark.slow
def test_what_neither_can_parse_is_an_error_here(tmp_path: Path, asked: list[bytes], second: Second) -> None:
    torn = FieldMapping(zones={"XYZ": "\ud800"})  # as no configuration is let through
    lines = b"2026-11-20 10:00:00 XYZ [1] ERROR: something\n" * 40
    lines += b'{"id": "1", "time": "2026-11-20 10:00:00 XYZ"}\n'
    for _, shared in both(tmp_path, torn):
        with pytest.raises(duckdb.Error):
            shared.parse(lines)
    assert second.is_ready(LONG_S)
    (tmp_path / "next").mkdir()
    for alone, shared in both(tmp_path / "next"):
        assert shared.parse(lines) == alone.parse(lines)
    assert PARSE in asked


def test_nothing_is_missing_when_it_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Second()
    monkeypatch.setattr(sharing, "WORTH_BYTES", 1)
    monkeypatch.setattr(sharing, "SECOND", one)
    data = lines_of_formats(SOME)
    try:
        for alone, shared in both(tmp_path):
            expected = alone.parse(data)
            assert one.is_ready(LONG_S)
            killed = one.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            assert [shared.parse(data) for _ in range(3)] == [expected] * 3
            assert one.pid != killed, "it was asked"
    finally:
        one.close()


def test_each_gets_as_much_as_it_has_done_when_the_other_has(
    tmp_path: Path, second: Second, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = b'2026-11-20T10:00:00Z app[1]: {"n":1}\n' * 1000
    share, asked = second.share, []

    def slow(request: Sequence[bytes], own: Any, lines: pa.Table, *rest: Any) -> Any:
        asked.append(lines.num_rows)
        (outcome, _), answer = share(request, own, lines, *rest)
        return (outcome, 1.0), replace(answer, seconds=1.5)  # type: ignore[type-var]

    monkeypatch.setattr(sharing, "WORTH_BYTES", 1)
    monkeypatch.setattr(sharing, "SECOND", second)
    monkeypatch.setattr(second, "share", slow)
    for alone, shared in both(tmp_path):
        expected = alone.parse(lines)
        assert [shared.parse(lines) for _ in range(3)] == [expected] * 3
    assert asked[0] == pytest.approx(500, abs=1)
    assert asked[1] == pytest.approx(400, abs=1)
    assert asked[2] == pytest.approx(308, abs=1)
