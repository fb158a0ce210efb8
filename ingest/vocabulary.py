"""Gives the fields of a record their roles, by their names (names.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import product
from typing import Final, NamedTuple

import pyarrow as pa

from ingest.languages import translations
from ingest.names import (
    CAUSES,
    CONTAINERS,
    EVENT_OBJECTS,
    NAMES,
    NO_ID_BESIDE,
    PAYLOADS,
    STRONG,
    SYSTEMS,
    WRAPPERS,
    Path,
)
from ingest.words import LOCK_NOUNS, LOCK_WORDS, MESSAGE_NOUNS, OPERATION_PHRASES, OPERATION_WORDS

_SEPARATORS: Final = re.compile(r"[_\-.\s@$:/]+")
_OF_EVENTS: Final = r"(?!(?i:ce[_\-.]subject)$)"
"""The subject of a CloudEvent is what it is about, that of a message the way it goes."""
_SYSTEM: Final = re.compile(rf"{_OF_EVENTS}(?i:{'|'.join(SYSTEMS)})[_\-.]|JMSX?(?=[A-Z][a-z])")
_OUTSIDE, _EVENT, _PAYLOAD = range(3)
_UNKNOWN: Final = 10_000
_FOR_STORES: Final = "@metadata"


def _bare(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()


_KNOWN: Final = CONTAINERS.union(_bare(name) for listed in NAMES.values() for name in listed)


@lru_cache(maxsize=65_536)
def normalise(name: str) -> str:
    """A name without case and separators; in English, where only that is a name which is known."""
    bare = _bare(name)
    if bare in _KNOWN:
        return bare
    return next((english for other in translations(name) if (english := _bare(other)) in _KNOWN), bare)


_STRONG: Final = frozenset(normalise(name) for name in STRONG)
_BESIDE: Final = frozenset(normalise(name) for pair in NO_ID_BESIDE.items() for name in pair)
CLEAR_IDS: Final = _STRONG.intersection(
    normalise(name) for role in ("event_id", "correlation_id", *CAUSES) for name in NAMES[role]
)
"""Ids of events, causes and flows by any object that has them; an `id` may be that of anything."""
EVENT_NAMES: Final = frozenset(map(normalise, (*NAMES["event_id"], *NAMES["occurred_at"])))
"""What an event is called by, or when it was."""


def _steps(path: Path) -> Path:
    """The path with the dots of keys taken for objects: `event.causation_id` at the top."""
    if not any("." in key for key in path):
        return path
    return tuple(step for key in path for step in (key.split(".") if key.strip(".") else (key,)) if step)


class Spelling(NamedTuple):
    """A name that a field can be called by."""

    distance: int
    """How far it stands from the top of what the record says of itself."""
    name: str


@lru_cache(maxsize=65_536)
def spellings_of(path: Path) -> tuple[Spelling, ...]:
    """The names a field can be called by, best first.

    `metadata.causation_id` is called that and `causation_id`; `event.id` is called `event_id`, and
    `id` of an event within the line.
    """
    *above, key = _steps(path)
    # A name that begins with "_" is of the store the record was in, not of the record.
    distance = _EVENT if key.startswith("_") else _OUTSIDE
    found = [Spelling(distance, normalise("".join(path)))]
    # So is what a shipper of Elastic wrote for the store.
    inside = [normalise(part) for part in above] if above[:1] != [_FOR_STORES] else []
    while inside and inside[0] in WRAPPERS | EVENT_OBJECTS | PAYLOADS:
        outer = inside.pop(0)
        if outer in EVENT_OBJECTS:
            distance = max(distance, _EVENT)
        elif outer in PAYLOADS:
            distance = _PAYLOAD
        found.append(Spelling(distance, "".join(inside) + normalise(key)))
    if not inside and (prefix := _SYSTEM.match(key)):
        found.append(Spelling(distance, normalise(key[prefix.end() :])))
    return tuple(spelling for spelling in found if spelling.distance < _PAYLOAD or spelling.name in _STRONG)


class Vocabulary:
    """Names of roles, in an order."""

    def __init__(self, names: Mapping[str, tuple[str, ...]]):
        self._names = dict(names)
        self._ranks = {
            role: {normalise(name): rank for rank, name in reversed(list(enumerate(listed)))}
            for role, listed in names.items()
        }
        self._roles_of: dict[str, list[str]] = {}
        for role, ranks in self._ranks.items():
            for name in ranks:
                self._roles_of.setdefault(name, []).append(role)

    def changed(self, **names: tuple[str, ...]) -> Vocabulary:
        """With other names for some roles."""
        return Vocabulary({**self._names, **names})

    def roles(self, paths: Iterable[Path]) -> dict[str, list[Path]]:
        """Role -> the paths that can fill it, best first.

        Fields outside go before those of an event within; then by the place of the name in its
        list, by depth, and by the path itself, so that the answer for a record does not depend
        on which other records were read with it.
        """
        found: dict[str, set[Path]] = {}
        called_so: dict[str, set[Path]] = {}
        for path in paths:
            for spelling in spellings_of(path):
                if spelling.name in _BESIDE:
                    called_so.setdefault(spelling.name, set()).add(path)
                for role in self._roles_of.get(spelling.name, ()):
                    found.setdefault(role, set()).add(path)
        for name, beside in NO_ID_BESIDE.items():
            if normalise(beside) in called_so and "event_id" in found:
                found["event_id"] -= called_so.get(normalise(name), set())
        return {
            role: sorted(candidates, key=lambda path: self.sort_key(role, path))
            for role, candidates in found.items()
            if candidates
        }

    def sort_key(self, role: str, path: Path) -> tuple[int, int, int, Path]:
        """Where `path` stands among all that can ever fill `role`; unknown names come last."""
        ranks = self._ranks.get(role, {})
        places = [(distance, ranks[name]) for distance, name in spellings_of(path) if name in ranks]
        distance, rank = min(places, default=(_UNKNOWN, _UNKNOWN))
        return (distance, rank, len(path), path)


GENERIC: Final = Vocabulary(NAMES)
"""For records that say nothing of where they come from."""


def called(name: str, paths: frozenset[Path]) -> bool:
    """Whether one of the paths can be called `name`, at the top or in a wrapper."""
    return Spelling(_OUTSIDE, normalise(name)) in _all_spellings(paths)


@lru_cache(maxsize=16)
def _all_spellings(paths: frozenset[Path]) -> frozenset[Spelling]:
    # Many formats ask for a shape, which may have 100,000 keys.
    return frozenset(spelling for path in paths for spelling in spellings_of(path))


_JOINTS: Final = ("", "_", "-", ".", " ")


@cache
def operation_words() -> dict[str, tuple[str, bool]]:
    """Word in lower case -> (operation, whether it is about a lock), in all its spellings."""
    found: dict[str, tuple[str, bool]] = {}

    def add(word: str, operation: str, *, is_lock: bool) -> None:
        for joint in _JOINTS:
            found.setdefault(word.replace("_", joint), (operation, is_lock))

    for operation, words in OPERATION_WORDS.items():
        for word in words:
            add(word, operation, is_lock=False)
    for operation in ("send", "receive", "process", "settle"):
        for word, noun in product(OPERATION_WORDS[operation], MESSAGE_NOUNS):
            add(f"{noun}_{word}", operation, is_lock=False)
            add(f"{word}_{noun}", operation, is_lock=False)
    for phrase, operation in _phrases():
        add(phrase, operation, is_lock=False)
    for operation, words in LOCK_WORDS.items():
        for word in words:
            add(word, operation, is_lock=True)
    for operation in ("lock_wait", "lock_acquire", "lock_release"):
        for word, noun in product(LOCK_WORDS[operation], LOCK_NOUNS):
            add(f"{noun}_{word}", operation, is_lock=True)
    return found


def _phrases() -> Iterator[tuple[str, str]]:
    """What two words tell together, and the operation."""
    for operation, nouns, verbs in OPERATION_PHRASES.values():
        for noun, verb in product(nouns, verbs):
            yield f"{noun}_{verb}", operation
            yield f"{noun}.{verb}", operation  # `feature_flag.changed`


def is_lock_word(text: str) -> bool:
    """Whether a text is a word for what is done with a lock."""
    return operation_words().get(text.lower(), ("", False))[1]


OF_LOCKS_ALONE: Final = ("granted", "request", "requested")
"""Words with `lock_` before them that may be said of anything, unless what is named is called a lock."""


def is_called_lock(path: Path) -> bool:
    """Whether a field is of a lock, as `lock.action` and `mutex` are: a resource may be anything."""
    return any(normalise(part).startswith(("lock", *LOCK_NOUNS)) for part in path)


LONGEST_WORD: Final = max(map(len, operation_words()))
"""Characters."""


@cache
def word_table() -> pa.Table:
    """The same as the rows of a table."""
    words, operations = operation_words(), operation_words().values()
    return pa.table(
        {
            "word": list(words),
            "operation": [operation for operation, _ in operations],
            "is_lock": [is_lock for _, is_lock in operations],
        }
    )
