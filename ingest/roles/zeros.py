"""Whether 0 is an id: where events are counted from 0, it is a cause; elsewhere it stands for none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ingest.names import CAUSES, ZERO_ID, Path
from ingest.roles.decisions import Decision
from ingest.roles.samples import Sampled
from ingest.vocabulary import GENERIC

_ZERO: Final = "0"


def find(records: Mapping[str, Sequence[Sampled]], decided: Sequence[Decision]) -> list[Decision]:
    """The id of every scope of which an event has the id 0, if any says that 0 is its cause; what was decided
    goes before names.
    """
    causes = {one.field for one in decided if one.role in CAUSES}
    if not any(_is_a_cause(record, causes) for sampled in records.values() for record in sampled):
        return []
    ids: dict[str, set[Path]] = {}
    for one in decided:
        if one.role == "event_id":
            ids.setdefault(one.scope, set()).add(one.field)
    found = ((scope, _zero(sampled, ids.get(scope, set()))) for scope, sampled in sorted(records.items()))
    return [
        Decision(scope, ZERO_ID, path, 1.0, {"events": count}, is_override=True)
        for scope, zero in found
        if zero is not None
        for path, count in [zero]
    ]


def _is_a_cause(record: Sampled, causes: set[Path]) -> bool:
    fields = [path for path, value in record.ids if value == _ZERO]
    if not fields:
        return False
    named = GENERIC.roles(fields)
    return not causes.isdisjoint(fields) or any(named.get(role) for role in CAUSES)


def _zero(records: Sequence[Sampled], ids: set[Path]) -> tuple[Path, int] | None:
    counts: dict[Path, int] = {}
    for record in records:
        for path in {path for path, value in record.ids if value == _ZERO}:
            fields = [field for field, _ in record.ids]
            if path in ids.intersection(fields) or (not ids and _names(fields)[:1] == [path]):
                counts[path] = counts.get(path, 0) + 1
    return max(counts.items(), key=lambda item: (item[1], item[0]), default=None)


def _names(fields: Iterable[Path]) -> list[Path]:
    return GENERIC.roles(fields).get("event_id", [])
