"""Lines to rows of the canonical model, in bulk: DuckDB parses, Python only decides per shape.

A shape is the set of keys of a record. There are few shapes and many lines, so each shape is
given a plan once (which format, which path fills which column) and all lines of a format run
through one statement. A plan depends on the shape alone, never on the lines around it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa

from ingest import composed
from ingest.envelopes import added_by, read_headed_sql, unwrap_sql
from ingest.formats import transcoders
from ingest.formats.base import Envelope
from ingest.inlined import Inlined, inlined_sql
from ingest.insertion import Insertion
from ingest.mapping import NO_MAPPING, FieldMapping, Fields, Inferred
from ingest.names import Path
from ingest.plan import LIST_ROLES, LOCK_ROLES, Plan, Use
from ingest.planner import Again, Planner, Through
from ingest.records import LINE_SCHEMA, ROWS_PER_BATCH, Outcome, RawRecord, parted
from ingest.texts import Texts, refuse_nested
from ingest.transcoding import RENUMBER, Records, begun_by, read_whole, refusing, transcoded
from ingest.vocabulary import word_table
from stormwatch.model import EVENT_SCHEMA

_PARSED_SCHEMA = pa.schema(
    [
        *EVENT_SCHEMA,
        *(pa.field(role, pa.string()) for role in LOCK_ROLES),
        pa.field("lock_detail", pa.string()),
        *(pa.field(role, pa.string()) for role in LIST_ROLES),
    ]
)
_MAX_ROUNDS = 64


class Engine:
    """Parses batches on one connection; not for several threads at once."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        mapping: FieldMapping = NO_MAPPING,
        inferred: Callable[[str], Inferred] = lambda _: Inferred(),
    ):
        """`inferred` is what the values told of the fields of the file at a path."""
        self._cursor = cursor
        self._mapping = mapping
        self._inferred = inferred
        self._mappings: list[tuple[Fields, Inferred]] = []
        self.uses: dict[tuple[int, int], Use] = {}
        """File and shape, by number -> how its records were read, of what was parsed last."""
        self.looked_at = 0
        """Records of the same that Python had to look at."""
        self.met: set[tuple[str, Path]] = set()
        """Role and field of what the user said, where a record had the field."""
        self._is_split = False
        self._is_at_once = False
        self._cores = 1
        self._planner = Planner(cursor, self._mappings, self.met)
        self._insertion = Insertion(cursor, mapping.zones, mapping.beginning)
        self._texts = Texts()
        self._known = [one for one in transcoders() if one.known_by]
        self._is_careful = False
        self._doubtful: list[pa.Table] = []
        self._use("words", word_table())
        cursor.execute("CREATE OR REPLACE TEMP TABLE operation_words AS FROM words")
        self._use("empty_parsed", _PARSED_SCHEMA.empty_table())
        cursor.execute("CREATE OR REPLACE TEMP TABLE parsed AS FROM empty_parsed")

    def mapping_no(self, path: str) -> int:
        """The number of what is known of the fields of the file at `path`, beyond their names."""
        known = (self._mapping.fields_of(path), self._inferred(path))
        if known not in self._mappings:
            self._add_mapping(known)
        return self._mappings.index(known)

    def _add_mapping(self, known: tuple[Fields, Inferred]) -> None:
        self._mappings.append(known)
        said, inferred = known
        every = (said, *inferred.every())
        told = {part for fields in every for path in fields.values() for part in composed.parts(path)}
        inside = {path[:-1] for path in told if len(path) > 1}
        # Kinds are told apart by what is in objects too, whatever is known of other files.
        known_by = {path for kind, _ in inferred.kinds for path in kind}
        inside |= {path[:depth] for path in known_by for depth in range(1, len(path))}
        self._planner.look_into(inside)

    def try_out(self, lines: pa.Table) -> int:
        """At how many of these records Python would have to look."""
        self.looked_at, self._is_careful = 0, False
        self._rounds(lines, Outcome(), is_trial=True)
        self._doubtful = []
        return self.looked_at

    def parse(
        self,
        lines: pa.Table,
        broken: Sequence[RawRecord] = (),
        onto: Outcome | None = None,
        cores: int = os.cpu_count() or 1,
    ) -> Outcome:
        """Fill the temp table `parsed` with one row per observation in `lines` (LINE_SCHEMA).

        `broken` are lines that are not UTF-8; what stands whole in them is parsed as well, unless there is
        a reason already. `onto`: what was parsed before of the same batch, to which this is added. `cores`
        is how many are not busy otherwise.
        """
        self._cores = cores
        outcome = onto or Outcome()
        with self.at_once():
            if onto is None:
                self.uses, self.looked_at = {}, 0
                self._cursor.execute("TRUNCATE parsed")
            for record in broken:
                if record.reason:
                    outcome.reject(record, record.reason)
            if texts := [record for record in broken if not record.reason]:
                lines = pa.concat_tables([lines, *self._texts.sort_out(Records.apart(texts), outcome)])
            self._is_split = False
            # What begins like a notation and cannot be read as one is looked into.
            for self._is_careful in (False, True):
                self._rounds(lines, outcome)
                lines = pa.concat_tables([LINE_SCHEMA.empty_table(), *self._doubtful])
                self._doubtful = []
            if self._is_split:
                self._cursor.execute(RENUMBER)
            outcome.sort()
            self._let_go()
        return outcome

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Parse in one transaction: DuckDB copies what each leaves in a table, and compresses some of it."""
        if self._is_at_once:
            yield
            return
        self._cursor.execute("BEGIN")
        self._is_at_once = True
        try:
            yield
            self._cursor.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):  # a database that is gone has no transaction
                self._cursor.execute("ROLLBACK")
            raise
        finally:
            self._is_at_once = False

    def _let_go(self) -> None:
        """Keep no lines in memory while their rows are stored."""
        for name in ("incoming", "headed"):
            self._use(name, LINE_SCHEMA.empty_table())
        self._cursor.execute("DROP VIEW IF EXISTS lines")
        self._cursor.execute("DROP TABLE IF EXISTS classified")

    def take(self, rows: pa.Table) -> None:
        """Add rows that another engine parsed to."""
        self._use("taken", rows)
        self._cursor.execute("INSERT INTO parsed BY NAME FROM taken")
        self._cursor.unregister("taken")

    def know(self, mappings: Sequence[tuple[Fields, Inferred]]) -> bool:
        """Number mappings as another engine does; False when those that are known are others."""
        count = len(self._mappings)
        if self._mappings != mappings[:count]:
            return False
        for known in mappings[count:]:
            self._add_mapping(known)
        return True

    @property
    def mappings(self) -> list[tuple[Fields, Inferred]]:
        """By number of the mapping: what the user and what the values say of fields."""
        return self._mappings or [({}, Inferred())]

    def plans(self) -> list[Plan]:
        """How the records of each shape seen so far are read."""
        return [plan for plan in self._planner.plans.values() if isinstance(plan, Plan)]

    def unmet(self) -> set[tuple[str, Path]]:
        """Role and field of what the user said of files that were parsed, and no record had."""
        return {item for said, _ in self._mappings for item in said.items()} - self.met

    def _rounds(self, lines: pa.Table, outcome: Outcome, *, is_trial: bool = False) -> None:
        """Parse what can be parsed, and then what that became."""
        for _ in range(_MAX_ROUNDS):
            if not lines.num_rows:
                return
            lines = self._round(lines, outcome, is_trial=is_trial)
        refuse_nested(lines, outcome, self._cursor)

    def _round(self, lines: pa.Table, outcome: Outcome, *, is_trial: bool = False) -> pa.Table:
        """Parse what can be parsed; the rest comes back as other lines."""
        lines, *tables = [lines] if self._is_careful else self._read_known(lines)
        apart = self._texts.apart(lines)
        for name, headed in apart.headed.items():
            self._use("headed", headed)
            tables += self._unwrap(read_headed_sql(self._texts.by_name[name]))
        self.looked_at += apart.others.num_rows
        tables += self._read_texts(Records.parts(apart.others, "line"), outcome)
        lines = apart.objects
        if not lines.num_rows:
            return pa.concat_tables([LINE_SCHEMA.empty_table(), *tables])
        self._planner.tell_apart(lines, self._cores)
        if not is_trial:
            self._parse_planned()
        tables += [table for one in self._detours() for table in self._send_again(one, outcome)]
        tables += self._read_texts(self._records("shape IS NULL"), outcome)
        return pa.concat_tables([LINE_SCHEMA.empty_table(), *tables])

    def _parse_planned(self) -> None:
        found, plans = self._planner.found, self._planner.plans
        planned = ((shape, plans[shape]) for shape in sorted({shape for _, shape, _ in found}))
        read = {shape: plan for shape, plan in planned if isinstance(plan, Plan)}
        counts = [one for one in found if one[1] in read]
        self.uses.update(((file_id, shape), read[shape].use) for file_id, shape, _ in counts)
        self._insertion.insert(read.items(), ((shape, count) for _, shape, count in counts))

    def _detours(self) -> list[Through]:
        """What some of the lines go through first."""
        plans = [self._planner.plans[shape] for _, shape, _ in self._planner.found]
        # An envelope may have the name of the transcoder that makes it.
        detours = {
            (type(plan.through).__name__, plan.through.name): plan.through
            for plan in plans
            if isinstance(plan, Again)
        }
        return [detours[name] for name in sorted(detours)]

    def _send_again(self, through: Through, outcome: Outcome) -> list[pa.Table]:
        plans = self._planner.plans.items()
        shapes = [shape for shape, plan in plans if isinstance(plan, Again) and plan.through == through]
        self._use("sent", pa.table({"shape": pa.array(shapes, pa.uint64())}))
        if isinstance(through, Envelope):
            return self._unwrap(unwrap_sql(through))
        if isinstance(through, Inlined):
            return self._unwrap(inlined_sql(through))
        around = b""
        if isinstance(through.format, Envelope):
            self._is_split, around = True, added_by(through.format, self._cursor)
        tables = []
        for records in self._records("shape IN (SELECT shape FROM sent)"):
            holds = pa.array(
                [through.holds in raw and through.is_told(raw) for raw in records.raws], pa.bool_()
            )
            mine = pa.compute.indices_nonzero(holds).to_numpy()
            others = records.table.filter(pa.compute.invert(holds))
            unmade = pa.array([""] * others.num_rows, pa.string())  # of no notation, whatever its keys
            others = others.set_column(others.schema.get_field_index("maker"), "maker", unmade)
            tables.append(transcoded(through, records, mine, refusing(records, outcome), around=around))
            tables.append(others.select(LINE_SCHEMA.names))
        return tables

    def _read_known(self, lines: pa.Table) -> list[pa.Table]:
        """The lines that do not begin as is known, and what the others become."""
        made = []
        for by in self._known:
            known, lines = begun_by(by, lines)
            if known.num_rows:
                self.looked_at += known.num_rows
                for records in Records.parts(known, "line"):
                    objects, refused = read_whole(by, records)
                    made.append(objects)
                    self._doubtful.append(refused)
        return [lines, *made]

    def _unwrap(self, opening: str) -> list[pa.Table]:
        """What this SQL reads out of envelopes, as lines; texts of a known notation become objects."""
        opened = self._cursor.sql(opening).to_arrow_table(batch_size=ROWS_PER_BATCH)
        objects, texts = parted(opened, pa.compute.is_null(opened["held"]))
        self.looked_at += texts.num_rows
        return [objects.select(LINE_SCHEMA.names), *self._texts.read_held(texts)]

    def _read_texts(self, texts: Iterable[Records], outcome: Outcome) -> Iterator[pa.Table]:
        for records in texts:
            yield from self._texts.sort_out(records, outcome)

    def _records(self, condition: str) -> Iterator[Records]:
        found = self._cursor.sql(f"SELECT * EXCLUDE (marked) FROM lines WHERE {condition}").to_arrow_table()
        self.looked_at += found.num_rows
        return Records.parts(found, "line")

    def _use(self, name: str, table: pa.Table) -> None:
        self._cursor.register(name, table)
