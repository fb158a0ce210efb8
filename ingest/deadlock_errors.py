"""Which records of applications say that a database, or a runtime, told them of a deadlock.

A text may mention a deadlock in any words; what counts is the error as databases, drivers and frameworks
write it, with its code or in their own words, in a record that is no note. What PostgreSQL sends with it,
who waits for whom, is read as from its own log. Sources: PostgreSQL, appendix "Error Codes"; MySQL, "Server
Error Message Reference" (1213); SQL Server, "Deadlocks guide" (1205); Oracle, ORA-00060; Db2, SQL0911N;
Spring, "DAO Support"; H2 and Derby, their messages; Go, runtime/proc.go; Ruby, thread.c.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

from ingest.expressions import bound, glued, texts
from ingest.formats.base import JsonFormat
from ingest.names import Path
from ingest.vocabulary import normalise

_NEEDLES: Final = ("eadlock", "40P01", "-911", "ER_LOCK_DEADLOCK")
"""Each of the errors holds one of these, which are found in less time."""
_ERRORS: Final = (
    # PostgreSQL: drivers of Python, Ruby, PHP, Go, JavaScript, Java, Rust and .NET.
    r"DeadlockDetected(?:Error)?[^\w-]",
    "TRDeadlockDetected",
    r"(?:ERROR|FATAL|error|pq): +deadlock detected\b",
    r"deadlock detected(?:\\r)?\\n *(?:DETAIL|Detail): ",
    r"\"(?:err|error|exception|cause|reason)\w*\" ?: ?\"deadlock detected\"",
    r"(?i:sql_?state|code)\W{1,8}40P01\b",
    # MySQL and MariaDB.
    "Deadlock found when trying to get lock; try restarting transaction",
    "ER_LOCK_DEADLOCK",
    # SQL Server, Sybase.
    r"was deadlocked on [\w |{}]{0,60}resources? with another process and has been chosen as the",
    r"Your server command [^\\]{0,80}encountered a deadlock situation",
    # Oracle, Db2, H2, Derby, SAP HANA.
    r"ORA-00060: [Dd]eadlock detected",
    r"SQLCODE[=: ]+-911\b[^\\]{0,40}SQLERRMC[=: ]+2\b",
    r"Deadlock detected\. The current transaction was rolled back",
    "A lock could not be obtained due to a deadlock",
    "transaction rolled back by detected deadlock",
    # Frameworks.
    "DeadlockLoserDataAccessException",
    "ActiveRecord::Deadlocked",
    # Runtimes that find nobody left who could go on.
    "fatal error: all goroutines are asleep - deadlock!",
    r"No live threads left\. Deadlock\?",
)
_CALM: Final = (
    "info", "debug", "trace", "verbose", "notice", "information", "informational", "config", "fine", "finer",
    "finest", "success", "log", "default", "ok", "inf", "dbg", "trc", "vrb", "i", "d", "t", "v", "n", "5",
    "6", "7", "9", "10", "11", "12", "20", "30",
    *(f"{level}{step}" for level in ("info", "debug", "trace") for step in (2, 3, 4)),
)  # fmt: skip
"""Levels of what is no error, in words and in the numbers of syslog, OpenTelemetry, bunyan and Python."""
_WAIT: Final = r"Process \d+ waits for \w+Lock on [^;\\]{1,200}; blocked by process \d+\."
TOLD: Final = "'error.deadlock'"
"""SQL: the type of such a record, where it names none."""


def may_be_told(format_: JsonFormat, roles: Container[str], paths: Iterable[Path]) -> bool:
    """Whether records of these roles and fields can say so: a lookup in any text costs each of them."""
    if "operation" in format_.computed:
        return False
    return "message" in format_.fields or (
        format_.by_value
        and ("severity" in roles or any(normalise(path[0]).startswith(("err", "exc")) for path in paths))
    )


def is_told(line: str, severity: str, operation: str, may_be: str) -> str:
    """SQL: whether the record that a line of JSON is says so, if it may, and no other operation."""
    needles = " OR ".join(f"contains({line}, '{needle}')" for needle in _NEEDLES)
    errors = "|".join(_ERRORS).replace("'", "''")
    return (
        f"CASE WHEN NOT {may_be} OR {operation} IS NOT NULL THEN FALSE"
        f" WHEN list_contains({texts(_CALM)}, lower({severity})) THEN FALSE"
        f" WHEN {needles} THEN regexp_matches({line}, '{errors}') ELSE FALSE END"
    )


def waits(line: str) -> str:
    """SQL: the waits of PostgreSQL that a line quotes, each once, on lines of their own; NULL: none."""
    once = "list_filter(every, lambda wait, number: list_position(every, wait) = number)"
    return bound(f"regexp_extract_all({line}, '{_WAIT}')", "every", glued(once, "\n"))
