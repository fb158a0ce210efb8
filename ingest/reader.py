"""One read of one file: bytes, cut into whole records."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

from ingest.bounds import Bounds, whole
from ingest.columns import Columns
from ingest.decompress import CompressedSource
from ingest.framing import frames
from ingest.generations import Generation, Position
from ingest.named import framed, most_records, named_columns
from ingest.rescue import segments
from ingest.source import PlainSource, Source, data_start

_NEWLINE = b"\n"
_NUL = b"\0"
_BETWEEN = b" \t\r\n\x1e"
"""Around objects: blanks, and the record separator of RFC 7464."""
_SPARE_BYTES = 64 << 10


@dataclass(frozen=True)
class Limits:
    """Bounds in bytes."""

    max_line_bytes: int = 32 << 20
    """A longer line goes to quarantine in pieces of this size."""


@dataclass(frozen=True)
class Share:
    """How much to take at a time."""

    bytes: int
    """About; a longer record is taken whole."""
    records: int
    """At most."""


@dataclass(frozen=True)
class Silence:
    """What may be concluded from nothing having been added to a file for a while."""

    is_quiet: bool = False
    """A record that might go on ends, and a last line without a line end if it is whole JSON objects."""
    is_final: bool = False
    """Such a line is taken whatever it is."""


@dataclass(frozen=True)
class Chunk:
    """Bytes of a generation that can be committed."""

    generation: Generation
    offset: int
    data: bytes
    bounds: npt.NDArray[np.int64]
    """Record i is data[bounds[i]:bounds[i + 1]]."""
    after: Position
    """Where the generation stands once this is committed; the accounts are added by the writer."""
    rejected: str = ""
    """Why all of it goes to quarantine without being parsed; empty: it is parsed."""
    is_blank: bool = False
    """It is nothing but NUL bytes."""
    is_at_end: bool = True
    """Nothing behind it at the time, or no whole record."""
    columns: Columns | None = None
    """What the fields of its rows are called; None: its records are no rows of a table."""

    @property
    def records(self) -> int:
        """How many records it holds."""
        return len(self.bounds) - 1

    def first(self, count: int) -> Chunk:
        """Its first `count` records alone."""
        bounds = self.bounds[: count + 1]
        return _chunk(self.generation, self.data, bounds, is_at_end=False, columns=self.columns)

    def behind(self, count: int) -> Chunk:
        """The records behind the first `count`, once those are committed."""
        start = int(self.bounds[count])
        bounds = self.bounds[count:] - start
        rest = self.data[start:]
        return _chunk(self.generation, rest, bounds, is_at_end=self.is_at_end, columns=self.columns)

    def refused(self, why: str) -> Chunk:
        """The same bytes, for the quarantine."""
        bounds = np.array([0, len(self.data)], np.int64)
        return _chunk(self.generation, self.data, bounds, is_at_end=False, rejected=why)


def read_chunk(generation: Generation, share: Share, limits: Limits, silence: Silence) -> Chunk | None:
    """The next whole records of a generation, about `share` of them; None when there are none.

    Where records are cut depends on the content alone, never on how much was there at a read;
    only a last line without a line end waits for what `silence` says. Sets `tail_bytes`.

    Raises:
        OSError: the file cannot be read.
    """
    assert generation.source is not None  # noqa: S101 - the tailer opens it first
    source, position, longest = generation.source, generation.position, limits.max_line_bytes
    if not silence.is_quiet and _is_still_no_record(generation, source, longest):
        return None
    if position.skipping:
        return _rest_of_long_line(generation, source, limits, silence)
    want = _worth_reading(position, share)
    while True:
        data = source.read(position.offset, want)
        if _is_hole(data):
            return _hole(generation, source, data)
        columns, length = named_columns(generation, data, is_all=_is_over(source, silence))
        is_at_end = len(data) < want and len(data) == length
        data = data[:length]
        bounds = framed(data, columns)
        if bounds[-1] or is_at_end or want >= longest:
            break
        want = min(want * 8, longest)
    if not data:
        return _defect(generation, source, silence)
    if is_at_end:
        bounds = _to_the_end(data, bounds, generation, silence, columns)
    # What NUL bytes stand for may be written over them: such a tail is looked at again as a whole.
    generation.tail_bytes = 0 if data.endswith(_NUL) else len(data) - int(bounds[-1])
    generation.filler_bytes = len(data) - len(data.rstrip(_NUL)) if is_at_end else 0
    lengths = np.diff(bounds)
    is_too_long = lengths > longest
    if is_at_end and len(lengths) and not data.endswith(_NEWLINE):
        # What is read again may end behind the first piece of a line that goes on.
        is_too_long[-1] |= lengths[-1] == longest
    too_long = np.flatnonzero(is_too_long)
    if len(too_long) and too_long[0] == 0:
        return _too_long(generation, data, longest)
    if len(bounds) == 1:
        return _undecided(generation, source, longest, silence) if len(data) >= longest else None
    if len(too_long):
        return _chunk(generation, data, bounds[: too_long[0] + 1], is_at_end=False, columns=columns)
    most = most_records(columns, share.records, share.bytes)
    is_all = is_at_end and len(bounds) - 1 <= most
    return _chunk(generation, data, bounds[: most + 1], is_at_end=is_all, columns=columns)


def _too_long(generation: Generation, data: bytes, longest: int) -> Chunk:
    """The first piece of a record that is too long to be one."""
    generation.tail_bytes = 0
    return _chunk(
        generation, data, np.array([0, longest], np.int64),
        is_at_end=False, rejected=f"a line longer than {longest} bytes", skipping=True,
    )  # fmt: skip


def _undecided(generation: Generation, source: Source, longest: int, silence: Silence) -> Chunk | None:
    """More bytes than a record may have, and nothing in them that tells where the first one ends.

    That may be told by the line behind it, of which so much is looked at that it is too long itself.
    """
    generation.tail_bytes = 0
    data = source.read(generation.position.offset, 2 * longest)
    if _NEWLINE not in data[:longest]:
        return _too_long(generation, data, longest)
    bounds = frames(data)
    is_over = silence.is_quiet or silence.is_final or len(data) == 2 * longest
    if len(bounds) == 1 and is_over:
        bounds = frames(data + _NEWLINE, is_all=True)
    if len(bounds) == 1:
        return None
    if bounds[1] > longest:
        return _too_long(generation, data, longest)
    return _chunk(generation, data, bounds[:2], is_at_end=False)


def _hole(generation: Generation, source: Source, data: bytes) -> Chunk | None:
    """A run of NUL bytes, if something follows it; else the file is longer than what is written yet."""
    start = generation.position.offset + len(data)
    is_over = generation.is_ended or isinstance(source, CompressedSource)
    if not is_over and data_start(source, start) is None:
        generation.tail_bytes = 0
        generation.filler_bytes = max(0, generation.size - generation.position.offset)
        return None
    return _chunk(generation, data, whole(data), is_at_end=False)


def _worth_reading(position: Position, share: Share) -> int:
    """Bytes that hold about as many records as may be taken, going by what the file held so far."""
    if not position.event_count:
        return share.bytes
    expected = share.records * position.offset // position.event_count
    return min(share.bytes, expected + expected // 32 + _SPARE_BYTES)


def _is_still_no_record(generation: Generation, source: Source, longest: int) -> bool:
    """Whether what came behind a tail that was looked at before does not end a record either.

    Without it, a long line that is written slowly would be read from its start each time.
    """
    tail = generation.tail_bytes
    if not tail or not generation.is_plain:
        return False
    start, last = tail - 1, longest - 1
    at = start
    while data := source.read(generation.position.offset + at, max(0, min(_SPARE_BYTES, last - at))):
        at = last if _NEWLINE in data else at + len(data)
    generation.tail_bytes = at if start < at < last else 0
    return generation.tail_bytes > 0


def _is_over(source: Source, silence: Silence) -> bool:
    """Whether nothing will follow what there is, as far as can be told."""
    if isinstance(source, CompressedSource):
        return silence.is_final or source.is_complete or bool(source.defect)
    return silence.is_final


def _to_the_end(
    data: bytes, bounds: Bounds, generation: Generation, silence: Silence, columns: Columns | None
) -> Bounds:
    """With the records that end only because nothing follows them."""
    source = generation.source
    assert source is not None  # noqa: S101 - it was read
    is_ended = _is_over(source, silence)
    if generation.is_plain and not generation.is_ended and data.endswith(_NUL):
        data, is_ended = data.rstrip(_NUL), False  # they may be written over
    start = int(bounds[-1])
    if start < len(data) and (is_ended or (silence.is_quiet and data.endswith(b"\n"))):
        bounds = np.append(bounds, start + framed(data[start:], columns, is_all=True)[1:])
    tail = data[int(bounds[-1]) :]
    if tail and (is_ended or (silence.is_quiet and is_json(tail))):
        bounds = np.append(bounds, len(data))
    return bounds


def _is_hole(data: bytes) -> bool:
    return data.startswith(_NUL) and not np.frombuffer(data, np.uint8).any()


def is_json(tail: bytes) -> bool:
    """Whether it is a whole object or array, or several objects with nothing but separators between them."""
    text = tail.strip(_BETWEEN)
    if not text.startswith((b"{", b"[")):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        may_be_several = text.startswith(b"{") and text.endswith(b"}")
        return may_be_several and all(part.kind != "reject" for part in segments(text))
    return True


def _defect(generation: Generation, source: Source, silence: Silence) -> Chunk | None:
    """No bytes, and the reason why there will never be any; None when some may still come."""
    offset, why = generation.position.offset, ""
    if isinstance(source, CompressedSource):
        why = source.defect if silence.is_quiet else ""
        if not why and silence.is_final and not source.is_complete:
            why = f"{source.compression} file, ends early after {offset} decompressed bytes"
    elif isinstance(source, PlainSource) and silence.is_final and source.rest:
        size = os.fstat(source.descriptor).st_size
        if generation.finished_bytes != size:
            why = f"UTF-16 file, ends within a character after {offset} bytes of text: 0x{source.rest.hex()}"
    if not why:
        return None
    bounds = np.zeros(1, np.int64)
    return _chunk(generation, b"", bounds, is_at_end=True, rejected=why)


def _rest_of_long_line(
    generation: Generation, source: Source, limits: Limits, silence: Silence
) -> Chunk | None:
    """The next piece of a line that is too long to be a record.

    Pieces are cut by size alone, so a piece that is not full waits for more.
    """
    position = generation.position
    data = source.read(position.offset, limits.max_line_bytes)
    if not data:
        return _defect(generation, source, silence)
    end = data.find(_NEWLINE) + 1
    is_last = silence.is_final or (isinstance(source, CompressedSource) and source.is_complete)
    if not end and len(data) < limits.max_line_bytes and not is_last:
        return None
    bounds = np.array([0, end or len(data)], np.int64)
    return _chunk(
        generation, data, bounds,
        is_at_end=False, rejected="goes on with the line that is too long", skipping=not end,
    )  # fmt: skip


def _chunk(
    generation: Generation,
    data: bytes,
    bounds: npt.NDArray[np.int64],
    *,
    is_at_end: bool,
    rejected: str = "",
    skipping: bool = False,
    columns: Columns | None = None,
) -> Chunk:
    position = generation.position
    taken = data[: int(bounds[-1])]
    # A hole is no part of a line, however long: what follows it is a record of its own.
    is_blank = _is_hole(taken)
    after = position.advance(taken, skipping=skipping and not is_blank)
    return Chunk(
        generation, position.offset, taken, bounds, after,
        rejected="" if is_blank else rejected,
        is_blank=is_blank,
        is_at_end=is_at_end,
        columns=columns,
    )  # fmt: skip
