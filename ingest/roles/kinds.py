"""Kinds of records in one file: what several programs write there, each with fields of its own.

What holds of a field holds for records of its kind. A kind is known by the fields of its most common
records; it takes in whatever has at least half of all fields of both in common with these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ingest.mapping import ALIKE, Kind, likeness
from ingest.roles.decisions import Decision
from ingest.roles.samples import Sampled

_FEWEST: Final = 30
"""Records that are looked at by themselves, at least."""
_MOST: Final = 32
"""Kinds of a file: there is no end to them where keys differ in every record."""
_MOST_SHAPES: Final = 256
"""Sets of fields that are compared, the most common first."""


@dataclass(frozen=True)
class Parts:
    """Samples by scope, and by kind what is looked at by itself."""

    records: Mapping[str, list[Sampled]]
    kinds: Mapping[str, tuple[str, Kind]]
    """Name of a part -> its scope and kind."""

    def named(self, one: Decision) -> Decision:
        """What was decided of a part, as of its kind of records in its scope."""
        scope, kind = self.kinds[one.scope]
        told = dict(one.evidence)
        if told.get("in") in self.kinds:
            told["in"] = self.kinds[str(told["in"])][0]
        return replace(one, scope=scope, kind=kind, evidence=told)


@dataclass
class Kinds:
    """Those that were met, by scope, in the order in which they were."""

    met: dict[str, list[Kind]] = field(default_factory=dict)

    def know(self, decided: Iterable[Decision]) -> None:
        """Those that something was decided of before."""
        for one in decided:
            known = self.met.setdefault(one.scope, [])
            if one.kind and one.kind not in known:
                known.append(one.kind)

    def parts(self, records: Mapping[str, list[Sampled]], decided: Iterable[Decision]) -> Parts:
        """The kinds that lack the id, or else the cause, that was decided of all of their scope."""
        fields = {(one.scope, one.role): one.field for one in decided}
        split: dict[str, list[Sampled]] = {}
        names: dict[str, tuple[str, Kind]] = {}
        for scope, several in records.items():
            common = fields.get((scope, "event_id")) or fields.get((scope, "causation_id"))
            rest = []
            for kind, alike in self._sorted(scope, several):
                if len(alike) < _FEWEST or len(alike) == len(several) or common in kind:
                    rest += alike
                    continue
                name = f"{scope}\n{len(names)}"
                names[name] = (scope, kind)
                split[name] = alike
            split[scope] = rest
        return Parts(split, names)

    def _sorted(self, scope: str, records: Sequence[Sampled]) -> list[tuple[Kind, list[Sampled]]]:
        counts = Counter(record.fields for record in records).most_common(_MOST_SHAPES)
        known = list(self.met.get(scope, ()))
        kinds = {shape: _kind(known, shape) for shape, _ in counts}
        by_kind: dict[Kind, list[Sampled]] = {}
        for record in records:
            by_kind.setdefault(kinds.get(record.fields, record.fields), []).append(record)
        worth = [kind for kind, alike in by_kind.items() if len(alike) >= _FEWEST]
        self.met[scope] = list(dict.fromkeys((*self.met.get(scope, ()), *worth)))[:_MOST]
        return list(by_kind.items())


def _kind(known: list[Kind], shape: Kind) -> Kind:
    """The kind that a shape is most like; a new one where it is like none."""
    alike = [(likeness(kind, shape), -number) for number, kind in enumerate(known)]
    best, number = max(alike, default=(0.0, 0))
    if best >= ALIKE:
        return known[-number]
    if len(known) < 2 * _MOST:
        known.append(shape)
    return shape
