"""Finds the record that a batch fails on, so that it goes to quarantine and the others are stored.

Every line that cannot be understood has a reason of its own (engine, rescue). This is the net
below: a record that makes the database itself fail must not stop all that come after it.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ingest.reader import Chunk
from ingest.writer import Committed, Writer
from stormwatch.errors import StorageError

SURROUNDINGS = (
    duckdb.OperationalError, duckdb.FatalException, duckdb.InterruptException, OSError, StorageError,
)  # fmt: skip
"""Failures of the disk, the file or the machine: the same bytes will be accepted later."""


def commit_apart(writer: Writer, chunks: Sequence[Chunk], started: float) -> Committed:
    """Commit chunks; when that fails by what they hold, in halves, down to the record at fault.

    Raises:
        SURROUNDINGS: what is not committed yet is to be read again later.
    """
    try:
        return writer.commit(chunks, started)
    except Exception as error:
        is_memory = isinstance(error, duckdb.OutOfMemoryException | MemoryError)
        if isinstance(error, SURROUNDINGS) and not is_memory:
            raise
        parts = _halves(chunks)
        if parts is None and is_memory:
            raise OSError(f"not enough memory for one record: {error}") from error
        writer.recover()
        if parts is None:
            why = f"the database cannot take it: {str(error).splitlines()[0]}"
            return writer.commit([chunk.refused(why) for chunk in chunks], started)
    first, second = parts
    done = commit_apart(writer, first, started)
    if len(chunks) == 1:
        second = [chunks[0].behind(first[0].records)]
    return done + commit_apart(writer, second, started)


def _halves(chunks: Sequence[Chunk]) -> tuple[Sequence[Chunk], Sequence[Chunk]] | None:
    """Two parts of a batch; None when it is a single record. Of a single chunk the second part
    is empty for now: it can only be made when the first is committed.
    """
    if len(chunks) > 1:
        middle = len(chunks) // 2
        return chunks[:middle], chunks[middle:]
    if chunks and chunks[0].records > 1 and not chunks[0].rejected:
        return [chunks[0].first(chunks[0].records // 2)], []
    return None
