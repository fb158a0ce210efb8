"""Lines to rows of the canonical model, in bulk: DuckDB parses, Python only decides per shape.

A shape is the set of keys of a record. There are few shapes and many lines, so each shape is
given a plan once (which format, which path fills which column) and all lines of a format run
through one statement. A plan depends on the shape alone, never on the lines around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb
import orjson
import pyarrow as pa

from ingest import names
from ingest.formats import json_formats, transcoders
from ingest.formats.base import JsonFormat, Shape, Transcoder
from ingest.names import CANDIDATE_ENVELOPES, CONTAINERS, LOCK_WORDS, OPERATION_WORDS, WRAPPERS, Path
from ingest.plan import LOCK_ROLES, Plan, PlanGroup, Statement, make_plan, pointer
from ingest.rescue import segments
from stormwatch.model import EVENT_SCHEMA

LINE_SCHEMA: Final = pa.schema(
    [
        pa.field("file_id", pa.int32()),
        pa.field("byte_offset", pa.int64()),
        pa.field("byte_length", pa.int32()),
        pa.field("record_no", pa.int32()),
        pa.field("transcoder", pa.string()),
        pa.field("line", pa.string()),
    ]
)
"""What the engine reads: one row per record; `transcoder` names who made the line, or is NULL."""

_PARSED_SCHEMA = pa.schema(
    [
        *EVENT_SCHEMA,
        *(pa.field(role, pa.string()) for role in LOCK_ROLES),
        pa.field("lock_detail", pa.string()),
        pa.field("links", pa.string()),
    ]
)
_MAX_CONTAINERS = 200
_MAX_PLANS = 20_000


@dataclass(frozen=True)
class Reject:
    """A byte range that could not be understood, and why."""

    file_id: int
    byte_offset: int
    byte_length: int
    reason: str
    raw: bytes


@dataclass
class Outcome:
    """What one batch of lines became; the rows are in the temp table `parsed`."""

    rejects: list[Reject] = field(default_factory=list)
    blank_bytes: dict[int, int] = field(default_factory=dict)
    """File -> bytes that hold nothing."""

    def add_blank(self, file_id: int, count: int) -> None:
        self.blank_bytes[file_id] = self.blank_bytes.get(file_id, 0) + count


@dataclass(frozen=True)
class _Expansion:
    """The lines of a shape go through a transcoder."""

    transcoder: Transcoder


class Engine:
    """Parses batches on one connection; not for several threads at once."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, mapping: Mapping[str, Path] | None = None
    ):
        self._cursor = cursor
        self._mapping = dict(mapping or {})
        self._containers: list[Path] = []
        self._plans: dict[tuple[str | None, int], Plan | _Expansion] = {}
        self._transcoders = {transcoder.name: transcoder for transcoder in transcoders()}
        words = [
            (word, operation, is_lock)
            for is_lock, table in ((False, OPERATION_WORDS), (True, LOCK_WORDS))
            for operation, spellings in table.items()
            for word in spellings
        ]
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE operation_words"
            " (word VARCHAR, operation VARCHAR, is_lock BOOLEAN)"
        )
        cursor.executemany("INSERT INTO operation_words VALUES (?, ?, ?)", words)
        self._use("empty_parsed", _PARSED_SCHEMA.empty_table())
        cursor.execute("CREATE OR REPLACE TEMP TABLE parsed AS FROM empty_parsed")

    def parse(self, lines: pa.Table) -> Outcome:
        """Fill the temp table `parsed` with one row per observation in `lines` (LINE_SCHEMA)."""
        outcome = Outcome()
        self._cursor.execute("TRUNCATE parsed")
        while lines.num_rows:
            lines = self._round(lines, outcome)
        return outcome

    def _round(self, lines: pa.Table, outcome: Outcome) -> pa.Table:
        """Parse what can be parsed; the rest comes back transcoded or rescued."""
        known = -1
        while known != len(self._containers):
            known = len(self._containers)
            self._classify(lines)
            self._plan_new_shapes()
        again: list[dict[str, Any]] = []
        self._parse_planned()
        self._transcode(again, outcome)
        self._rescue(again, outcome)
        return pa.Table.from_pylist(again, schema=LINE_SCHEMA)

    def _classify(self, lines: pa.Table) -> None:
        self._use("incoming", lines)
        pointers = ", ".join(["'$'", *(pointer(path) for path in self._containers)])
        keys = f"json_keys(line, [{pointers}])" if self._containers else "json_keys(line)"
        self._cursor.execute(
            f"""CREATE OR REPLACE TEMP TABLE lines AS
            SELECT *, CASE WHEN json_valid(line) AND starts_with(ltrim(line, ' \t'), '{{')
                THEN hash({keys}) END AS shape
            FROM incoming"""
        )
        self._keys = keys

    def _plan_new_shapes(self) -> None:
        if len(self._plans) > _MAX_PLANS:
            self._plans.clear()
        found = self._cursor.execute(
            "SELECT transcoder, shape, count(*) FROM lines WHERE shape IS NOT NULL GROUP BY ALL"
        ).fetchall()
        new = [(name, shape) for name, shape, _ in found if (name, shape) not in self._plans]
        if not new:
            return
        self._use("new_shapes", pa.table({"shape": pa.array([s for _, s in new], pa.uint64())}))
        rows = self._cursor.execute(
            f"""SELECT transcoder, shape, any_value({self._keys}) FROM lines
            WHERE shape IN (SELECT shape FROM new_shapes) GROUP BY ALL"""
        ).fetchall()
        shapes = [(name, shape, self._shape_paths(keys)) for name, shape, keys in rows]
        if self._note_containers(frozenset().union(*(paths for *_, paths in shapes))):
            self._plans.clear()  # shapes are told apart by more keys from now on
            return
        for transcoder, shape, paths in shapes:
            self._plans[transcoder, shape] = self._decide(Shape(paths), transcoder)

    def _shape_paths(self, keys: list[Any]) -> frozenset[Path]:
        if not self._containers:
            return frozenset((key,) for key in keys)
        top, *nested = keys
        paths = {(key,) for key in top}
        for container, inner in zip(self._containers, nested, strict=True):
            paths.update((*container, key) for key in inner or ())
        return frozenset(paths)

    def _note_containers(self, paths: frozenset[Path]) -> bool:
        grew = False
        for path in sorted(paths):
            name = names.normalise(path[-1])
            looked_into = name in CONTAINERS if len(path) == 1 else name in WRAPPERS
            # Business data is no place to look for ids, unless it is a whole event.
            deep = len(path) > 1 and names.normalise(path[0]) not in WRAPPERS | CANDIDATE_ENVELOPES
            if not looked_into or deep or len(path) > 2 or path in self._containers:  # noqa: PLR2004
                continue
            if len(self._containers) < _MAX_CONTAINERS:
                self._containers.append(path)
                grew = True
        return grew

    def _decide(self, shape: Shape, transcoder: str | None) -> Plan | _Expansion:
        if transcoder is not None:
            return make_plan(shape, self._transcoders[transcoder].format, (), {})
        for candidate in self._transcoders.values():
            if candidate.match_json is not None and candidate.match_json(shape):
                return _Expansion(candidate)
        fmt, envelope = _match(shape)
        mapping = {role: path for role, path in self._mapping.items() if path in shape.paths}
        return make_plan(shape, fmt, envelope, mapping)

    def _parse_planned(self) -> None:
        shapes = self._cursor.execute(
            "SELECT DISTINCT transcoder, shape FROM lines WHERE shape IS NOT NULL"
        ).fetchall()
        groups: dict[tuple[str, Path], PlanGroup] = {}
        rows: list[dict[str, Any]] = []
        for transcoder, shape in shapes:
            plan = self._plans[transcoder, shape]
            if isinstance(plan, _Expansion):
                continue
            key = (plan.format.name, plan.envelope)
            group = groups.setdefault(key, PlanGroup(plan.format, plan.envelope))
            group.add(plan)
            rows.append(
                {
                    "shape": shape,
                    "group_no": list(groups).index(key),
                    "patch": plan.patch,
                    "patch_keeping_time": plan.patch_keeping_time,
                }
            )
        if not rows:
            return
        self._use("plans", pa.Table.from_pylist(rows, schema=_PLANS_SCHEMA))
        for number, group in enumerate(groups.values()):
            self._cursor.execute(
                f"INSERT INTO parsed BY NAME {Statement(group).sql(number)}"
            )

    def _transcode(self, again: list[dict[str, Any]], outcome: Outcome) -> None:
        expansions = {
            shape: plan.transcoder
            for (_, shape), plan in self._plans.items()
            if isinstance(plan, _Expansion)
        }
        if not expansions:
            return
        self._use("expanded", pa.table({"shape": pa.array(list(expansions), pa.uint64())}))
        rows = self._cursor.execute(
            """SELECT shape, file_id, byte_offset, byte_length, line FROM lines
            WHERE shape IN (SELECT shape FROM expanded)"""
        ).fetchall()
        for shape, file_id, offset, length, line in rows:
            where = (file_id, offset, length)
            self._expand(expansions[shape], where, line.encode(), again, outcome)

    def _expand(
        self,
        transcoder: Transcoder,
        where: tuple[int, int, int],
        raw: bytes,
        again: list[dict[str, Any]],
        outcome: Outcome,
    ) -> None:
        file_id, offset, length = where
        try:
            events = list(transcoder.transcode(raw))
        except ValueError as error:
            outcome.rejects.append(Reject(*where, f"{transcoder.name}: {error}", raw))
            return
        if not events:
            outcome.add_blank(file_id, length)
        again.extend(
            {
                "file_id": file_id,
                "byte_offset": offset,
                "byte_length": length,
                "record_no": number,
                "transcoder": transcoder.name,
                "line": orjson.dumps(event).decode(),
            }
            for number, event in enumerate(events)
        )

    def _rescue(self, again: list[dict[str, Any]], outcome: Outcome) -> None:
        rows = self._cursor.execute(
            "SELECT file_id, byte_offset, byte_length, line FROM lines WHERE shape IS NULL"
        ).fetchall()
        for file_id, offset, length, line in rows:
            raw = line.encode() if isinstance(line, str) else bytes(line)
            self.rescue_line(file_id, offset, raw[:length], again, outcome)

    def rescue_line(
        self,
        file_id: int,
        offset: int,
        raw: bytes,
        again: list[dict[str, Any]],
        outcome: Outcome,
    ) -> None:
        """Sort the bytes of one line that is not a JSON object into records, rejects, blanks."""
        for transcoder in self._transcoders.values():
            if transcoder.match_text is not None and transcoder.match_text(raw):
                self._expand(transcoder, (file_id, offset, len(raw)), raw, again, outcome)
                return
        for part in segments(raw):
            where = (file_id, offset + part.start, part.end - part.start)
            piece = raw[part.start : part.end]
            if part.kind == "record" and part.end - part.start < len(raw):
                again.append(
                    {
                        "file_id": file_id,
                        "byte_offset": where[1],
                        "byte_length": where[2],
                        "record_no": 0,
                        "transcoder": None,
                        "line": piece.decode(),
                    }
                )
            elif part.kind == "blank":
                outcome.add_blank(file_id, where[2])
            else:
                reason = part.reason or "JSON that the database cannot read"
                outcome.rejects.append(Reject(*where, reason, piece))

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


def _match(shape: Shape) -> tuple[JsonFormat, Path]:
    for fmt in json_formats():
        envelope = fmt.match(shape)
        if envelope is not None:
            return fmt, envelope
    raise AssertionError("the generic format matches every shape")  # pragma: no cover
