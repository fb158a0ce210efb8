"""What would be understood of log files: a sample of each is read, nothing is stored.

Answers, per file and format: which field became which column, what stays in `attributes`, what was
rejected and why; and for what is missing (time, id, cause) which field may be meant.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import orjson

from ingest import plan
from ingest.decompress import CompressedSource
from ingest.engine import Engine
from ingest.generations import Generation, Position
from ingest.identity import FileKey
from ingest.inserts import mask
from ingest.lines import lines_of
from ingest.mapping import FieldMapping, is_nowhere
from ingest.named import framed, named_columns
from ingest.names import Path as FieldPath
from ingest.reader import Chunk, is_json
from ingest.records import Reject
from ingest.roles.decisions import Decision
from ingest.roles.finder import RoleFinder
from ingest.source import open_source
from ingest.tailer import Patience
from ingest.times import YEARLESS
from stormwatch.fields import field_name
from stormwatch.model import EVENT_SCHEMA
from stormwatch.redaction import Redaction

SAMPLE_BYTES: Final = 4 << 20
SAMPLE_RECORDS: Final = 20_000
_VALUES: Final = 1000
"""So many values of a field are looked at to guess what it means."""
_SHARE: Final = 0.5
"""So many of the values must fit for a field to be proposed."""
_EXAMPLE: Final = 120
_LOOKED_AT: Final = 64 << 10
_IDS: Final = 1_000_000

_ALIASES: Final = {"broker_sequence": "sequence", "parent_id": "causation_id"}
"""Roles that fill the column of another name."""
_COLUMNS: Final = (
    *(name for name in EVENT_SCHEMA.names
      if name not in {"file_id", "byte_offset", "byte_length", "record_no", "format", "attributes",
                      "sequence_source", "cause_kind"}),
    *plan.LOCK_ROLES,
    *plan.LIST_ROLES,
)  # fmt: skip
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*|\d{10}(\.\d+)?|\d{13}|\d{16}|\d{19}")
_ZONED: Final = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]+ ?([A-Z]{2,5})")
_YEARLESS: Final = re.compile(YEARLESS)
_ID: Final = re.compile(r"[\w.:/+-]{4,128}")


@dataclass(frozen=True)
class Mapped:
    """A column, and the fields its values come from."""

    format: str
    column: str
    fields: tuple[str, ...]
    """As `--map` takes them, best first; empty: the format makes the value itself."""
    count: int
    """Records of the sample with a value."""
    example: str
    confidence: float | None = None
    """Where the values themselves tell what the field is: how surely, 0 to 1."""
    is_override: bool = False
    """The names alone would have said something else."""
    evidence: str = ""
    """What of the values tells it."""


@dataclass(frozen=True)
class Kept:
    """A field that no column takes; it stays in `attributes`."""

    field: str
    count: int
    example: str


@dataclass(frozen=True)
class Rejected:
    """Byte ranges that were not understood, for one reason."""

    reason: str
    count: int
    first_offset: int
    example: bytes


@dataclass(frozen=True)
class Report:
    """What was understood of the sample of one file."""

    path: str
    sampled_bytes: int = 0
    is_whole: bool = True
    """The sample is the file."""
    formats: dict[str, int] = field(default_factory=dict)
    """Format -> observations."""
    mapped: tuple[Mapped, ...] = ()
    kept: tuple[Kept, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    waiting_bytes: int = 0
    """At its end, without a line end: `ingest` takes them when that comes, or after an hour of silence."""
    hints: tuple[str, ...] = ()
    """What is missing, and what to try."""
    problem: str = ""
    """Why the file could not be read."""


@dataclass(frozen=True)
class _Seen:
    """Values that are in no column."""

    values: dict[str, list[str]] = field(default_factory=dict)
    """Field -> some of its values."""
    unread: list[str] = field(default_factory=list)
    """Times that were not understood, as they are written."""


class Checker:
    """Reads samples of the files below `root`; `reports` judges them together.

    Every file is shown to `learn` first, so that `add` knows what the values of all tell.
    """

    def __init__(
        self,
        root: Path,
        mapping: FieldMapping,
        connection: duckdb.DuckDBPyConnection,
        redaction: Redaction,
    ):
        self._root = root
        self._mapping = mapping
        self._connection = connection
        self._redaction = redaction
        self._finder = RoleFinder(connection)
        self._ids: set[str] = set()
        self._found: list[tuple[Report, _Seen]] = []
        self._met: set[tuple[str, FieldPath]] = set()

    def learn(self, path: str) -> None:
        """Take what the values of a file tell of its fields; what cannot be read is told by `add`."""
        with suppress(OSError):
            chunk, *_ = _sample(self._root, path)
            self._finder.take([chunk])

    def judge(self) -> None:
        """Judge what was learned."""
        self._finder.look()

    def decisions(self) -> list[Decision]:
        """What the values told."""
        return self._finder.decisions()

    def add(self, path: str) -> None:
        """Read the sample of a file (relative to the root)."""
        try:
            chunk, is_whole, waiting = _sample(self._root, path)
        except OSError as error:
            self._found.append((Report(path, problem=error.strerror or str(error)), _Seen()))
            return
        if not chunk.data and not is_whole:
            problem = f"no line ends within the first {SAMPLE_BYTES} bytes"
            self._found.append((Report(path, is_whole=False, problem=problem), _Seen()))
            return
        with self._connection.cursor() as cursor:
            engine = Engine(cursor, self._mapping, self._finder.fields_of)
            outcome = engine.parse(*lines_of([chunk], engine.mapping_no))
            plans = engine.plans()
            if plans:
                self._met |= self._mapping.fields_of(path).items() - engine.unmet()
            if self._redaction.is_on:
                mask(cursor)
            mapped = tuple(self._judged(path, entry) for entry in _mapped(cursor, plans))
            kept, seen = _kept(cursor, plans)
            formats = dict(
                cursor.execute("SELECT format, count(*) FROM parsed GROUP BY ALL ORDER BY ALL").fetchall()
            )
            self._remember_ids(cursor)
        report = Report(
            path, len(chunk.data), is_whole, formats, mapped, kept,
            tuple(self._rejected(outcome.rejects)), waiting,
        )  # fmt: skip
        self._found.append((report, seen))

    def reports(self) -> list[Report]:
        """What was understood of each file, with hints that look at all of them."""
        return [
            replace(report, hints=(*self._unmet(report), *_hints(report, seen, self._ids)))
            for report, seen in self._found
        ]

    def _unmet(self, report: Report) -> Iterator[str]:
        if report.formats:
            known = [name for entry in report.mapped for name in entry.fields]
            known += [entry.field for entry in report.kept]
            for role, path in sorted(self._mapping.fields_of(report.path).items() - self._met):
                yield is_nowhere(role, path, known)

    def _judged(self, path: str, entry: Mapped) -> Mapped:
        decision = self._finder.decision(path, entry.column, entry.fields[:1])
        if decision is None:
            return entry
        return replace(
            entry, confidence=decision.confidence, is_override=decision.is_override, evidence=decision.reasons
        )

    def _rejected(self, rejects: Iterable[Reject]) -> Iterator[Rejected]:
        by_reason: dict[str, list[Reject]] = {}
        for reject in rejects:
            by_reason.setdefault(reject.reason, []).append(reject)
        for reason, group in by_reason.items():
            first = min(group, key=lambda reject: reject.byte_offset)
            # Masked before it is cut: what names a secret may stand behind it.
            example = self._redaction.bytes(first.raw[:_LOOKED_AT])[:_EXAMPLE]
            yield Rejected(reason, len(group), first.byte_offset, example)

    def _remember_ids(self, cursor: duckdb.DuckDBPyConnection) -> None:
        if len(self._ids) < _IDS:
            found = cursor.execute(
                "SELECT DISTINCT event_id FROM parsed WHERE event_id IS NOT NULL"
            ).fetchall()
            self._ids.update(event_id for (event_id,) in found)


def _sample(root: Path, path: str) -> tuple[Chunk, bool, int]:
    """The first records of a file, whether they are all, and how many bytes wait for a line end.

    Raises:
        OSError: the file cannot be read.
    """
    source = open_source(root / path)
    if source is None:
        raise OSError("not a regular file")
    try:
        data = source.read(0, SAMPLE_BYTES)
        is_end = len(data) < SAMPLE_BYTES or not source.read(len(data), 1)
        quiet_s = time.time() - os.fstat(source.descriptor).st_mtime
        is_final = quiet_s >= Patience.abandoned_s
        if isinstance(source, CompressedSource):
            is_final = source.is_complete
    finally:
        source.close()
    generation = Generation(1, path, FileKey(0, 0, 0), source.compression)
    columns, length = named_columns(generation, data, is_all=is_end)
    is_end, data = is_end and length == len(data), data[:length]
    bounds = framed(data, columns)
    if is_end and data.endswith(b"\n"):  # nothing that a record would go on with
        bounds = np.append(bounds, bounds[-1] + framed(data[bounds[-1] :], columns, is_all=True)[1:])
    tail = data[bounds[-1] :]
    waiting = len(tail) if is_end and not is_final and not is_json(tail) else 0
    # What has no line end yet may be half written; where nothing else is there it is looked at.
    if tail and is_end and (not waiting or len(bounds) == 1):
        bounds = np.append(bounds, len(data))
    is_whole = is_end and len(bounds) - 1 <= SAMPLE_RECORDS
    bounds = bounds[: SAMPLE_RECORDS + 1]
    chunk = Chunk(generation, 0, data[: bounds[-1]], bounds, Position(), columns=columns)
    return chunk, is_whole, waiting


def _mapped(cursor: duckdb.DuckDBPyConnection, plans: Iterable[plan.Plan]) -> Iterator[Mapped]:
    sources: dict[tuple[str, str], dict[FieldPath, None]] = {}
    for known in plans:
        for role, paths in known.paths.items():
            column = _ALIASES.get(role, role)
            sources.setdefault((known.format.name, column), {}).update(dict.fromkeys(paths))
    counted = ", ".join(
        f"count({name}), arg_min({name}, (byte_offset, record_no))::VARCHAR" for name in _COLUMNS
    )
    rows = cursor.execute(f"SELECT format, {counted} FROM parsed GROUP BY format ORDER BY format").fetchall()
    for fmt, *cells in rows:
        for name, count, example in zip(_COLUMNS, cells[::2], cells[1::2], strict=True):
            if count:
                fields = tuple(field_name(path) for path in sources.get((fmt, name), ()))
                yield Mapped(fmt, name, fields, count, example[:_EXAMPLE])


def _kept(cursor: duckdb.DuckDBPyConnection, plans: Iterable[plan.Plan]) -> tuple[tuple[Kept, ...], _Seen]:
    """The fields that only `attributes` holds, and some values."""
    used = {path for known in plans for paths in known.paths.values() for path in paths}
    times = {path for known in plans for path in known.paths.get("occurred_at", ())}
    counts: Counter[str] = Counter()
    values: dict[str, list[str]] = {}
    unread: list[str] = []
    rows = cursor.execute(
        "SELECT attributes::VARCHAR, occurred_at IS NULL FROM parsed WHERE attributes IS NOT NULL"
    ).fetchall()
    for attributes, is_unread in rows:
        for path, value in _leaves(orjson.loads(attributes)):
            if is_unread and path in times and isinstance(value, str):
                unread.append(value)
            # An operation, say, is kept as it was written although a column has it.
            if path in used or value in (None, ""):
                continue
            name = field_name(path)
            counts[name] += 1
            seen = values.setdefault(name, [])
            if len(seen) < _VALUES:
                seen.append(value if isinstance(value, str) else orjson.dumps(value).decode())
    kept = tuple(Kept(name, count, values[name][0][:_EXAMPLE]) for name, count in counts.most_common())
    return kept, _Seen(values, unread)


def _leaves(record: dict[str, Any]) -> Iterator[tuple[FieldPath, Any]]:
    """The fields of a record, those of objects in it included; deeper ones stay whole."""
    for key, value in record.items():
        if isinstance(value, dict):
            for inner, leaf in value.items():
                yield (key, inner), leaf
        else:
            yield (key,), value


def _hints(report: Report, seen: _Seen, ids: set[str]) -> Iterator[str]:
    if report.waiting_bytes:
        yield (
            f"the last {report.waiting_bytes:,} bytes have no line end: ingest takes them when it comes,"
            " or when nothing was added for an hour"
        )
    total = sum(report.formats.values())
    if not total:
        return
    filled = Counter[str]()
    for entry in report.mapped:
        filled[entry.column] += entry.count
    if yearless := [text for text in seen.unread if _YEARLESS.fullmatch(text.strip())]:
        yield (
            f"{len(yearless)} times have no year, such as {yearless[0]}, and count for no window or rate;"
            " say when the log begins: --year YEAR, or --year YEAR-MONTH"
        )
    for column, role, missing in (
        ("occurred_at", "time", "no record has a time that is understood: it counts for no window or rate"),
        ("event_id", "id", "no record has an id: it can be neither cause nor effect, nor a duplicate"),
        ("causation_id", "cause", "no record names its cause: chains have one event"),
    ):
        if filled[column] or filled["links"] * (column == "causation_id"):
            continue
        if role == "time" and yearless:
            continue
        if role == "time" and (zone := _unknown_zone([*seen.values.values(), seen.unread])):
            yield f"{missing}: {zone} may mean several offsets; say which: --zone {zone}=+00:00"
            continue
        likely = [name for name, some in seen.values.items() if _FITS[role](some, ids)]
        if likely:
            yield f"{missing}; try --map {role}={likely[0]}" + _others(likely[1:])
        elif role != "cause":
            yield f"{missing}; if a field holds it, say which: --map {role}=FIELD"


def _unknown_zone(values: Iterable[list[str]]) -> str:
    """The zone abbreviation that some times have which were not understood."""
    found = (_ZONED.fullmatch(value) for some in values for value in some[:1])
    return next((match[1] for match in found if match), "")


def _others(names: list[str]) -> str:
    return f" (or {', '.join(names[:3])})" if names else ""


def _is_time(values: list[str], _ids: set[str]) -> bool:
    return sum(bool(_TIME.fullmatch(value)) for value in values) >= _SHARE * len(values)


def _is_id(values: list[str], _ids: set[str]) -> bool:
    fits = sum(bool(_ID.fullmatch(value)) for value in values) >= _SHARE * len(values)
    # Numbers that differ may be anything: durations, amounts.
    is_number = all(value.replace(".", "").replace("-", "").isdecimal() for value in values)
    return fits and not is_number and not _is_time(values, _ids) and len(set(values)) == len(values) > 1


def _is_cause(values: list[str], ids: set[str]) -> bool:
    return sum(value in ids for value in values) >= _SHARE * len(values)


_FITS: Final = {"time": _is_time, "id": _is_id, "cause": _is_cause}
