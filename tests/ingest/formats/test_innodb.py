"""Who waits for whom, told by the dumps of servers that print less than MySQL 8 does."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from ingest.framing import frames
from tests.ingest.parsing import Parsed, Parser

HEADER = (
    "2026-03-10 00:00:06 7f1e45d8b700InnoDB: transactions deadlock detected, dumping detailed information.\n"
)


def read(text: str, parser: Parser) -> Parsed:
    content = text.encode()
    bounds = frames(content, is_all=True).tolist()
    return parser.parse_at([(start, content[start:end]) for start, end in pairwise(bounds)])


def waits(row: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [
        (edge["owner"], edge["resource"], edge.get("blocked_by")) for edge in json.loads(row["lock_edges"])
    ]


def lock(transaction: str, index: str, suffix: str = "", page: int = 4) -> str:
    return (
        f"RECORD LOCKS space id 244 page no {page} n bits 824 index `{index}` of table `crm`.`business`"
        f" trx id {transaction} lock_mode X{suffix}\n"
    )


def transaction(number: int, name: str) -> str:
    return (
        f"*** ({number}) TRANSACTION:\nTRANSACTION {name}, ACTIVE 0 sec starting index read\n"
        f"MySQL thread id {number}, OS thread handle 0x7f4345c8d700, query id 84 10.0.0.9 crm updating\n"
        f"DELETE FROM business WHERE id = {number}\n"
    )


def test_a_transaction_whose_locks_are_not_told_waits_for_the_other(parser: Parser) -> None:
    """Before MySQL 8.0.18 the first transaction has no HOLDS THE LOCK(S)."""
    dump = (
        HEADER
        + transaction(1, "AEE50DCB")
        + "*** (1) WAITING FOR THIS LOCK TO BE GRANTED:\n"
        + lock("AEE50DCB", "uniq", " waiting")
        + transaction(2, "AEE50DCA")
        + "*** (2) HOLDS THE LOCK(S):\n"
        + lock("AEE50DCA", "uniq")
        + "*** (2) WAITING FOR THIS LOCK TO BE GRANTED:\n"
        + lock("AEE50DCA", "other", " waiting")
        + "*** WE ROLL BACK TRANSACTION (1)\n"
    )
    [row] = read(dump, parser).rows
    assert row["operation"] == "deadlock"
    assert row["lock_owner"] == "AEE50DCB"
    assert waits(row) == [
        ("AEE50DCB", "crm.business uniq", "AEE50DCA"),
        ("AEE50DCA", "crm.business other", "AEE50DCB"),
    ]


def test_a_whole_output_need_not_say_who_was_rolled_back(parser: Parser) -> None:
    """As that of Amazon Aurora; what stands below is no part of the deadlock."""
    rule = "=" * 37
    dump = (
        transaction(1, "A1")
        + "*** (1) WAITING FOR THIS LOCK TO BE GRANTED:\n"
        + lock("A1", "uniq", " waiting")
        + transaction(2, "A2")
        + "*** (2) WAITING FOR THIS LOCK TO BE GRANTED:\n"
        + lock("A2", "other", " waiting")
    )
    output = (
        f"{rule}\n2026-03-10 00:00:09 0x2b4763753700 INNODB MONITOR OUTPUT\n{rule}\n"
        "------------------------\nLATEST DETECTED DEADLOCK\n------------------------\n"
        f"2026-03-10 00:00:06 0x2b47af487700\n{dump}------------\nTRANSACTIONS\n------------\n"
        "Trx id counter 148902820\nEND OF INNODB MONITOR OUTPUT\n============================\n"
    )
    _, row = read(output, parser).rows
    assert row["occurred_at"].isoformat() == "2026-03-10T00:00:06"
    assert "lock_owner" not in row
    assert waits(row) == [("A1", "crm.business uniq", "A2"), ("A2", "crm.business other", "A1")]
    assert "TRANSACTIONS" not in json.loads(row["attributes"])["dump"]


def test_a_search_that_went_too_deep_names_the_one_rolled_back(parser: Parser) -> None:
    rule = "=" * 37
    output = (
        f"{rule}\n130624 17:40:00 INNODB MONITOR OUTPUT\n{rule}\n"
        "------------------------\nLATEST DETECTED DEADLOCK\n------------------------\n"
        "130624 17:39:24TOO DEEP OR LONG SEARCH IN THE LOCK TABLE WAITS-FOR GRAPH, "
        "WE WILL ROLL BACK FOLLOWING TRANSACTION\n\n*** TRANSACTION:\nTRANSACTION 3BF8, ACTIVE 0 sec\n"
        "*** WAITING FOR THIS LOCK TO BE GRANTED:\n"
        "TABLE LOCK table `db`.`log` trx id 3BF8 lock mode AUTO-INC waiting\n"
        "------------\nTRANSACTIONS\n------------\n"
        "END OF INNODB MONITOR OUTPUT\n============================\n"
    )
    _, row = read(output, parser).rows
    assert row["lock_owner"] == "3BF8"
    assert waits(row) == [("3BF8", "db.log", None)]


def test_of_three_transactions_each_waits_for_who_holds_the_page(parser: Parser) -> None:
    names = ["1001", "1002", "1003"]
    parts = [HEADER]
    for number, name in enumerate(names, start=1):
        parts += [
            transaction(number, name),
            f"*** ({number}) HOLDS THE LOCK(S):\n",
            lock(name, "PRIMARY", page=number),
            f"*** ({number}) WAITING FOR THIS LOCK TO BE GRANTED:\n",
            lock(name, "PRIMARY", " waiting", page=number % 3 + 1),
        ]
    [row] = read("".join(parts) + "*** WE ROLL BACK TRANSACTION (3)\n", parser).rows
    assert [(owner, blocker) for owner, _, blocker in waits(row)] == [
        ("1001", "1002"), ("1002", "1003"), ("1003", "1001"),
    ]  # fmt: skip
    assert row["lock_owner"] == "1003"


def test_nobody_is_named_where_three_wait_and_nothing_tells_for_whom(parser: Parser) -> None:
    parts = [HEADER]
    for number, name in enumerate(["1001", "1002", "1003"], start=1):
        parts += [
            transaction(number, name),
            f"*** ({number}) WAITING FOR THIS LOCK TO BE GRANTED:\n",
            lock(name, "PRIMARY", " waiting"),
        ]
    [row] = read("".join(parts) + "*** WE ROLL BACK TRANSACTION (3)\n", parser).rows
    assert [blocker for *_, blocker in waits(row)] == [None, None, None]


def test_a_dump_that_a_crash_ends_does_not_take_the_next_one(parser: Parser) -> None:
    torn = HEADER + transaction(1, "1001")
    whole = (
        HEADER
        + transaction(1, "1002")
        + "*** (1) WAITING FOR THIS LOCK TO BE GRANTED:\n"
        + lock("1002", "PRIMARY", " waiting")
        + "*** WE ROLL BACK TRANSACTION (1)\n"
    )
    rows = read(torn + whole, parser).rows
    assert [row["operation"] for row in rows] == ["deadlock", "deadlock"]
    assert [row.get("lock_owner") for row in rows] == [None, "1002"]


def test_a_deadlock_that_the_monitor_prints_again_has_the_same_id(parser: Parser) -> None:
    def status(second: int) -> str:
        return (
            "=====================================\n"
            f"2026-03-10 00:00:{second} 0x7f8d3c1f7700 INNODB MONITOR OUTPUT\n"
            "=====================================\n"
            "LATEST DETECTED DEADLOCK\n------------------------\n2026-03-10 00:00:06 0x7f8d3c1f7700\n"
            + transaction(1, "1002")
            + "*** WE ROLL BACK TRANSACTION (1)\n"
            "END OF INNODB MONITOR OUTPUT\n============================\n"
        )

    parsed = read(status(21) + status(36), parser)
    assert not parsed.rejects
    parsed.assert_every_byte_accounted()
    ids = [row["event_id"] for row in parsed.rows if row.get("operation") == "deadlock"]
    assert ids == ["innodb 2026-03-10 00:00:06 1002"] * 2


def test_an_output_of_which_the_end_is_not_there_yet_is_not_cut(parser: Parser) -> None:
    whole = (
        b"2026-03-10 00:00:21 0x7f8d3c1f7700 INNODB MONITOR OUTPUT\n"
        b"=====================================\nTRANSACTIONS\n"
        b"END OF INNODB MONITOR OUTPUT\n============================\n"
    )
    more = whole + b"2026-03-10 00:00:22 8 [Note] InnoDB: text\n"
    for length in range(len(whole)):
        assert frames(more[:length]).tolist() == [0]
    assert frames(more).tolist()[:2] == [0, len(whole)]
    assert [row["message"] for row in read(more.decode(), parser).rows] == ["INNODB MONITOR OUTPUT", "text"]


def test_locks_of_its_own_are_not_in_the_way(parser: Parser) -> None:
    """MariaDB lists under CONFLICTING WITH the lock that the waiter has shared so far."""
    parts = [HEADER]
    for number, (name, other) in enumerate([("1001", "1002"), ("1002", "1001")], start=1):
        parts += [
            transaction(number, name),
            "*** WAITING FOR THIS LOCK TO BE GRANTED:\n",
            lock(name, "PRIMARY", " locks rec but not gap waiting"),
            "*** CONFLICTING WITH:\n",
            lock(other, "PRIMARY", " locks rec but not gap"),
            lock(name, "PRIMARY", " locks rec but not gap"),
        ]
    [row] = read("".join(parts) + "*** WE ROLL BACK TRANSACTION (2)\n", parser).rows
    assert [(owner, blocker) for owner, _, blocker in waits(row)] == [("1001", "1002"), ("1002", "1001")]


def test_locks_of_mariadb_10_1_say_how_many_there_are_and_how_long(parser: Parser) -> None:
    def told(name: str, waiting: str = "") -> str:
        return (
            "RECORD LOCKS space id 50 page no 1203 n bits 120 index `PRIMARY` of table `crm`.`stories` trx"
            f" table locks 2 total table locks 3  trx id {name} lock_mode X locks rec but not gap{waiting}"
            " lock hold time 0 wait time before grant 0\n"
        )

    dump = (
        HEADER
        + transaction(1, "1001")
        + "*** (1) WAITING FOR THIS LOCK TO BE GRANTED:\n"
        + told("1001", " waiting")
        + transaction(2, "1002")
        + "*** (2) HOLDS THE LOCK(S):\n"
        + told("1002")
        + "*** (2) WAITING FOR THIS LOCK TO BE GRANTED:\n"
        + told("1002", " waiting")
        + "*** WE ROLL BACK TRANSACTION (2)\n"
    )
    [row] = read(dump, parser).rows
    assert waits(row) == [
        ("1001", "crm.stories PRIMARY", "1002"),
        ("1002", "crm.stories PRIMARY", "1001"),
    ]
    assert {edge["mode"] for edge in json.loads(row["lock_edges"])} == {"X locks rec but not gap"}


def test_colours_of_nothing_within_a_dump_do_not_end_it() -> None:
    dump = (Path(__file__).parent / "innodb_status" / "monitor.txt").read_bytes()
    *lines, last = dump.splitlines(keepends=True)
    colours = (b"\x1b[31m\x1b[0m\n", b"\x1b[90m    indented\x1b[39m\n")
    coloured = b"".join([*lines[:9], *colours, *lines[9:], last])
    assert len(frames(coloured, is_all=True)) == len(frames(dump, is_all=True))
