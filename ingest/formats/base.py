"""What a log format is. A format is one module in this package with a `FORMAT` of a type below.

Every record becomes a JSON object before it is mapped: JSON lines are taken as they are, other
notations are transcoded first. Mapping is then the same bulk SQL for all of them (engine.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.names import Path

def spellings(name: str) -> tuple[Path, ...]:
    """The paths of a dotted name: as one key, and as nested objects."""
    return ((name,), tuple(name.split(".")))


@dataclass(frozen=True)
class Shape:
    """The keys of a JSON object: top-level ones and those of objects that are looked into."""

    paths: frozenset[Path]

    def has(self, *names: str) -> bool:
        """Whether every name is a top-level key."""
        return all((name,) in self.paths for name in names)

    def envelope(self, *names: str) -> Path | None:
        """The key of the first object (by name) that has all these keys; () is the record itself."""
        if self.has(*names):
            return ()
        for key in sorted({path[0] for path in self.paths if len(path) > 1}):
            if all((key, name) in self.paths for name in names):
                return (key,)
        return None


@dataclass(frozen=True)
class JsonFormat:
    """A format whose records are JSON objects."""

    name: str
    priority: int
    """Formats are asked in this order, lowest first; the generic one is last."""
    match: Callable[[Shape], Path | None]
    """Where in the record the event is (() = the record itself), or None: not this format."""
    fields: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    """Role -> paths below the event, best first. Roles not named here go by the name lists."""
    named: Collection[str] = ()
    """Roles of `fields` that go on to the name lists when none of their paths is there."""
    by_name: bool = True
    """Whether roles without fields are filled by the name lists."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """Column -> SQL expression over {role} placeholders of VARCHAR values."""
    inputs: Mapping[str, Path] = field(default_factory=dict)
    """Further placeholders for `computed`: name -> path; they stay in attributes."""
    causes: Path | None = None
    """Path of a list of further causes: objects with `id` and `kind`."""
    lock_edges: bool = False
    """Whether deadlock reports carry PostgreSQL wait-for text in the placeholder `detail`."""


@dataclass(frozen=True)
class Transcoder:
    """A notation that is not one JSON object per event: turns records into such objects."""

    name: str
    format: JsonFormat
    """Maps what `transcode` yields."""
    match_text: Callable[[bytes], bool] | None = None
    """Whether a record that is not JSON is of this notation."""
    match_json: Callable[[Shape], bool] | None = None
    """Whether a JSON record is of this notation."""
    transcode: Callable[[bytes], Iterator[Mapping[str, Any]]] = field(default=lambda _: iter(()))
    """The events in one record. Raises ValueError (with the reason) when it cannot be read."""
    framing: str = "lines"
    """How its files are cut into records: lines, or csv."""
