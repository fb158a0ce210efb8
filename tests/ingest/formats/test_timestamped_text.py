"""What is the text of a server or an application, where its records end, and what is still no record."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from ingest.framing import frames
from ingest.mapping import FieldMapping
from ingest.times import Beginning
from tests.hostile import within
from tests.ingest.mixtures import records
from tests.ingest.parsing import Parsed, Parser

LINE = "2026-11-28 15:04:05,123 INFO [main] com.shop.Orders - order paid\n"
TRACE = (
    "java.lang.IllegalStateException: no stock\n\tat com.shop.Orders.pay(Orders.java:7)\n"
    "Caused by: java.sql.SQLException: timeout\n\t... 3 more\n"
)
WORD = re.compile(rb"\b[A-Za-z_]\w+")
SPELLED_OUT = {b"I1128", b"I20261128", *(b"%c260310" % level for level in b"IWEF")}
SPELLED_OUT |= {b"INF", b"FTL", b"Nov", b"PM", b"Sat"}
"""Parts of times, and levels that become other words."""


def read(data: str | bytes, parser: Parser) -> Parsed:
    """All of it, cut as from a file, with every byte accounted for."""
    content = data.encode() if isinstance(data, str) else data
    bounds = frames(content, is_all=True).tolist()
    parsed = parser.parse_at([(start, content[start:end]) for start, end in pairwise(bounds)])
    assert bounds[-1] == len(content)
    parsed.assert_every_byte_accounted()
    return parsed


def test_a_stack_trace_goes_with_its_line(parser: Parser) -> None:
    parsed = read(LINE + TRACE + LINE, parser)
    assert [row["message"] for row in parsed.rows] == [f"order paid\n{TRACE}".strip(), "order paid"]
    assert not parsed.rejects


def test_so_do_the_parts_of_one_that_stand_behind_empty_lines(parser: Parser) -> None:
    trace = "Traceback (most recent call last):\n  f()\nKeyError: 7"
    text = f"failed\n{trace}\n\nDuring handling of the above exception\n\n{trace}"
    [row] = read(f"2026-11-28 15:04:05 {text}\n", parser).rows
    assert row["message"] == text


def test_so_does_a_trace_behind_the_empty_line_of_spring_boot(parser: Parser) -> None:
    trace = "org.shop.web.NoStockException: 7\n\tat org.shop.A.b(A.java:1)\nCaused by: java.lang.Error: x"
    text = f"run failed\n\n{trace}"
    parsed = read(f"2026-11-28 15:04:05 {text}\n\n{LINE}", parser)
    assert [row["message"] for row in parsed.rows] == [text, "order paid"]
    assert not parsed.rejects


def test_so_does_what_a_database_told_of_an_error(parser: Parser) -> None:
    """As psycopg2 and SQLAlchemy print it, and Ruby, whose traces begin with a path."""
    text = (
        "failed\nTraceback (most recent call last):\n  f()\n"
        "psycopg2.errors.DeadlockDetected: deadlock detected\n"
        "DETAIL:  Process 7 waits for ShareLock on transaction 1; blocked by process 9.\n"
        "Process 9 waits for ShareLock on transaction 2; blocked by process 7.\n"
        "HINT:  See server log for query details.\n\n\nThe above exception was the direct cause\n\n"
        "Traceback (most recent call last):\n  g()\nsqlalchemy.exc.OperationalError: deadlock detected\n"
        "HINT:  See server log for query details.\n\n[SQL: UPDATE a SET b = 1]\n[parameters: (1,)]\n"
        "/app/models/a.rb:7:in `save'"
    )
    [row] = read(f"2026-11-28 15:04:05 {text}\n", parser).rows
    assert row["message"] == text


def test_text_goes_on_to_an_empty_line(parser: Parser) -> None:
    parsed = read(LINE + "items:\n  2 x pear\n(no more)\n}\n\ntotal 4.20\n", parser)
    assert [row["message"] for row in parsed.rows] == ["order paid\nitems:\n  2 x pear\n(no more)\n}"]
    assert [reject.raw for reject in parsed.rejects] == [b"total 4.20\n"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":"1"}\n', b'  {"id":"1"}\n', b'{"id":\n', b'"a": 1,\n', b"caf\xe9\n", b"  \xff\n", b"a\0b\n",
        b"<a>\n", b"====\n", b"12 34\n", b"[1, 2]\n",
    ],
)  # fmt: skip
def test_what_is_no_text_does_not_go_on_with_one(line: bytes, parser: Parser) -> None:
    parsed = read(LINE.encode() + line + LINE.encode(), parser)
    assert [row["message"] for row in parsed.rows if row["format"] != "json"] == ["order paid", "order paid"]
    rest = [row for row in parsed.rows if row["format"] == "json"]
    assert len(rest) + len(parsed.rejects) == 1
    assert all(reject.reason for reject in parsed.rejects)


def test_no_record_of_another_format_goes_on_with_it() -> None:
    # A clock makes the line before it its text.
    apart = {"timestamped_text", "vector_clock_log"}
    for piece in (one for one in records() if one.format not in apart):
        bounds = frames(LINE.encode() + piece.data, is_all=True).tolist()
        assert bounds[1:] == [len(LINE) + bound for bound in frames(piece.data, is_all=True).tolist()]


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-28 it failed", "15:04:05 it failed", "2026-13-28 15:04:05 it failed",
        "26/11/28 15:04:05 INFO x",
        "2026-11-28 25:04:05 it failed", '2026-11-28 15:04:05,"a","b"', "2026-11-28 15:04:05,7,8",
        '"2026-11-28 15:04:05" it failed', "at 2026-11-28 15:04:05 it failed", "2026-11-28 15:04:05",
        "INFO: it failed", "INFO it failed", "12026-11-28 15:04:05 INFO x", "2026-11-28 15:04:05.x INFO x",
    ],
)  # fmt: skip
def test_what_does_not_begin_with_a_full_time_is_no_record(line: str, parser: Parser) -> None:
    [reject] = read(line + "\n", parser).rejects
    assert reject.reason


@pytest.mark.parametrize(
    ("line", "level", "logger", "message"),
    [
        ("2026-11-28 15:04:05,123:ERROR:shop.orders:no stock", "ERROR", "shop.orders", "no stock"),
        ("2026-11-28 15:04:05,123:INFO:shop:done: a=1", "INFO", "shop", "done: a=1"),
        ("2026-11-28 15:04:05,123:WARNING:slow", "WARNING", None, "slow"),
        ("2026-11-28 15:04:05,123: INFO: started: 3", "INFO", None, "started: 3"),
        ("2026-11-28 15:04:05,123:shop.orders:ERROR:no stock", "ERROR", "shop.orders", "no stock"),
        ("2026-11-28 15:04:05.12 spid51      Error: 1205", None, None, "Error: 1205"),
        ("E, [2026-11-28T15:04:05.123456 #671] ERROR -- : ERROR:  no", "ERROR", None, "ERROR:  no"),
        ("E, [2026-11-28T15:04:05.123456 #671] ERROR -- shop: no", "ERROR", "shop", "no"),
        (
            '[2026-11-28T15:04:05,123][WARN ][o.l.Dissector][main] none {"field"=>"a", "b"=>{"c"=>1}}',
            "WARN", "o.l.Dissector", 'none {"field"=>"a", "b"=>{"c"=>1}}',
        ),
    ],
)  # fmt: skip
def test_what_stands_around_the_text_is_told_apart(
    line: str, level: str | None, logger: str | None, message: str, parser: Parser
) -> None:
    [row] = read(line + "\n", parser).rows
    assert (row["format"], row.get("severity"), row["message"]) == ("timestamped_text", level, message)
    assert json.loads(row.get("attributes") or "{}").get("logger") == logger


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("2026-11-28 15:04:05 INFO a=1 b=2", "logfmt"),
        ("2026-11-28 15:04:05.123 UTC [9] LOG:  it works", "postgresql_text"),
        ("2026-11-28 15:04:05 UTC INFO app ERROR:  it failed", "postgresql_text"),
        ("2026-11-28T15:04:05.123456Z 0 [Warning] [MY-010068] [Server] CA certificate", "mysql_text"),
        ("2026-11-28 15:04:05 7 [ERROR] it failed", "mysql_text"),
        ("261128 15:04:05 [ERROR] it failed", "mysql_text"),
        ("2026-11-28T15:04:05Z web-1 sshd[7]: session closed", "syslog_line"),
        ('2026-11-28 15:04:05 INFO shop - {"id":"1","type":"a"}', "json"),
        ("2026-11-28 15:04:05 INFO sent from: 1 to: 2 type: MsgApp term: 3", "raft_text"),
        ('2026-11-28 15:04:05 node1 {"node1":1} it began', "vector_clock_log"),
        ("2026-11-28 15:04:05 [ERROR] it failed", "timestamped_text"),
        ("2026-11-28T15:04:05Z ERROR sshd: session closed", "timestamped_text"),
        ("2026-11-28T15:04:05Z [ERROR] sshd: session closed", "timestamped_text"),
        ("2026-11-28T15:04:05Z app ERROR: session closed", "timestamped_text"),
    ],
)
def test_other_notations_are_asked_before(line: str, name: str, parser: Parser) -> None:
    assert read(line + "\n", parser).rows[0]["format"] == name


def test_an_object_at_the_end_of_a_line_is_not_lost(parser: Parser) -> None:
    parsed = read('2026-11-28 15:04:05 web-1 | {"id":"1"}\n', parser)
    assert [(row["format"], row["event_id"]) for row in parsed.rows] == [("json", "1")]


def test_pairs_at_the_end_are_fields_and_change_none_of_the_line(parser: Parser) -> None:
    text = 'paid a=1, then time=0 level=low message=x event_id=e2 caused_by=e1 note="a \\"b\\""'
    [row] = read(f"2026-11-28 15:04:05 INFO shop.orders: {text}\n", parser).rows
    assert (row["event_id"], row["causation_id"]) == ("e2", "e1")
    assert (row["occurred_at"].isoformat(), row["severity"]) == ("2026-11-28T15:04:05", "INFO")
    assert row["message"] == text
    assert json.loads(row["attributes"]) == {"note": 'a "b"', "logger": "shop.orders"}


@pytest.mark.parametrize(
    "text", ["x id=1", "id=1 b=2 done", "id=1, b=2", "where id = 1 and b=2", "id=1 (b=2)"]
)
def test_one_pair_or_prose_is_none(text: str, parser: Parser) -> None:
    [row] = read(f"2026-11-28 15:04:05 INFO shop.orders: {text}\n", parser).rows
    assert "event_id" not in row
    assert row["message"] == text


@pytest.mark.parametrize(
    ("written", "severity"),
    [
        ("[INF]", "INFO"), ("[WRN]", "WARNING"), ("[FTL]", "FATAL"), ("[E]", "ERROR"),
        ("[warning]", "warning"),
        ("SEVERE", "SEVERE"), ("[Information]", "Information"), ("error:", "error"), ("[WARNI]", "WARNING"),
        ("no", None), ("error", None), ("I", None), ("ERRORS", None),
    ],
)  # fmt: skip
def test_a_level_is_a_word_for_one_where_loggers_write_it(
    written: str, severity: str | None, parser: Parser
) -> None:
    [row] = read(f"2026-11-28 15:04:05 {written} it failed\n", parser).rows
    assert row.get("severity") == severity
    assert row["message"] == ("it failed" if severity else f"{written} it failed")


def test_a_day_without_a_year_is_no_time_unless_the_year_is_said(new_parser: Callable[..., Parser]) -> None:
    line = "E1128 15:04:05.123456     123 server.go:12] it failed\n"
    [row] = read(line, new_parser()).rows
    assert "occurred_at" not in row
    assert json.loads(row["attributes"])["time"] == "Nov 28 15:04:05.123456"
    [row] = read(line, new_parser(FieldMapping(beginning=Beginning(2026)))).rows
    assert row["occurred_at"].isoformat() == "2026-11-28T15:04:05.123456"
    assert row["severity"] == "ERROR"


@pytest.mark.slow
def test_no_word_of_a_line_is_lost(parser: Parser) -> None:
    for piece in (one for one in records() if one.format == "timestamped_text"):
        [row] = read(piece.data, parser).rows
        said = " ".join(map(str, [*row.values(), *json.loads(row.get("attributes", "{}")).values()]))
        words = [word for word in WORD.findall(piece.data) if word not in SPELLED_OUT]
        assert [word for word in words if word.decode() not in said] == []


def test_a_trace_in_the_log_of_a_container_goes_with_its_line(parser: Parser) -> None:
    lines = (LINE + TRACE + LINE).splitlines()
    parsed = read("".join(f"2026-11-28T15:04:06Z stdout F {line}\n" for line in lines), parser)
    assert [row["format"] for row in parsed.rows] == ["timestamped_text"] * 2
    assert parsed.rows[0]["message"] == f"order paid\n{TRACE}".strip()
    assert parsed.rows[0]["occurred_at"].isoformat() == "2026-11-28T15:04:05.123000"


@pytest.mark.parametrize(
    "data",
    [
        "retries=3, timeout=5, backoff=2\n",
        "a=1|b=2|c=3\n",
        'Request body: {"orderId": "o-7", "amount": 3}\n',
        "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: {'id': 1}\n",
    ],
)
def test_data_that_a_text_shows_is_of_the_text(data: str, parser: Parser) -> None:
    parsed = read(f"{LINE}{data}and more text\n{LINE}", parser)
    assert len(parsed.rows) == 2
    assert parsed.rows[0]["message"] == f"order paid\n{data}and more text"


@pytest.mark.parametrize(
    "line", ['w {"event_id":"e1","n":"x"}\n', "w {'ts': 'x', 'n': 1}\n", "id=e1, cause=e0, n=1\n"]
)
def test_data_that_says_which_event_it_is_stands_apart(line: str, parser: Parser) -> None:
    assert len(read(LINE + line, parser).rows) == 2


def test_a_record_without_an_end_is_bounded(parser: Parser) -> None:
    parsed = read(LINE + "and so on and so on\n" * 50_000 + LINE, parser)
    assert len(parsed.rows) == 2
    assert len(parsed.rows[0]["message"]) < 300_000


HOSTILE = [
    "2026-11-28 15:04:05 " + text
    for text in (
        "a=1 " * 300_000 + "x", 'a="' * 300_000, '{"' * 500_000, "[" + "thread" * 200_000, " " * 1_000_000,
        "INFO [" + "a-1" * 300_000, "INFO " + "a." * 500_000, "(a" * 500_000, "INFO [a" + " b" * 500_000,
        "INFO " + "a:1" * 300_000, "[a] " * 300_000, "\t \t(" * 200_000,
        '{"a":"' + " " * 1_000_000 + '"}', '{"a":"' + "} " * 500_000 + '"}',
    )
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: repr(line[20:30]))
def test_a_hostile_line_costs_no_more_than_its_length(line: str, parser: Parser) -> None:
    """A second, or hours if the cost were the square of the length."""
    with within(60):
        read(line + "\n" + LINE, parser)


@pytest.mark.parametrize(
    ("words", "operation"),
    [
        ("WAIT", "lock_wait"),
        ("lock acquired", "lock_acquire"),
        ("Released", "lock_release"),
        ("lock acquired:", "lock_acquire"),
    ],
)
def test_what_is_done_with_a_lock_stands_before_its_pairs(words: str, operation: str, parser: Parser) -> None:
    start = "2026-11-28 15:04:05,123 INFO [w-1] com.shop.Locks - "
    [row] = read(f"{start}{words} resource=acct/1 owner=w1\n", parser).rows
    assert (row["operation"], row["lock_resource"], row["lock_owner"]) == (operation, "acct/1", "w1")
    [row] = read(f"{start}{words} for a=acct/1 b=w1\n", parser).rows
    assert "operation" not in row
    by_thread = f"2026-11-28 15:04:05,123 [w-1] INFO {words} resource=acct/1 mode=x\n"
    assert read(by_thread, parser).rows[0]["lock_owner"] == "w-1"
    [row] = read(f"2026-11-28 15:04:05 INFO {words} resource=/admin user=bob\n", parser).rows
    assert "operation" not in row


def test_a_time_may_stand_alone_before_its_text(parser: Parser) -> None:
    """As Oracle's alert log has it."""
    texts = ["ORA-00060: Deadlock detected. More info in file x.trc.", "Thread 1 advanced\n  Current log# 1"]
    log = "".join(f"2026-11-24T06:46:3{n}.517123+00:00\n{text}\n" for n, text in enumerate(texts))
    parsed = read(log + LINE, parser)
    assert [row["message"] for row in parsed.rows] == [*texts, "order paid"]
    assert [row.get("operation") for row in parsed.rows] == ["deadlock", None, None]
    assert len(read("2026-11-24T06:46:30+00:00\n\n", parser).rejects) == 1
