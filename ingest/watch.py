"""Wakes the ingester when something happens in the directory; a hint, never the truth.

The kernel drops notifications when its queue is full, and some file systems send none, so the
ingester looks by the clock as well and loses nothing when no wake-up comes.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from ingest.telemetry import Occurrence, Telemetry

WatchMode = Literal["auto", "poll"]

# Names that come and go. Growth is seen by looking at sizes ten times a second, which costs less
# than being told of each write.
_OF_INTEREST: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileMovedEvent, FileDeletedEvent, DirCreatedEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip


class Wake(FileSystemEventHandler):
    """Remembers that a name came or went."""

    def __init__(self) -> None:
        self._waits = threading.Event()
        self._names = threading.Event()

    def on_any_event(self, _event: FileSystemEvent) -> None:
        # Nothing else happens here: a slow handler makes the queue grow without bound.
        self._names.set()
        self._waits.set()

    def wait(self, timeout_s: float) -> None:
        """Sleep until a name comes or goes, at most `timeout_s`."""
        self._waits.wait(timeout_s)
        self._waits.clear()

    def take_names(self) -> bool:
        """Whether a name came or went since the last call."""
        changed = self._names.is_set()
        self._names.clear()
        return changed

    def nudge(self) -> None:
        """End the wait."""
        self._waits.set()


class Watch:
    """Has a `Wake` told of what happens below a directory, as far as the system can."""

    def __init__(self, root: Path, wake: Wake, mode: WatchMode, telemetry: Telemetry):
        self._root = root
        self._wake = wake
        self._is_wanted = mode == "auto"
        self._telemetry = telemetry
        self._observer: BaseObserver | None = None
        self._watched: tuple[int, int] | None = None
        self.renew()

    @property
    def mode(self) -> str:
        """inotify, or poll where only the clock wakes."""
        return "poll" if self._observer is None else "inotify"

    def renew(self) -> None:
        """Watch what is at the path now, if that is another directory than before."""
        if not self._is_wanted:
            return
        try:
            status = self._root.stat()
            there = (status.st_dev, status.st_ino)
            if there == self._watched:
                return
            self.close()
            self._watched = there
            observer = Observer()
            observer.schedule(self._wake, str(self._root), recursive=True, event_filter=_OF_INTEREST)
            observer.start()
        except OSError:
            # Gone at the moment, or no watches left (fs.inotify.max_user_watches, max_user_instances).
            self._telemetry.add(Occurrence.WATCH_FAILED)
            return
        self._observer = observer

    def close(self) -> None:
        """Stop watching."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()
