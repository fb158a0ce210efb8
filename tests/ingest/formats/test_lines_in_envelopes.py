"""Texts of several lines, each line of which something on its way put into an envelope of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from ingest import enveloped
from ingest.framing import frames
from tests.ingest.parsing import Parsed, Parser

HERE = Path(__file__).parent
PREFIX = "2026-05-05 10:00:00.123 UTC [9] "
REPORT = (
    f"{PREFIX}ERROR:  deadlock detected\n"
    f"{PREFIX}DETAIL:  Process 9 waits for ShareLock on transaction 5; blocked by process 8.\n"
    "\tProcess 8 waits for ShareLock on transaction 6; blocked by process 9.\n"
    "\tProcess 9: UPDATE a\n"
    "\tProcess 8: UPDATE b\n"
    f"{PREFIX}HINT:  See server log for query details.\n"
    f"{PREFIX}STATEMENT:  UPDATE a\n"
)
NEXT = "2026-05-05 10:00:01.123 UTC [9] LOG:  next\n"
TIME = "2026-05-05T10:00:00.5Z"
KUBERNETES = {"pod_name": "db-0", "container_name": "postgres"}


def docker(line: str) -> str:
    return json.dumps({"log": line, "stream": "stderr", "time": TIME}, separators=(",", ":"))


def syslog(line: str) -> str:
    tabs = len(line) - len(line.lstrip("\t"))
    return f"<29>May  5 10:00:00 db0 shop[7]: {'#011' * tabs}{line[tabs:].rstrip(chr(10))}"


ENVELOPES: dict[str, Callable[[str], str]] = {
    "docker": docker,
    "docker, spaced": lambda line: json.dumps({"log": line, "stream": "stderr", "time": TIME}),
    "docker, other order": lambda line: json.dumps({"time": TIME, "stream": "stderr", "log": line}),
    "docker, with attributes": lambda line: json.dumps(
        {"attrs": {"log": "of a label", "tag": "db"}, "log": line, "stream": "stderr", "time": TIME}
    ),
    "cri": lambda line: f"{TIME} stderr F {line.rstrip(chr(10))}",
    "kubectl, times": lambda line: f"2026-05-05T10:00:00.500000000Z {line.rstrip(chr(10))}",
    "kubectl, pods": lambda line: f"[pod/db-0/postgres] {line.rstrip(chr(10))}",
    "kubectl, both": lambda line: f"[pod/db-0/pg] 2026-05-05T10:00:00.500000000Z {line.rstrip(chr(10))}",
    "journald": lambda line: json.dumps(
        {"__REALTIME_TIMESTAMP": "1777975200123456", "_PID": "7", "MESSAGE": line.rstrip("\n")}
    ),
    "journald, bytes": lambda line: json.dumps(
        {"MESSAGE": list(line.rstrip("\n").encode()) if line[0] == "\t" else line.rstrip("\n"),
         "__REALTIME_TIMESTAMP": "1777975200123456"}
    ),
    "fluent": lambda line: json.dumps({"date": 1777975200.5, "log": line, "kubernetes": KUBERNETES}),
    "vector": lambda line: json.dumps(
        {"message": line.rstrip("\n"), "timestamp": TIME, "kubernetes": KUBERNETES}
    ),
}  # fmt: skip


def wrapped(text: str, envelope: Callable[[str], str]) -> str:
    return "".join(envelope(line) + "\n" for line in text.splitlines(keepends=True))


def read(text: str, parser: Parser) -> Parsed:
    content = text.encode()
    bounds = frames(content, is_all=True).tolist()
    parsed = parser.parse_at([(start, content[start:end]) for start, end in pairwise(bounds)])
    parsed.assert_every_byte_accounted()
    return parsed


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_a_report_is_one_record(envelope: Callable[[str], str], parser: Parser) -> None:
    parsed = read(wrapped(NEXT + REPORT + NEXT, envelope), parser)
    assert not parsed.rejects
    assert [row["message"] for row in parsed.rows] == ["next", "deadlock detected", "next"]
    assert {row["format"] for row in parsed.rows} == {"postgresql_text"}
    assert parsed.rows[1]["operation"] == "deadlock"
    assert parsed.rows[1]["lock_detail"].count(" waits for ") == 2
    assert json.loads(parsed.rows[1]["attributes"])["statement"] == "UPDATE a"


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_records_do_not_depend_on_how_much_was_there(envelope: Callable[[str], str]) -> None:
    content = wrapped(NEXT + REPORT + NEXT, envelope).encode()
    whole = frames(content, is_all=True).tolist()
    assert len(whole) == 4
    for length in range(1, len(content), 7):
        bounds = frames(content[:length]).tolist()
        assert bounds == whole[: len(bounds)]


@pytest.mark.parametrize("kind", ["docker", "cri", "journald"])
def test_records_do_not_depend_on_how_many_lines_are_peeled_at_a_time(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = (HERE / "java_thread_dump" / "jdk_17.txt").read_text()
    of_one = wrapped((NEXT + REPORT) * 9 + dump * 2, ENVELOPES[kind]).splitlines(keepends=True)
    of_other = [line.replace("stderr", "stdout").replace('"7"', '"8"') for line in of_one]
    counts: list[int] = []
    for step in (1, 3, 40, 10_000):
        turns = range(0, len(of_one), step)
        text = "".join(line for at in turns for one in (of_one, of_other) for line in one[at : at + step])
        content = text.encode()
        expected = frames(content, is_all=True).tolist()
        with monkeypatch.context() as patch:
            patch.setattr(enveloped, "_FEW", 1)
            patch.setattr(enveloped, "_MOST", 300)
            assert frames(content, is_all=True).tolist() == expected
        counts.append(len(expected))
    # What others write in between ends a record.
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0] // 10


@pytest.mark.parametrize("envelope", ["docker, other order", "cri", "fluent", "kubectl, times", "syslog"])
@pytest.mark.parametrize(
    ("case", "operation"),
    [("java_thread_dump/jdk_17.txt", "java.deadlock"), ("mysql_text/mysql_5_7.log", "mysql.note")],
)
def test_dumps_of_others_are_one_record(case: str, operation: str, envelope: str, parser: Parser) -> None:
    parsed = read(wrapped((HERE / case).read_text(), {**ENVELOPES, "syslog": syslog}[envelope]), parser)
    found = [row for row in parsed.rows if row.get("operation") == "deadlock"]
    alone = [
        row for row in read((HERE / case).read_text(), parser).rows if row.get("operation") == "deadlock"
    ]
    assert found
    assert [row["lock_edges"] for row in found] == [row["lock_edges"] for row in alone]
    assert {row["event_type"] for row in found} == {operation}


def test_what_a_process_logs_much_later_is_no_part_of_it(parser: Parser) -> None:
    lines = [syslog("2026-05-05 10:00:00,123 ERROR [main] a.B - failed"), syslog("java.lang.Error: x")]
    later = syslog("\tat a.B.c(B.java:1)").replace("10:00:00", "10:01:00")
    rows = read("".join(f"{line}\n" for line in [*lines, later]), parser).rows
    assert [row["message"] for row in rows] == ["failed\njava.lang.Error: x", "\tat a.B.c(B.java:1)"]


def test_lines_of_another_stream_are_no_part_of_it(parser: Parser) -> None:
    lines = wrapped(REPORT, docker).splitlines(keepends=True)
    lines.insert(5, docker("\tit works\n").replace("stderr", "stdout") + "\n")
    rows = read("".join(lines), parser).rows
    assert rows[0]["lock_detail"].count("\n") == 3
    assert rows[1]["message"] == "\tit works"


def test_pieces_of_a_line_are_put_together(parser: Parser) -> None:
    event = json.dumps({"id": "e1", "type": "order.paid", "causation_id": "e0", "pad": "x" * 40_000})
    pieces = [event[at : at + (16 << 10)] for at in range(0, len(event), 16 << 10)]
    pieces[-1] += "\n"
    for text in (
        "".join(docker(piece) + "\n" for piece in pieces),
        "".join(
            f"{TIME} stdout {'F' if piece[-1] == chr(10) else 'P'} {piece.rstrip()}\n" for piece in pieces
        ),
    ):
        rows = read(text + wrapped(NEXT, docker), parser).rows
        assert [row.get("causation_id") for row in rows] == ["e0", None]
        assert rows[0]["event_id"] == "e1"


def test_an_empty_piece_is_the_beginning_of_what_follows(parser: Parser) -> None:
    for line in ('{"id":"e1"}', "text"):
        data = f"{TIME} stdout F {line}\n{TIME} stdout P \n{TIME} stdout F end\n"
        rows = read(data, parser).rows
        assert [(row["byte_offset"], row.get("message")) for row in rows][1] == (data.index(TIME, 9), "end")
        assert "logtag" not in rows[0].get("attributes", "")


@pytest.mark.parametrize("envelope", [f"{TIME} stdout F ", "web-1  | "])
def test_a_carriage_return_within_a_line_ends_nothing(envelope: str, parser: Parser) -> None:
    [row] = read(f"{envelope}10 %\r100 %\r\n", parser).rows
    assert row["message"] == "10 %\r100 %"


def test_a_short_line_without_its_end_is_a_line(parser: Parser) -> None:
    rows = read("".join(docker(text) + "\n" for text in ("one", "two")), parser).rows
    assert [row["message"] for row in rows] == ["one", "two"]


def test_a_torn_envelope_gives_way_to_what_follows(parser: Parser) -> None:
    lines = wrapped(REPORT, docker).splitlines(keepends=True)
    parsed = read(f"{lines[0]}{lines[1][:60]}{docker(NEXT)}\n", parser)
    assert [row["message"] for row in parsed.rows] == ["deadlock detected", "next"]
    assert len(parsed.rejects) == 1


def test_a_time_that_an_application_writes_is_no_envelope(parser: Parser) -> None:
    time = "2026-05-05T10:00:00.500000000Z"
    rows = read(f'{time} INFO started\n{time} {{"id":"e1"}}\n', parser).rows
    assert [(row["format"], row.get("severity")) for row in rows] == [
        ("timestamped_text", "INFO"), ("json", None),
    ]  # fmt: skip
