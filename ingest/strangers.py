"""Files that are not read yet: each is new, goes on where another stopped, is a copy, or waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.clock import Clock
from ingest.comparison import Comparison, Verdict, start_of
from ingest.decompress import CompressedSource
from ingest.discovery import Found, Signature, quiet_since, settled
from ingest.generations import Generation, Registry
from ingest.identity import FileKey, file_key
from ingest.source import PlainSource, Source, open_source
from ingest.telemetry import Occurrence, Telemetry

_UNPACKED: Final = 16
"""So many strangers stay open while they are being unpacked."""


@dataclass
class Stranger:
    """A file that is not read under its own name, for now or for good."""

    key: FileKey
    size: int
    signature: Signature | None
    """When it was judged; None: it may have changed since."""
    verdict: Verdict
    source: Source | None
    """Kept open while it is being unpacked."""

    def __post_init__(self) -> None:
        original = self.verdict.original
        self._judged_by = original.state if original is not None else None

    def is_settled(self, signature: Signature) -> bool:
        """Whether there is no reason to look again: nothing happened to it or its original."""
        original = self.verdict.original
        if self.verdict.action != "copy" or original is None or self.signature != signature:
            return False
        # Of an original that is gone only what was read counts, not what it held.
        return original.state == self._judged_by and not original.is_vanished

    def close(self) -> None:
        """Give the descriptor back."""
        if self.source is not None:
            self.source.close()
            self.source = None


class Strangers:
    """All files that are there and belong to no generation."""

    def __init__(
        self,
        root: Path,
        registry: Registry,
        telemetry: Telemetry,
        clock: Clock,
        hold: Callable[[Generation], bool],
    ):
        """`hold` opens a generation; False when it cannot be opened."""
        self._root = root
        self._registry = registry
        self._telemetry = telemetry
        self._clock = clock
        self._comparison = Comparison(registry, hold)
        self._all: dict[tuple[int, int], Stranger] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether one of them can be judged soon, but not now."""
        return any(stranger.verdict.is_hopeful for stranger in self._all.values())

    def meet(self, found: list[Found], unreadable: set[str]) -> list[Generation]:
        """Judge those that are there now; returns those that became generations, open.

        Paths of files that cannot be read are added to `unreadable`.
        """
        self._comparison.start_scan()
        there = {(one.device, one.inode) for one in found}
        for inode in [inode for inode in self._all if inode not in there]:
            self._all.pop(inode).close()
        met = []
        # Oldest first, as they were written.
        for one in sorted(found, key=lambda one: one.signature.mtime_ns):
            try:
                generation = self._meet(one)
            except FileNotFoundError:
                continue  # gone since it was listed
            except OSError:
                unreadable.add(one.path)
                continue
            if generation is not None:
                met.append(generation)
        return met

    def close(self) -> None:
        """Give all descriptors back."""
        for stranger in self._all.values():
            stranger.close()

    def _meet(self, found: Found) -> Generation | None:
        inode = (found.device, found.inode)
        before = self._all.pop(inode, None)
        if before is not None and before.is_settled(found.signature):
            self._all[inode] = before
            return None
        if before is not None and found.signature.size < before.size:
            before.close()
            before = None
        if not found.signature.size:
            return None
        source = before.source if before is not None else None
        source = source or open_source(self._root / found.path)
        if source is None:
            return None
        try:
            return self._judge(found, source, before)
        except OSError:
            source.close()
            raise

    def _judge(self, found: Found, source: Source, before: Stranger | None) -> Generation | None:
        key = file_key(source.descriptor)
        if (key.device, key.inode) != (found.device, found.inode):
            source.close()  # replaced since it was listed; the next scan sees what is there now
            return None
        if before is not None and before.key != key:
            before = None
        verdict = self._comparison.judge(source, key, before.verdict if before else None)
        if verdict.action in ("read", "continue"):
            return self._take_in(found, source, key, verdict)
        was = (before.verdict.action, before.verdict.original) if before else None
        if was != (verdict.action, verdict.original):
            is_copy = verdict.action == "copy"
            self._telemetry.add(Occurrence.COPY_SKIPPED if is_copy else Occurrence.COPY_AWAITED)
        is_unpacking = isinstance(source, CompressedSource) and not source.is_complete
        kept = source if is_unpacking and self._count_open() < _UNPACKED else None
        if kept is None:
            source.close()
        self._all[found.device, found.inode] = Stranger(
            key, found.signature.size, settled(found.signature, self._clock), verdict, kept
        )
        return None

    def _count_open(self) -> int:
        return sum(stranger.source is not None for stranger in self._all.values())

    def _take_in(self, found: Found, source: Source, key: FileKey, verdict: Verdict) -> Generation:
        """Make it a generation: a new one, or one that goes on where another stopped."""
        generation = self._registry.create(found.path, key, source.compression)
        generation.source = source
        generation.signature = settled(found.signature, self._clock)
        generation.quiet_since = quiet_since(found.signature, self._clock)
        if isinstance(source, PlainSource):
            generation.size = source.size
        original = verdict.original
        if verdict.action == "continue" and original is not None:
            generation.start = original.position.inherited(source, verdict.offset)
            generation.position = generation.start
            if original.state != "live":
                held = generation.size if generation.is_plain else original.size
                original.missed_bytes = max(0, original.size - max(held, verdict.offset))
                self._registry.note(original)
            self._registry.note(generation)
        else:
            generation.probe = start_of(source)
        is_new = verdict.action == "read"
        self._telemetry.add(Occurrence.FILE_FOUND if is_new else Occurrence.COPY_ADOPTED)
        self._registry.index(generation)
        self._registry.wake(generation)
        return generation
