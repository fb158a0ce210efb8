"""A log of PostgreSQL whose tabs were lost on its way."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from ingest.framing import frames
from tests.ingest.parsing import Parser

PREFIX = "2026-03-10 00:00:06.123 UTC [11] "
WAITS = (
    "Process 11 waits for ShareLock on transaction 3; blocked by process 12.",
    "Process 12 waits for ShareLock on transaction 4; blocked by process 11.",
    "Process 11: UPDATE a SET b = 1",
    "Process 12: UPDATE a SET b = 2",
)


@pytest.mark.parametrize("tab", ["\t", "    ", "        ", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_tab_may_have_become_spaces_or_nothing(tab: str, end: str, parser: Parser) -> None:
    lines = [
        f"{PREFIX}LOG:  before", f"{PREFIX}ERROR:  deadlock detected", f"{PREFIX}STATEMENT:  UPDATE a",
        f"{tab or '        '}  SET b = 1", f"{PREFIX}DETAIL:  {WAITS[0]}", *(tab + one for one in WAITS[1:]),
    ]  # fmt: skip
    content = end.join(lines).encode()
    bounds = frames(content, is_all=True).tolist()
    parsed = parser.parse_at([(start, content[start:end]) for start, end in pairwise(bounds)])
    assert not parsed.rejects
    before, found = parsed.rows
    told = json.loads(found["attributes"])
    assert (found["operation"], told["detail"]) == ("deadlock", "\n".join(WAITS))
    assert told["statement"] == "UPDATE a\n  SET b = 1"
    assert before["message"] == "before"
