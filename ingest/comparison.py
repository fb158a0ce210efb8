"""Tells new content from a copy of something that is read already.

A rotation that copies (copytruncate, a compressed backup) shows the same bytes under another
inode. Reading both would store every event twice; ignoring the copy would lose what was written
to the original after its last read. So a file whose first bytes are known is compared: with the
original while that can be read, else with what is remembered of it. The same bytes are the same
events: a file that is the start of another is not read as long as it is no more than that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal
from zlib import crc32

import numpy as np

from ingest.decompress import CompressedSource
from ingest.framing import last_start
from ingest.generations import Generation, Position, Registry
from ingest.identity import HEAD_BYTES, MARK_BYTES, FileKey, checksums
from ingest.source import PlainSource, Source, data_start

_STEP: Final = 1 << 20
_SCAN_BYTES: Final = 64 << 20
"""So much is compared in one scan; a large copy takes several, and reading goes on in between."""

_COINCIDENCE_BYTES: Final = 1024
"""Two programs may well begin with the same few lines, but not with more than this."""

_TIME: Final = re.compile(rb"\d\d:\d\d:\d\d|\b1\d{9}")
"""A time of day, or seconds since 1970."""

Action = Literal["read", "continue", "wait", "copy"]


@dataclass(frozen=True)
class Verdict:
    """What to do with a stranger."""

    action: Action
    """read: it is new. continue: up to `offset` it is `original`, behind that it is new.
    copy: it holds nothing but what `original` holds. wait: it cannot be told yet."""
    original: Generation | None = None
    offset: int = 0
    """So many bytes are the same as those of `original`."""
    is_hopeful: bool = False
    """A verdict to wait that will change by itself soon."""


class Comparison:
    """Judges strangers against the generations of a registry."""

    def __init__(self, registry: Registry, hold: Callable[[Generation], bool]):
        """`hold` opens a generation; False when it cannot be opened."""
        self._registry = registry
        self._hold = hold
        self._left = _SCAN_BYTES

    def start_scan(self) -> None:
        """Allow for another scan's worth of comparing."""
        self._left = _SCAN_BYTES

    def judge(self, source: Source, key: FileKey, before: Verdict | None) -> Verdict:
        """What the file open as `source` is; `before` is what the same file was judged to be before.

        All known generations must have been checked for truncation before: a copy of a file that
        was truncated since would pass for a copy of the file as it is now.

        Raises:
            OSError: it, or what it is compared with, cannot be read.
        """
        head = start_of(source)
        if not head:
            is_broken = isinstance(source, CompressedSource) and _is_broken(source)
            return Verdict("read" if is_broken else "wait")
        verified = {before.original: before.offset} if before and before.original else {}
        originals = dict.fromkeys([*self._registry.candidates(head), *verified])
        verdicts = [self._against(source, key, known, verified.get(known, 0)) for known in originals]
        order: tuple[Action, ...] = ("read", "continue", "wait", "copy")
        return max(
            verdicts,
            key=lambda verdict: (order.index(verdict.action), verdict.offset),
            default=Verdict("read"),
        )

    def _against(self, source: Source, key: FileKey, known: Generation, verified: int) -> Verdict:
        if known.state != "live":
            return self._against_memory(source, key, known, verified)
        if not known.is_plain:
            return self._against_compressed(source, known, verified)
        if not self._hold(known):
            return Verdict("wait", known)
        assert known.source is not None  # noqa: S101 - it is held
        # Of a file that can be rewritten the end of what was compared is compared again.
        at = max(0, verified - MARK_BYTES) if isinstance(source, PlainSource) else verified
        while True:
            if self._left <= 0:
                return Verdict("wait", known, at, is_hopeful=True)
            mine = source.read(at, _STEP)
            theirs = known.source.read(at, len(mine))
            same = _shared(mine, theirs)
            self._left -= len(mine)
            at += same
            if same < len(mine) or not mine:
                break
        if not known.is_intact():
            # Truncated while it was compared; then this was no comparison.
            return Verdict("wait", known, is_hopeful=True)
        return Verdict("copy", known, at) if not mine else self._apart(source, known, at)

    def _apart(self, source: Source, known: Generation, same: int) -> Verdict:
        """A file that is the same as a live one up to `same`, and has more behind it."""
        behind = known.position.offset
        start = _record_start(source, same)
        if known.source is not None and known.source.read(same, 1) and not _says_when(source, start):
            # Each goes on in its own way behind lines that are not told apart by their time.
            return Verdict("read")
        if same >= behind:
            start = max(start, behind)
        is_replacement = known.is_vanished and same >= behind
        if not start or (start < _COINCIDENCE_BYTES and not is_replacement):
            return Verdict("read")
        if behind < start:
            if self._registry.is_ready(known):
                return Verdict("wait", known, is_hopeful=True)
            start = behind
        return Verdict("continue", known, start)

    def _against_compressed(self, source: Source, known: Generation, verified: int) -> Verdict:
        """Against a file that is unpacked, or was: by memory, not by unpacking it once more."""
        found = self._remember(source, known.position, verified)
        if found.reach == "differs":
            return Verdict("read")
        if found.reach == "unclear":
            return Verdict("wait", known, found.same, is_hopeful=True)
        if found.reach == "part" or not source.read(known.position.offset, 1):
            return Verdict("copy", known, found.same)
        return self._apart(source, known, known.position.offset)

    def _against_memory(self, source: Source, key: FileKey, known: Generation, verified: int) -> Verdict:
        """Against content that is gone."""
        behind = known.position.offset
        if not behind:
            return Verdict("read")
        found = self._remember(source, known.position, verified)
        if found.reach == "unclear":
            return Verdict("wait", known, found.same, is_hopeful=True)
        if found.reach == "all":
            return Verdict("continue", known, behind)
        if found.reach == "part":
            size = source.size if isinstance(source, PlainSource) else found.same
            is_cut = key == known.key and size >= HEAD_BYTES
            return Verdict("continue" if is_cut else "copy", known, size)
        if key == known.key and verified and verified == found.same:
            # The file itself was cut, which was seen, and then went on in another way; or it was
            # emptied, and a record that begins like its first one was half written then.
            start = verified if verified >= HEAD_BYTES else _record_start(source, verified)
            return Verdict("continue", known, start) if start else Verdict("read")
        return Verdict("read")

    def _remember(self, source: Source, position: Position, verified: int) -> _Likeness:
        head = start_of(source)[: len(position.head)]
        same = _shared(head, position.head)
        if same < len(position.head):
            return _Likeness("differs" if same < len(head) else "part", same)
        places = [*checksums(position.waypoints), (position.offset, position.checksum)]
        done, checksum = max(((at, of) for at, of in places if at <= verified), default=(0, 0))
        for at, expected in places:
            while done < at:
                if self._left <= 0:
                    return _Likeness("unclear", same)
                data = source.read(done, min(_STEP, at - done))
                if not data:
                    return _Likeness("part", same)
                checksum, done = crc32(data, checksum), done + len(data)
                self._left -= len(data)
            if at == done and checksum != expected:
                return _Likeness("differs", same)
            same = max(same, at)
        return _Likeness("all", same)


@dataclass(frozen=True)
class _Likeness:
    """How much of a content that is remembered a file holds."""

    reach: Literal["all", "part", "differs", "unclear"]
    """part: all of the file is the start of it. unclear: not all was looked at yet."""
    same: int
    """So many bytes agree; exact within the head, behind it the last place that was looked at."""


def start_of(source: Source) -> bytes:
    """The first HEAD_BYTES of a file; where a compressed one is unpacked to does not change.

    Without NUL bytes that go on to its end: something may be written over them.
    """
    reader = source.twin() if isinstance(source, CompressedSource) else source
    head = reader.read(0, HEAD_BYTES)
    if not head.endswith(b"\0") or data_start(reader, len(head)) is not None:
        return head
    return head.rstrip(b"\0")


def _is_broken(source: CompressedSource) -> bool:
    source.read(0, 1)
    return source.defect != "" or source.is_complete


def _record_start(source: Source, offset: int) -> int:
    """Where the record at `offset` starts, looking back one step at most; 0 when it is not found."""
    first = max(0, offset - _STEP)
    start = last_start(source.read(first, offset - first))
    return first + start if start else 0


def _says_when(source: Source, end: int) -> bool:
    """Whether the bytes before `end` hold a time, so that the same bytes are of the same events."""
    return _TIME.search(source.read(0, min(end, _STEP))) is not None


def _shared(a: bytes, b: bytes) -> int:
    """How many bytes are the same at the start of both."""
    length = min(len(a), len(b))
    if a[:length] == b[:length]:
        return length
    apart = np.frombuffer(a, np.uint8, length) != np.frombuffer(b, np.uint8, length)
    return int(np.argmax(apart))
