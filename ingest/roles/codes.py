"""Whether what is called the id of an event is a code: of a message of MongoDB, or an EventID of Windows.

Such numbers tell what happened, and hundreds of records share each of them; an id is of one event, however
often that is logged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ingest.mapping import Kind
from ingest.names import Path
from ingest.roles.decisions import NO_FIELD, Decision
from ingest.roles.samples import Sampled
from ingest.vocabulary import GENERIC

_FEWEST: Final = 300
"""Records that have one, at least."""
_SHARED: Final = 30
"""Records a value has on average, at least: more than consumers that log the same event."""
_CONFIDENCE: Final = 0.5
"""Causes that are found in it tell more."""
_DIGITS: Final = 8
"""What has as many, or is no number, is no code."""


def find(records: Mapping[str, Sequence[Sampled]], decided: Iterable[Decision]) -> list[Decision]:
    """That no field is the id of the scopes whose ids are codes, where nothing was decided."""
    told = {one.scope for one in decided if one.role == "event_id"}
    found = []
    for scope in sorted(records.keys() - told):
        values = _values(records[scope])
        count = values.total()
        if count >= _FEWEST and count >= _SHARED * len(values) and all(map(_is_code, values)):
            evidence = {"records": count, "values": len(values)}
            found.append(Decision(scope, "event_id", NO_FIELD, _CONFIDENCE, evidence, is_override=True))
    return found


def _values(records: Iterable[Sampled]) -> Counter[str]:
    """How many records have which id, by the names of their fields."""
    called: dict[Kind, Path | None] = {}
    values = Counter[str]()
    for record in records:
        if record.fields not in called:
            called[record.fields] = next(iter(GENERIC.roles(record.fields).get("event_id", [])), None)
        values.update(value for path, value in record.ids if path == called[record.fields])
    return values


def _is_code(value: str) -> bool:
    return value.isdecimal() and len(value) < _DIGITS
