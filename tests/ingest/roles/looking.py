"""What a look at records decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ingest.roles.decisions import Decision
from ingest.roles.finder import RoleFinder
from stormwatch.storage import open_scratch


def decisions(records: Sequence[dict[str, Any]]) -> list[Decision]:
    """Of the fields of these records, in one file."""
    with open_scratch() as connection:
        finder = RoleFinder(connection)
        finder.add("a.log", [json.dumps(record).encode() for record in records])
        finder.look()
        return finder.decisions()


def decided(records: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Role -> field, where names alone would say otherwise."""
    return {one.role: ".".join(one.field) for one in decisions(records) if one.is_override}
