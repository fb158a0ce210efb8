"""Every error a user can meet, one class per cause, and the exit codes of the command."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `stormwatch`; stable, for scripts."""

    OK = 0
    FINDINGS = 1
    """The question was answered and the answer is a finding (an alert, a failed check)."""
    USAGE = 2
    """Wrong arguments, configuration or query."""
    STORAGE = 3
    """The database cannot be opened, written or reached."""
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    """Who read the output closed it early, as `head` does."""


class StormwatchError(Exception):
    """Root of all errors with a message meant for the user: what, where, what to do."""

    exit_code = ExitCode.USAGE


class ConfigError(StormwatchError):
    """A setting is unknown or has a value that cannot be used."""


class QueryError(StormwatchError):
    """A query is unknown, malformed, refused, or failed."""


class NotPermitted(QueryError):
    """Who asks may look, but not do this."""


class QueryTimeout(QueryError):
    """A query ran longer than it may."""


class StorageError(StormwatchError):
    """The database cannot be opened, created, migrated or written."""

    exit_code = ExitCode.STORAGE


class DatabaseBusy(StorageError):
    """Another process owns the database file."""


class DatabaseMissing(StorageError):
    """There is no database at the given path."""


class SourceError(StormwatchError):
    """A log file or the watched directory cannot be read."""


class RouteError(StormwatchError):
    """A receiver of alerts cannot be reached, or did not take a notice."""

    def __init__(self, text: str, *, is_answered: bool = False) -> None:
        super().__init__(text)
        self.is_answered = is_answered
        """Whether there is a receiver, which refused."""
