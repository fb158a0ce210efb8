"""One batch, one transaction: rows, quarantine, and how far each file is read."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import duckdb
import pyarrow as pa

from ingest.engine import Engine
from ingest.executions import tell_apart
from ingest.generations import ACCOUNTS, FILES_SCHEMA, WAITING, Position, Registry, utc_now
from ingest.inserts import (
    COUNT_REDACTED,
    COVER_FILE,
    GATHER_COVERED,
    INSERT_COVERED,
    INSERT_EVENTS,
    inserts,
    mask,
)
from ingest.lines import lines_of
from ingest.mapping import FieldMapping
from ingest.names import Path as FieldPath
from ingest.pruned import leave_out_pruned
from ingest.reader import Chunk
from ingest.records import Outcome, Reject
from ingest.requests import request
from ingest.roles.decisions import Decision
from ingest.roles.finder import RoleFinder
from ingest.roles.samples import scope_of
from ingest.sharing import Sharing
from ingest.telemetry import Occurrence, Telemetry
from ingest.uses import FieldUses
from stormwatch.errors import StormwatchError
from stormwatch.minutes.keeper import mark_stale
from stormwatch.redaction import Redaction
from stormwatch.storage import Store

_RAW_BYTES: Final = 64 << 10
"""So much of a rejected range is kept."""
_GATHER: Final = 512
"""Batches after which what they say of the days they tell of is added up."""

_RANGE = "file_id = ? AND byte_offset >= ? AND byte_offset < ?"
_ACCOUNTS_OF_RANGE = f"""
SELECT observed.*, rejected.* FROM (
    SELECT coalesce(sum(byte_length) FILTER (record_no = 0), 0), count(*) FROM observations WHERE {_RANGE}
) AS observed, (
    SELECT coalesce(sum(byte_length), 0), count(*) FROM rejects WHERE {_RANGE}
) AS rejected
"""
_CHANGE_ACCOUNTS = (
    f"UPDATE files SET {', '.join(f'{name} = {name} + ?' for name in ACCOUNTS)} WHERE file_id = ?"
)
_CHANGE_PRUNED = "UPDATE pruned_files SET stored_bytes = stored_bytes + ? WHERE file_id = ?"

_REJECTS_SCHEMA = pa.schema(
    [
        pa.field("file_id", pa.int32()),
        pa.field("byte_offset", pa.int64()),
        pa.field("byte_length", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.binary()),
    ]
)


@dataclass(frozen=True)
class Committed:
    """What a batch added."""

    events: int
    rejects: int
    bytes: int

    def __add__(self, other: Committed) -> Committed:
        return Committed(self.events + other.events, self.rejects + other.rejects, self.bytes + other.bytes)


class Writer:
    """Parses and commits batches; the only writer of the ingest tables."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        mapping: FieldMapping,
        redaction: Redaction,
        telemetry: Telemetry,
    ):
        self._store = store
        self._registry = registry
        self._mapping = mapping
        self._redaction = redaction
        self._telemetry = telemetry
        self._connect()

    def _connect(self) -> None:
        self._cursor = self._store.cursor()
        self._finder = RoleFinder(self._cursor)
        self._finder.load()
        self._engine = Engine(self._cursor, self._mapping, self._finder.fields_of)
        self._sharing = Sharing(self._engine, self._mapping)
        self._uses = FieldUses(self._cursor)
        self._registry.sync(self._cursor)
        self._store.read_last_batch()

    def recover(self) -> None:
        """After any error: go on from what the database says, whatever the error said.

        Raises:
            StorageError, duckdb.Error: the database is still not usable; try again later.
        """
        try:
            self._cursor.close()
            self._connect()
        except duckdb.Error:
            # A failed checkpoint leaves the whole instance unusable until it is opened again.
            self._store.reopen()
            self._connect()

    def close(self) -> None:
        """Release the connection."""
        self._cursor.close()

    def commit(self, chunks: Sequence[Chunk], started: float) -> Committed:
        """Store what the chunks hold and where they end; `started` is monotonic seconds.

        Raises:
            duckdb.Error: nothing was stored; `recover` and read the same bytes again.
        """
        changed = self._look() if self._finder.take(chunks) else []
        outcome = self._parse(chunks)
        positions = self._account(chunks, outcome)
        with self._transaction():
            committed = self._write(chunks, outcome, positions, started)
            if changed:
                self._remap(changed)
            self._note_uses(chunks)
        self._registry.saved()
        for chunk in chunks:
            chunk.generation.position = positions[chunk.generation.file_id]
            self._registry.index(chunk.generation)
        return committed

    def replace(self, chunk: Chunk, started: float, also: tuple[str, list[object]]) -> Committed:
        """Put in place of the rows of a chunk that was committed before what it is parsed to now.

        `also` is a statement, with parameters, of the same transaction. The counts are what came
        to be more or, below 0, fewer.

        Raises:
            duckdb.Error: nothing was changed; `recover` and try again.
        """
        file_id, here = chunk.generation.file_id, [chunk.generation.file_id, chunk.offset, chunk.after.offset]
        outcome = self._parse([chunk])
        with self._transaction():
            [accounts] = self._cursor.execute(_ACCOUNTS_OF_RANGE, here * 2).fetchall()
            stored, events, quarantined, rejects = map(int, accounts)
            left_out = leave_out_pruned(self._cursor, here, outcome)
            # What is blank is so however a record is read; the rest was pruned.
            blank = outcome.blank_bytes.get(file_id, 0)
            pruned = 0 if left_out is None else len(chunk.data) - stored - quarantined - blank
            before = Position(
                stored_bytes=-stored,
                quarantined_bytes=-quarantined,
                blank_bytes=stored + quarantined + pruned - len(chunk.data),
                event_count=-events,
                reject_count=-rejects,
            )
            chunk.generation.position = before
            [change] = self._account([chunk], outcome, left_out or 0).values()
            if left_out is not None:
                change = replace(change, stored_bytes=change.stored_bytes + left_out - pruned)
                self._cursor.execute(_CHANGE_PRUNED, [left_out - pruned, file_id])
            mark_stale(self._cursor, self._store.last_batch + 1, "observations", f"AND {_RANGE}", *here)
            for table in ("observations", "causes", "locks", "rejects"):
                self._cursor.execute(f"DELETE FROM {table} WHERE {_RANGE}", here)
            now = utc_now()
            self._insert(outcome, now)
            for statement in COVER_FILE:
                self._cursor.execute(statement, [file_id])
            self._cursor.execute(_CHANGE_ACCOUNTS, [*(getattr(change, name) for name in ACCOUNTS), file_id])
            changed = Committed(change.event_count, change.reject_count, 0)
            self._note_uses([chunk])
            self._note_batch(changed, now, started)
            self._cursor.execute(*also)
        self._registry.change_accounts(file_id, change)
        return changed

    def rest(self) -> None:
        """Judge what was read so far, as nothing more comes for now.

        Raises:
            duckdb.Error: nothing was changed; `recover`.
        """
        if self._finder.is_worth_a_look() and (changed := self._look()):
            with self._transaction():
                self._note_batch(Committed(0, 0, 0), utc_now(), time.monotonic())
                self._remap(changed)

    def _look(self) -> list[Decision]:
        try:
            return self._finder.look()
        except duckdb.Error:
            # What fields mean can be found out later; that the records are stored matters more.
            return []

    def _remap(self, changed: Sequence[Decision]) -> None:
        """Keep what the values told, and have what is stored of the same files parsed again."""
        self._finder.save()
        scopes = {decision.scope for decision in changed if decision.is_override or decision.was_override}
        self._uses.forget(scopes)
        rows = self._cursor.execute("SELECT file_id, path FROM files WHERE event_count > 0").fetchall()
        found = [file_id for file_id, path in rows if scope_of(path) in scopes]
        if found:
            request(self._cursor, found, "other fields turned out to be id, cause or group")

    def _note_uses(self, chunks: Sequence[Chunk]) -> None:
        paths = {chunk.generation.file_id: chunk.generation.path for chunk in chunks}
        self._uses.note(self._engine.uses, paths, self._engine.mappings)

    def unmet(self) -> set[tuple[str, FieldPath]]:
        """Role and field of what the user said of files that were read, and no record had."""
        return self._engine.unmet()

    def _parse(self, chunks: Sequence[Chunk]) -> Outcome:
        outcome = self._sharing.parse(*lines_of(chunks, self._engine.mapping_no))
        for chunk in chunks:
            file_id = chunk.generation.file_id
            if chunk.rejected:
                reject = Reject(file_id, chunk.offset, len(chunk.data), chunk.rejected, chunk.data)
                outcome.rejects.append(reject)
            elif chunk.is_blank:
                outcome.add_blank(file_id, len(chunk.data))
        return outcome

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._store.commit_lock:
            self._cursor.execute("BEGIN")
            try:
                yield
                self._cursor.execute("COMMIT")
            except BaseException:
                self._rollback()
                raise
            self._store.last_batch += 1

    def _rollback(self) -> None:
        try:
            self._cursor.execute("ROLLBACK")
        except duckdb.Error:
            return  # a failed commit has rolled back by itself

    def _account(self, chunks: Sequence[Chunk], outcome: Outcome, left_out: int = 0) -> dict[int, Position]:
        """Where each file stands after the batch, and where its bytes went, `left_out` of them nowhere.

        Raises:
            StormwatchError: a byte is not accounted for; a defect, and nothing is stored.
        """
        rows = self._cursor.execute(
            "SELECT file_id, sum(byte_length) FILTER (record_no = 0), count(*) FROM parsed GROUP BY file_id"
        ).fetchall()
        stored = {file_id: int(count or 0) for file_id, count, _ in rows}
        events = {file_id: count for file_id, _, count in rows}
        quarantined: Counter[int] = Counter()
        rejects: Counter[int] = Counter()
        for reject in outcome.rejects:
            quarantined[reject.file_id] += reject.byte_length
            rejects[reject.file_id] += 1
        positions = {}
        for chunk in chunks:
            file_id, before = chunk.generation.file_id, chunk.generation.position
            parts = (stored.get(file_id, 0), quarantined[file_id], outcome.blank_bytes.get(file_id, 0))
            if sum(parts) + left_out != len(chunk.data):
                raise StormwatchError(
                    f"{chunk.generation.path}: {len(chunk.data)} bytes from {chunk.offset} on, but "
                    f"{parts[0]} stored, {parts[1]} quarantined and {parts[2]} blank; please report this"
                )
            positions[file_id] = replace(
                chunk.after,
                stored_bytes=before.stored_bytes + parts[0],
                quarantined_bytes=before.quarantined_bytes + parts[1],
                blank_bytes=before.blank_bytes + parts[2],
                event_count=before.event_count + events.get(file_id, 0),
                reject_count=before.reject_count + rejects[file_id],
                last_read_at=utc_now(),
            )
        return positions

    def _write(
        self,
        chunks: Sequence[Chunk],
        outcome: Outcome,
        positions: Mapping[int, Position],
        started: float,
    ) -> Committed:
        now = utc_now()
        self._insert(outcome, now)
        self._cursor.execute(INSERT_COVERED, [now] * 3)
        if (self._store.last_batch + 1) % _GATHER == 0:
            for statement in GATHER_COVERED:
                self._cursor.execute(statement)
        for chunk in chunks:
            self._registry.note(chunk.generation)
        self._write_files(positions)
        [(count,)] = self._cursor.execute("SELECT count(*) FROM parsed").fetchall()
        committed = Committed(count, len(outcome.rejects), sum(len(c.data) for c in chunks))
        self._note_batch(committed, now, started)
        return committed

    def _insert(self, outcome: Outcome, now: datetime) -> None:
        tell_apart(self._cursor, outcome.rejects, self._redaction.bytes)
        if self._redaction.is_on:
            self._mask()
        self._cursor.execute(INSERT_EVENTS, [now])
        mark_stale(self._cursor, self._store.last_batch + 1, "parsed")
        for statement in inserts(is_masked=self._redaction.is_on):
            self._cursor.execute(statement)
        self._write_rejects(outcome.rejects, now)

    def _mask(self) -> None:
        if mask(self._cursor):
            [(masked,)] = self._cursor.execute(COUNT_REDACTED).fetchall()
            self._telemetry.add(Occurrence.SECRET_MASKED, masked)

    def _note_batch(self, committed: Committed, now: datetime, started: float) -> None:
        counts = [committed.events, committed.rejects, committed.bytes]
        elapsed_ms = (time.monotonic() - started) * 1000
        self._cursor.execute(
            "INSERT INTO batches SELECT ?, ?, ?, ?, ?, max(occurred_at), ? FROM parsed",
            [self._store.last_batch + 1, now, *counts, elapsed_ms],
        )

    def _write_rejects(self, rejects: Sequence[Reject], now: datetime) -> None:
        if not rejects:
            return
        rows = []
        for reject in rejects:
            raw = self._redaction.bytes(reject.raw[:_RAW_BYTES])
            if raw != reject.raw[:_RAW_BYTES]:
                self._telemetry.add(Occurrence.SECRET_MASKED)
            rows.append(
                {
                    "file_id": reject.file_id,
                    "byte_offset": reject.byte_offset,
                    "byte_length": reject.byte_length,
                    "reason": reject.reason,
                    "raw": raw,
                }
            )
        self._cursor.register("new_rejects", pa.Table.from_pylist(rows, schema=_REJECTS_SCHEMA))
        self._cursor.execute(
            "INSERT INTO rejects BY NAME SELECT *, ?::TIMESTAMP AS rejected_at FROM new_rejects", [now]
        )
        self._cursor.unregister("new_rejects")

    def _write_files(self, positions: Mapping[int, Position]) -> None:
        rows = [
            generation.row(positions.get(generation.file_id, generation.position))
            for generation in self._registry.unsaved()
        ]
        if not rows:
            return
        self._cursor.register("new_files", pa.Table.from_pylist(rows, schema=FILES_SCHEMA))
        self._cursor.execute(
            f"DELETE FROM files WHERE file_id IN (SELECT file_id FROM new_files) OR ({WAITING})"
        )
        self._cursor.execute("INSERT INTO files BY NAME FROM new_files")
        self._cursor.unregister("new_files")
