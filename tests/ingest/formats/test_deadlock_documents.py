"""Thread dumps and deadlock graphs that are torn, hostile, or stand close together."""

from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.formats import java_threads, transcoders
from ingest.framing import frames
from tests.ingest.parsing import Parsed, Parser

HERE = Path(__file__).parent
GRAPH = (HERE / "sqlserver_deadlock" / "system_health.xml").read_text()
TRACE = (HERE / "sqlserver_errorlog" / "trace_1222.log").read_text()
DUMP = (HERE / "java_thread_dump" / "jdk_8.txt").read_text()
SPANNING = sorted({one.name for one in transcoders() if one.spans_lines})
RECORDS = sorted(path for name in SPANNING for path in HERE.glob(f"{name}/*") if path.suffix != ".json")


def read(text: str, parser: Parser) -> Parsed:
    content = text.encode()
    bounds = frames(content, is_all=True).tolist()
    parsed = parser.parse_at([(start, content[start:end]) for start, end in pairwise(bounds)])
    parsed.assert_every_byte_accounted()
    return parsed


def reasons(parsed: Parsed) -> list[str]:
    return [reject.reason for reject in parsed.rejects]


@pytest.mark.parametrize(
    ("element", "torn"),
    [
        ("process id=process2f0d9d8", "2024-11-24 09:58:28."),
        ("process-list", "2024-1"),
        ("UPDATE", "2024-11-24 09:58:28."),
    ],
)
def test_what_stands_behind_a_torn_line_of_a_report_is_read(parser: Parser, element: str, torn: str) -> None:
    report = TRACE[: TRACE.index(element)] + TRACE[TRACE.index(element) :].split("\n")[0] + "\n"
    access = '127.0.0.1 - - [28/Nov/2026:15:04:05 +0000] "GET / HTTP/1.1" 200 612\n'
    parsed = read(f"{report}{torn}\n{access}", parser)
    assert [row["format"] for row in parsed.rows if row["format"] != "sqlserver_errorlog"] == ["access_log"]


@pytest.mark.parametrize(
    "record",
    [
        {"document": "How to read a <deadlock-list>", "title": "x"},
        {"document": "plain", "text": "see <deadlock >"},
        {"xml": "<a>1</a>", "note": "<deadlock >"},
    ],
)
def test_a_text_about_graphs_is_none(parser: Parser, record: dict[str, str]) -> None:
    parsed = parser.parse(json.dumps({"id": "d-1", **record}))
    assert parsed.the_row()["event_id"] == "d-1"


def test_xml_beside_a_graph_is_of_the_record(parser: Parser) -> None:
    graph = GRAPH[GRAPH.index("<deadlock") : GRAPH.index("</deadlock>")] + "</deadlock>"
    row = parser.parse(json.dumps({"xml_report": graph, "xml": "<a>1</a>"})).the_row()
    assert (row["operation"], json.loads(row["attributes"])["record"]) == ("deadlock", {"xml": "<a>1</a>"})


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_record_is_cut_alike_however_much_of_it_is_there(path: Path) -> None:
    """What is read in parts ends where it ends when all of it is there."""
    content = path.read_bytes()
    whole = frames(content, is_all=True).tolist()
    step = max(1, len(content) // 400)
    for length in range(1, len(content), step):
        bounds = frames(content[:length]).tolist()
        assert set(bounds) <= set(whole), f"cut in {length} bytes at {set(bounds) - set(whole)}"


def test_a_document_type_is_refused(parser: Parser) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "cc">]>\n<deadlock>&b;</deadlock>\n'
    parsed = read(bomb, parser)
    assert not parsed.rows
    assert any("document type" in reason for reason in reasons(parsed))
    inside = "<deadlock><!DOCTYPE a [<!ENTITY b 'cc'>]>&b;</deadlock>\n"
    assert "document type" in reasons(read(inside, parser))[0]


def test_elements_nested_without_end_are_refused(parser: Parser) -> None:
    deep = "<deadlock>" + "<a>" * 5_000 + "</a>" * 5_000 + "</deadlock>\n"
    [reason] = reasons(read(deep, parser))
    assert "nested" in reason


def test_elements_that_never_end_are_refused_before_they_are_made(parser: Parser) -> None:
    torn = "<deadlock>" + "<a>" * 100_000 + "</deadlock>\n"
    tracemalloc.start()
    try:
        parsed = read(torn, parser)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "nested" in reasons(parsed)[0]
    assert most < 30 * len(torn)


def test_a_torn_graph_leaves_the_next_one_alone(parser: Parser) -> None:
    torn = GRAPH[: GRAPH.index("<resource-list>")] + "\n"
    parsed = read(torn + GRAPH, parser)
    assert [row["operation"] for row in parsed.rows] == ["deadlock", "deadlock"]
    assert b"".join(reject.raw for reject in parsed.rejects).split() == torn.encode().split()


def test_a_report_of_trace_1222_ends_with_what_another_process_writes(parser: Parser) -> None:
    report = TRACE[: TRACE.index("deadlock-list", 60)].rsplit("\n", 1)[0] + "\n"
    before = "2024-11-24 09:58:20.00 spid5s      Starting up database 'x'.\n"
    behind = before.replace("spid5s", "spid9s")
    event = '{"id": "e-1", "time": "2024-11-24T09:58:30Z"}\n'
    torn = report[: report.index("resource-list")].rsplit("\n", 1)[0] + "\n"
    parsed = read(before + report + before + torn + behind + torn + event + report, parser)
    whole = [row.get("event_id", "") for row in parsed.rows if "lock_edges" in row]
    assert len(whole) == 2
    assert [row["event_id"] for row in parsed.rows if row["format"] == "json"] == ["e-1"]
    told = [row for row in parsed.rows if row["format"] == "timestamped_text"]
    assert [json.loads(row["attributes"])["thread"] for row in told] == ["spid5s", "spid5s", "spid9s"]
    assert {row["message"] for row in told} == {"Starting up database 'x'."}


def test_two_graphs_on_one_line_are_two_deadlocks(parser: Parser) -> None:
    line = GRAPH.splitlines()[-1]
    assert [row["record_no"] for row in read(line + line + "\n", parser).rows] == [0, 1]


def test_a_ring_buffer_is_its_events(parser: Parser) -> None:
    other = '<event name="wait_info" timestamp="2026-03-10T00:00:07Z"><data name="a"/></event>'
    rows = read(f"<RingBufferTarget>\n{GRAPH}{other}</RingBufferTarget>\n", parser).rows
    assert [row["event_type"] for row in rows] == ["sqlserver.deadlock"] * 2 + ["sqlserver.wait_info"]


def test_the_events_of_a_ring_buffer_that_was_cut_off_are_read(parser: Parser) -> None:
    parsed = read(f'<RingBufferTarget truncated="1">\n{GRAPH}<event name="xml_deadlock_report"><da\n', parser)
    assert [row["event_type"] for row in parsed.rows] == ["sqlserver.deadlock"] * 2
    assert [reject.raw[:17] for reject in parsed.rejects] == [b"<RingBufferTarget", b'<event name="xml_']


def test_a_graph_that_is_a_text_within_its_event(parser: Parser) -> None:
    """As SQL Server 2008 wrote it."""
    graph = GRAPH[GRAPH.index("<deadlock>") : GRAPH.index("</deadlock>") + len("</deadlock>")]
    escaped = graph.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    event = (
        f'<event name="xml_deadlock_report" timestamp="2026-03-10T00:00:06Z"><data name="xml_report">'
        f"<value>{escaped}</value></data></event>\n"
    )
    [row] = read(event, parser).rows
    assert row["operation"] == "deadlock"
    assert len(json.loads(row["lock_edges"])) == 2


def test_sessions_with_several_threads_are_told_apart(parser: Parser) -> None:
    parallel = GRAPH.replace('spid="60" ecid="0"', 'spid="55" ecid="3"')
    row = read(parallel, parser).rows[0]
    waits = [(edge["owner"], edge["blocked_by"]) for edge in json.loads(row["lock_edges"])]
    assert waits == [("55/0", "55/3"), ("55/3", "55/0")]


def test_the_deadlock_of_a_later_dump_is_the_same(parser: Parser) -> None:
    later = DUMP.replace("00:00:06", "00:00:36")
    parsed = read(DUMP + later, parser)
    assert not parsed.rejects
    ids = [row["event_id"] for row in parsed.rows if row.get("operation") == "deadlock"]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_jcmd_says_of_which_process_the_dump_is(parser: Parser) -> None:
    one = read(DUMP, parser).rows
    written = f"4711:\n{DUMP}".encode()
    rows = read((written * 2).decode(), parser).rows
    assert [row["event_id"] for row in rows[1::2]] == [one[1]["event_id"]] * 2
    assert [row["occurred_at"] for row in rows] == [one[0]["occurred_at"]] * 4
    assert [json.loads(row["attributes"]).get("pid") for row in rows] == [4711, None] * 2
    for length in range(1, len(written)):
        assert frames(written[:length]).tolist() in ([0], [])


def test_what_stands_behind_a_dump_is_not_part_of_it(parser: Parser) -> None:
    parsed = read(DUMP + '{"id":"e1","time":"2026-03-10T00:00:07Z"}\n', parser)
    assert [row["format"] for row in parsed.rows] == ["java_thread_dump"] * 2 + ["json"]


def test_a_dump_that_lost_a_deadlock_is_rejected(parser: Parser) -> None:
    [reason] = reasons(read(DUMP.replace("Found 1 deadlock.", "Found 2 deadlocks."), parser))
    assert "found 2 deadlocks, and lists 1" in reason


def test_a_time_alone_is_no_dump(parser: Parser) -> None:
    assert reasons(read("2026-03-10 00:00:06\nnothing\n", parser))[0].endswith("and no thread dump")


def test_a_dump_in_which_nobody_looked_for_deadlocks_is_looked_through(parser: Parser) -> None:
    """As VisualVM and Spring Boot print it; who waits for one of the circle is not of it."""

    def thread(name: str, number: int, waits: str) -> str:
        return f'"{name}" - Thread t@{number}\n   java.lang.Thread.State: BLOCKED\n{waits}\n'

    def wait(lock: str, holder: str, number: int) -> str:
        return (
            "\tat java.base@21/java.lang.Thread.run(Thread.java:1)\n\tat shop.Cart.add(Cart.java:7)\n"
            f'\t- waiting to lock <{lock}> (a shop.Stock) owned by "{holder}" t@{number}\n'
        )

    dump = (
        "2026-03-10 10:00:05\nFull thread dump OpenJDK 64-Bit Server VM (17.0.2+8-86 mixed mode):\n\n"
        + thread("late", 22, wait("5e", "a", 23))
        + thread("a", 23, wait("5f", "b", 24))
        + thread("b", 24, wait("5e", "a", 23))
        + thread("main", 1, "")
    )
    whole, found = read(dump, parser).rows
    assert json.loads(whole["attributes"])["deadlocks"] == 1
    assert (found["event_type"], found["operation"]) == ("java.deadlock", "deadlock")
    assert found["occurred_at"].isoformat() == "2026-03-10T10:00:05"
    assert json.loads(found["lock_edges"]) == [
        {
            "owner": "a",
            "resource": "shop.Stock@5f",
            "blocked_by": "b",
            "statement": "shop.Cart.add(Cart.java:7)",
        },
        {
            "owner": "b",
            "resource": "shop.Stock@5e",
            "blocked_by": "a",
            "statement": "shop.Cart.add(Cart.java:7)",
        },
    ]


INFOS = """\
"a" Id=13 BLOCKED on shop.Stock@1f owned by "b" Id=12
\tat app//shop.Cart.add(Cart.java:7)
\t-  blocked on shop.Stock@1f

"b" prio=5 Id=12 WAITING on shop.Lock@2f owned by "a" Id=13 (in native)
\tat shop.Cart.drop(Cart.java:9)

"""


def test_threads_that_an_application_logs_have_the_time_of_its_line(parser: Parser) -> None:
    line = "2026-03-10 10:00:05,123 ERROR shop.Watch: deadlock\n"
    parsed = read(f"{line}{INFOS}\n{line}", parser)
    assert not parsed.rejects
    text, found, _ = parsed.rows
    assert text["message"] == f"deadlock\n{INFOS}".rstrip()
    assert found["operation"] == "deadlock"
    assert found["occurred_at"] == text["occurred_at"]
    waits = [
        (edge["owner"], edge["resource"], edge["blocked_by"]) for edge in json.loads(found["lock_edges"])
    ]
    assert waits == [("a", "shop.Stock@1f", "b"), ("b", "shop.Lock@2f", "a")]


def test_threads_alone_are_a_dump(parser: Parser) -> None:
    whole, found = read(INFOS, parser).rows
    assert (whole["event_type"], found["operation"]) == ("java.thread_dump", "deadlock")


def test_threads_that_wait_for_one_that_runs_are_no_deadlock(parser: Parser) -> None:
    waiting = INFOS.replace(' owned by "a" Id=13', "")
    assert [row["event_type"] for row in read(waiting, parser).rows] == ["java.thread_dump"]


def test_a_thread_that_waits_for_itself_is_in_no_circle() -> None:
    text = (
        '"a" Id=13 WAITING on Lock@1f owned by "a" Id=13\n"b" Id=14 BLOCKED on Lock@1f owned by "a" Id=13\n'
    )
    assert list(java_threads.circles(text)) == []
