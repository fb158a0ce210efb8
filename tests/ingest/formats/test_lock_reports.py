"""Deadlocks in traces, dumps and logs of servers: torn, by the side of others, and told again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ingest.formats.test_deadlock_documents import read
from tests.ingest.parsing import Parser

HERE = Path(__file__).parent
GRAPH = (HERE / "sqlserver_errorlog" / "trace_1204.log").read_text()
BOTH = (HERE / "sqlserver_errorlog" / "trace_1204_and_1222.log").read_text()
TRACE = (HERE / "oracle_trace" / "version_12.trc").read_text()
OLD_TRACE = (HERE / "oracle_trace" / "version_11.trc").read_text()
DIAG = (HERE / "db2_diag" / "server.log").read_text()
JAVACORE = (HERE / "javacore" / "openj9.txt").read_text()
ACTUATOR = (HERE / "java_thread_dump_json" / "actuator.json").read_text()
EVENT = '{"id":"e-1","time":"2026-03-10T12:00:00Z"}\n'


def test_a_wait_for_graph_ends_with_its_victim(parser: Parser) -> None:
    behind = "2024-11-24 09:58:28.11 spid6s      Error: 1205, Severity: 13, State: 51.\n"
    parsed = read(GRAPH + behind + GRAPH + EVENT, parser)
    formats = ["sqlserver_errorlog", "timestamped_text", "sqlserver_errorlog", "json"]
    assert [row["format"] for row in parsed.rows] == formats
    assert not parsed.rejects


def test_a_torn_wait_for_graph_leaves_the_next_one_alone(parser: Parser) -> None:
    torn = GRAPH[: GRAPH.index("Requested by")].rsplit("\n", 1)[0] + "\n"
    parsed = read(torn + GRAPH, parser)
    assert [row["operation"] for row in parsed.rows] == ["deadlock"]
    assert len(parsed.rejects) == 1


def test_two_reports_of_one_deadlock_are_one_whichever_comes_first(parser: Parser) -> None:
    at = BOTH.index("deadlock-list")
    at = BOTH.rindex("\n", 0, at) + 1
    [row] = read(BOTH[at:] + BOTH[:at], parser).rows
    assert row["event_id"].endswith("process2f0d8c8+process2f0d9d8")
    [one, other] = read(GRAPH + BOTH[at:], parser).rows  # of another process
    assert (one["operation"], other["operation"]) == ("deadlock", "deadlock")


def test_sessions_with_several_threads_have_each_their_name(parser: Parser) -> None:
    parallel = GRAPH.replace("SPID:51 BatchID:0 ECID:0", "SPID:51 BatchID:0 ECID:3")
    [row] = read(parallel, parser).rows
    assert row["lock_owner"] == "51/3"
    assert json.loads(row["lock_edges"])[0]["owner"] == "51/3"


def test_who_wants_more_of_what_it_has_does_not_wait_for_itself(parser: Parser) -> None:
    granted = next(line for line in GRAPH.splitlines() if "SPID:52" in line)
    both = GRAPH.replace(granted, f"{granted}\n{granted.replace('SPID:52', 'SPID:51')}")
    [row] = read(both, parser).rows
    waits = [(edge["owner"], edge["blocked_by"]) for edge in json.loads(row["lock_edges"])]
    assert waits == [("51", "52"), ("52", "51")]


@pytest.mark.parametrize("dump", ["PROCESS STATE\n-------------\n  process: 0x7a1b\nSO: 0x1, type: 2\n", ""])
def test_the_dump_of_a_process_belongs_to_the_report_before_it(parser: Parser, dump: str) -> None:
    parsed = read(TRACE + dump + OLD_TRACE + EVENT, parser)
    assert [row.get("operation") for row in parsed.rows] == [None, "deadlock", "deadlock", None]
    assert not parsed.rejects


def test_a_deadlock_of_oracle_without_its_graph_is_rejected(parser: Parser) -> None:
    parsed = read(OLD_TRACE[: OLD_TRACE.index("Deadlock graph")] + "\n" + OLD_TRACE, parser)
    assert [row["operation"] for row in parsed.rows] == ["deadlock"]
    assert "without its graph" in parsed.rejects[0].reason


def test_records_of_db2_end_where_others_begin(parser: Parser) -> None:
    parsed = read(DIAG.replace("\n\n", "\n") + EVENT, parser)
    assert [row["event_type"] for row in parsed.rows[:2]] == ["error.deadlock", "db2.event"]
    assert parsed.rows[2]["event_id"] == "e-1"


def test_the_deadlock_of_a_later_javacore_is_the_same(parser: Parser) -> None:
    later = JAVACORE.replace("12:00:05", "12:05:05").replace("11:00:05", "11:05:05")
    moved = later.replace("0x00007F5E5E18E3D8", "0x00007F5E5E19E3D8")
    rows = [row for row in read(JAVACORE + moved, parser).rows if row.get("operation") == "deadlock"]
    assert len({row["occurred_at"] for row in rows}) == 2
    assert len({row["event_id"] for row in rows}) == 1


def test_a_javacore_without_a_deadlock_is_one_event(parser: Parser) -> None:
    kept = [line for line in JAVACORE.splitlines(keepends=True) if "LKDEADLOCK" not in line]
    [row] = read("".join(kept), parser).rows
    assert json.loads(row["attributes"])["deadlocks"] == 0


def test_a_dump_as_json_has_the_time_beside_it(parser: Parser) -> None:
    dump, deadlock = read('{"time":"2026-03-10T12:00:00Z",' + ACTUATOR.lstrip()[1:], parser).rows
    assert dump["occurred_at"] == deadlock["occurred_at"]
    assert dump["occurred_at"].isoformat() == "2026-03-10T12:00:00"


def test_threads_as_json_that_wait_for_one_that_runs_are_no_deadlock(parser: Parser) -> None:
    [row] = read(ACTUATOR.replace('"lockOwnerId":21', '"lockOwnerId":1'), parser).rows
    assert json.loads(row["attributes"])["deadlocks"] == 0


def test_a_list_called_threads_is_no_dump(parser: Parser) -> None:
    [row] = read('{"id":"e-2","threads":[{"threadName":"main"}]}\n', parser).rows
    assert row["format"] == "json"


def test_what_stands_among_threads_and_is_none_is_kept(parser: Parser) -> None:
    dump, _ = read(ACTUATOR.replace('"threads":[', '"threads":[7,"x",'), parser).rows
    assert json.loads(dump["attributes"])["dump"][:2] == [7, "x"]
