"""Every format reads a real record, whole: all columns of the row it becomes.

`<format>/<case>.jsonl` (or .csv) holds the lines, `<case>.expected.json` the rows without the columns
that are NULL. Where the records come from: README.md.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ingest.formats import envelopes, json_formats, transcoders
from ingest.framing import frames
from tests.ingest.parsing import PLACE, Parsed, Parser, Row

HERE = Path(__file__).parent
CASES = sorted(path for path in HERE.glob("*/*") if not path.name.endswith(".expected.json"))


def lines_of(path: Path) -> list[tuple[int, bytes]]:
    """The lines of a file, with their offsets."""
    content = path.read_bytes()
    bounds = frames(content, is_all=True).tolist()
    return [(start, content[start:end]) for start, end in pairwise(bounds)]


def rows_of(path: Path, parsed: Parsed) -> list[dict[str, Any]]:
    """The rows that a file became, readable: times and JSON as such."""
    assert not parsed.rejects
    assert parsed.total_bytes == path.stat().st_size
    parsed.assert_every_byte_accounted()
    return [_readable(row) for row in parsed.rows]


@pytest.fixture(scope="module")
def together(parser: Parser) -> dict[Path, Parsed]:
    """What all files became in one batch: most of the time that one takes is that of its statements."""
    return dict(zip(CASES, parser.parse_files(map(lines_of, CASES)), strict=True))


def _readable(row: Row) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in PLACE}
    if "occurred_at" in shown:
        shown["occurred_at"] = shown["occurred_at"].isoformat()
    for name in ("attributes", "links", "lock_edges"):
        if name in shown:
            shown[name] = json.loads(shown[name])
    return shown


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_record(path: Path, together: dict[Path, Parsed]) -> None:
    expected = json.loads(path.with_name(path.stem + ".expected.json").read_text())
    rows = rows_of(path, together[path])
    assert rows == expected
    name = path.parent.name
    assert all(row["format"] == name or f"@{name}" in row["attributes"] for row in rows)


def test_every_format_has_a_record() -> None:
    formats = {fmt.name for fmt in (*json_formats(), *transcoders(), *envelopes())}
    assert {path.parent.name for path in CASES} == formats


@pytest.mark.slow
def test_what_a_record_gives_depends_on_no_other(
    parser: Parser, new_parser: Any, together: dict[Path, Parsed]
) -> None:
    """One batch or one engine for all records of all formats, or one for each: the same rows."""
    for path in CASES:
        alone = rows_of(path, new_parser().parse_at(lines_of(path)))
        assert rows_of(path, parser.parse_at(lines_of(path))) == alone
        assert rows_of(path, together[path]) == alone
