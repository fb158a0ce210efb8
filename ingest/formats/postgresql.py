"""What the notations of PostgreSQL's server log have in common: which column is filled from what.

A record is a deadlock by its SQLSTATE, 40P01 at ERROR or above, never by a text that mentions one:
the server also logs "detected deadlock while waiting" for the same deadlock, and statements may
quote the words. The wait-for edges stand in its detail. Source: PostgreSQL documentation, "Error
Reporting and Logging"; SQLSTATE appendix; deadlock.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_ABOUT_A_LOCK: Final = (
    r"^process (\d+) (?:still waiting for|acquired|detected deadlock while waiting for) (\w+) on (.+)"
    r" after [\d.]+ ms"
)
# Servers write severities and details in the language of lc_messages, states never.
_HARMLESS: Final = ("LOG", "INFO", "NOTICE", "WARNING", "DEBUG", *(f"DEBUG{level}" for level in range(1, 6)))
_FATAL: Final = f"{{severity}} NOT IN ({', '.join(map(repr, _HARMLESS))})"
# "Prozess 1 wartet auf ShareLock-Sperre auf Transaktion 7; blockiert von Prozess 2."
_MODE_FIRST: Final = r"(?m)^[^\d\n]*(\d+) [^\d\n]*?(\w+Lock)\S* \S+ ([^\n]+?) ?; [^\d\n]*(\d+)[^\d\n]*$"
# "プロセス 1 は トランザクション 7 で ShareLock を待機していますが、プロセス 2 によってブロックされました。"
_MODE_LAST: Final = r"(?m)^[^\d\n]*(\d+) \S+ ([^\n]+?) \S+ (\w+Lock) [^\d\n]*(\d+)[^\d\n]*$"
_STATEMENT: Final = r"(?m)^[^\s\d]+(?: [^\s\d]+)? ?(\d+) ?: ?"


def _in_english(detail: str) -> str:
    """SQL: the detail of a deadlock as the server writes it in English, whatever its language."""

    def replaced(text: str, pattern: str, by: str) -> str:
        return f"regexp_replace({text}, '{pattern}', '{by}', 'g')"

    waits = replaced(detail, _MODE_FIRST, r"Process \1 waits for \2 on \3; blocked by process \4.")
    others = replaced(detail, _MODE_LAST, r"Process \1 waits for \3 on \2; blocked by process \4.")
    # A name in a lambda, so that it is worked out once.
    waits = f"list_transform([{waits}], lambda one: CASE WHEN one <> {detail} THEN one ELSE {others} END)[1]"
    spoken = replaced(f"({waits})", _STATEMENT, r"Process \1: ")
    return f"CASE WHEN starts_with({detail}, 'Process ') THEN {detail} ELSE {spoken} END"


BY_STATE: Final = "{state} = '40P01'"
"""SQL: whether the error is a deadlock, where the record has an SQLSTATE."""


_PREPARED: Final = {
    "lock": (
        "CASE WHEN starts_with({message}, 'process ')"
        f" THEN regexp_extract({{message}}, '{_ABOUT_A_LOCK}', ['owner', 'mode', 'resource']) END"
    ),
}


def computed(is_deadlock: str = BY_STATE, event_id: str = "{session} || '/' || {line_num}") -> dict[str, str]:
    """Column -> SQL over the columns and the inputs session, line_num, state, detail, pid, backend."""
    is_deadlock = f"({is_deadlock}) AND {_FATAL}"
    return {
        "event_id": event_id,
        "node": "'pid ' || {pid}",
        "service": "coalesce({service}, {backend})",
        "event_type": (
            "'postgresql.' || lower({severity})"
            " || CASE WHEN {state} IS NULL OR {state} = '00000' THEN '' ELSE '.' || {state} END"
        ),
        "operation": (
            f"CASE WHEN {is_deadlock} THEN 'deadlock'"
            " WHEN {severity} <> 'LOG' OR {lock} IS NULL THEN NULL"
            " WHEN {lock}.owner = '' THEN NULL"
            " WHEN regexp_matches({message}, '^process \\d+ acquired ') THEN 'lock_acquire'"
            " ELSE 'lock_wait' END"
        ),
        "lock_owner": "nullif({lock}.owner, '')",
        "lock_mode": "nullif({lock}.mode, '')",
        "lock_resource": "nullif({lock}.resource, '')",
        "lock_blocked_by": (
            "CASE WHEN starts_with({detail}, 'Process') THEN nullif("
            "regexp_extract({detail}, '^Process(?:es)? holding the lock: ([\\d, ]+)', 1), '') END"
        ),
        "lock_detail": f"CASE WHEN {is_deadlock} THEN {_in_english('{detail}')} END",
    }


FIELDS: Final[Mapping[str, tuple[Path, ...]]] = {
    "occurred_at": (("timestamp",),),
    "service": (("application_name",),),
    "entity": (("dbname",),),
    "severity": (("error_severity",),),
    "message": (("message",),),
}
INPUTS: Final[Mapping[str, Path]] = {
    "session": ("session_id",),
    "line_num": ("line_num",),
    "state": ("state_code",),
    "detail": ("detail",),
    "pid": ("pid",),
    "backend": ("backend_type",),
    "context": ("context",),
}


def server_log(
    name: str,
    match: Callable[[Shape], Path | None] = lambda _: None,
    columns: Mapping[str, str] | None = None,
) -> JsonFormat:
    """The format of records with the keys of jsonlog; `columns`: what is computed, if not as there."""
    return JsonFormat(
        name=name,
        priority=120,
        match=match,
        by_name=False,
        fields=FIELDS,
        inputs=INPUTS,
        prepared=_PREPARED,
        computed=columns or computed(),
    )
