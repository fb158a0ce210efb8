"""What the notations of PostgreSQL's server log have in common: which column is filled from what.

A record is a deadlock by its SQLSTATE, 40P01 at ERROR or above, never by a text that mentions one:
the server also logs "detected deadlock while waiting" for the same deadlock, and statements may
quote the words. The wait-for edges stand in its detail. Source: PostgreSQL documentation, "Error
Reporting and Logging"; SQLSTATE appendix; deadlock.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from ingest.expressions import bound, glued, looked_up
from ingest.formats.base import JsonFormat, Shape
from ingest.formats.postgresql_words import (
    ACQUIRED,
    ENGLISH_RESOURCE,
    LABELS,
    RESOURCES,
    RUNS,
    SEVERITIES,
    WAITING,
    WAITS,
    beginnings,
    patterns,
    probes,
)
from ingest.names import Path

_ABOUT_A_LOCK: Final = (
    r"^process (\d+) (?:still waiting for|acquired|detected deadlock while waiting for) (\w+) on (.+)"
    r" after [\d.]+ ms"
)
# Servers write severities and details in the language of lc_messages, states never.
_HARMLESS: Final = ("LOG", "INFO", "NOTICE", "WARNING", "DEBUG", *(f"DEBUG{level}" for level in range(1, 6)))
_FATAL: Final = f"{{severity}} NOT IN ({', '.join(map(repr, _HARMLESS))})"
# Where the catalogue is not known: "Prozess 1 wartet auf ShareLock-Sperre auf Transaktion 7; blockiert von
# Prozess 2."
_MODE_FIRST: Final = r"(?m)^[^\d\n]*(\d+) [^\d\n]*?(\w+Lock)\S* \S+ ([^\n]+?) ?; [^\d\n]*(\d+)[^\d\n]*$"
# "プロセス 1 は トランザクション 7 で ShareLock を待機していますが、プロセス 2 によってブロックされました。"
_MODE_LAST: Final = r"(?m)^[^\d\n]*(\d+) \S+ ([^\n]+?) \S+ (\w+Lock) [^\d\n]*(\d+)[^\d\n]*$"
_STATEMENT: Final = r"(?m)^[^\s\d]+(?: [^\s\d]+)? ?(\d+) ?: ?"
_ENGLISH_WAIT: Final = rf"Process \d+ waits for \w+ on {ENGLISH_RESOURCE}; blocked by process \d+\."
_ON, _BY = " on ", "; blocked by process "
_LINE_END: Final = "\n"
_NUMBER, _MODE, _TEXT = r"(\d+)", r"(\w*Lock)", "(.+)"
_OF_WAITS: Final = (_NUMBER, _MODE, _TEXT, _NUMBER)
_OF_A_WAIT: Final = (_NUMBER, _MODE, _TEXT, r"\d+", r"\d+")
_MOST_NUMBERS: Final = 4
"""That a resource has."""


def sql_text(text: str) -> str:
    """A text as SQL, in a template."""
    return "'" + text.replace("'", "''").replace("{", "{{").replace("}", "}}") + "'"


def _replaced(text: str, pattern: str, by: str) -> str:
    return f"regexp_replace({text}, {sql_text(pattern)}, '{by}', 'g')"


def _resource(resource: str) -> str:
    """SQL: what is locked, in English."""
    filled = looked_up(RESOURCES, _replaced(resource, r"\d+", "#"))
    for number in range(1, _MOST_NUMBERS + 1):
        filled = f"replace({filled}, '${number}', coalesce(numbers[{number}], ''))"
    found = bound(f"regexp_extract_all({resource}, '\\d+')", "numbers", filled)
    is_english = f"regexp_full_match({resource}, '{ENGLISH_RESOURCE}')"
    return f"CASE WHEN {is_english} THEN {resource} ELSE coalesce({found}, {resource}) END"


def _first_other(text: str, replaced: Iterable[str]) -> str:
    """SQL: what first made another text of one, else the text."""
    # Not one in the other, which would take much time to plan.
    return f"coalesce(list_filter([{', '.join(replaced)}], lambda other: other <> {text})[1], {text})"


def _translated(
    text: str,
    arguments: Sequence[str],
    messages: Sequence[str],
    pattern: str,
    by: Callable[[dict[int, int]], str],
) -> str:
    """SQL: a text in which what matches these messages in another language is replaced, else the text.

    A pattern for all languages takes several times as long as to look which may be meant.
    """
    cases = [
        f"WHEN contains({text}, {sql_text(probe)}) THEN "
        + _first_other(
            text,
            [_replaced(text, pattern.format(one), by(group)) for one, group in patterns(arguments, texts)],
        )
        for probe, texts in probes(*messages)
    ]
    return f"CASE {' '.join(cases)} ELSE {text} END"


def _wait(message: str) -> str:
    """SQL: a message about a lock that somebody waits for, in English but for what is locked."""

    def translated(does: str, *messages: str) -> str:
        def by(group: dict[int, int]) -> str:
            return rf"process \{group[1]} {does} \{group[2]} on \{group[3]} after 0 ms"

        return _translated(message, _OF_A_WAIT, messages, "^{}", by)

    every = [translated("still waiting for", *WAITING), translated("acquired", ACQUIRED)]
    # Modes are not translated.
    return (
        f"CASE WHEN NOT contains({message}, 'Lock') THEN NULL"
        f" WHEN regexp_matches({message}, '^process \\d+ (?:still|acquired|detected) ') THEN {message}"
        f" ELSE {_first_other(message, every)} END"
    )


def _in_english(detail: str) -> str:
    """SQL: the detail of a deadlock as the server writes it in English, whatever its language."""
    waits = r"Process \{} waits for \{} on \{}; blocked by process \{}."
    known = _translated(
        detail,
        _OF_WAITS,
        [WAITS],
        "(?m)^{}$",
        lambda group: waits.format(*(group[number] for number in range(1, 5))),
    )
    said_by = r"Process \1: "
    runs = _replaced("known", f"(?m)^{beginnings(RUNS)}", said_by)
    others = [
        _replaced("known", _MODE_FIRST, waits.format(1, 2, 3, 4)),
        _replaced("known", _MODE_LAST, waits.format(1, 3, 2, 4)),
    ]
    unknown = _replaced(_first_other("known", others), _STATEMENT, said_by)
    is_known = r"regexp_matches(known, '(?m)^Process \d+ waits for ')"
    spoken = bound(known, "known", f"CASE WHEN {is_known} THEN {runs} ELSE {unknown} END")
    # To look for groups takes ten times as long as to look whether there are any.
    is_wait = rf"regexp_full_match(a_line, 'Process \d+ waits for \w+{_ON}.+{_BY}\d+\.')"
    start = f"(strpos(a_line, '{_ON}') + {len(_ON)})"
    what = f"substr(a_line, {start}, strpos(a_line, '{_BY}') - {start})"
    line = f"left(a_line, {start} - 1) || {_resource('what')} || substr(a_line, {start} + length(what))"
    line = f"CASE WHEN {is_wait} THEN {bound(what, 'what', line)} ELSE a_line END"
    lines = f"list_transform(string_split({spoken}, chr(10)), lambda a_line: {line})"
    is_english = rf"regexp_matches({detail}, '(?s)^{_ENGLISH_WAIT}\n.*Process \d+: ')"
    return f"CASE WHEN {is_english} THEN {detail} ELSE {glued(lines, _LINE_END)} END"


BY_STATE: Final = "{state} = '40P01'"
"""SQL: whether the error is a deadlock, where the record has an SQLSTATE."""


_PREPARED: Final = {
    "wait": _wait("{message}"),
    "lock": (
        "CASE WHEN starts_with({wait}, 'process ')"
        f" THEN regexp_extract({{wait}}, '{_ABOUT_A_LOCK}', ['owner', 'mode', 'resource']) END"
    ),
}
_ENGLISH_SEVERITIES: Final = ", ".join(map(repr, (*SEVERITIES, *_HARMLESS[-5:])))
_DERIVED: Final = {
    "severity": (
        f"CASE WHEN {{severity}} IN ({_ENGLISH_SEVERITIES}) THEN {{severity}}"
        f" ELSE coalesce({looked_up(LABELS, '{severity}')}, {{severity}}) END"
    )
}


def computed(is_deadlock: str = BY_STATE, event_id: str = "{session} || '/' || {line_num}") -> dict[str, str]:
    """Column -> SQL over the columns and the inputs session, line_num, state, detail, pid, backend."""
    is_deadlock = f"CASE WHEN {_FATAL} THEN {is_deadlock} ELSE FALSE END"
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
            " WHEN regexp_matches({wait}, '^process \\d+ acquired ') THEN 'lock_acquire'"
            " ELSE 'lock_wait' END"
        ),
        "lock_owner": "nullif({lock}.owner, '')",
        "lock_mode": "nullif({lock}.mode, '')",
        "lock_resource": f"CASE WHEN {{lock}}.owner <> '' THEN {_resource('{lock}.resource')} END",
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
        derived=_DERIVED,
        computed=columns or computed(),
    )
