"""What is known of every log file: one generation per content, kept in the table `files`.

A generation is the content of one inode between two truncations. It is told by device, inode,
birth time, its first bytes and the bytes just before the offset; never by its path. What is
remembered of it is enough to know a copy of it when it is gone itself.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from math import inf
from typing import Final, Literal
from zlib import crc32

import duckdb
import pyarrow as pa

from ingest.columns import Columns
from ingest.decompress import CompressedSource
from ingest.discovery import Signature, as_stored
from ingest.heads import HeadIndex
from ingest.identity import (
    CHECKSUM_BYTES,
    HEAD_BYTES,
    MARK_BYTES,
    FileKey,
    checksums,
    extend_checksum,
    extend_head,
    extend_mark,
)
from ingest.source import Source

State = Literal["live", "replaced", "gone"]

_STEP: Final = 1 << 20
_MOST_REMEMBERED: Final = 10_000
"""So many contents that are gone are remembered, some 5 KiB each; a copy of an older one is new."""
WAITING: Final = "state = 'live' AND committed_offset + finished_bytes + missed_bytes = 0"
"""Rows that only tell of bytes to come: such a file is judged anew, as it has no head to know a copy by."""
_REMEMBERED: Final = f"""
FROM files
WHERE (state = 'live' OR file_id > (SELECT max(file_id) FROM files) - ?) AND NOT ({WAITING})
ORDER BY file_id
"""

FILES_SCHEMA: Final = pa.schema(
    [
        pa.field("file_id", pa.int32()),
        pa.field("path", pa.string()),
        pa.field("device", pa.uint64()),
        pa.field("inode", pa.uint64()),
        pa.field("birth_ns", pa.int64()),
        pa.field("compression", pa.string()),
        pa.field("head", pa.binary()),
        pa.field("mark", pa.binary()),
        pa.field("checksum", pa.uint32()),
        pa.field("waypoints", pa.binary()),
        pa.field("committed_offset", pa.int64()),
        pa.field("stored_bytes", pa.int64()),
        pa.field("quarantined_bytes", pa.int64()),
        pa.field("blank_bytes", pa.int64()),
        pa.field("inherited_bytes", pa.int64()),
        pa.field("missed_bytes", pa.int64()),
        pa.field("event_count", pa.int64()),
        pa.field("reject_count", pa.int64()),
        pa.field("size_bytes", pa.int64()),
        pa.field("finished_bytes", pa.int64()),
        pa.field("skipping", pa.bool_()),
        pa.field("state", pa.string()),
        pa.field("first_seen_at", pa.timestamp("us")),
        pa.field("last_read_at", pa.timestamp("us")),
    ]
)


def utc_now() -> datetime:
    """The clock of this machine, UTC without zone as everything stored."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Position:
    """How far a generation is read and where its bytes went; replaced as a whole by a commit."""

    offset: int = 0
    head: bytes = b""
    mark: bytes = b""
    checksum: int = 0
    waypoints: bytes = b""
    skipping: bool = False
    stored_bytes: int = 0
    quarantined_bytes: int = 0
    blank_bytes: int = 0
    inherited_bytes: int = 0
    event_count: int = 0
    reject_count: int = 0
    last_read_at: datetime = field(default_factory=utc_now)

    def advance(self, data: bytes, *, skipping: bool) -> Position:
        """Behind `data`, which follows here; the accounts are not touched."""
        checksum, waypoints = extend_checksum(self.checksum, self.waypoints, self.offset, data)
        return replace(
            self,
            offset=self.offset + len(data),
            head=extend_head(self.head, self.offset, data),
            mark=extend_mark(self.mark, data),
            checksum=checksum,
            waypoints=waypoints,
            skipping=skipping,
        )

    def inherited(self, source: Source, offset: int) -> Position:
        """Where a copy, open as `source`, goes on that is the same up to `offset`, not behind here."""
        if offset == self.offset:
            return Position(
                offset, self.head, self.mark, self.checksum, self.waypoints, self.skipping,
                inherited_bytes=offset,
            )  # fmt: skip
        known = [(at, checksum) for at, checksum in checksums(self.waypoints) if at <= offset]
        done, checksum = known[-1] if known else (0, 0)
        while done < offset:
            data = source.read(done, min(_STEP, offset - done))
            checksum, done = crc32(data, checksum), done + len(data)
        at = max(0, offset - MARK_BYTES)
        return Position(
            offset=offset,
            head=self.head[:offset],
            mark=source.read(at, offset - at),
            checksum=checksum,
            waypoints=self.waypoints[: len(known) * CHECKSUM_BYTES],
            inherited_bytes=offset,
        )


ACCOUNTS: Final = ("stored_bytes", "quarantined_bytes", "blank_bytes", "event_count", "reject_count")
"""What a Position counts of what became of the bytes before it."""


@dataclass(eq=False)
class Generation:
    """One content of one file."""

    file_id: int
    path: str
    key: FileKey
    compression: str
    position: Position = Position()
    missed_bytes: int = 0
    size: int = 0
    """When last seen; of a compressed file what was read so far."""
    finished_bytes: int = 0
    """Size on disk at which a compressed file was read to its end, or what can be no character at the
    end of one in UTF-16 was noted; 0 before."""
    state: State = "live"
    first_seen_at: datetime = field(default_factory=utc_now)

    # What follows is not stored.
    start: Position = Position()
    """Where reading of it started: not at 0 in a copy."""
    is_indexed: bool = False
    """Its head is found by all it will ever be found by."""
    source: Source | None = None
    signature: Signature | None = None
    """When it was last checked; None makes the next scan check it."""
    seen: Signature | None = None
    """The same, whether or not another change would have changed it."""
    probe: bytes = b""
    """Head as found on disk; stands in for the head while nothing is committed."""
    tail_bytes: int = 0
    """So many bytes behind the offset were looked at and hold no end of a record."""
    filler_bytes: int = 0
    """So many NUL bytes stand there to its end, which may be written over."""
    columns: tuple[int, Columns] | None = None
    """A place in it, and the columns that directives before it name."""
    retry_at: float | None = None
    """Monotonic time from which a tail without a line end is worth another look."""
    quiet_since: float = inf
    """Monotonic time of the last growth; infinite before the first look at the file."""
    is_vanished: bool = False
    """No name in the directory leads to it any more; it is read through its descriptor."""
    is_ended: bool = False
    """It is vanished, and nobody added to it for so long that its tail is taken as it is."""

    @property
    def known_head(self) -> bytes:
        """Its first bytes, as far as they are known."""
        return self.position.head or self.probe

    @property
    def is_plain(self) -> bool:
        """Whether its bytes are those on disk."""
        return self.compression == "none"

    def is_intact(self) -> bool:
        """Whether the bytes that were read, or found at its start, still stand where they were.

        Needs an open source. Of a compressed file only the head is looked at: it is written once,
        and checking more would mean to decompress it.

        Raises:
            OSError: it cannot be read.
        """
        source = self.source
        assert source is not None  # noqa: S101 - the caller opened it
        # Where nothing is committed the start as it was found counts: copies are told by it.
        at, mark, head = self.position.offset, self.position.mark, self.known_head
        if isinstance(source, CompressedSource):
            return source.twin().read(0, len(head)) == head
        if source.read(at - len(mark), len(mark)) != mark:
            return False
        return source.read(0, len(head)) == head

    def row(self, position: Position) -> dict[str, object]:
        """The row of `files` that says it is read as far as `position`."""
        stated = {entry.name: getattr(position, entry.name) for entry in fields(Position)}
        stated["committed_offset"] = stated.pop("offset")
        return {
            **stated,
            "file_id": self.file_id,
            "path": as_stored(self.path),
            "device": self.key.device,
            "inode": self.key.inode,
            "birth_ns": self.key.birth_ns,
            "compression": self.compression,
            "missed_bytes": self.missed_bytes,
            "size_bytes": max(self.size, position.offset),
            "finished_bytes": self.finished_bytes,
            "state": self.state,
            "first_seen_at": self.first_seen_at,
        }

    def close(self) -> None:
        """Give the descriptor back."""
        if self.source is not None:
            self.source.close()
            self.source = None


class Registry:
    """Generations, by inode while live and by their first bytes as long as they are remembered."""

    def __init__(self) -> None:
        self._all: dict[int, Generation] = {}
        self._retired: deque[int] = deque()
        self._live: dict[tuple[int, int], Generation] = {}
        self._heads = HeadIndex()
        self._ready: dict[int, Generation] = {}
        self._retries: dict[int, Generation] = {}
        self._unsaved: dict[int, Generation] = {}
        self._next_id = 1

    def sync(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Take over what the table `files` says of positions; descriptors stay open.

        What is known here alone (found, but nothing of it committed) starts where it started.
        """
        cursor.execute(_REMEMBERED, [_MOST_REMEMBERED])
        names = [column[0] for column in cursor.description or ()]
        for generation in self._all.values():
            generation.position = generation.start
            generation.finished_bytes = 0
            generation.tail_bytes = 0
            self.wake(generation)
        for values in cursor.fetchall():
            stored = _from_row(dict(zip(names, values, strict=True)))
            known = self._all.get(stored.file_id)
            if known is None:
                self._add(stored)
            else:
                known.position = stored.position
                known.finished_bytes = stored.finished_bytes

    def create(self, path: str, key: FileKey, compression: str) -> Generation:
        """A generation for a file that is not known; stored with its first bytes."""
        generation = Generation(self._next_id, path, key, compression)
        self._add(generation)
        return generation

    def _add(self, generation: Generation) -> None:
        self._next_id = max(self._next_id, generation.file_id + 1)
        self._all[generation.file_id] = generation
        if generation.state == "live":
            self._live[generation.key.device, generation.key.inode] = generation
        else:
            self._remember(generation)
        self.index(generation)

    def index(self, generation: Generation) -> None:
        """Make a generation findable by its head, as far as that is known by now."""
        if len(generation.position.head) < HEAD_BYTES or not generation.is_indexed:
            self._heads.put(generation.file_id, generation.known_head)
            generation.is_indexed = len(generation.position.head) == HEAD_BYTES

    def live(self) -> list[Generation]:
        """Generations that are still read."""
        return list(self._live.values())

    # --- which of them may have bytes to read ----------------------------------------------

    def wake(self, generation: Generation) -> None:
        """A read may find bytes that were not there, or not taken, at the last one."""
        if generation.state == "live":
            self._ready.setdefault(generation.file_id, generation)

    def rest(self, generation: Generation) -> None:
        """There is nothing to read for now; it goes to the end of the line when it wakes."""
        self._ready.pop(generation.file_id, None)

    def is_ready(self, generation: Generation) -> bool:
        """Whether a read may find something in it."""
        return generation.file_id in self._ready

    def ready(self, now: float) -> list[Generation]:
        """Those to read, first come, first served; `now` is monotonic."""
        for generation in list(self._retries.values()):
            if generation.retry_at is not None and generation.retry_at <= now:
                self.plan_retry(generation, None)
                self.wake(generation)
        return list(self._ready.values())

    def plan_retry(self, generation: Generation, at: float | None) -> None:
        """Wake it at a monotonic time, or do not."""
        generation.retry_at = at
        if at is None:
            self._retries.pop(generation.file_id, None)
        else:
            self._retries[generation.file_id] = generation

    def next_retry(self) -> float:
        """Monotonic time at which the next one wakes by itself; infinite when none does."""
        return min((g.retry_at for g in self._retries.values() if g.retry_at is not None), default=inf)

    # --- what becomes of them --------------------------------------------------------------

    def find(self, device: int, inode: int) -> Generation | None:
        """The live generation of an inode."""
        return self._live.get((device, inode))

    def retire(self, generation: Generation, state: State) -> None:
        """Read it no more; it is remembered, so that a copy of it is not read again."""
        generation.state = state
        self._live.pop((generation.key.device, generation.key.inode), None)
        self.rest(generation)
        self.plan_retry(generation, None)
        if generation.position.offset or generation.missed_bytes:
            self.note(generation)
        self._remember(generation)

    def _remember(self, generation: Generation) -> None:
        self._retired.append(generation.file_id)
        while len(self._retired) > _MOST_REMEMBERED:
            forgotten = self._retired.popleft()
            self._heads.put(forgotten, b"")
            del self._all[forgotten]

    def note(self, generation: Generation) -> None:
        """Have the row of a generation written with the next commit."""
        self._unsaved[generation.file_id] = generation

    def change_accounts(self, file_id: int, change: Position) -> None:
        """What was committed of a generation became something else."""
        generation = self._all.get(file_id)
        if generation is not None:
            known = generation.position
            counts = {name: getattr(known, name) + getattr(change, name) for name in ACCOUNTS}
            generation.position = replace(known, **counts)

    def unsaved(self) -> list[Generation]:
        """Generations whose rows are to be written."""
        return list(self._unsaved.values())

    def saved(self) -> None:
        """The rows of all unsaved generations were written."""
        self._unsaved.clear()

    def candidates(self, head: bytes) -> list[Generation]:
        """Generations whose first bytes agree with `head` as far as both are known."""
        return [self._all[number] for number in sorted(self._heads.agreeing(head))]


def _from_row(row: dict[str, object]) -> Generation:
    row["offset"] = row.pop("committed_offset")
    for name in ("head", "mark", "waypoints"):
        row[name] = bytes(row[name])  # type: ignore[call-overload]
    stated = {entry.name: row[entry.name] for entry in fields(Position)}
    return Generation(
        file_id=row["file_id"],  # type: ignore[arg-type]
        path=str(row["path"]),
        key=FileKey(row["device"], row["inode"], row["birth_ns"]),  # type: ignore[arg-type]
        compression=str(row["compression"]),
        position=replace(Position(), **stated),  # type: ignore[arg-type]
        missed_bytes=row["missed_bytes"],  # type: ignore[arg-type]
        size=row["size_bytes"],  # type: ignore[arg-type]
        finished_bytes=row["finished_bytes"],  # type: ignore[arg-type]
        state=row["state"],  # type: ignore[arg-type]
        first_seen_at=row["first_seen_at"],  # type: ignore[arg-type]
    )
