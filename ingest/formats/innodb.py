"""Deadlocks as InnoDB prints them: to the error log, and in SHOW ENGINE INNODB STATUS.

A dump tells, for each transaction, the lock it waits for and, from MySQL 8.0.18 on for all of them
and before for the last only, the locks it holds; MariaDB tells the locks that are in the way. A
transaction whose blocker is not told so waits for the one other that there is. Source: MySQL Reference
Manual, "An InnoDB Deadlock Example"; lock0lock.cc of MySQL and MariaDB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ingest.formats.given import given

DETECTED: Final = rb"[Tt]ransactions? deadlock detected, dumping detailed information"
"""Regular expression for the message before a dump in the error log."""
ROLLED_BACK: Final = b"*** WE ROLL BACK TRANSACTION ("
"""What the last line of a dump begins with."""

_SECTION: Final = re.compile(
    r"\*\*\* (?:\((?P<number>\d+)\) )?(?P<title>TRANSACTION|HOLDS THE LOCK\(S\)|CONFLICTING WITH|"
    r"WAITING FOR THIS LOCK TO BE GRANTED):|\*\*\* WE ROLL BACK TRANSACTION \((?P<victim>\d+)\)"
)
_HEAD: Final = re.compile(r"\bTRANSACTION (?P<id>[0-9A-Fa-f]+(?: [0-9A-Fa-f]+)?), (?P<state>[^\n]*)")
_SESSION: Final = re.compile(
    r"(?:MySQL|MariaDB) thread id (?P<thread>\d+), (?:OS thread handle \w+, )?query id (?P<query>\d+)"
    r"(?P<client>[^\n]*)\n?(?P<statement>.*)",
    re.DOTALL,
)
_LOCK: Final = re.compile(
    r"(?:RECORD LOCKS space id (?P<space>\d+) page no (?P<page>\d+) n bits \d+\s+index `?(?P<index>.+?)`?"
    r" of table|TABLE LOCK table)\s+(?P<table>`(?:[^`]|``)*`(?:\.`(?:[^`]|``)*`)?|\S+)(?:\s+/\*.*?\*/)*"
    r"(?:\s+trx table locks \d+ total table locks \d+)?"
    r"\s+trx id (?P<id>[0-9A-Fa-f]+(?: [0-9A-Fa-f]+)?)\s+lock[_ ]mode (?P<mode>[^\n*]*+)"
    r"(?P<heap>\nRecord lock, heap no \d+)?"
)
_HELD: Final = re.compile(r" lock hold time \d+ wait time before grant \d+[ \r]*\Z")


class _Lock(NamedTuple):
    """One lock of a dump."""

    transaction: str
    resource: str
    mode: str
    place: tuple[str, ...]
    """Space, page and record, empty where they are not told."""


@dataclass
class _Transaction:
    """One transaction of a dump."""

    id: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    statement: str = ""
    waits: list[_Lock] = field(default_factory=list)
    holds: list[_Lock] = field(default_factory=list)
    conflicts: list[_Lock] = field(default_factory=list)


def deadlock(dump: str) -> dict[str, Any]:
    """What a dump tells: `lock_edges`, `victim`, `transactions`, and the dump itself."""
    transactions: dict[str, _Transaction] = {}
    victim, number = "", ""
    sections = list(_SECTION.finditer(dump))
    ends = [*(one.start() for one in sections), len(dump)][1:]
    for section, end in zip(sections, ends, strict=True):
        if section["victim"]:
            victim = section["victim"]
            break
        number = section["number"] or number
        _read(transactions.setdefault(number, _Transaction()), section["title"], dump[section.end() : end])
    known = list(transactions.values())
    return {
        "lock_edges": [edge for one in known for edge in _edges(one, known)],
        "victim": transactions[victim].id if victim in transactions else None,
        "transactions": [{"id": one.id, **one.about} for one in known],
        "dump": dump,
    }


def _read(transaction: _Transaction, title: str, text: str) -> None:
    if title == "TRANSACTION":
        if head := _HEAD.search(text):
            transaction.id = head["id"]
            transaction.about["state"] = head["state"].strip()
        if session := _SESSION.search(text):
            transaction.statement = session["statement"].strip()
            transaction.about |= {
                "thread": session["thread"],
                "query_id": session["query"],
                "client": session["client"].strip(),
            }
        return
    locks = list(_locks(text))
    if title.startswith("WAITING"):
        transaction.waits += locks
    elif title.startswith("HOLDS"):
        transaction.holds += locks
    else:
        transaction.conflicts += locks
    if title.startswith(("WAITING", "HOLDS")) and locks and not transaction.id:
        transaction.id = locks[0].transaction


def _locks(text: str) -> Iterator[_Lock]:
    for space, page, index, table, transaction, written, heap in _LOCK.findall(text):
        named = table.replace("`.`", ".").strip("`").replace("``", "`")
        resource = f"{named} {index}" if index else named
        lasting = _HELD.sub("", written) if "lock hold time" in written else written
        mode = lasting.strip().removesuffix("waiting").strip()
        yield _Lock(transaction, resource, mode, (space, page, heap))


def _edges(waiter: _Transaction, every: list[_Transaction]) -> Iterator[dict[str, Any]]:
    others = [one for one in every if one is not waiter]
    for wait in waiter.waits:
        blockers = _blockers(waiter, wait, others)
        for blocker in blockers or [None]:
            edge = {
                "owner": waiter.id, "resource": wait.resource, "mode": wait.mode, "blocked_by": blocker,
                "statement": waiter.statement or None,
            }  # fmt: skip
            yield given(edge)


def _blockers(waiter: _Transaction, wait: _Lock, others: list[_Transaction]) -> list[str | None]:
    in_the_way = dict.fromkeys(lock.transaction for lock in waiter.conflicts)
    in_the_way.pop(waiter.id, None)  # among them are locks of its own
    if in_the_way:
        return list(in_the_way)
    for depth in (3, 2, 0):  # the same record, the same page, the same index
        found = [
            one.id
            for one in others
            if any(
                lock.resource == wait.resource and lock.place[:depth] == wait.place[:depth]
                for lock in one.holds
            )
        ]
        if found:
            return list(found)
    return [others[0].id] if len(others) == 1 else []
