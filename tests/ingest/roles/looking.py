"""What a look at records decides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ingest.roles.decisions import Decision
from ingest.roles.finder import RoleFinder
from stormwatch.storage import open_scratch

Records = Sequence[dict[str, Any]]


def decisions(records: Records) -> list[Decision]:
    """Of the fields of these records, in one file."""
    return _decisions({"a.log": records})


def decided(records: Records) -> dict[str, str]:
    """Role -> field, where names alone would say otherwise."""
    return {role: field for (_, role), field in decided_of({"a.log": records}).items()}


def decided_of(logs: Mapping[str, Records]) -> dict[tuple[str, str], str]:
    """File and role -> field, of several files."""
    told = (one for one in _decisions(logs) if one.is_override)
    return {(one.scope, one.role): ".".join(one.field) for one in told}


def _decisions(logs: Mapping[str, Records]) -> list[Decision]:
    with open_scratch() as connection:
        finder = RoleFinder(connection)
        for path, records in logs.items():
            finder.add(path, [json.dumps(record).encode() for record in records])
        finder.look()
        return finder.decisions()
