"""The ingester: one thread that finds files, reads them, and commits batch after batch."""

from __future__ import annotations

import errno
import shutil
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ingest.clock import SYSTEM_CLOCK, Clock
from ingest.discovery import Filter
from ingest.generations import Registry, utc_now
from ingest.isolation import SURROUNDINGS, commit_apart
from ingest.mapping import NO_MAPPING, FieldMapping, is_nowhere
from ingest.offload import SECOND
from ingest.reader import Limits, Share
from ingest.rereading import Rereading
from ingest.tailer import Patience, Tailer
from ingest.telemetry import Occurrence, Telemetry
from ingest.watch import Wake, Watch, WatchMode
from ingest.writer import Committed, Writer
from stormwatch.errors import SourceError, StorageError
from stormwatch.redaction import Redaction
from stormwatch.status import IngestState, IngestStatus
from stormwatch.storage import Store

_RATE_WINDOW_S: Final = 5.0
_RESERVE_BYTES: Final = 256 << 20
_RESERVE_SHARE: Final = 20
"""The disk of the database is never filled to the brim: those who write the logs need it too."""
_SMALL_BYTES: Final = 4 << 20
_REST_S: Final = 0.2
_SCAN: Final = 50
"""A scan is repeated no sooner than after so many times the time it took."""
_HURRIED_SCAN: Final = 4
"""The same when something happened that needs one."""
_TURNS_PER_REREAD: Final = 4
"""While there is something new to read, so seldom what is stored is parsed again."""
_RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses between attempts to write after a failure; the last one repeats."""


@dataclass(frozen=True)
class Settings:
    """What to read and how."""

    directory: Path
    accepted: Filter = field(default_factory=Filter)
    mapping: FieldMapping = NO_MAPPING
    redaction: Redaction = field(default_factory=Redaction)
    limits: Limits = field(default_factory=Limits)
    patience: Patience = field(default_factory=Patience)
    watch: WatchMode = "auto"
    batch: Share = Share(bytes=96 << 20, records=2 * 122_880)
    """So much is in memory and in one transaction at a time. DuckDB compresses rows in groups of
    122,880, a thread each; full groups are written once, smaller ones through its log as well."""
    scan_interval_s: float = 1.0
    """Longest time a new, rotated or deleted file goes unnoticed when no wake-up comes."""
    refresh_interval_s: float = 0.1
    """Longest time a growing file goes unread when no wake-up comes."""


class Ingester:
    """Reads the log files of a directory into a store, each byte exactly once.

    Raises on construction:
        SourceError: the directory is not there, or holds the database.
    """

    def __init__(self, store: Store, settings: Settings, clock: Clock = SYSTEM_CLOCK):
        check_directory(settings.directory, store.path)
        self._settings = settings
        self._telemetry = Telemetry()
        self._registry = Registry()
        self._clock = clock
        self._database = store.path
        self._writer = Writer(store, self._registry, settings.mapping, settings.redaction, self._telemetry)
        self._tailer = Tailer(
            settings.directory,
            settings.accepted,
            self._registry,
            self._telemetry,
            settings.limits,
            settings.patience,
            clock,
        )
        self._rereading = Rereading(settings.directory, store, self._writer, settings.limits)
        self._wake = Wake()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._recent: deque[tuple[float, int]] = deque()
        self._status = IngestStatus(directory=str(settings.directory))
        self._scanned_at = float("-inf")
        self._scan_s = 0.0
        self._failures = 0
        self._turns = 0
        self._last_bytes = 0
        self._is_broken = False

    def status(self) -> IngestStatus:
        """State and counts at this instant; may be asked from any thread."""
        backlog = self._tailer.backlog()
        return replace(
            self._status,
            backlog_bytes=sum(count for _, count in backlog),
            backlog_files=len(backlog),
            events_per_s=self._rate(),
            occurrences=self._telemetry.counts(),
        )

    # --- ways to run -----------------------------------------------------------------------

    def unmet(self) -> list[str]:
        """What the user said of fields that no record had, of the files that were read."""
        return [is_nowhere(role, path) for role, path in sorted(self._writer.unmet())]

    def drain(self) -> IngestStatus:
        """Read and commit everything that is there now, then return.

        A last line without a line end is waited for a little, and so is a file that cannot be
        judged yet. `stop` ends it early.

        Raises:
            SourceError: the directory cannot be listed.
            StorageError: the database cannot be written.
        """
        while not self._stop.is_set():
            self.catch_up()
            if self._tailer.is_settled():
                if not self._reread():
                    self._note_waiting()
                    break
                continue
            self._clock.wait(self._stop, self._settings.refresh_interval_s)
        self._say("stopped")
        return self.status()

    def _note_waiting(self) -> None:
        """Have the table `files` say what waits for its line end, though nothing of it is committed.

        Raises:
            StorageError: the database cannot be written.
        """
        for generation, _ in self._tailer.backlog():
            self._registry.note(generation)
        self._step()
        if self._failures:
            raise StorageError(self._status.detail)

    def catch_up(self) -> None:
        """Look at every file once, read and commit what is there, and wait for nothing.

        Raises:
            SourceError: the directory cannot be listed.
            StorageError: the database cannot be written.
        """
        if self._is_broken:
            self._recover()
        if self._is_broken:
            raise StorageError(self._status.detail)
        self._scan()
        while not self._stop.is_set() and self._step():
            pass
        if self._failures:
            raise StorageError(self._status.detail)

    def reread(self) -> None:
        """Parse again all that is asked for, and nothing new.

        Raises:
            StorageError: the database cannot be written; it goes on there the next time.
        """
        while not self._stop.is_set() and self._reread():
            pass
        if self._failures:
            raise StorageError(self._status.detail)

    def start(self) -> None:
        """Follow the directory in a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._follow, name="ingest", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Finish the batch at hand and stop."""
        self._stop.set()
        self._wake.nudge()
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None

    def follow(self) -> None:
        """Follow the directory in this thread until `stop` is called from elsewhere."""
        self._follow()

    def close(self) -> None:
        """Stop, and give back files and database."""
        self.stop()
        self._tailer.close()
        self._writer.close()

    # --- the loop --------------------------------------------------------------------------

    def _follow(self) -> None:
        watch = Watch(self._settings.directory, self._wake, self._settings.watch, self._telemetry)
        try:
            while not self._stop.is_set():
                self._turn(watch)
        except Exception as error:
            self._say("failed", f"reading stopped: {error}; what is stored is whole, start again to go on")
            raise
        finally:
            watch.close()
            if self._status.state != "failed":
                self._say("stopped")

    def _turn(self, watch: Watch) -> None:
        if self._failures:
            self._clock.wait(self._stop, _RETRY_S[min(self._failures, len(_RETRY_S)) - 1])
            if self._is_broken:
                self._recover()
            if self._is_broken:
                return
        if self._is_scan_due():
            try:
                self._scan()
            except SourceError as error:
                self._say("paused", str(error))
                self._clock.wait(self._stop, self._settings.scan_interval_s)
                return
            watch.renew()
            self._status = replace(self._status, watch_mode=watch.mode)
        else:
            self._tailer.refresh()
        started = self._clock.monotonic()
        self._turns += 1
        is_new = self._step()
        if (not is_new or self._turns % _TURNS_PER_REREAD == 0) and not self._failures:
            is_new = self._reread() or is_new
        if is_new:
            self._rest(self._clock.monotonic() - started)
            return
        if self._failures:
            return
        self._say("idle")
        SECOND.rest()
        self._wake.wait(self._settings.refresh_interval_s)

    def _rest(self, worked_s: float) -> None:
        """After a small batch rest as long as it took: many tiny ones would keep a core busy."""
        if self._last_bytes < _SMALL_BYTES:
            self._clock.wait(self._stop, min(worked_s, _REST_S))

    def _is_scan_due(self) -> bool:
        """Scans are the truth, so they are as frequent as they are cheap."""
        passed = self._clock.monotonic() - self._scanned_at
        if self._wake.take_names() or self._tailer.needs_scan:
            self._tailer.needs_scan = True
            return passed >= self._scan_s * _HURRIED_SCAN
        gap = max(self._scan_s * _SCAN, self._settings.refresh_interval_s)
        return passed >= min(gap, self._settings.scan_interval_s)

    def _scan(self) -> None:
        started = self._clock.monotonic()
        try:
            count = self._tailer.scan()
        except OSError as error:
            raise SourceError(
                f"{self._settings.directory}: cannot be listed: {error.strerror}; "
                "what is stored stays, reading goes on when it is there again"
            ) from error
        self._scanned_at = self._clock.monotonic()
        self._scan_s = self._scanned_at - started
        self._status = replace(self._status, files=count)

    def _step(self) -> bool:
        """Read and commit one batch; whether there was something to commit."""
        started = time.monotonic()
        chunks = self._tailer.read(self._settings.batch)
        if not chunks and not self._registry.unsaved():
            self._failures = 0
            return False
        if not self._failures:
            self._say("reading")
        try:
            self._check_space()
            committed = commit_apart(self._writer, chunks, started)
        except SURROUNDINGS as error:
            self._failed(error)
            return False
        self._failures = 0
        self._count(committed)
        return bool(chunks)

    def _reread(self) -> bool:
        """Parse a part of what is stored again, if that is asked for; whether it was."""
        try:
            self._writer.rest()
            self._check_space()
            return self._rereading.step(self._settings.batch) is not None
        except SURROUNDINGS as error:
            self._failed(error)
            return False

    def _check_space(self) -> None:
        disk = shutil.disk_usage(self._database.parent)
        reserve = min(_RESERVE_BYTES, disk.total // _RESERVE_SHARE)
        if disk.free < reserve:
            raise OSError(
                errno.ENOSPC,
                f"No space left on its disk but the {reserve >> 20} MiB that stay free for others",
            )

    def _failed(self, error: Exception) -> None:
        """Nothing of the batch was stored; it is read again when the database can be written."""
        self._failures += 1
        self._telemetry.add(Occurrence.COMMIT_FAILED)
        text = (isinstance(error, OSError) and error.strerror) or str(error).splitlines()[0]
        full = "No space left" in text or "disk" in text.lower()
        remedy = "free space on its disk" if full else "see the message"
        self._say(
            "paused",
            f"the database cannot be written: {text}; {remedy}. Nothing is lost: reading goes on "
            "where it stopped as soon as writing works again",
        )
        self._recover()

    def _recover(self) -> None:
        try:
            self._writer.recover()
        except SURROUNDINGS:
            self._failures += 1
            self._is_broken = True
        else:
            self._is_broken = False

    # --- what it says of itself ------------------------------------------------------------

    def _say(self, state: IngestState, detail: str = "") -> None:
        if (self._status.state, self._status.detail) != (state, detail):
            self._status = replace(self._status, state=state, detail=detail)

    def _count(self, committed: Committed) -> None:
        status = self._status
        self._status = replace(
            status,
            events=status.events + committed.events,
            rejects=status.rejects + committed.rejects,
            batches=status.batches + 1,
            bytes=status.bytes + committed.bytes,
            last_commit_at=utc_now(),
        )
        now = time.monotonic()
        self._last_bytes = committed.bytes
        self._recent.append((now, committed.events))
        while self._recent[0][0] < now - _RATE_WINDOW_S:
            self._recent.popleft()

    def _rate(self) -> float:
        after = time.monotonic() - _RATE_WINDOW_S
        return sum(count for at, count in list(self._recent) if at >= after) / _RATE_WINDOW_S


def check_directory(directory: Path, database: Path) -> None:
    """Refuse what cannot be watched, before a database is made for it.

    Raises:
        SourceError: the directory is not there, or holds the database.
    """
    if not directory.is_dir():
        raise SourceError(f"{directory}: no such directory; give the directory the log files are in")
    if database.resolve().is_relative_to(directory.resolve()):
        raise SourceError(
            f"{database}: lies in the watched directory {directory}; put the database elsewhere with --db"
        )
