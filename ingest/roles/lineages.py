"""Lists of all that came before an event, the first or the nearest first: one element is its cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ingest import composed
from ingest.names import Path
from ingest.roles.samples import Sampled

_FEWEST: Final = 10
"""Lists with two elements or more."""
_LED_ON: Final = 0.5
"""Share of these that are the list of another event and one more."""

Lineages = Mapping[tuple[str, Path], str]
"""Scope and field -> which element is the cause."""


def find(records: Mapping[str, Sequence[Sampled]]) -> Lineages:
    """The fields with such lists: what leads to an event led to its cause, of which it is one more."""
    lists: dict[Path, set[tuple[str, ...]]] = {}
    for several in records.values():
        for record in several:
            for path, listed in record.lists:
                lists.setdefault(path, set()).add(tuple(listed))
    found = {}
    for path, known in lists.items():
        longer = [one for one in known if len(one) > 1]
        shares = {
            "last": sum(one[:-1] in known for one in longer),
            "first": sum(one[1:] in known for one in longer),
        }
        place = max(shares, key=lambda name: shares[name])
        if len(longer) >= _FEWEST and shares[place] >= _LED_ON * len(longer):
            found.update({(scope, path): place for scope in records})
    return found


def ids(record: Sampled, scope: str, lineages: Lineages) -> list[tuple[Path, str]]:
    """What may be ids of a record, of such lists the one that is the cause."""
    if not record.lists or not lineages:
        return record.ids
    led = [(path, listed) for path, listed in record.lists if (scope, path) in lineages]
    ends = {path: listed[0 if lineages[scope, path] == "first" else -1] for path, listed in led}
    causes = [(composed.part(path, lineages[scope, path]), end) for path, end in ends.items()]
    kept = [(path, value) for path, value in record.ids if path not in ends]
    return kept + [(path, end) for path, end in causes if path is not None]
