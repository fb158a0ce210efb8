"""Parses again what is stored: after a mapping was corrected, or a field turned out to mean something else.

The bytes are read again from the logs, in ranges. A range is replaced in one transaction, and so
is how far the rereading got: at every instant each byte is accounted for once, and after a crash
it goes on where it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.bounds import MARK
from ingest.columns import Columns
from ingest.generations import Generation, Position, utc_now
from ingest.identity import FileKey
from ingest.isolation import SURROUNDINGS
from ingest.reader import Chunk, Limits, Share, Silence, read_chunk
from ingest.recall import Content, opened
from ingest.source import Source
from ingest.writer import Committed, Writer
from stormwatch.errors import SourceError
from stormwatch.storage import Store

_ENDS: Final = (MARK, b"\n", b"\0")
"""What may stand before a line."""
_BEFORE: Final = len(MARK)
_ENDED: Final = Silence(is_quiet=True, is_final=True)
_NEXT: Final = """
SELECT rereads.rowid, rereads.file_id, files.path, files.head, next_offset, end_offset, inherited_bytes
FROM rereads INNER JOIN files ON rereads.file_id = files.file_id
WHERE finished_at IS NULL
ORDER BY reread_id, rereads.file_id
LIMIT 1
"""


@dataclass(frozen=True)
class _Job:
    rowid: int
    file_id: int
    path: str
    head: bytes
    next_offset: int
    end_offset: int
    first_offset: int
    """What is before that was read as part of another file, of which this one may hold half a line."""


class _Cut:
    """The first bytes of a source, as if there were no more."""

    def __init__(self, source: Source, length: int):
        self._source = source
        self._length = length
        self.descriptor = source.descriptor
        self.compression = "none"

    def read(self, offset: int, count: int) -> bytes:
        return self._source.read(offset, max(0, min(count, self._length - offset)))

    def close(self) -> None:
        self._source.close()


class Rereading:
    """Works off the requests, a range at a time; not for several threads at once."""

    def __init__(self, root: Path, store: Store, writer: Writer, limits: Limits):
        self._root = root
        self._store = store
        self._writer = writer
        self._limits = limits
        self._columns: tuple[int, tuple[int, Columns] | None] = (0, None)
        """Of which file a range was read last, and the columns named before that."""

    def step(self, share: Share) -> Committed | None:
        """Replace about `share` of what is asked for; None when there is nothing left to do.

        Raises:
            duckdb.Error, StorageError: the database cannot be written; try again later.
        """
        started = time.monotonic()
        job = self._next()
        if job is None:
            return None
        try:
            chunk = self._read(job, share)
        except (SourceError, OSError) as error:
            self._finish(job, str(error))
            return Committed(0, 0, 0)
        if chunk is None:
            self._finish(job, None)
            return Committed(0, 0, 0)
        while True:
            try:
                return self._replace(job, chunk, started)
            except Exception as error:
                if isinstance(error, SURROUNDINGS):
                    raise
                self._writer.recover()
                if chunk.records > 1 and not chunk.rejected:
                    chunk = chunk.first(chunk.records // 2)
                else:
                    chunk = chunk.refused(f"the database cannot take it: {str(error).splitlines()[0]}")

    def _replace(self, job: _Job, chunk: Chunk, started: float) -> Committed:
        end = chunk.after.offset
        done = utc_now() if end >= job.end_offset else None
        note = "UPDATE rereads SET next_offset = ?, finished_at = ? WHERE rowid = ?"
        return self._writer.replace(chunk, started, (note, [end, done, job.rowid]))

    def _next(self) -> _Job | None:
        with self._store.cursor() as cursor:
            found = cursor.execute(_NEXT).fetchone()
        if found is None:
            return None
        rowid, file_id, path, head, start, end, first = found
        return _Job(rowid, file_id, path, bytes(head), start, end, first)

    def _read(self, job: _Job, share: Share) -> Chunk | None:
        with opened(Content(self._root, job.path, job.head), job.end_offset) as source:
            start = job.next_offset
            before = source.read(max(0, start - _BEFORE), min(start, _BEFORE))
            is_amid = start not in (0, job.first_offset) and not before.endswith(_ENDS)
            generation = Generation(
                job.file_id,
                job.path,
                FileKey(0, 0, 0),
                "none",
                # Only a line that is too long is left amid it.
                position=Position(offset=start, head=job.head[:start], skipping=is_amid),
                source=_Cut(source, job.end_offset),
                columns=self._columns[1] if self._columns[0] == job.file_id else None,
            )
            chunk = read_chunk(generation, share, self._limits, _ENDED)
            self._columns = (job.file_id, generation.columns)
            # The file is closed behind this; nothing reads the chunk's generation again.
            generation.source = None
        return chunk

    def _finish(self, job: _Job, problem: str | None) -> None:
        with self._store.commit_lock, self._store.cursor() as cursor:
            cursor.execute(
                "UPDATE rereads SET finished_at = ?, problem = ? WHERE rowid = ?",
                [utc_now(), problem, job.rowid],
            )
