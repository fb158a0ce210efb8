"""Whether logs write one UUID in several ways; if so, it is looked for in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ingest.names import ONE_SPELLING, Path
from ingest.roles.decisions import NO_FIELD, Decision
from ingest.roles.samples import Sampled
from ingest.spellings import as_one

_NOBODY: Final = {as_one("0" * 32), as_one("f" * 32)}
"""They name nothing."""

Records = Mapping[str, Sequence[Sampled]]
"""Scope -> its records."""


def find(records: Records) -> list[Decision]:
    """The scopes with UUIDs that are not as RFC 9562 writes them, if any is written in several ways."""
    written: dict[str, str] = {}
    several: set[str] = set()
    odd: set[str] = set()
    for scope, sampled in records.items():
        for text, uuid in _uuids(sampled):
            if text != uuid:
                odd.add(scope)
            if written.setdefault(uuid, text) != text:
                several.add(uuid)
    if not several:
        return []
    told = {"in several ways": len(several)}
    return [Decision(scope, ONE_SPELLING, NO_FIELD, 1.0, told, is_override=True) for scope in sorted(odd)]


def alike(records: Records) -> dict[str, list[Sampled]]:
    """The records with every UUID in one spelling."""
    return {scope: [_alike(record) for record in sampled] for scope, sampled in records.items()}


def _uuids(sampled: Iterable[Sampled]) -> Iterable[tuple[str, str]]:
    for record in sampled:
        for _, text in record.ids:
            uuid = as_one(text)
            if uuid is not None and uuid not in _NOBODY:
                yield text, uuid


def _alike(record: Sampled) -> Sampled:
    ids: list[tuple[Path, str]] = [(path, as_one(text) or text) for path, text in record.ids]
    lists = [(path, [as_one(text) or text for text in listed]) for path, listed in record.lists]
    return replace(record, ids=ids, lists=lists)
