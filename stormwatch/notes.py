"""Notes that people add to a database that this process owns: the same over HTTP and without."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from stormwatch.alerts.ledger import wall_now, written
from stormwatch.errors import ConfigError
from stormwatch.export import plain_value
from stormwatch.instants import instant_of
from stormwatch.storage import Store

LONGEST: Final = {"text": 2000, "author": 100, "service": 200}
"""Characters at most; what is longer belongs into a document that the note points to."""
_FIELDS: Final = ("text", "at", "until", "author", "service")


class Notebook:
    """Adds notes and takes them back; the relations `notes` and `changes` read them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, body: Mapping[str, object]) -> dict[str, object]:
        """Store a note: `text`, `author`, and optionally `at` (else now), `until` and `service`.

        Returns it with its number.

        Raises:
            ConfigError: it is not understood, says nothing, or ends before it begins.
        """
        unknown = ", ".join(sorted(body.keys() - set(_FIELDS)))
        if unknown:
            raise ConfigError(f"not understood: {unknown}; a note has {', '.join(_FIELDS)}")
        now = wall_now()
        at, until = instant_of(body.get("at")) or now, instant_of(body.get("until"))
        if until is not None and until <= at:
            raise ConfigError(f"the note would end, at {until}, before it begins, at {at}")
        values: dict[str, datetime | str | None] = {
            "noted_at": at, "until_at": until, "service": _said(body, "service"),
            "author": _needed(body, "author"), "text": _needed(body, "text"), "created_at": now,
        }  # fmt: skip
        with written(self._store) as cursor:
            [(number,)] = cursor.execute(
                f"INSERT INTO annotations ({', '.join(values)}) VALUES (?, ?, ?, ?, ?, ?) RETURNING note_id",
                list(values.values()),
            ).fetchall()
        self._store.beside_version += 1
        return {"note_id": number, **{name: plain_value(value) for name, value in values.items()}}

    def remove(self, note_id: int) -> dict[str, object]:
        """Take a note back; returns its number.

        Raises:
            ConfigError: there is none of that number.
        """
        with written(self._store) as cursor:
            found = cursor.execute(
                "DELETE FROM annotations WHERE note_id = ? RETURNING note_id", [note_id]
            ).fetchall()
        if not found:
            raise ConfigError(f"there is no note {note_id}; `stormwatch query notes` lists them")
        self._store.beside_version += 1
        return {"note_id": note_id}


def _said(body: Mapping[str, object], name: str) -> str | None:
    """What was given, without space around it; None for nothing."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a text")
    if len(value) > LONGEST[name]:
        raise ConfigError(f"{name} has {len(value):,} characters; at most {LONGEST[name]:,}")
    return value.strip() or None


def _needed(body: Mapping[str, object], name: str) -> str:
    value = _said(body, name)
    if value is None:
        raise ConfigError(f"say {'what: the text' if name == 'text' else 'who: the author'} is missing")
    return value
