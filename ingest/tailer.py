"""The watched directory as a sequence of whole records, each byte once.

`scan` finds out which files there are and what they are; `read` takes bytes from those that have
some. Neither changes what is known to be committed: that happens after the commit, in `writer`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final

from ingest.clock import Clock
from ingest.decompress import CompressedSource
from ingest.discovery import Filter, Found, Listing, Signature, quiet_since, settled, walk
from ingest.generations import Generation, Registry
from ingest.open_files import OpenFiles
from ingest.reader import Chunk, Limits, Share, Silence, read_chunk
from ingest.source import PlainSource, Source
from ingest.strangers import Strangers
from ingest.telemetry import Occurrence, Telemetry

_MIN_SHARE: Final = 64 << 10


@dataclass(frozen=True)
class Patience:
    """How long (in seconds) to wait before taking silence for an end."""

    tail_s: float = 2.0
    """Until a last line without a line end is taken, if it is whole JSON objects."""
    abandoned_s: float = 3600.0
    """Until such a line is taken whatever it is."""
    deleted_s: float = 5.0
    """Until a deleted file is closed; its writer may still have it open."""
    moved_s: float = 60.0
    """Until a file that was moved out of the directory is closed."""


class Tailer:
    """Reads the log files below `root`; not for several threads at once."""

    def __init__(
        self,
        root: Path,
        accepted: Filter,
        registry: Registry,
        telemetry: Telemetry,
        limits: Limits,
        patience: Patience,
        clock: Clock,
    ):
        self._root = root
        self._filter = accepted
        self._registry = registry
        self._telemetry = telemetry
        self._limits = limits
        self._patience = patience
        self._clock = clock
        self._files = OpenFiles(root)
        self._strangers = Strangers(root, registry, telemetry, clock, self._is_held)
        self._unreadable: set[str] = set()
        self._unpacking: Generation | None = None
        self.needs_scan = True
        """Whether something happened that only a scan can judge."""

    def _is_held(self, generation: Generation) -> bool:
        return self._files.hold(generation) == "open"

    def is_settled(self) -> bool:
        """Whether looking again soon would find nothing more of what is there now."""
        now = self._clock.monotonic()
        if self.needs_scan or self._strangers.is_waiting or self._registry.ready(now):
            return False
        return self._registry.next_retry() > now + self._patience.tail_s

    def backlog(self) -> list[tuple[Generation, int]]:
        """Files with bytes that are known to be there and are not committed yet, and how many.

        May be asked from any thread.
        """
        left = [(one, one.size - one.filler_bytes - one.position.offset) for one in self._registry.live()]
        return [(generation, count) for generation, count in left if count > 0]

    def close(self) -> None:
        """Give all descriptors back."""
        self._strangers.close()
        for generation in self._registry.live():
            self._files.release(generation)

    # --- which files there are -------------------------------------------------------------

    def scan(self) -> int:
        """Look at every file once; returns how many log files there are.

        Raises:
            OSError: the watched directory cannot be listed.
        """
        listing = walk(self._root, self._filter)
        self.needs_scan = False
        self._unreadable = set()
        names: dict[tuple[int, int], Found] = {}
        for found in listing.files:
            inode = (found.device, found.inode)
            known = self._registry.find(*inode)
            # Of several names of one inode (hard links) the one it is known by stays.
            if inode not in names or (known is not None and known.path == found.path):
                names[inode] = found
        self._look_for_vanished(names, listing)
        unknown = [found for found in names.values() if not self._check_known(found)]
        for generation in self._strangers.meet(unknown, self._unreadable):
            self._files.keep(generation)
        self._telemetry.observe(Occurrence.SYMLINK_SKIPPED, listing.links)
        self._telemetry.observe(Occurrence.FILE_UNREADABLE, listing.unknown | self._unreadable)
        return len(names)

    def _look_for_vanished(self, names: dict[tuple[int, int], Found], listing: Listing) -> None:
        for generation in self._registry.live():
            if (generation.key.device, generation.key.inode) in names:
                generation.is_vanished = generation.is_ended = False
            elif listing.may_hold(generation.path):
                continue
            elif generation.source is None:
                self._retire(generation, Occurrence.FILE_GONE)
            elif not generation.is_vanished:
                generation.is_vanished = True
                self._registry.wake(generation)
            else:
                self._drain(generation)

    def _drain(self, generation: Generation) -> None:
        """Close a file without a name once it is read and its writer had time to stop."""
        source = generation.source
        assert source is not None  # noqa: S101 - the caller looked
        try:
            status = os.fstat(source.descriptor)
            size = source.size if isinstance(source, PlainSource) else 0
        except OSError:
            self._retire(generation, Occurrence.FILE_GONE)
            return
        if size > generation.size:
            self._grown(generation, size)
        if self._registry.is_ready(generation):
            return
        wait = self._patience.moved_s if status.st_nlink else self._patience.deleted_s
        if self._clock.monotonic() - generation.quiet_since < wait:
            return
        if (generation.tail_bytes or _rest(source)) and not generation.is_ended:
            generation.is_ended = True
            self._registry.wake(generation)
        else:
            self._retire(generation, Occurrence.FILE_GONE)

    def _retire(self, generation: Generation, why: Occurrence) -> None:
        generation.missed_bytes = max(0, generation.size - generation.position.offset)
        self._registry.retire(generation, "gone" if why is Occurrence.FILE_GONE else "replaced")
        self._files.release(generation)
        self._telemetry.add(why)

    def _check_known(self, found: Found) -> bool:
        """Whether the file is a known one; finds out what happened to it since the last look."""
        generation = self._registry.find(found.device, found.inode)
        if generation is None:
            return False
        if generation.path != found.path:
            generation.path = found.path
            if generation.position.offset:
                self._registry.note(generation)
                self._telemetry.add(Occurrence.FILE_RENAMED)
        if generation.signature == found.signature:
            return True
        held = self._files.hold(generation)
        if held == "reused":
            self._retire(generation, Occurrence.FILE_GONE)
            return False
        if held != "open":
            if held == "unreadable":
                self._unreadable.add(found.path)
            return True
        if generation.quiet_since == inf:
            generation.quiet_since = quiet_since(found.signature, self._clock)
        try:
            size = self._size_if_same(generation, found.signature.size)
        except OSError:
            self._give_up_for_now(generation)
            return True
        if size is None:
            return False
        self._note_signature(generation, found.signature)
        if not generation.is_plain and generation.finished_bytes == size:
            self._files.release(generation)
        else:
            self._grown(generation, size)
        return True

    def _size_if_same(self, generation: Generation, size: int) -> int | None:
        """How long an open file is that has this size on disk; None: it is another one than it was, and
        judged like any file not seen before.
        """
        source, is_same = generation.source, generation.is_intact()
        if isinstance(source, PlainSource):
            size = source.size
            is_same = is_same and size >= generation.position.offset
            if is_same and _is_mistaken(generation):
                # Nothing of it is missed: all of it is judged anew.
                self._registry.retire(generation, "replaced")
                self._files.release(generation)
                return None
        if not is_same:
            self._retire(generation, Occurrence.FILE_REPLACED)
            return None
        return size

    def _note_signature(self, generation: Generation, found: Signature) -> None:
        generation.signature = settled(found, self._clock)
        # Looked at again because two changes may look like one: that alone is no end of the silence.
        if not generation.is_plain and generation.seen not in (None, found):
            generation.quiet_since = self._clock.monotonic()
        generation.seen = found

    def _grown(self, generation: Generation, size: int) -> None:
        if generation.is_plain and size != generation.size:
            generation.quiet_since = self._clock.monotonic()
            generation.size = size
        self._registry.wake(generation)

    def _give_up_for_now(self, generation: Generation) -> None:
        """Until the next scan, which looks at it again."""
        self._unreadable.add(generation.path)
        self._files.release(generation)
        self._look_again(generation)

    def _look_again(self, generation: Generation) -> None:
        generation.signature = None
        self.needs_scan = True
        self._registry.rest(generation)

    # --- bytes -----------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Look at the sizes of the open files only; whether one changed. Cheap between scans."""
        changed = False
        for generation, source in self._files.plain():
            try:
                size = source.size
            except OSError:
                self._give_up_for_now(generation)
                continue
            if size != generation.size:
                changed = True
                if size > generation.size:
                    self._grown(generation, size)
                elif not generation.is_vanished:
                    self._look_again(generation)
        return changed

    def read(self, most: Share) -> list[Chunk]:
        """Whole records that are not committed yet, at most about `most` of them.

        Files take turns, so that a busy one does not hold up the others; of the compressed ones
        one at a time is unpacked. At most one chunk per file: the next follows from where the
        commit of this one leaves it.
        """
        now = self._clock.monotonic()
        turns = self._take_turns(self._registry.ready(now))
        chunks: list[Chunk] = []
        bytes_left, records_left = most.bytes, most.records
        for generation in turns:
            if bytes_left <= 0 or records_left <= 0:
                break
            share_bytes = max(_MIN_SHARE, most.bytes // len(turns))
            self._registry.rest(generation)
            chunk = self._read_one(generation, Share(share_bytes, records_left), now)
            if chunk is not None:
                chunks.append(chunk)
                bytes_left -= len(chunk.data)
                records_left -= chunk.records
        return chunks

    def _take_turns(self, ready: list[Generation]) -> list[Generation]:
        packed = [generation for generation in ready if not generation.is_plain]
        if not packed:
            return ready
        if self._unpacking not in packed:
            self._unpacking = packed[0]
        return [generation for generation in ready if generation.is_plain or generation is self._unpacking]

    def _read_one(self, generation: Generation, share: Share, now: float) -> Chunk | None:
        if self._files.hold(generation) != "open":
            self._look_again(generation)
            return None
        source = generation.source
        assert source is not None  # noqa: S101 - it is held
        quiet_s = now - generation.quiet_since
        silence = Silence(
            is_quiet=quiet_s >= self._patience.tail_s,
            is_final=generation.is_ended or quiet_s >= self._patience.abandoned_s,
        )
        try:
            size = os.fstat(source.descriptor).st_size
            if not _is_as_committed(generation):
                self._look_again(generation)
                return None
            chunk = read_chunk(generation, share, self._limits, silence)
            if not _is_as_committed(generation) or (chunk is not None and not _still_stands(chunk)):
                self._telemetry.add(Occurrence.READ_RACED)
                self._look_again(generation)
                return None
        except OSError:
            self._give_up_for_now(generation)
            return None
        self._plan_next(generation, chunk, size, now)
        return chunk

    def _plan_next(self, generation: Generation, chunk: Chunk | None, size_on_disk: int, now: float) -> None:
        source = generation.source
        # Behind the last bytes of a compressed file there may be the reason why they are the last.
        has_more = not generation.is_plain or bool(_rest(source))
        if chunk is not None and (not chunk.is_at_end or (has_more and chunk.data)):
            self._registry.wake(generation)
            return
        if chunk is not None and not chunk.data:
            generation.finished_bytes = size_on_disk
            self._registry.note(generation)
        if isinstance(source, CompressedSource):
            is_complete = source.is_complete
            if is_complete or (chunk is not None and not chunk.data):
                if is_complete:
                    generation.finished_bytes = source.consumed
                self._registry.plan_retry(generation, None)
                self._registry.note(generation)
                self._files.release(generation)
                return
        due = None
        if generation.tail_bytes or generation.filler_bytes or has_more:
            waits = (self._patience.tail_s, self._patience.abandoned_s)
            due = next((at for wait in waits if (at := generation.quiet_since + wait) > now), None)
        self._registry.plan_retry(generation, due)


def _is_as_committed(generation: Generation) -> bool:
    """Whether what was committed of an open file still stands in it; only a scan may say more,
    for copies are judged after truncations.
    """
    source = generation.source
    if not isinstance(source, PlainSource):
        return True
    if _is_mistaken(generation):
        return False
    return source.size >= generation.position.offset and generation.is_intact()


def _is_mistaken(generation: Generation) -> bool:
    """Whether an open file of which nothing was taken turns out to be encoded in another way."""
    source = generation.source
    return isinstance(source, PlainSource) and not generation.position.offset and source.is_mistaken


def _rest(source: Source | None) -> bytes:
    return source.rest if isinstance(source, PlainSource) else b""


def _still_stands(chunk: Chunk) -> bool:
    """Whether the end of what was read is still there: it would not be after a truncation."""
    source, mark = chunk.generation.source, chunk.after.mark
    if not isinstance(source, PlainSource):
        return True
    return source.read(chunk.after.offset - len(mark), len(mark)) == mark
