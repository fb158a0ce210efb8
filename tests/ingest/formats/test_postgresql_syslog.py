"""What a server writes to syslog, with whatever settings."""

from __future__ import annotations

import json
from itertools import product

import pytest

from ingest.framing import frames
from tests.ingest.parsing import Parser

from .test_postgresql_text import read

PREFIXES = ("2026-03-10 00:00:06.123 UTC [9] ", "shop@orders ", "")
HEADERS = (
    "Mar 10 00:00:06 db1 postgres[{}]: ",
    "2026-03-10T00:00:06.123456+00:00 db1 postgres[{}]: ",
    "<132>1 2026-03-10T00:00:06.123456Z db1 postgres {} - - ",
)
NUMBERS = ("[7-{}] ", "[{}] ")
"""With `syslog_sequence_numbers`, and without."""
PARTS = (
    "{}ERROR:  deadlock detected",
    "{}DETAIL:  Process 9 waits for ShareLock on transaction 5; blocked by process 8.",
    "\tProcess 8 waits for ShareLock on transaction 6; blocked by process 9.",
    "\tProcess 9: select",
    " 1",
    "\tERROR:  deadlock detected",
    "\tProcess 8: select 2",
    "{}STATEMENT:  select 1",
    "\tERROR:  deadlock detected",
)
DETAIL = (
    "Process 9 waits for ShareLock on transaction 5; blocked by process 8.\n"
    "Process 8 waits for ShareLock on transaction 6; blocked by process 9.\n"
    "Process 9: select 1\nERROR:  deadlock detected\nProcess 8: select 2"
)
STATEMENT = "select 1\nERROR:  deadlock detected"


def chunks(header: str, number: str, prefix: str) -> list[str]:
    return [
        f"{header.format(9)}{number.format(at)}{part.format(prefix)}\n" for at, part in enumerate(PARTS, 1)
    ]


def check(text: str, parser: Parser, count: int) -> None:
    parsed = read(text, parser)
    assert not parsed.rejects
    deadlocks = [row for row in parsed.rows if row.get("operation") == "deadlock"]
    assert len(deadlocks) == count
    for row in deadlocks:
        said = json.loads(row["attributes"])
        assert (row["message"], row["lock_detail"], said["statement"]) == (
            "deadlock detected", DETAIL, STATEMENT,
        )  # fmt: skip


# Without a number, and with nothing in the prefix that is known, no report is told to begin.
KINDS = [one for one in product(NUMBERS, PREFIXES) if one != (NUMBERS[1], PREFIXES[1])]


@pytest.mark.parametrize(("number", "prefix"), KINDS)
@pytest.mark.parametrize("header", HEADERS)
def test_chunks_are_one_report(header: str, number: str, prefix: str, parser: Parser) -> None:
    check("".join(chunks(header, number, prefix) * 2), parser, 2)


@pytest.mark.parametrize("prefix", PREFIXES[:2])
@pytest.mark.parametrize("header", HEADERS)
def test_the_chunks_of_many_others_stand_between(header: str, prefix: str, parser: Parser) -> None:
    other = "".join(f"{header.format(10 + at)}[3-1] {prefix}LOG:  other {at}\n" for at in range(40))
    written = chunks(header, NUMBERS[0], prefix)
    check("".join([written[0], other, *written[1:]]), parser, 1)


@pytest.mark.parametrize("prefix", [PREFIXES[0], PREFIXES[2]])
@pytest.mark.parametrize("header", HEADERS)
def test_a_report_that_is_not_split_is_one_line(header: str, prefix: str, parser: Parser) -> None:
    joined = "\n".join(part.format(prefix) for part in PARTS).replace("\n ", " ")
    escaped = joined.replace("\t", "#011").replace("\n", "#012")
    lines = [f"{header.format(9)}[{number}] {escaped}#012\n" for number in (33, 34)]
    assert len(frames("".join(lines).encode(), is_all=True)) == 3
    check("".join(lines), parser, 2)


def test_a_number_in_front_of_a_report_is_no_part_of_it(parser: Parser) -> None:
    line = f"{HEADERS[1].format(22278)}[34] 2026-03-10 00:00:06.123 UTC [22278] LOG:  it works\n"
    said = json.loads(read(line, parser).the_row()["attributes"])
    assert (said["pid"], said["prefix"]) == (22278, "2026-03-10 00:00:06.123 UTC [22278] ")
    assert "state_code" not in said
