"""The closed list of things that can happen to log files, counted."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum


class Occurrence(StrEnum):
    """What happened; counted in `IngestStatus.occurrences` and /metrics."""

    FILE_FOUND = "file_found"
    FILE_RENAMED = "file_renamed"
    FILE_REPLACED = "file_replaced"
    """Truncated, or rewritten in place: reading starts over as a new generation."""
    FILE_GONE = "file_gone"
    FILE_UNREADABLE = "file_unreadable"
    """A file or directory that may not be, or cannot be, read at the moment."""
    COPY_SKIPPED = "copy_skipped"
    """A file with the content of one that is read under its own name."""
    COPY_ADOPTED = "copy_adopted"
    """A copy of a file that is gone or replaced: only what was not read yet is read."""
    COPY_AWAITED = "copy_awaited"
    """A file that so far repeats one already read and may still grow."""
    SYMLINK_SKIPPED = "symlink_skipped"
    READ_RACED = "read_raced"
    """A file changed while it was read; what was read is thrown away and read again."""
    COMMIT_FAILED = "commit_failed"
    WATCH_FAILED = "watch_failed"
    SECRET_MASKED = "secret_masked"  # noqa: S105 - the name of an occurrence
    """A record that held something like a password or a token, which is not stored."""


class Telemetry:
    """Counts of occurrences since the start."""

    def __init__(self) -> None:
        self._counts: Counter[Occurrence] = Counter()
        self._observed: dict[Occurrence, set[str]] = {}

    def add(self, occurrence: Occurrence, count: int = 1) -> None:
        self._counts[occurrence] += count

    def observe(self, occurrence: Occurrence, names: set[str]) -> None:
        """It is so at the moment with these; counted when it was not so the last time."""
        self.add(occurrence, len(names - self._observed.get(occurrence, set())))
        self._observed[occurrence] = set(names)

    def counts(self) -> dict[str, int]:
        """Occurrence -> how often; may be asked from any thread."""
        return {occurrence.value: count for occurrence, count in dict(self._counts).items() if count}
