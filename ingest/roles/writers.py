"""Which fields say which service wrote a record and which of its processes, where none is called so.

Processes are called after their service: `billing`, and `billing-2` or `billing-7d9f8b6c5d-x2x4z` beside it
in nearly all records. There are few of them, however many records they write; business objects that are
called after their kind are many.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ingest.names import PAYLOADS, Path
from ingest.roles.decisions import Decision
from ingest.roles.labels import counted, roles_by_name
from ingest.roles.samples import Sampled
from ingest.vocabulary import GENERIC, normalise

_FEWEST: Final = 30
"""Records that have both, at least."""
_SHARE: Final = 0.9
"""Share of the records in which one is called after the other."""
_SERVICES: Final = 2
"""Of all logs, at least."""
_MOST: Final = 64
"""Processes of a log."""
_RECORDS: Final = 10
"""Records of each process on average, at least."""
_FIELDS: Final = 12
"""Of few values, at most: each pair is compared."""
_OF_OTHERS: Final = re.compile(
    r"(?:version|release|build|branch|month|week|date|day|hour|region|zone|area|country|city|geo|subnet"
    r"|network|browser|platform|device|model|family|product|variant|table|file|path|type)$|^(?:ip|os)$"
)
"""What is called so is after another as well: a version, a part of a country, of a product or of a table."""
_AFTER: Final = re.compile(r"[-_.:/#@](?=.*\d)[\w-]{1,32}")


@dataclass(frozen=True)
class _Pair:
    service: Path
    node: Path
    services: frozenset[str]
    nodes: int
    share: float


def find(records: Mapping[str, Sequence[Sampled]], decided: Sequence[Decision]) -> list[Decision]:
    """The service and the node in all logs whose names tell not both."""
    taken: dict[str, set[Path]] = {}
    for one in decided:
        taken.setdefault(one.scope, set()).add(one.field)
    named = {scope: roles_by_name(sampled) for scope, sampled in records.items()}
    pairs = {
        scope: list(_pairs(sampled, named[scope], taken.get(scope, set())))
        for scope, sampled in sorted(records.items())
        if not {"service", "node"} <= named[scope].keys()
    }
    services: dict[tuple[Path, Path], set[str]] = {}
    for pair in (pair for several in pairs.values() for pair in several):
        services.setdefault((pair.service, pair.node), set()).update(pair.services)
    found = []
    for scope, several in pairs.items():
        fitting = [one for one in several if len(services[one.service, one.node]) >= _SERVICES]
        if fitting:
            best = min(fitting, key=lambda one: (-one.share, len(one.node), one.service, one.node))
            told = {"services": len(best.services), "nodes": best.nodes}
            found += [
                Decision(scope, role, path, best.share, told, is_override=True)
                for role, path in (("service", best.service), ("node", best.node))
                if role not in named[scope]
            ]
    return found


def _pairs(sampled: Sequence[Sampled], named: Mapping[str, list[Path]], taken: set[Path]) -> Iterator[_Pair]:
    counts = counted(sampled, lambda path: path not in taken and _may_say(path))
    least = max(_FEWEST, _SHARE * len(sampled))
    few = {
        path: values
        for path, values in counts.items()
        if values.total() >= least and len(values) <= min(_MOST, values.total() / _RECORDS)
    }
    few = dict(sorted(few.items(), key=lambda item: (len(item[0]), item[0]))[:_FIELDS])
    labels = [{path: label for path, label in record.labels if path in few} for record in sampled]
    services, nodes = ([one for one in named.get(role, few) if one in few] for role in ("service", "node"))
    for service in services:
        for node in nodes:
            both = Counter((one.get(service, ""), one.get(node, "")) for one in labels)
            share = sum(n for (name, own), n in both.items() if _is_after(name, own)) / len(sampled)
            if service != node and share >= _SHARE:
                yield _Pair(service, node, frozenset(few[service]), len(few[node]), round(share, 3))


@lru_cache(maxsize=65_536)
def _is_after(name: str, own: str) -> bool:
    """Whether a process is called after a service."""
    return name[:1].isalpha() and own.startswith(name) and _AFTER.fullmatch(own, len(name)) is not None


@lru_cache(maxsize=4096)
def _may_say(path: Path) -> bool:
    is_free = GENERIC.roles([path]).keys() <= {"service", "node"}
    is_outside = all(normalise(key) not in PAYLOADS for key in path[:-1])
    return is_free and is_outside and not _OF_OTHERS.search(normalise(path[-1]))
