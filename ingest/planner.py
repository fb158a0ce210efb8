"""Which shapes the lines of a batch have, and a plan for each.

What is decided for a shape depends on which keys it has, not on their order, in which some languages write
the same keys anew for each record. So it is decided for a kind, which is all shapes of the same keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import duckdb
import pyarrow as pa

from ingest import composed
from ingest.formats import envelopes, json_formats, transcoders
from ingest.formats.base import Envelope, JsonFormat, Shape, Transcoder
from ingest.inlined import MARKS, Inlined, inlined_in
from ingest.mapping import Fields, Inferred, merged
from ingest.matching import containers, format_of
from ingest.names import Path
from ingest.plan import MOST_ALIKE, Plan, in_order, make_plan
from ingest.records import sample_of
from ingest.shapes import classified_sql, in_parts, keys_sql, kind_sql
from ingest.transcoding import ALIKE

_MAX_CONTAINERS: Final = 1_000
_MAX_PLANS: Final = 20_000

Through: TypeAlias = Transcoder | Envelope | Inlined


@dataclass(frozen=True)
class Again:
    """The lines of a shape become other lines first."""

    through: Through


@dataclass
class _Kind:
    """What was decided for all shapes of the same keys."""

    plan: Plan | Again
    orders: int = 0
    """Shapes of it that were looked at by themselves."""


class Planner:
    """Plans the shapes of one engine."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        mappings: Sequence[tuple[Fields, Inferred]],
        met: set[tuple[str, Path]],
    ):
        """`mappings` and `met` are those of the engine, which adds to the first, as this to the second."""
        self._cursor = cursor
        self._mappings = mappings
        self._met = met
        self._containers: list[Path] = []
        self.found: list[tuple[int, int, int]] = []
        """Of the lines at hand: file, shape, and how many."""
        self.plans: dict[int, Plan | Again] = {}
        """By number of the shape."""
        self._kinds: dict[int, _Kind] = {}
        self._formats: dict[str, JsonFormat | Envelope] = {one.made: one.format for one in transcoders()}
        within = [one.format for one in transcoders() if isinstance(one.format, Envelope)]
        self._formats |= {one.name: one.format for one in (*envelopes(), *within)}
        marked = (*json_formats(), *self._formats.values())
        self._marks = sorted(
            {*MARKS, *(fmt.mark for fmt in marked if isinstance(fmt, JsonFormat) and fmt.mark)}
        )

    def tell_apart(self, lines: pa.Table, cores: int) -> None:
        """Fill the temp table `lines` with these and their shapes, of which then all have plans."""
        # All lines are gone through again where one has an object to look into: some are asked first.
        for some in (sample_of(lines), lines):
            known = -1 if some.num_rows else len(self._containers)
            while known != len(self._containers):
                known = len(self._containers)
                self._classify(some, cores)
                self._plan_new_shapes()

    def look_into(self, paths: Iterable[Path]) -> bool:
        """Have the objects at these paths looked into; whether some were not before."""
        new = sorted(set(paths).difference(self._containers))
        new = new[: _MAX_CONTAINERS - len(self._containers)]
        self._containers.extend(new)
        if new:
            self._forget()
        return bool(new)

    def _forget(self) -> None:
        self.plans.clear()
        self._kinds.clear()

    def _classify(self, lines: pa.Table, cores: int) -> None:
        self._cursor.register("incoming", lines)
        found = classified_sql(self._containers, self._marks)
        self._cursor.execute(f"CREATE OR REPLACE TEMP TABLE classified AS {found}")
        # Rows that are not committed yet have numbers far from 0.
        [(first,)] = self._cursor.execute("SELECT min(rowid) FROM classified").fetchall()
        parts = in_parts("classified", first, lines.num_rows, cores)
        self._cursor.execute(f"CREATE OR REPLACE TEMP VIEW lines AS {parts}")
        self.found = self._cursor.execute(
            "SELECT file_id, shape, count(*) FROM lines WHERE shape IS NOT NULL GROUP BY ALL"
        ).fetchall()

    def _plan_new_shapes(self) -> None:
        if len(self.plans) > _MAX_PLANS:
            self._forget()
        new = {shape for _, shape, _ in self.found}.difference(self.plans)
        kinds: dict[int, int] = dict(self._of_each(new, kind_sql(self._containers)))
        firsts = {kind: shape for shape, kind in kinds.items() if kind not in self._kinds}
        about = self._shapes(firsts.values())
        if self.look_into(containers(path for shape, *_ in about.values() for path in shape.paths)):
            return  # shapes are told apart by more keys from now on
        self._kinds |= {kind: _Kind(self._decide(*about[shape])) for kind, shape in firsts.items()}
        apart: dict[int, Plan] = {}
        for shape, kind in kinds.items():
            known = self._kinds[kind]
            self.plans[shape] = known.plan
            if not isinstance(known.plan, Plan):
                continue
            if known.orders < MOST_ALIKE:
                known.orders += 1
                apart[shape] = known.plan
            else:
                self.plans[shape] = known.plan.for_any_order
        about |= self._shapes(apart.keys() - about.keys())
        for shape, plan in apart.items():
            self.plans[shape] = in_order(plan, about[shape][0])

    def _of_each(self, shapes: Collection[int], asked: str) -> list[tuple[Any, ...]]:
        """Each of these shapes, and what is asked of one of its lines."""
        if not shapes:
            return []
        self._cursor.register("asked_shapes", pa.table({"shape": pa.array(sorted(shapes), pa.uint64())}))
        return self._cursor.execute(
            f"""SELECT shape, {asked} FROM (
                SELECT shape, any_value(maker) AS maker, any_value(mapping_no) AS mapping_no,
                    any_value(marked) AS marked, any_value(line) AS line
                FROM lines WHERE shape IN (SELECT shape FROM asked_shapes) GROUP BY shape
            )"""
        ).fetchall()

    def _shapes(self, numbers: Collection[int]) -> dict[int, tuple[Shape, str | None, int]]:
        """By number: the shape, what made its lines, and their mapping."""
        asked = f"maker, mapping_no, marked, {keys_sql(self._containers)}"
        rows = self._of_each(numbers, asked)
        return {
            number: (self._shape(keys, marked), maker, mapping_no)
            for number, maker, mapping_no, marked, keys in rows
        }

    def _shape(self, keys: list[Any], marked: list[bool]) -> Shape:
        top, *nested = keys if self._containers else (keys,)
        order = [(key,) for key in top]
        for container, inner in zip(self._containers, nested, strict=True):
            order += [(*container, key) for key in inner or ()]
        marks = (mark for mark, is_there in zip(self._marks, marked, strict=False) if is_there)
        return Shape(frozenset(order), tuple(order), frozenset(marks))

    def _decide(self, shape: Shape, maker: str | None, mapping_no: int) -> Plan | Again:
        if maker:
            made_by = self._formats[maker.partition(ALIKE)[0]]
            if isinstance(made_by, Envelope):
                return Again(made_by)
            return self._plan(shape, made_by, (), mapping_no)
        for transcoder in transcoders() if maker is None else ():
            if transcoder.match_json is not None and transcoder.match_json(shape):
                return Again(transcoder)
        for around in envelopes():
            if around.match(shape):
                return Again(around)
        fmt, envelope = format_of(shape)
        if maker is None and fmt.by_value and (inlined := inlined_in(shape)):
            return Again(inlined)
        return self._plan(shape, fmt, envelope, mapping_no)

    def _plan(self, shape: Shape, fmt: JsonFormat, envelope: Path, mapping_no: int) -> Plan:
        said, inferred = self._mappings[mapping_no] if self._mappings else ({}, Inferred())
        self._met.update((role, path) for role, path in said.items() if composed.is_there(path, shape.paths))
        told = inferred.of(shape.paths)
        fields = merged({role: path for role, path in told.items() if fmt.is_open(role)}, said)
        return make_plan(shape, fmt, envelope, fields, mapping_no)
