"""What of an application's errors is a deadlock that a database or a runtime told it of."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.ingest.parsing import Parser

WAITS = (
    "Process 7 waits for ShareLock on transaction 41; blocked by process 9.\n"
    "Process 9 waits for ShareLock on transaction 40; blocked by process 7."
)
VICTIM = (
    "Transaction (Process ID 52) was deadlocked on lock | communication buffer resources with another process"
    " and has been chosen as the deadlock victim. Rerun the transaction."
)
TIME = "2026-11-28 15:04:05,123"


def operation(line: str, parser: Parser) -> str | None:
    [row] = parser.parse(line).rows
    return row.get("operation")


@pytest.mark.parametrize(
    "error",
    [
        "ERROR: deadlock detected (SQLSTATE 40P01)",
        "pq: deadlock detected",
        "transaction aborted, SQLState: 40P01",
        "SQLSTATE[40P01]: Deadlock detected: 7 ERROR:  deadlock detected",
        "asyncpg.exceptions.DeadlockDetectedError: deadlock detected",
        "PG::TRDeadlockDetected: ERROR:  deadlock detected",
        "(1213, 'Deadlock found when trying to get lock; try restarting transaction')",
        "Error 1213 (40001): Deadlock found when trying to get lock; try restarting transaction",
        VICTIM,
        "java.sql.SQLException: ORA-00060: deadlock detected while waiting for resource",
        "DB2 SQL Error: SQLCODE=-911, SQLSTATE=40001, SQLERRMC=2, DRIVER=4.26.14",
        "org.springframework.dao.DeadlockLoserDataAccessException: x",
        "query failed with ER_LOCK_DEADLOCK",
    ],
)
def test_an_error_of_a_database_is_one(error: str, parser: Parser) -> None:
    assert operation(f"{TIME} ERROR [main] shop.Orders - failed: {error}", parser) == "deadlock"
    as_json = {"time": "2026-11-28T15:04:05Z", "level": "error", "msg": "failed", "error": error}
    assert operation(json.dumps(as_json), parser) == "deadlock"
    del as_json["level"]
    assert operation(json.dumps(as_json), parser) == "deadlock"
    for calm in ("info", "INFO2", 9):
        assert operation(json.dumps({**as_json, "level": calm}), parser) is None
    in_docker = {"log": f"{error}\n", "stream": "stderr", "time": "2026-11-28T15:04:05Z"}
    assert operation(json.dumps(in_docker), parser) == "deadlock"


@pytest.mark.parametrize(
    "text",
    [
        "deadlock detected",
        "no deadlock detected in 30 s",
        "deadlock_timeout is 1s",
        "(1205, 'Lock wait timeout exceeded; try restarting transaction')",
        "ERROR: could not serialize access due to concurrent update (SQLSTATE 40001)",
        "DB2 SQL Error: SQLCODE=-911, SQLSTATE=40001, SQLERRMC=68, DRIVER=4.26.14",
        "order 40P01 shipped",
    ],
)
def test_a_text_that_mentions_one_is_none(text: str, parser: Parser) -> None:
    assert operation(f"{TIME} ERROR [main] shop.Orders - {text}", parser) is None
    as_json = {"time": "2026-11-28T15:04:05Z", "level": "error", "msg": text}
    assert operation(json.dumps(as_json), parser) is None


def test_who_waits_is_read_from_what_postgresql_sent(parser: Parser) -> None:
    error = f"deadlock detected\nDETAIL:  {WAITS}\nHINT:  See server log for query details.\n"
    twice = {"time": "2026-11-28T15:04:05Z", "level": "error", "msg": error, "stack": f"a: {error}"}
    [row] = parser.parse(json.dumps(twice)).rows
    assert (row["operation"], row["event_type"], row["lock_detail"]) == ("deadlock", "error.deadlock", WAITS)


def test_a_level_that_is_left_out_counts_as_what_it_stands_for(parser: Parser) -> None:
    posted = {"@t": "2026-11-28T15:04:05Z", "@mt": "Posted {text}", "text": "ERROR: deadlock detected"}
    assert operation(json.dumps(posted), parser) is None
    assert operation(json.dumps({**posted, "@l": "Error"}), parser) == "deadlock"


def test_what_says_of_no_error_is_none_beside_records_that_do(new_parser: Callable[[], Parser]) -> None:
    posted = {"time": "2026-11-28T15:04:05Z", "type": "CommentPosted", "text": "ERROR: deadlock detected?"}
    failed = {"time": "2026-11-28T15:04:05Z", "type": "OrderFailed", "level": "error", "text": "x"}
    lines = [json.dumps(one) for one in (posted, failed)]
    assert new_parser().parse(*lines).rows[0].get("operation") is None
    assert operation(lines[0], new_parser()) is None
