"""What those ask who tell a role by a few short values that many records have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ingest.matching import is_looked_into
from ingest.names import Path
from ingest.roles.samples import Sampled
from ingest.vocabulary import GENERIC


def roles_by_name(sampled: Sequence[Sampled]) -> dict[str, list[Path]]:
    """Which roles fields of these records have by their names, where names count."""
    fields = {path for kind in {record.fields for record in sampled} for path in kind}
    return GENERIC.roles(filter(is_looked_into, fields))


def counted(sampled: Sequence[Sampled], may_say: Callable[[Path], bool]) -> dict[Path, Counter[str]]:
    """How often each of the fields that may say it has which short text."""
    values: dict[Path, Counter[str]] = {}
    for record in sampled:
        for path, label in record.labels:
            if may_say(path):
                values.setdefault(path, Counter())[label] += 1
    return values
