"""What the prefixes that people use say, and where reports begin and end."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.postgresql_text import FORMAT
from ingest.framing import frames
from ingest.objects import objects_of
from tests.ingest.parsing import Parsed, Parser

PREFIXES = {
    "%m [%p] ": ("2026-03-10 00:00:06.123 UTC [4711] ", {"pid": 4711}),
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ": (
        "2026-03-10 00:00:06 UTC [4711]: [12-1] user=shop,db=orders,app=psql - x, y,client=10.0.0.7 ",
        {"pid": 4711, "line_num": 12, "user": "shop", "app": "psql - x, y", "remote_host": "10.0.0.7"},
    ),
    "%t [%p]: [%l-1] user=%u,db=%d before the session has any": (
        "2026-03-10 00:00:06 UTC [4711]: [12-1] user=[unknown],db=[unknown] ",
        {"pid": 4711, "line_num": 12},
    ),
    "%m [%p-%l] %q%u@%d ": (
        "2026-03-10 00:00:06.123 UTC [4711-12] shop@orders ",
        {"pid": 4711, "line_num": 12, "user": "shop"},
    ),
    "%t:%r:%u@%d:[%p]:": (
        "2026-03-10 00:00:06 UTC:10.0.0.7(54842):shop@orders:[4711]:",
        {"pid": 4711, "remote_host": "10.0.0.7", "remote_port": 54842, "user": "shop"},
    ),
    "%t:%r:%u@%d:[%p]: over IPv6": (
        "2026-03-10 00:00:06 UTC:::1(54842):shop@orders:[4711]:",
        {"pid": 4711, "remote_host": "::1", "remote_port": 54842, "user": "shop"},
    ),
    "%t-%c-": ("2026-03-10 00:00:06 UTC-69af61c6.1267-", {"pid": 4711, "session_id": "69af61c6.1267"}),
    "%m [%p] %q[user=%u,db=%d,app=%a] ": (
        "2026-03-10 00:00:06.123 UTC [4711] [user=shop,db=orders,app=a[1]] ",
        {"pid": 4711, "user": "shop", "app": "a[1]"},
    ),
    "< %m %p %u@%d >": ("< 2026-03-10 00:00:06.123 UTC 4711 shop@orders >", {"pid": 4711, "user": "shop"}),
    "%n %c %e ": (
        "1773100806.123 69af61c6.1267 40P01 ",
        {"pid": 4711, "state_code": "40P01", "session_id": "69af61c6.1267"},
    ),
    "%m %u@%d/%a [%p] %e ": (
        "2026-03-10 00:00:06.123 UTC shop@orders/api [4711] 23505 ",
        {"pid": 4711, "user": "shop", "state_code": "23505", "app": "api"},
    ),
    "%m [%p] %s %v ": (
        "2026-03-10 00:00:06.123 UTC [4711] 2026-03-10 00:00:01 UTC 3/12 ",
        {"pid": 4711, "session_start": "2026-03-10 00:00:01 UTC"},
    ),
    "pid=%p line=%l %t state=%e ": (
        "pid=4711 line=7 2026-03-10 00:00:06 UTC state=23505 ",
        {"pid": 4711, "line_num": 7, "state_code": "23505"},
    ),
    "%m [%p] %u@%d P=%P Q=%Q %e ": (
        "2026-03-10 00:00:06.123 UTC [4711] shop@orders P=4700 Q=-531029732 40P01 ",
        {"pid": 4711, "user": "shop", "leader_pid": 4700, "query_id": -531029732, "state_code": "40P01"},
    ),
    "two numbers that may be either": ("2026-03-10 00:00:06.123 UTC 4711 815 ", {}),
    "%m": ("2026-03-10 01:00:06.123 CET", {}),
    "%t": ("2026-03-10 03:00:06 +03", {}),
    "%n": ("1773100806.123", {}),
    "%s-%e": ("2026-03-10 00:00:06 UTC-23505", {}),
}  # fmt: skip


def read(text: str, parser: Parser) -> Parsed:
    content = text.encode()
    bounds = frames(content, is_all=True).tolist()
    parsed = parser.parse_at([(start, content[start:end]) for start, end in pairwise(bounds)])
    parsed.assert_every_byte_accounted()
    return parsed


def told(row: dict[str, Any]) -> dict[str, Any]:
    said = json.loads(row["attributes"])
    said.pop("prefix")
    return said | ({"app": row["service"]} if "service" in row else {})


@pytest.mark.parametrize("name", PREFIXES)
def test_a_prefix_says_what_it_says_and_no_more(name: str, parser: Parser) -> None:
    prefix, expected = PREFIXES[name]
    [row] = read(f"{prefix}ERROR:  it failed\n", parser).rows
    assert row["occurred_at"].isoformat()[:19] == "2026-03-10T00:00:06"
    assert row["message"] == "it failed"
    assert told(row) == expected
    assert row.get("entity") == ("orders" if "user" in expected else None)


def test_a_process_alone_is_a_prefix(parser: Parser) -> None:
    [row] = read("4711 ERROR:  it failed\n4711 STATEMENT:  select 1\n", parser).rows
    assert (row["node"], row["message"], told(row)["statement"]) == ("pid 4711", "it failed", "select 1")
    assert "occurred_at" not in row


@pytest.mark.parametrize(
    "line",
    [
        "17 NOTES:  no such thing",
        "WARNING:  Invalid HTTP request received.",
        "INFO:     Started server process [1]",
        "ERROR: no such thing",
        "2026-03-10 00:00:06 CATALOG:  no such thing",
        "2026-03-10 00:00:06 ERROR it failed",
        "2026-03-10 00:00:06,123 [main] ERROR com.example.Stock - LOG: it failed",
    ],
)
def test_lines_of_other_programs_are_not_taken(line: str, parser: Parser) -> None:
    parsed = read(line + "\n", parser)
    assert len(parsed.rows) + len(parsed.rejects) == 1
    assert all(row["format"] == "timestamped_text" for row in parsed.rows)


def test_parts_of_a_report_that_is_not_there_are_rejected(parser: Parser) -> None:
    """A file may begin within a report."""
    begun = (
        "2026-03-10 00:00:06.123 UTC [4711] DETAIL:  Process 1 waits for ShareLock on transaction 7;"
        " blocked by process 2.\n\tProcess 2: select 1\n"
        "2026-03-10 00:00:06.123 UTC [4711] STATEMENT:  select 1\n"
        "2026-03-10 00:00:07.123 UTC [4711] LOG:  whole\n"
    )
    parsed = read(begun, parser)
    assert [row["message"] for row in parsed.rows] == ["whole"]
    assert "without the message it belongs to" in parsed.rejects[0].reason


def test_a_label_within_a_statement_starts_nothing(parser: Parser) -> None:
    prefix = "2026-03-10 00:00:06.123 UTC [4711] "
    text = (
        f"{prefix}LOG:  statement: select 'DETAIL:  x'\n"
        f"{prefix}ERROR:  a\n{prefix}STATEMENT:  select 'ERROR:  b'\n"
    )
    rows = read(text, parser).rows
    assert [row["message"] for row in rows] == ["statement: select 'DETAIL:  x'", "a"]
    assert told(rows[1])["statement"] == "select 'ERROR:  b'"


def test_an_error_of_a_function_that_says_deadlock_detected_is_none(parser: Parser) -> None:
    prefix = "2026-03-10 00:00:06.123 UTC [4711] "
    raised = f"{prefix}ERROR:  deadlock detected\n{prefix}CONTEXT:  PL/pgSQL function f() line 1 at RAISE\n"
    waits = "Process 4711 waits for ShareLock on transaction 7; blocked by process 2."
    real = f"{prefix}ERROR:  deadlock detected\n{prefix}DETAIL:  {waits}\n"
    other_state = "2026-03-10 00:00:06.123 UTC [4711] P0001 ERROR:  deadlock detected\n"
    operations = [row.get("operation") for row in read(raised + real + other_state, parser).rows]
    assert operations == [None, "deadlock", None]


def test_a_number_that_looks_like_an_sqlstate_keeps_no_deadlock_from_being_one(parser: Parser) -> None:
    prefix = "2026-03-10 00:00:06.123 UTC [4711] 22278 "
    waits = "Process 4711 waits for ShareLock on transaction 7; blocked by process 2."
    real = f"{prefix}ERROR:  deadlock detected\n{prefix}DETAIL:  {waits}\n"
    assert read(real, parser).the_row()["operation"] == "deadlock"
    raised = f"{prefix}ERROR:  deadlock detected\n"
    assert "operation" not in read(raised, parser).the_row()


def test_a_deadlock_that_is_found_within_a_statement_is_one(parser: Parser) -> None:
    """Of a query that waits for a table, the server says at which character it was."""
    prefix = "2026-03-02 10:00:00.100 UTC [11] "
    [row] = read(
        f"{prefix}ERROR:  deadlock detected at character 15\n"
        f"{prefix}DETAIL:  Process 11 waits for AccessShareLock on relation 3 of database 5; blocked by"
        " process 12.\n\tProcess 12 waits for AccessShareLock on relation 4 of database 5; blocked by"
        " process 11.\n\tProcess 11: select * from b\n\tProcess 12: select * from a\n",
        parser,
    ).rows
    assert row["operation"] == "deadlock"
    assert row["message"] == "deadlock detected at character 15"


def test_a_wait_names_the_process_that_the_prefix_does_not_tell(parser: Parser) -> None:
    prefix = "1773100806.123 4711 815 "
    [waits, other] = read(
        f"{prefix}LOG:  process 4711 still waiting for ShareLock on transaction 814 after 1000.12 ms\n"
        f"{prefix}LOG:  process 12 exited\n",
        parser,
    ).rows
    assert (waits["node"], waits["lock_owner"]) == ("pid 4711", "4711")
    assert "node" not in other


def test_chunks_of_syslog_that_cut_a_line_are_one_line(parser: Parser) -> None:
    """The server cuts lines of more than 900 bytes between words."""
    header = "2026-03-10T00:00:06.5+01:00 db1 postgres[4711]: "
    text = f"{header}[7-1] LOG:  duration: 1 ms  statement: select\n{header}[7-2]  1,\n{header}[7-3] #011 2\n"
    [row] = read(text, parser).rows
    assert row["message"] == "duration: 1 ms  statement: select 1,\n 2"
    assert row["occurred_at"].isoformat() == "2026-03-09T23:00:06.500000"


def test_a_control_character_of_syslog_is_written_within_one_chunk(parser: Parser) -> None:
    header = "2026-03-10T00:00:06Z db1 postgres[4711]: "
    text = f"{header}[7-1] LOG:  a\n{header}[7-2] b#0\n{header}[7-3] 11d\n{header}[7-4] #011#0#01511\n"
    [row] = read(text, parser).rows
    assert row["message"] == "ab#011d\n#011"


def test_a_chunk_of_which_the_first_is_missing_is_rejected(parser: Parser) -> None:
    header = "2026-03-10T00:00:06Z db1 postgres[4711]: "
    parsed = read(f"{header}[7-2] #011and so on\n{header}[8-1] LOG:  whole\n", parser)
    assert [row["message"] for row in parsed.rows] == ["whole"]
    assert "does not begin here" in parsed.rejects[0].reason


def test_chunks_without_numbers_follow_each_other(parser: Parser) -> None:
    header = "<134>Mar 10 00:00:06 db1 postgres[4711]: "
    text = f"{header}ERROR:  it failed\n{header}STATEMENT:  select 1\n{header}\tfrom a\n{header}LOG:  next\n"
    rows = read(text, parser).rows
    assert [row["message"] for row in rows] == ["it failed", "next"]
    assert json.loads(rows[0]["attributes"])["statement"] == "select 1\nfrom a"


def test_docker_puts_a_report_of_one_line_into_one_object(parser: Parser) -> None:
    line = (
        '{"log":"2026-03-10 00:00:06.123 UTC [4711] LOG:  it works\\n","stream":"stderr",'
        '"time":"2026-03-10T00:00:07Z"}\n'
    )
    row = read(line, parser).the_row()
    assert (row["format"], row["message"]) == ("postgresql_text", "it works")
    assert "@docker_json" in json.loads(row["attributes"])


def test_docker_gives_the_time_that_the_report_does_not_say(parser: Parser) -> None:
    lines = (
        '{"log":"ERROR:  it failed\\n","stream":"stderr","time":"2026-03-10T00:00:07Z"}\n'
        '{"log":"STATEMENT:  select 1\\n","stream":"stderr","time":"2026-03-10T00:00:07.1Z"}\n'
    )
    row = read(lines, parser).the_row()
    assert row["occurred_at"].isoformat() == "2026-03-10T00:00:07"
    assert json.loads(row["attributes"])["statement"] == "select 1"


PID = "2026-03-10 00:00:06.123 UTC [{}] shop@orders "
DEADLOCK = [
    PID.format(9) + "ERROR:  deadlock detected\n",
    PID.format(9) + "DETAIL:  Process 9 waits for ShareLock on transaction 5; blocked by process 8.\n",
    "\tProcess 8 waits for ShareLock on transaction 6; blocked by process 9.\n",
    PID.format(9) + "STATEMENT:  UPDATE a\n",
]


def reported(parsed: Parsed) -> list[tuple[str, str | None, Any]]:
    return [
        (row["message"], row.get("lock_detail"), json.loads(row["attributes"]).get("statement"))
        for row in parsed.rows
    ]


@pytest.mark.parametrize("place", [1, 3])
def test_a_report_between_the_parts_of_another_is_one_of_its_own(place: int, parser: Parser) -> None:
    [whole] = reported(read("".join(DEADLOCK), parser))
    other = [PID.format(88) + "LOG:  other\n", PID.format(88) + "STATEMENT:  select 1\n", "\tfrom b\n"]
    parsed = read("".join([*DEADLOCK[:place], *other, *DEADLOCK[place:]]), parser)
    assert not parsed.rejects
    assert reported(parsed) == [whole, ("other", None, "select 1\nfrom b")]
    assert [row["record_no"] for row in parsed.rows] == [0, 1]


def test_a_part_is_not_given_to_another_process(parser: Parser) -> None:
    others = [PID.format(pid) + "LOG:  other\n" for pid in (88, 77)]
    parsed = read("".join([DEADLOCK[0], *others, *DEADLOCK[1:]]), parser)
    assert [(row["message"], "detail" in json.loads(row["attributes"])) for row in parsed.rows] == [
        ("deadlock detected", False), ("other", False), ("other", False),
    ]  # fmt: skip
    [reject] = parsed.rejects
    assert reject.reason.startswith("postgresql_text: DETAIL without the message it belongs to")


@pytest.mark.parametrize(
    ("of_message", "of_part", "is_of_it"),
    [
        ("[4711-1] ", "[4711-2] ", True),
        ("[4711-1] ", "[4712-1] ", False),
        ("[4711]: [1-1] ", "[4711]: [2-1] ", True),
        ("[4711]: [1-1] ", "[4712]: [2-1] ", False),
        ("[1-1] pid=4711 ", "[2-1] pid=4711 ", True),
    ],
)
def test_what_is_counted_in_a_prefix_is_no_process(of_message: str, of_part: str, is_of_it: bool) -> None:
    stamp = "2026-03-10 00:00:06 UTC "
    message = f"{stamp}{of_message}ERROR:  it failed\n".encode()
    part = f"{stamp}{of_part}STATEMENT:  select 1\n".encode()
    after = f"{stamp}[1] LOG:  one\n{stamp}[2] LOG:  two\n".encode()
    assert (len(message) in frames(message + part + after).tolist()) is not is_of_it
    [event, *_] = [json.loads(line) for line in objects_of(FORMAT, [message + part]).lines] or [{}]
    assert event.get("statement") == ("select 1" if is_of_it else None)


def test_parts_without_their_beginning_spoil_no_other_report(parser: Parser) -> None:
    parsed = read("".join([*DEADLOCK[1:3], PID.format(88) + "LOG:  other\n", DEADLOCK[3]]), parser)
    assert [row["message"] for row in parsed.rows] == ["other"]
    assert len(parsed.rejects) == 2


def test_reports_between_others_do_not_depend_on_how_much_was_there() -> None:
    other = [PID.format(88) + "LOG:  other\n", PID.format(88) + "STATEMENT:  select 1\n", "\tfrom b\n"]
    content = "".join([*DEADLOCK[:1], *other, *DEADLOCK[1:], *other, *DEADLOCK]).encode()
    whole = frames(content, is_all=True).tolist()
    for length in range(1, len(content)):
        bounds = frames(content[:length]).tolist()
        assert bounds == whole[: len(bounds)]


SYSLOG = "Mar 10 00:00:06 db1 postgres[9]: [3-{}] "
CHUNKS = [
    SYSLOG.format(1) + DEADLOCK[0],
    SYSLOG.format(2) + DEADLOCK[1],
    SYSLOG.format(3) + "#011" + DEADLOCK[2][1:],
    SYSLOG.format(4) + DEADLOCK[3],
]
OTHERS = [
    f"Mar 10 00:00:06 db1 postgres[77]: [8-1] {PID.format(77)}LOG:  other\n",
    "Mar 10 00:00:06 db1 sshd[1]: hello\n",
    f"Mar 10 00:00:06 db1 postgres[77]: [9-1] {PID.format(77)}LOG:  other again\n",
]


def test_lines_of_others_stand_between_chunks_of_syslog(parser: Parser) -> None:
    [whole] = reported(read("".join(CHUNKS), parser))
    mixed = [line for pair in zip(CHUNKS, OTHERS, strict=False) for line in pair] + CHUNKS[3:]
    parsed = read("".join(mixed), parser)
    assert not parsed.rejects
    assert reported(parsed) == [whole, *((text, None, None) for text in ("other", "hello", "other again"))]
    assert [row.get("service") for row in parsed.rows] == [None, None, "sshd", None]
    assert [row["record_no"] for row in parsed.rows] == [0, 1, 2, 3]


def test_lines_of_others_behind_a_report_of_syslog_are_no_part_of_it(parser: Parser) -> None:
    parsed = read("".join([*CHUNKS, *OTHERS]), parser)
    assert [row["record_no"] for row in parsed.rows] == [0] * (1 + len(OTHERS))
    assert [row["format"] for row in parsed.rows] == [
        "postgresql_syslog", "postgresql_syslog", "syslog_line", "postgresql_syslog",
    ]  # fmt: skip
    assert parsed.rejects == []


def test_an_event_between_chunks_of_syslog_stays_one(parser: Parser) -> None:
    event = 'Mar 10 00:00:06 db1 shop[5]: {"id":"e1","type":"order.paid"}\n'
    parsed = read("".join([CHUNKS[0], event, *CHUNKS[1:]]), parser)
    assert [row.get("event_id") for row in parsed.rows] == [None, "e1"]


def test_chunks_between_others_do_not_depend_on_how_much_was_there() -> None:
    mixed = [line for pair in zip(CHUNKS, OTHERS, strict=False) for line in pair] + CHUNKS[3:] + OTHERS
    content = "".join(mixed).encode()
    whole = frames(content, is_all=True).tolist()
    for length in range(1, len(content)):
        bounds = frames(content[:length]).tolist()
        assert bounds == whole[: len(bounds)]


BEFORE = (
    "2026-03-10 00:00:06.001 UTC [4711] ", "2026-03-10 00:00:06.001 UTC [4712] shop@orders/web LOG ",
    "2026-03-10 00:00:06.001 UTC [4711]: ", "2026-03-10 00:00:06 +01 [4711-3] ", "[4711] ", "",
    "user=shop,db=a ",
)  # fmt: skip
LABELS = (*("DETAIL", "HINT", "CONTEXT", "STATEMENT") * 4, "LOG", "ERROR", "QUERIES", "log")


@given(
    st.sampled_from(BEFORE),
    st.lists(
        st.tuples(
            st.sampled_from([""] * 30 + [*BEFORE]), st.sampled_from(LABELS), st.text("aZ :\t", max_size=4)
        )
        | st.sampled_from(["", "\ta", "\tDETAIL:  a", "a"]),
        max_size=6,
    ),
)
def test_line_ends_of_windows_make_no_difference(usual: str, parts: list[str | tuple[str, str, str]]) -> None:
    written = (one if isinstance(one, str) else f"{one[0] or usual}{one[1]}:  {one[2]}" for one in parts)
    lines = [f"{usual}ERROR:  a", *written]
    # Without them most reports are read in a shorter way.
    records = ["".join(f"{line}{end}" for line in lines).encode() for end in ("\n", "\r\n")]
    made, others = (objects_of(FORMAT, [record]) for record in records)
    assert made == others
