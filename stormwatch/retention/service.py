"""Retention in the process that owns a database: prunes by itself, and when it is asked to."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import duckdb

from stormwatch.alerts.ledger import wall_now
from stormwatch.errors import ConfigError, StorageError
from stormwatch.export import plain_value
from stormwatch.instants import instant_of
from stormwatch.retention.ages import age_of, age_text
from stormwatch.retention.pruner import ROWS, Pruner, Size
from stormwatch.storage import Store

_EVERY_S: Final = 60.0
_REST: Final = 4.0
"""What nobody waits for rests so many times as long as it works."""
_FIELDS: Final = ("before", "older_than", "dry_run")


@dataclass(frozen=True)
class RetentionStatus:
    """What is kept, and how pruning does."""

    age: timedelta | None
    """So far back from the newest event; None: everything is kept."""
    applied_at: datetime | None = None
    """When it was last looked at whether something is older, UTC."""
    kept_since: datetime | None = None
    """Nothing older was left then, UTC."""
    problem: str | None = None
    """Why it could not be applied; None when it could."""

    def plain(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "age": None if self.age is None else age_text(self.age),
            "applied_at": plain_value(self.applied_at),
            "kept_since": plain_value(self.kept_since),
            "problem": self.problem,
        }


class Retention:
    """Keeps of a database what is not older than `age`; with None it prunes only when asked."""

    def __init__(self, store: Store, age: timedelta | None = None, rows: int = ROWS):
        self._store = store
        self._pruner = Pruner(store, rows)
        self._status = RetentionStatus(age)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def status(self) -> RetentionStatus:
        """May be asked from any thread."""
        return self._status

    def size(self) -> Size:
        """How large the database is."""
        return self._pruner.size()

    def start(self) -> None:
        """Apply it, now and every minute, until `stop`."""
        if self._status.age is not None:
            self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Finish the slice at hand; the rest goes after the next start."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def apply(self, rest: float = _REST) -> None:
        """Delete what is older by now, if anything is to be; what fails is told by `status`.

        It rests `rest` times as long as it works.
        """
        age = self._status.age
        if age is None:
            return
        try:
            cut = self._pruner.cut_of(age)
            if cut is not None:
                self._pruner.prune(cut, "retention", rest, self._stopped)
        except duckdb.Error as error:
            self._status = RetentionStatus(
                age, self._status.applied_at, self._status.kept_since, str(error).splitlines()[0]
            )
            return
        if not self._stopped.is_set():
            self._status = RetentionStatus(age, wall_now(), cut)

    def prune(self, body: Mapping[str, object]) -> dict[str, object]:
        """Delete what somebody asks to be deleted: `before` an instant, or `older_than` an age.

        Says what went of each table, how large the database was and is, and how long it took; with
        `dry_run` what would go, and nothing goes.

        Raises:
            ConfigError: it is not understood, or lies in the future.
            StorageError: the database cannot be written; what was deleted before that stays so.
        """
        unknown = ", ".join(sorted(body.keys() - set(_FIELDS)))
        if unknown:
            raise ConfigError(f"not understood: {unknown}; pruning takes {', '.join(_FIELDS)}")
        is_dry = body.get("dry_run", False)
        if not isinstance(is_dry, bool):
            raise ConfigError("dry_run must be true or false")
        before, size = self._before(body), self._pruner.size()
        if before is None:
            raise ConfigError("there are no events, whose age older_than could be")
        try:
            if is_dry:
                done = self._pruner.count(before)
            else:
                done = self._pruner.prune(before, "asked for", stopped=self._stopped)
                self._pruner.checkpoint()
        except duckdb.Error as error:
            raise StorageError(f"pruning stopped: {str(error).splitlines()[0]}") from error
        after = self._pruner.size()
        return {
            "before": plain_value(done.before),
            "dry_run": is_dry,
            "rows": dict(done.rows),
            "seconds": done.seconds,
            "longest_s": done.longest_s,
            "file_bytes": {"before": size.file_bytes, "after": after.file_bytes},
            "free_bytes": {"before": size.free_bytes, "after": after.free_bytes},
        }

    def _before(self, body: Mapping[str, object]) -> datetime | None:
        before, age = instant_of(body.get("before")), body.get("older_than")
        if (before is None) == (age is None):
            raise ConfigError("say either before which instant, or older than what: an age such as 30d")
        if before is None:
            return self._pruner.cut_of(age_of(age, "older than"))
        if before > wall_now():
            raise ConfigError(f"{before}: lies in the future; everything would be deleted")
        return before

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.apply()
            self._stopped.wait(_EVERY_S)
