"""Has the owner of a database do something, or owns it for a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stormwatch.address import Database
from stormwatch.client import Remote, ask_owner
from stormwatch.errors import DatabaseMissing
from stormwatch.storage import Store


def at_owner(
    database: Database,
    command: str,
    there: Callable[[Remote], Mapping[str, Any]],
    here: Callable[[Store], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """What comes of it over HTTP, where a process owns the database; else of owning it as `command`.

    Raises:
        DatabaseMissing: there is no such database.
        StorageError: it cannot be opened, or its owner does not answer.
    """
    owner = ask_owner(database)
    if owner is not None:
        return there(owner)
    if not database.path.exists():
        raise DatabaseMissing(f"{database.path}: no such database")
    with Store(database.path, command=command) as store:
        return here(store)
