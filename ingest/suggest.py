"""A mapping for the user to correct: what is known of the fields of each kind of file, and how."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ingest.check import Mapped, Report
from ingest.roles.decisions import Decision
from ingest.roles.samples import scope_of
from stormwatch.fields import field_name

_SHOWN: Final = {
    "event_id": "id", "occurred_at": "time", "event_type": "type", "causation_id": "cause",
    "correlation_id": "correlation", "service": "service", "node": "node", "operation": "operation",
    "stream": "stream", "stream_key": "key", "sequence": "sequence", "epoch": "epoch",
    "entity": "entity", "entity_version": "version", "expected_version": "expected_version",
    "schema_version": "schema_version", "attempt": "attempt",
}  # fmt: skip
"""Column -> how the mapping calls it."""
_HEAD: Final = """\
# Which field is what, of the logs in {directory}.
#
# Lines that begin with # say what is done by itself: by the format of the records, by the names of
# fields, or by their values. To say otherwise take the # away and correct the line. What is said here
# goes before everything that is found out. Roles that are left out go by name.
#
#   stormwatch check {directory} --config FILE       what would be understood?
#   stormwatch up {directory} --config FILE          watch them
#   stormwatch reingest PATH                         parse again what is stored

# year = "2026-11"    # when logs begin whose days have no year: "Nov 28 10:00:00"
# retention = "30d"   # what is older than the newest event by this is deleted; without it, nothing is

# [zones]
# CST = "+08:00"      # abbreviations of time zones that mean more than one offset
"""


def suggestion(reports: Sequence[Report], decisions: Sequence[Decision], directory: str) -> str:
    """The text of a mapping file (TOML) for what was understood."""
    scopes: dict[str, list[Report]] = {}
    for report in reports:
        scopes.setdefault(scope_of(report.path), []).append(report)
    told: dict[tuple[str, str], list[Decision]] = {}
    for one in decisions:
        told.setdefault((one.scope, one.role), []).append(one)
    parts = [_HEAD.format(directory=directory)]
    parts += ["\n".join(_table(scope, of, told)) + "\n" for scope, of in sorted(scopes.items())]
    return "\n".join(parts)


def _table(
    scope: str, reports: Sequence[Report], told: dict[tuple[str, str], list[Decision]]
) -> Iterator[str]:
    counts: dict[str, int] = {}
    for report in reports:
        for name, count in report.formats.items():
            counts[name] = counts.get(name, 0) + count
    formats = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) or "nothing understood"
    yield f"# {len(reports)} files, for example {_plain(reports[0].path)}: {formats}"
    yield "[[mapping]]"
    yield f"paths = [{_quoted(scope.replace('#', '*') + '*')}]"
    by_column: dict[str, list[Mapped]] = {}
    for report in reports:
        for entry in report.mapped:
            by_column.setdefault(entry.column, []).append(entry)
    for column, name in _SHOWN.items():
        yield from _lines(name, by_column.get(column, []), told.get((scope, column), []))
    for hint in dict.fromkeys(hint for report in reports for hint in report.hints):
        yield f"# hint: {_plain(hint)}"


def _lines(name: str, entries: Sequence[Mapped], decisions: Sequence[Decision]) -> Iterator[str]:
    """What was told of a role: of all records, or of several kinds of them."""
    for decision in decisions:
        how = "its name would say something else" if decision.is_override else "as its name says"
        known = f"{decision.confidence:.0%} by values, {how} ({_plain(decision.reasons)})"
        yield f"# {name} = {_quoted(field_name(decision.field))}    # {known}"
    if not decisions:
        yield _line(name, entries)


def _line(name: str, entries: Sequence[Mapped]) -> str:
    fields = list(dict.fromkeys(_first(entries)))
    if fields:
        others = f"; also {', '.join(map(_plain, fields[1:]))}" if fields[1:] else ""
        return f"# {name} = {_quoted(fields[0])}    # by name{others}"
    if entries:
        return f"# {name}: made by the format {entries[0].format}"
    return f'# {name} = ""'


def _first(entries: Iterable[Mapped]) -> Iterator[str]:
    for entry in entries:
        yield from entry.fields[:1]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)


def _plain(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)[1:-1]
