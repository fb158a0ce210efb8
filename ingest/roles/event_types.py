"""Which field says what kind of event a record is, where none is called so: a few names, told many times.

Only fields are asked whose names may say it. Those of log lines are not: there `name` is the logger.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from ingest.mapping import Kind
from ingest.matching import is_looked_into
from ingest.names import Path
from ingest.roles.decisions import Decision
from ingest.roles.samples import Sampled
from ingest.vocabulary import GENERIC, normalise

_NAMES: Final = (
    "name",
    "what",
    "evt",
    "fact",
    "happened",
    "occurrence",
    "msgname",
    "evtname",
    "ename",
    "step",
)
"""What a field may be called, best first."""
_FEWEST: Final = 20
"""Records that have it, at least."""
_TYPES: Final = 2
"""Kinds of events, at least."""
_TIMES: Final = 4
"""Records of each kind of event on average, at least; names of people and things are told less often."""
_SHARE: Final = 0.9
"""Share of the records that have it."""
_WORD: Final = re.compile(r"[^\W\d_][\w.:/-]*")


def find(records: Mapping[str, Sequence[Sampled]], decided: Sequence[Decision]) -> list[Decision]:
    """The type of the events of every scope of which no record says one by name."""
    known = {one.scope for one in decided if one.role == "event_type"}
    taken = {(one.scope, one.field) for one in decided}
    found = (
        (scope, _best(sampled, {field for name, field in taken if name == scope}))
        for scope, sampled in sorted(records.items())
        if scope not in known
    )
    return [
        Decision(scope, "event_type", path, share, {"types": types, "records": count}, is_override=True)
        for scope, best in found
        if best is not None
        for path, types, count, share in [best]
    ]


def _best(sampled: Sequence[Sampled], taken: set[Path]) -> tuple[Path, int, int, float] | None:
    """Path, types, records and their share."""
    kinds = Counter(record.fields for record in sampled)
    if any(_says_it_by_name(kind) for kind in kinds):
        return None
    values: dict[Path, Counter[str]] = {}
    for record in sampled:
        for path, label in record.labels:
            if path not in taken and normalise(path[-1]) in _NAMES and is_looked_into(path):
                values.setdefault(path, Counter())[label] += 1
    fitting = [
        (_NAMES.index(normalise(path[-1])), path, len(counts), counts.total())
        for path, counts in values.items()
        if counts.total() >= max(_FEWEST, _SHARE * len(sampled))
        and _TYPES <= len(counts) <= counts.total() / _TIMES
        and all(map(_WORD.fullmatch, counts))
    ]
    if not fitting:
        return None
    _, path, types, count = min(fitting)
    return path, types, count, round(count / len(sampled), 3)


def _says_it_by_name(kind: Kind) -> bool:
    named = GENERIC.roles(path for path in kind if is_looked_into(path))
    return not named.keys().isdisjoint({"event_type", "severity", "message"})
