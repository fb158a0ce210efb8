"""Which field says what was done with a message, where none is called so: all that it holds are words for it.

What is sent somewhere is received somewhere: both are said in this field, in one log or in several. A state
of business objects has such words as well (`delivered`), and is called one; so has what goes in and out
(parcels, cars, money), of which nothing tells that it is a message.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from ingest.matching import is_looked_into
from ingest.names import CAUSES, PAYLOADS, Path
from ingest.roles.decisions import Decision
from ingest.roles.labels import counted, roles_by_name
from ingest.roles.samples import Sampled
from ingest.vocabulary import GENERIC, normalise, operation_words

_FEWEST: Final = 20
"""Records that have it, at least."""
_SHARE: Final = 0.9
"""Share of the records that have it."""
_BOTH: Final = frozenset({"send", "receive"})
_OF_MESSAGES: Final = frozenset({"stream", "sequence", "broker_sequence", "correlation_id", *CAUSES})
"""Roles that records of messages have, of which one is there unless the id is called that of an event."""
_OF_OBJECTS: Final = re.compile(r"stat(e|us)|result|outcome|phase|stage")
"""What is called so is of what an event is about."""


def find(records: Mapping[str, Sequence[Sampled]], decided: Sequence[Decision]) -> list[Decision]:
    """The operation in all logs of events in which no record says one by a name."""
    told = {one.scope for one in decided if one.role == "event_id"}
    fitting = {
        scope: _fitting(sampled, is_of_events=scope in told) for scope, sampled in sorted(records.items())
    }
    said: dict[Path, set[str]] = {}
    for several in fitting.values():
        for path, words in several.items():
            said.setdefault(path, set()).update(map(_operation, words))
    found = []
    for scope, several in fitting.items():
        both = [path for path in several if said[path] >= _BOTH]
        if both:
            path = min(both, key=lambda one: (len(one), one))
            count = several[path].total()
            share = round(count / len(records[scope]), 3)
            evidence = {"records": count, "words": sorted(several[path])}
            found.append(Decision(scope, "operation", path, share, evidence, is_override=True))
    return found


def _fitting(sampled: Sequence[Sampled], *, is_of_events: bool) -> dict[Path, Counter[str]]:
    """The fields that hold nothing else; none where one is called so."""
    named = roles_by_name(sampled)
    ids = named.get("event_id", [])
    is_of_messages = not _OF_MESSAGES.isdisjoint(named) or any(normalise(path[-1]) != "id" for path in ids)
    if "operation" in named or not (is_of_events or (ids and is_of_messages)):
        return {}
    least = max(_FEWEST, _SHARE * len(sampled))
    return {
        path: words
        for path, words in counted(sampled, _may_say).items()
        if words.total() >= least and all(map(_operation, words))
    }


def _may_say(path: Path) -> bool:
    is_free = GENERIC.roles([path]).keys() <= {"operation_hint", "event_type"}
    is_outside = normalise(path[0]) not in PAYLOADS and is_looked_into(path)
    return is_outside and is_free and not _OF_OBJECTS.search(normalise(path[-1]))


def _operation(word: str) -> str:
    operation, is_lock = operation_words().get(word.lower(), ("", False))
    return "" if is_lock else operation
