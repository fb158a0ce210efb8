"""PostgreSQL server log as text (`stderr`), whatever `log_line_prefix` says.

A report begins with a line `<prefix>ERROR:  message` (two spaces); lines that begin with a tab, or with the
spaces that became of it, go on with what stands above, and `<prefix>DETAIL:  `, HINT, QUERY, CONTEXT,
LOCATION and STATEMENT belong to the report before them, unless their prefix names another process: then to
that of this process before it, if no other report stands between. The prefix gives what can be told in it
for certain: see postgresql_prefix.py. There is no SQLSTATE unless the prefix has one (%e) or
`log_error_verbosity = verbose`: then "deadlock detected" as the message of an ERROR, with or without where
in the statement (`at character 15`), is a deadlock when
the server lists who waits, or neither a detail nor a context (`terse`). Source: PostgreSQL
documentation, "Error Reporting and Logging"; elog.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from string import ascii_uppercase
from typing import Any, Final

from ingest.formats.base import Transcoder
from ingest.formats.exact import whole
from ingest.formats.postgresql import BY_STATE, computed, server_log, sql_text
from ingest.formats.postgresql_labels import (
    KEYS,
    OF_MESSAGES,
    OF_PARTS,
    PLAIN,
    REPORT_OR_PART,
    REPORT_START,
    is_odd_part,
    parted,
)
from ingest.formats.postgresql_prefix import are_of_others, counts_processes, fields_of, sqlstate
from ingest.formats.postgresql_words import (
    ACQUIRED,
    AT,
    AVOIDED,
    DEADLOCK,
    SEVERITIES,
    WAITING,
    WAITS,
    any_of,
    beginnings,
    said,
)

_OWN: Final = re.compile(
    rf"(?i)process (\d+) (?:waits for |still waiting |acquired |avoided |detected )"
    rf"|{beginnings(*WAITING, ACQUIRED, AVOIDED)}|{beginnings(WAITS)}"
)
_LABEL_OF_PART: Final = re.compile(OF_PARTS + b":  ")
_CAPITALS: Final = ascii_uppercase.encode()
_WORDS: Final = rb"(?:[^\n :]*+(?: |:(?!  )))"
_COUNTED: Final = rb"(?P<before>(?:[^\n\[:]++|\[(?!\d+-\d+\])|:(?!  ))*+)\[(?P<number>\d+)-\d+\]"
_GOES_ON: Final = rb"(?:\t|    |Process \d)"
"""What lines begin with that go on with a report: a tab, which may have become spaces or nothing."""
_USUAL: Final = re.compile(
    rb"(?P<prefix>(?:%b)?(?P<behind>%b*?)(?<=[ :]))%b:  [^\n]*+\n"
    rb"(?:%b[^\n]*+\n"
    rb"|(?:(?P=prefix)|(?P=before)\[(?:(?P=number)|(?P<another>\d+))-\d+\](?P=behind))%b:  [^\n]*+\n)*+"
    % (_COUNTED, _WORDS, OF_MESSAGES, _GOES_ON, OF_PARTS)
)
"""A report, and behind it all that has its prefix but for what is counted in it."""
# Where in its statement an error was found, which jsonlog has apart.
_DEADLOCK: Final = f"{any_of([DEADLOCK, *said(DEADLOCK)])}{any_of([AT, *said(AT)])}?".replace("%d", r"\d+")
_WAITS: Final = rf"^(?:Process \d+ waits for |{beginnings(WAITS)})"
_TABBED: Final = re.compile(rb"(?:%b[^\n]*+\n)++" % _GOES_ON)
_STARTS_SO: Final = re.compile(_GOES_ON)
_LOST_TAB: Final = re.compile(r"\n(?: *(?=Process \d+(?::| waits for) )| {4}(?: {4})?)")
_NO_TAB: Final = re.compile(r"\n(?!\t)")


@lru_cache(maxsize=8)
def _prefix_of(line: bytes) -> str:
    return parted(line.decode(errors="replace"))[0]


def _is_plain(prefix: bytes) -> bool:
    """Whether a line that begins so and goes on with the label of a part is a part with this prefix."""
    return prefix.endswith((b" ", b":")) and PLAIN.match(prefix) is not None


def _plain_prefix(line: bytes) -> bytes:
    """The prefix of a report, if it is plain; else nothing."""
    head, colon, _ = line.partition(b":  ")
    prefix = head.rstrip(_CAPITALS)
    return prefix if colon and _is_plain(prefix) else b""


def _whose(prefix: str, reports: Iterable[str]) -> int | None:
    """Which of the reports with these prefixes, the latest first, a part may belong to."""
    known = list(reports)
    return next((at for at in reversed(range(len(known))) if not are_of_others(known[at], prefix)), None)


@lru_cache(maxsize=8)
def _kind(line: bytes) -> str:
    """Whether a line is a "part", the first of a "report", or neither.

    Where reports end is looked for from each of them on, so that most lines are asked about three times,
    soon after another. They may be long: few are kept.
    """
    found = REPORT_OR_PART.match(line)
    if found is None:
        return "part" if is_odd_part(line) else ""
    return "report" if found["part"] is None else "part"


def _usual(data: bytes, start: int) -> re.Match[bytes] | None:
    """The report that starts there with a plain prefix, as far as its parts have the same one."""
    found = _USUAL.match(data, start)
    if found is None or not _is_plain(prefix := found["prefix"]):
        return None
    if found["before"] is not None and not prefix.isascii():
        return None  # what a number is depends on how it is read
    return None if found["another"] is not None and counts_processes(prefix.decode()) else found


def _is_report(data: bytes, at: int) -> bool:
    """Whether a whole line is the first of a report."""
    behind = data.find(b"\n", at) + 1
    return behind > 0 and _kind(data[at:behind]) == "report"


def _has_prefix(data: bytes, at: int, plain: bytes) -> bool:
    """Whether a line is a part with this plain prefix."""
    if not plain or not data.startswith(plain, at):
        return False
    return _LABEL_OF_PART.match(data, at + len(plain)) is not None


def _behind(data: bytes, at: int) -> int:
    """Where a line ends, with all behind it that go on with a report if it does; 0: behind data."""
    if tabbed := _TABBED.match(data, at):
        return tabbed.end()
    return data.find(b"\n", at) + 1


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:  # noqa: ARG001 - as in base.py
    """Behind the last part of the report; the report of another process may stand between its parts."""
    usual = _usual(data, start)
    if usual and (following := _usual(data, usual.end())):
        behind = following.end()
        after = data.find(b"\n", behind)
        found = REPORT_OR_PART.match(data, behind)
        if after >= 0 and (found["part"] is None if found else not is_odd_part(data[behind:after])):
            return usual.end()
    return _end_by_lines(data, start, usual, is_all=is_all)


def _end_by_lines(data: bytes, start: int, usual: re.Match[bytes] | None, *, is_all: bool) -> int | None:
    """The same, whatever follows what is usual."""
    first = data.find(b"\n", start) + 1
    if not first:
        return None
    own = data[start:first]
    at = end = usual.end() if usual else first
    reports, between = [own], list[bytes]()
    latest = usual["prefix"] if usual else _plain_prefix(own)
    # What cannot be read would spoil the report between its parts.
    may_be_between = _kind(own) != "part"

    def is_own() -> bool:
        """Whether what seems to stand between is of the same process, and begins another record."""
        return bool(between) and not are_of_others(_prefix_of(reports[-1]), _prefix_of(between[0]))

    while at < len(data) or not is_all:
        behind = _behind(data, at) or (len(data) if is_all else 0)
        if not behind:
            return end if is_own() else None
        if _STARTS_SO.match(data, at) is None and not _has_prefix(data, at, latest):
            line = data[at:behind]
            kind = _kind(line)
            if kind == "part":
                prefix = _prefix_of(line)
                # Most often that of the latest, which changes nothing.
                if prefix != _prefix_of((between or reports)[-1]):
                    number = None if is_own() else _whose(prefix, map(_prefix_of, reports + between))
                    if number is None:
                        return end
                    if number < len(reports):
                        reports, between = [*reports, *between], []
            else:
                is_another = may_be_between and not between and kind == "report" and line.endswith(b"\n")
                # Most often the next line tells that none of its parts follow.
                if not is_another or _is_report(data, behind):
                    return end
                between, latest = [line], _plain_prefix(line)
        at = behind
        if not between:
            end = at
    return end


def _reports(text: str) -> list[list[str]]:
    """The lines of the reports in a record, in the order in which they begin."""
    prefixes: list[str] = []
    texts: list[list[str]] = []
    number = 0
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.startswith("\t"):
            prefix = parted(line)[0]
            is_part = bool(line and texts) and _kind(line.encode()) == "part"
            whose = _whose(prefix, prefixes) if is_part else None
            if whose is None and (line or not texts):
                prefixes.append(prefix)
                texts.append([])
            number = len(texts) - 1 if whose is None else whose
        texts[number].append(line)
    return texts


def report(text: str) -> dict[str, Any]:
    """The fields of one report, with the names that they have in jsonlog.

    Raises:
        ValueError: it is none.
    """
    text = text.replace("\r\n", "\n")
    return _usual_report(text) or _report(text.split("\n"))


def _report(lines: Iterable[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    key = ""
    for line in lines:
        if line.startswith("\t") and fields:
            fields[key] += "\n" + line[1:]
            continue
        prefix, label, text = parted(line)
        if not label:
            if not line:
                continue
            raise ValueError("a line without a label such as LOG or DETAIL; a torn record?")
        key = KEYS[label]
        if key == "message":
            fields = {**fields_of(prefix), "error_severity": label}
        elif not fields:
            raise ValueError(
                f"{label} without the message it belongs to; does the file begin within a record?"
            )
        fields[key] = f"{fields[key]}\n{text}" if key in fields else text
    if not fields:
        raise ValueError("a line without a label such as LOG or DETAIL; a torn record?")
    _complete(fields)
    return fields


def _usual_report(text: str, *, is_plain: bool = False) -> dict[str, Any] | None:
    """The same of one that begins with its message and goes on with nothing but parts; else None.

    `is_plain`: the first line has a plain prefix, and each part one of the same process.
    """
    first, *parts = _NO_TAB.split(text.removesuffix("\n"))
    prefix, label, message = parted(first)
    if KEYS.get(label) != "message" or "\n" in prefix or (is_plain and not _is_plain(prefix.encode())):
        return None
    fields = {**fields_of(prefix), "error_severity": label, "message": message.replace("\n\t", "\n")}
    for part in parts:
        begin, label, text = parted(part)
        key = KEYS.get(label)
        if key is None or key == "message" or "\n" in begin:
            return None
        if is_plain and begin != prefix and (not _is_plain(begin.encode()) or are_of_others(prefix, begin)):
            return None
        text = text.replace("\n\t", "\n")
        fields[key] = f"{fields[key]}\n{text}" if key in fields else text
    _complete(fields)
    return fields


def _complete(fields: dict[str, Any]) -> None:
    message = fields["message"]
    if "location" in fields and (found := re.match(r"([0-9A-Z]{5}): ", message)) and sqlstate(found[1]):
        fields["state_code"] = found[1]
        fields["message"] = message = message[found.end() :]
    if "pid" not in fields:
        # The process that reports a deadlock is the first in its list; one that waits speaks of itself.
        is_deadlock = re.fullmatch(_DEADLOCK, message) is not None
        text = fields.get("detail", "") if is_deadlock else message
        if own := _OWN.match(text):
            fields["pid"] = whole(own[own.lastindex or 0])


def transcode(record: bytes) -> Iterator[dict[str, Any]]:
    """The report in a record, and those that stand between its parts."""
    text = record.decode()
    if "\n    " in text or "\nProcess " in text:
        text = _LOST_TAB.sub("\n\t", text)
    if "\r" in text:
        yield from (report("\n".join(lines)) for lines in _reports(text))
    elif plain := _usual_report(text, is_plain=True):
        yield plain
    else:
        yield from map(_report, _reports(text))


BY_TEXT: Final = (
    # Five digits may be another number of the prefix, a transaction or a port.
    f"CASE WHEN {BY_STATE} OR regexp_matches({{state}}, '[A-Z]') THEN {BY_STATE}"
    f" ELSE regexp_full_match({{message}}, {sql_text(_DEADLOCK)})"
    f" AND (regexp_matches({{detail}}, {sql_text(_WAITS)})"
    " OR {state} IS NULL AND {detail} IS NULL AND {context} IS NULL) END"
)
# %l counts lines, line_num records: the numbers of one session are not those of its jsonlog.
MAPPED: Final = server_log("postgresql_text", columns=computed(BY_TEXT, "{session} || '#' || {line_num}"))

# The default prefix, and that with who is connected to what by which program: nothing in them can be
# anything else, as a program in capital letters might be an SQLSTATE.
_STAMP: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ (?:[A-Z]{3,5}|[+-]\d\d)"
_WHO: Final = r"(?P<user>[A-Za-z_]\w*)@(?P<dbname>[A-Za-z_]\w*)(?:/(?P<application_name>[a-z][\w-]*))?"
_HEADER: Final = (
    rf"(?P<prefix>(?P<timestamp>{_STAMP}) \[(?P<pid>[1-9]\d{{0,8}})\] (?:{_WHO} )?)"
    rf"(?P<error_severity>{'|'.join(SEVERITIES)}):  "
)

FORMAT = Transcoder(
    name="postgresql_text",
    format=MAPPED,
    starts=REPORT_START,
    end=_end,
    openings=(b":  ",),
    header=_HEADER,
    told_by=2,  # by the first that no part of it follows, by the second that none follows the first
    numbers=("pid",),
    transcode=transcode,
)
