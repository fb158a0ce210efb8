"""Which field says when a record was written, told by its values where no name does.

Whole times that hardly ever go back from one record to another further on are those of the log itself:
dates of birth do not rise with it, while records that stand near each other may have come in any order. Of
several that do the latest is taken, as a record is written after what it tells of, but none whose name says
that it is to come: what expires after half an hour rises as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ingest.names import Path
from ingest.roles.decisions import Decision
from ingest.roles.samples import Sampled
from ingest.vocabulary import normalise

_FEWEST: Final = 10
"""Records that have the field, at least."""
_SHARE: Final = 0.9
"""Share of the records that have it, of those without a time that has a name."""
_RISING: Final = 0.9
"""Share of the steps from a record to one further on that do not go back."""
_STEP: Final = 0.05
"""Share of all records that a step goes on by; the next one at least."""

_TO_COME: Final = re.compile(
    r"expir|deadline|until|valid(to|thr)|notafter|due(at|date|time|on|by)?$|next|scheduled|(retry|visible)at"
)


def find(records: Mapping[str, Sequence[Sampled]]) -> list[Decision]:
    """The time of every scope of which no record says one by name."""
    found = ((scope, _latest(sampled)) for scope, sampled in sorted(records.items()))
    return [
        Decision(scope, "occurred_at", path, rising, {"times": count, "rising": rising}, is_override=True)
        for scope, best in found
        if best is not None
        for path, count, rising in [best]
    ]


def _latest(records: Sequence[Sampled]) -> tuple[Path, int, float] | None:
    """Path, times and share of the steps that do not go back."""
    times: dict[Path, list[float]] = {}
    for record in records:
        if record.at is not None and not record.times:
            return None
        for path, seconds in record.times:
            if _TO_COME.search(normalise(path[-1])):
                continue
            times.setdefault(path, []).append(seconds)
    fitting = [
        (sum(several) / len(several), path, len(several), rising)
        for path, several in times.items()
        if len(several) >= max(_FEWEST, _SHARE * len(records)) and (rising := _rising(several)) >= _RISING
    ]
    if not fitting:
        return None
    _, path, count, rising = max(fitting)
    return path, count, round(rising, 3)


def _rising(times: Sequence[float]) -> float:
    """Times that are all the same rise nowhere."""
    if len(set(times)) < _FEWEST // 2:
        return 0.0
    further = max(1, int(_STEP * len(times)))
    steps = [later >= earlier for earlier, later in zip(times, times[further:], strict=False)]
    return sum(steps) / len(steps)
