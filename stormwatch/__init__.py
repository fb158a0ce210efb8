"""Stormwatch: what caused this event, what order really happened, who waits for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from stormwatch.client import Connection

__version__ = "0.1.0"


def connect(where: str | Path, *, token: str | None = None) -> Connection:
    """A database to be asked: `connect("stormwatch.duckdb").query("deadlocks")` is an Arrow table.

    `where` is the path of a database file or the URL of a running `stormwatch up`; while a process owns
    the file, that process is asked. A token is needed where `up` was given one. Close it when done.

    Raises:
        StorageError: there is no database, or it or its owner cannot be reached.
    """
    from stormwatch.client import connect as connect_to

    return connect_to(where, token=token)
