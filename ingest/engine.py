"""Lines to rows of the canonical model, in bulk: DuckDB parses, Python only decides per shape.

A shape is the set of keys of a record. There are few shapes and many lines, so each shape is
given a plan once (which format, which path fills which column) and all lines of a format run
through one statement. A plan depends on the shape alone, never on the lines around it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from ingest.envelopes import added_by, is_headed, read_headed_sql, unwrap_sql
from ingest.formats import envelopes, json_formats, transcoders
from ingest.formats.base import Envelope, JsonFormat, Shape, Transcoder, one_of
from ingest.mapping import NO_MAPPING, FieldMapping, Fields, merged
from ingest.names import (
    CANDIDATE_ENVELOPES,
    CONTAINERS,
    DEEP_CONTAINERS,
    EVENT_OBJECTS,
    NAME_PARTS,
    WRAPPERS,
    Path,
)
from ingest.plan import LIST_ROLES, LOCK_ROLES, Plan, grouped, make_plan
from ingest.records import LINE_SCHEMA, ROWS_PER_BATCH, Outcome, RawRecord, Rows
from ingest.rescue import segments
from ingest.statement import Statement, pointer
from ingest.transcoding import RENUMBER, Records, refusing, transcoded
from ingest.vocabulary import normalise, operation_words
from stormwatch.model import EVENT_SCHEMA

_PARSED_SCHEMA = pa.schema(
    [
        *EVENT_SCHEMA,
        *(pa.field(role, pa.string()) for role in LOCK_ROLES),
        pa.field("lock_detail", pa.string()),
        *(pa.field(role, pa.string()) for role in LIST_ROLES),
    ]
)
_MAX_CONTAINERS = 1_000
_MAX_DEPTH = 2
_MAX_PLANS = 20_000
_SAMPLE = 64
_WORTH_A_THREAD = 4 * 2048
"""Rows of fewer vectors are read by one."""


@dataclass(frozen=True)
class _Again:
    """The lines of a shape become other lines first."""

    through: Transcoder | Envelope


class Engine:
    """Parses batches on one connection; not for several threads at once."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        mapping: FieldMapping = NO_MAPPING,
        inferred: Callable[[str], Fields] = lambda _: {},
    ):
        """`inferred` is what the values told of the fields of the file at a path."""
        self._cursor = cursor
        self._mapping = mapping
        self._inferred = inferred
        self._mappings: list[tuple[Fields, Fields]] = []
        self.uses: dict[tuple[int, int], Plan] = {}
        """File and shape, by number -> how its records were read, of what was parsed last."""
        self._is_split = False
        self._met: set[tuple[str, Path]] = set()
        self._containers: list[Path] = []
        self._plans: dict[int, Plan | _Again] = {}
        self._formats: dict[str, JsonFormat | Envelope] = {one.made: one.format for one in transcoders()}
        within = [one.format for one in transcoders() if isinstance(one.format, Envelope)]
        self._formats |= {one.name: one.format for one in (*envelopes(), *within)}
        self._texts = {one.name: one for one in transcoders() if one.starts}
        self._headed = [one for one in self._texts.values() if one.header]
        self._text = one_of({name: one.whole for name, one in self._texts.items()})
        self._marks = sorted({fmt.mark for fmt in json_formats() if fmt.mark})
        words = [
            {"word": word, "operation": operation, "is_lock": is_lock}
            for word, (operation, is_lock) in operation_words().items()
        ]
        self._use("words", pa.Table.from_pylist(words))
        cursor.execute("CREATE OR REPLACE TEMP TABLE operation_words AS FROM words")
        self._use("empty_parsed", _PARSED_SCHEMA.empty_table())
        cursor.execute("CREATE OR REPLACE TEMP TABLE parsed AS FROM empty_parsed")

    def mapping_no(self, path: str) -> int:
        """The number of what is known of the fields of the file at `path`, beyond their names."""
        known = (self._mapping.fields_of(path), self._inferred(path))
        if known not in self._mappings:
            self._mappings.append(known)
            inside = {path[:-1] for fields in known for path in fields.values() if len(path) > 1}
            self._look_into(inside.difference(self._containers))
        return self._mappings.index(known)

    def parse(self, lines: pa.Table, broken: Sequence[RawRecord] = ()) -> Outcome:
        """Fill the temp table `parsed` with one row per observation in `lines` (LINE_SCHEMA).

        `broken` are lines that are not UTF-8; what stands whole in them is parsed as well.
        """
        outcome = Outcome()
        self.uses = {}
        self._cursor.execute("TRUNCATE parsed")
        if broken:
            lines = pa.concat_tables([lines, *self._sort_out(Records.apart(broken), outcome)])
        self._is_split = False
        while lines.num_rows:
            lines = self._round(lines, outcome)
        if self._is_split:
            self._cursor.execute(RENUMBER)
        outcome.rejects.sort(key=lambda reject: (reject.file_id, reject.byte_offset))
        return outcome

    @property
    def mappings(self) -> list[tuple[Fields, Fields]]:
        """By number of the mapping: what the user and what the values say of fields."""
        return self._mappings or [({}, {})]

    def plans(self) -> list[Plan]:
        """How the records of each shape seen so far are read."""
        return [plan for plan in self._plans.values() if isinstance(plan, Plan)]

    def unmet(self) -> set[tuple[str, Path]]:
        """Role and field of what the user said of files that were parsed, and no record had."""
        return {item for said, _ in self._mappings for item in said.items()} - self._met

    def _round(self, lines: pa.Table, outcome: Outcome) -> pa.Table:
        """Parse what can be parsed; the rest comes back as other lines."""
        # All lines are gone through again where one has an object to look into: some are asked first.
        for some in (_sample(lines), lines):
            known = -1 if some.num_rows else len(self._containers)
            while known != len(self._containers):
                known = len(self._containers)
                self._classify(some)
                self._plan_new_shapes()
        self._parse_planned()
        tables = [table for one in self._detours() for table in self._send_again(one, outcome)]
        found = self._cursor.execute("SELECT DISTINCT headed FROM lines WHERE headed IS NOT NULL").fetchall()
        for [name] in sorted(found):
            tables += self._unwrap(read_headed_sql(self._texts[name]))
        others = self._records("shape IS NULL AND headed IS NULL")
        return pa.concat_tables([*tables, *self._sort_out(others, outcome)])

    def _classify(self, lines: pa.Table) -> None:
        self._use("incoming", lines)
        pointers = ", ".join(["'$'", *(pointer(path) for path in self._containers)])
        keys = f"json_keys(line, [{pointers}])" if self._containers else "json_keys(line)"
        top = "keys[1]" if self._containers else "keys"
        marked = ", ".join(f"contains(line, '{mark}')" for mark in self._marks)
        headed = " ".join(f"WHEN {is_headed(one)} THEN '{one.name}'" for one in self._headed)
        self._cursor.execute(
            f"""CREATE OR REPLACE TEMP TABLE classified AS
            SELECT * EXCLUDE (keys),
                CASE WHEN len({top}) > 0 THEN hash(keys, maker, mapping_no, marked) END AS shape
            FROM (
                SELECT *, CASE WHEN coalesce(maker, '') = '' THEN [{marked}]::BOOLEAN[] ELSE [] END AS marked,
                    -- several objects are none, which an error would tell late; ltrim copies the line
                    CASE WHEN contains(line, '}}\n{{') THEN NULL
                        WHEN starts_with(line, '{{') OR starts_with(ltrim(line, ' \t'), '{{') THEN try({keys})
                    END AS keys,
                    CASE WHEN maker IS NOT NULL OR starts_with(line, '{{') THEN NULL {headed} END AS headed
                FROM incoming
            )"""
        )
        parts = _in_parts("classified", lines.num_rows)
        self._cursor.execute(f"CREATE OR REPLACE TEMP VIEW lines AS {parts}")
        self._keys = keys

    def _plan_new_shapes(self) -> None:
        if len(self._plans) > _MAX_PLANS:
            self._plans.clear()
        found = self._cursor.execute("SELECT DISTINCT shape FROM lines WHERE shape IS NOT NULL").fetchall()
        new = [shape for (shape,) in found if shape not in self._plans]
        if not new:
            return
        self._use("new_shapes", pa.table({"shape": pa.array(new, pa.uint64())}))
        rows = self._cursor.execute(
            f"""SELECT
                shape, any_value(maker), any_value(mapping_no), any_value(marked), any_value({self._keys})
            FROM lines WHERE shape IN (SELECT shape FROM new_shapes) GROUP BY shape"""
        ).fetchall()
        shapes = {shape: self._shape(keys, marked) for shape, *_, marked, keys in rows}
        if self._look_into(_containers(path for shape in shapes.values() for path in shape.paths)):
            return  # shapes are told apart by more keys from now on
        for number, maker, mapping_no, *_ in rows:
            self._plans[number] = self._decide(shapes[number], maker, mapping_no)

    def _shape(self, keys: list[Any], marked: list[bool]) -> Shape:
        top, *nested = keys if self._containers else (keys,)
        order = [(key,) for key in top]
        for container, inner in zip(self._containers, nested, strict=True):
            order += [(*container, key) for key in inner or ()]
        marks = (mark for mark, is_there in zip(self._marks, marked, strict=False) if is_there)
        return Shape(frozenset(order), tuple(order), frozenset(marks))

    def _look_into(self, paths: Iterable[Path]) -> bool:
        """Have the objects at these paths looked into; whether some were not before."""
        new = sorted(set(paths).difference(self._containers))
        new = new[: _MAX_CONTAINERS - len(self._containers)]
        self._containers.extend(new)
        if new:
            self._plans.clear()
        return bool(new)

    def _decide(self, shape: Shape, maker: str | None, mapping_no: int) -> Plan | _Again:
        if maker:
            made_by = self._formats[maker]
            if isinstance(made_by, Envelope):
                return _Again(made_by)
            return self._plan(shape, made_by, (), mapping_no)
        for transcoder in transcoders() if maker is None else ():
            if transcoder.match_json is not None and transcoder.match_json(shape):
                return _Again(transcoder)
        for around in envelopes():
            if around.match(shape):
                return _Again(around)
        return self._plan(shape, *_match(shape), mapping_no)

    def _plan(self, shape: Shape, fmt: JsonFormat, envelope: Path, mapping_no: int) -> Plan:
        said, inferred = self.mappings[mapping_no]
        self._met.update((role, path) for role, path in said.items() if path in shape.paths)
        fields = merged({role: path for role, path in inferred.items() if fmt.is_open(role)}, said)
        return make_plan(shape, fmt, envelope, fields, mapping_no)

    def _parse_planned(self) -> None:
        found = self._cursor.execute(
            "SELECT DISTINCT file_id, shape FROM lines WHERE shape IS NOT NULL"
        ).fetchall()
        plans = {shape: self._plans[shape] for shape in sorted({shape for _, shape in found})}
        read = {shape: plan for shape, plan in plans.items() if isinstance(plan, Plan)}
        self.uses.update(((file_id, shape), read[shape]) for file_id, shape in found if shape in read)
        groups = grouped(read.items())
        rows = [
            {
                "shape": shape,
                "group_no": number,
                "patch": plan.patch,
                "patch_keeping_time": plan.patch_keeping_time,
            }
            for number, (_, members) in enumerate(groups)
            for shape, plan in members
        ]
        if not rows:
            return
        self._use("plans", pa.Table.from_pylist(rows, schema=_PLANS_SCHEMA))
        for number, (group, _) in enumerate(groups):
            statement = Statement(group, self._mapping.zones, self._mapping.beginning)
            self._cursor.execute(f"INSERT INTO parsed BY NAME {statement.sql(number)}")

    def _detours(self) -> list[Transcoder | Envelope]:
        """What some of the lines go through first."""
        found = self._cursor.execute("SELECT DISTINCT shape FROM lines WHERE shape IS NOT NULL").fetchall()
        plans = [self._plans[shape] for (shape,) in found]
        # An envelope may have the name of the transcoder that makes it.
        detours = {
            (plan.through.name, isinstance(plan.through, Envelope)): plan.through
            for plan in plans
            if isinstance(plan, _Again)
        }
        return [detours[name] for name in sorted(detours)]

    def _send_again(self, through: Transcoder | Envelope, outcome: Outcome) -> list[pa.Table]:
        plans = self._plans.items()
        shapes = [shape for shape, plan in plans if isinstance(plan, _Again) and plan.through is through]
        self._use("sent", pa.table({"shape": pa.array(shapes, pa.uint64())}))
        if isinstance(through, Envelope):
            return self._unwrap(unwrap_sql(through))
        around = b""
        if isinstance(through.format, Envelope):
            self._is_split, around = True, added_by(through.format, self._cursor)
        records = self._records("shape IN (SELECT shape FROM sent)")
        holds = pa.array([through.holds in raw for raw in records.raws], pa.bool_())
        mine = pa.compute.indices_nonzero(holds).to_numpy()
        others = records.table.filter(pa.compute.invert(holds))
        unmade = pa.array([""] * others.num_rows, pa.string())  # of no notation, whatever its keys
        others = others.set_column(others.schema.get_field_index("maker"), "maker", unmade)
        made = transcoded(through, records, mine, refusing(records, outcome), around=around)
        return [made, others.select(LINE_SCHEMA.names)]

    def _unwrap(self, opening: str) -> list[pa.Table]:
        """What this SQL reads out of envelopes, as lines; texts of a known notation become objects."""
        opened = self._cursor.sql(opening).to_arrow_table()
        tables = [opened.filter(pa.compute.is_null(opened["held"])).select(LINE_SCHEMA.names)]
        texts = opened.filter(pa.compute.is_valid(opened["held"]))
        if texts.num_rows:
            records, members = Records.of(texts, "held"), Records.of(texts, "added").raws
            groups = self._by_notation(records)
            kept = groups.pop("", [])

            def keep(number: int, _: str) -> None:
                kept.append(number)  # still a record, if not one of that notation

            for name, numbers in groups.items():
                tables.append(transcoded(self._texts[name], records, numbers, keep, members))
            tables.append(texts.take(pa.array(kept, pa.int64())).select(LINE_SCHEMA.names))
        return tables

    def _records(self, condition: str) -> Records:
        columns = "* EXCLUDE (marked, headed)"
        found = self._cursor.sql(f"SELECT {columns} FROM lines WHERE {condition}").to_arrow_table()
        return Records.of(found, "line")

    def _by_notation(self, records: Records) -> dict[str, list[int]]:
        """The numbers of records that are not JSON by the name of what transcodes them, or ""."""
        groups: dict[str, list[int]] = {}
        match = self._text.match
        for number, raw in enumerate(records.raws):
            found = match(raw)
            groups.setdefault((found.lastgroup or "") if found else "", []).append(number)
        return groups

    def _sort_out(self, records: Records, outcome: Outcome) -> list[pa.Table]:
        """Sort the bytes of what is not one JSON object into records, rejects, blanks."""
        groups = self._by_notation(records)
        again = Rows()
        for number in groups.pop("", []):
            self._cut(records[number], again, outcome)
        refuse = refusing(records, outcome)
        tables = [transcoded(self._texts[name], records, groups[name], refuse) for name in sorted(groups)]
        return [*tables, again.table()]

    @staticmethod
    def _cut(record: RawRecord, again: Rows, outcome: Outcome) -> None:
        for part in segments(record.raw):
            start, length = part.start, part.end - part.start
            if part.kind == "record" and length < len(record.raw):
                again.add(record, record.raw[start : part.end].decode(), start=start, length=length)
            elif part.kind == "blank":
                outcome.add_blank(record.file_id, length)
            else:
                reason = part.reason or "JSON that the database cannot read"
                outcome.reject(record, reason, start=start, length=length)

    def _use(self, name: str, table: pa.Table) -> None:
        self._cursor.register(name, table)


_PLANS_SCHEMA = pa.schema(
    [
        pa.field("shape", pa.uint64()),
        pa.field("group_no", pa.int32()),
        pa.field("patch", pa.string()),
        pa.field("patch_keeping_time", pa.string()),
    ]
)


def _in_parts(table: str, rows: int) -> str:
    """All rows of a table, for each core a part: DuckDB gives a row group of 122,880 to one thread alone."""
    size = max(rows // (os.cpu_count() or 1) + 1, _WORTH_A_THREAD)
    ends = range(size, rows, size)
    # The first and the last are open, whatever numbers the rows have.
    parts = (
        [f"rowid < {ends[0]}", *(f"rowid >= {end} AND rowid < {end + size}" for end in ends)] if ends else []
    )
    parts[-1:] = [f"rowid >= {ends[-1]}"] if ends else ["TRUE"]
    return " UNION ALL ".join(f"SELECT * FROM {table} WHERE {part}" for part in parts)


def _sample(lines: pa.Table) -> pa.Table:
    """The first of each of its parts; none where all of them are few."""
    if lines.num_rows < ROWS_PER_BATCH // 2:
        return LINE_SCHEMA.empty_table()
    batches = [batch.slice(0, _SAMPLE) for batch in lines.to_batches()]
    return pa.Table.from_batches(batches, schema=LINE_SCHEMA)


def _containers(paths: Iterable[Path]) -> Iterator[Path]:
    """Which of these fields are objects to look into for ids and names."""
    for path in paths:
        name = normalise(path[-1])
        if len(path) == 1:
            is_known = name in CONTAINERS
        else:
            # Business data is no place to look for ids, unless it is a whole event.
            outer = normalise(path[0])
            is_known = name in WRAPPERS and outer in WRAPPERS | CANDIDATE_ENVELOPES
            is_known = is_known or (name in NAME_PARTS and outer in WRAPPERS | EVENT_OBJECTS)
            is_known = is_known or normalise("".join(path)) in DEEP_CONTAINERS
        if is_known and len(path) <= _MAX_DEPTH:
            yield path


def _match(shape: Shape) -> tuple[JsonFormat, Path]:
    for fmt in json_formats():
        envelope = fmt.match(shape)
        if envelope is not None:
            return fmt, envelope
    raise AssertionError("the generic format matches every shape")  # pragma: no cover
