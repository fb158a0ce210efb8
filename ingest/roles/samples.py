"""Values that may be ids, taken out of sample records."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from ingest import composed
from ingest.discovery import as_stored
from ingest.inlined import MAY_HOLD_TEXTS, may_be_inlined
from ingest.mapping import Kind
from ingest.matching import is_looked_into
from ingest.names import HEADER_LISTS, LINK_IDS, NAMES, PAYLOADS, Path
from ingest.roles.unpacked import WHOLE_TIME, records_in
from ingest.times import seconds_within
from ingest.vocabulary import normalise

_TIMES: Final = {normalise(name): rank for rank, name in reversed(list(enumerate(NAMES["occurred_at"])))}
_NO_TIME: Final = len(NAMES["occurred_at"])
_LATEST_S: Final = 1e11
_TIME_LENGTH: Final = len("2026-11-23T09:18:27.083420")
_DEPTH: Final = 4
_LEAVES: Final = 96
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_BEGINS_NUMBER: Final = frozenset("-0123456789")
_EPOCH: Final = re.compile(r"1\d{9}(\d{3}){0,3}")
_MILLISECONDS: Final = len("1795425507083")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d.*)?|\d\d:\d\d.*", re.ASCII)
_ID: Final = re.compile(r"[^\s\x00-\x1f\"'<>{}]{4,200}|\{[0-9A-Fa-f-]{36}\}")
_HINT: Final = re.compile(
    r"id|ids|identifier|uuid|guid|ref|key|cause|causedby|causation|parent|trigger|triggeredby|origin"
    r"|correlation|conversation|trace|span|flow|saga|root|initiator|relatedto|replyto|prev|previous|because"
)
_ENDINGS: Final = (
    "id", "identifier", "uuid", "guid", "ref", "key", "by", "from", "cause", "parent", "nummer", "numero",
)  # fmt: skip
_NUMBERED: Final = re.compile(r"(?:^|[_\-. ])(?:no|nr|num|number)$|[a-z](?:No|Nr|Num|Number)$")
_ID_FIRST: Final = re.compile(r"(?i:id)[_\-. ]|id(?=[A-Z])|ID(?=[A-Z][a-z])")
_COUNTED: Final = 1_000_000_000
"""Greater numbers are times, amounts or ids, not counts."""
_COUNT: Final = re.compile(r"0*\d{1,9}", re.ASCII)
_LISTED: Final = 32
"""Elements that are looked at."""
_LABEL: Final = re.compile(r"[^\s\x00-\x1f]{1,64}")
_LONG_NUMBER: Final = 8
_LONGEST_PART: Final = 100
_DIGITS: Final = re.compile(r"\d+")
_HEX: Final = re.compile(r"[0-9a-f]{8,}(?=[^a-z]|$)")
_SUFFIX: Final = re.compile(r"(\.(gz|bz2|xz|zst|old|bak)|[-_.]#)+$")


@lru_cache(maxsize=65_536)
def scope_of(path: str) -> str:
    """The logs that are written alike, by the path of one: numbers are #, rotation is left out.

    `shop/orders-api-1.jsonl.2.gz` is of `shop/orders-api-#.jsonl`.
    """
    folded = _DIGITS.sub("#", _HEX.sub("#", as_stored(path)))
    stem = _SUFFIX.sub("", folded)
    return stem or folded


@dataclass(frozen=True, slots=True)
class Sampled:
    """What may be ids in a record, and its time in seconds (any epoch), if it says it."""

    ids: list[tuple[Path, str]]
    numbers: list[tuple[Path, int]]
    labels: list[tuple[Path, str]]
    """Short texts, which may be keys."""
    at: float | None
    times: Sequence[tuple[Path, float]] = ()
    """Where no field outside of business data is called a time: those that hold one."""
    fields: Kind = frozenset()
    """All that it has; where they are very many, those at the top."""
    lists: Sequence[tuple[Path, list[str]]] = ()
    """Those whose elements may be ids, which are among the ids as well."""


def sampled(line: bytes) -> Iterator[Sampled]:
    """Of the records of a line that have any: the fields whose values may be ids, with them.

    Small numbers meet by accident: they count only in a field that is named like one for ids.
    """
    return (found for record in records_in(line) if (found := _sampled(record)) is not None)


def _sampled(record: dict[str, Any]) -> Sampled | None:
    ids: list[tuple[Path, str]] = []
    numbers: list[tuple[Path, int]] = []
    labels: list[tuple[Path, str]] = []
    rank, time, is_outside = _NO_TIME, None, False
    leaves = list(_leaves(record, ()))
    texts: dict[Path, str] = {}
    lists = [
        (path, found) for path, value in leaves if type(value) is list and (found := _listed(path, value))
    ]
    for path, value in leaves:
        text = value if type(value) is str else _text(value)
        if text is None:
            continue
        if len(text) <= _LONGEST_PART:
            texts[path] = text
        place = _time_rank(path[-1])
        if place < rank and (at := _seconds(text)) is not None:
            rank, time, is_outside = place, at, is_outside or (_is_outside(path) and is_looked_into(path))
        elif len(ids) < _LEAVES and _may_be_id(path, text):
            ids.append((path, text))
            ids += composed.parts_of(path, text)
        if (number := _count(value)) is not None and len(numbers) < _LEAVES:
            numbers.append((path, number))
        if isinstance(value, str) and _LABEL.fullmatch(value) and len(labels) < _LEAVES:
            labels.append((path, value))
    times = _times(record) if time is None or not is_outside else []
    fields = _once(_kind_of([path for path, _ in leaves]))
    ids += composed.values(fields, texts)
    ids += [(path, one) for path, several in lists for one in several]
    return Sampled(ids, numbers, labels, time, times, fields, lists) if ids or numbers or times else None


def _count(value: Any) -> int | None:
    """What may count: a number, also in a text as headers and tables have it, of which zeros fill up some."""
    if isinstance(value, str):
        return int(value) if value[:1] in _BEGINS_NUMBER and _COUNT.fullmatch(value) else None
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return int(value) if is_whole and abs(value) < _COUNTED else None


def _listed(path: Path, value: list[Any]) -> list[str]:
    """The ids in a list of them, or of objects that have one; none where it is a list of something else."""
    if not 0 < len(value) <= _LISTED:
        return []
    said = [_linked(one) if isinstance(one, dict) else _text(one) for one in value]
    found = [text for text in said if text is not None and _may_be_id(path, text)]
    return found if len(found) == len(value) else []


def _linked(link: dict[str, Any]) -> str | None:
    return next((text for name in LINK_IDS if (text := _text(link.get(name))) is not None), None)


def _kind_of(paths: Sequence[Path]) -> Kind:
    """Keys that are ids themselves tell of no kind, and would fill the memory."""
    if len(paths) > _LEAVES:
        paths = list(dict.fromkeys(path[:1] for path in paths))[:_LEAVES]
    return frozenset(paths)


@lru_cache(maxsize=4096)
def _once(fields: Kind) -> Kind:
    """The same object for what is equal: most records have the fields of others."""
    return fields


def _is_outside(path: Path) -> bool:
    return len(path) == 1 or normalise(path[0]) not in PAYLOADS


def _times(record: dict[str, Any]) -> list[tuple[Path, float]]:
    found = [(path, _whole_time(path[-1], value)) for path, value in _leaves(record, ()) if _is_outside(path)]
    return [(path, seconds) for path, seconds in found if seconds is not None]


def _whole_time(key: str, value: Any) -> float | None:
    """Seconds, of a day with its time or of milliseconds of Unix; other numbers may be anything, unless the
    field is called a time.
    """
    if isinstance(value, str) and (told := WHOLE_TIME.fullmatch(value)):
        return _seconds(f"{told[1]}T{told[2]}{(told[3] or '').replace(',', '.')[:7]}")
    whole = str(value).partition(".")[0] if isinstance(value, int | float) else ""
    is_time = _EPOCH.fullmatch(whole) and (len(whole) == _MILLISECONDS or _time_rank(key) < _NO_TIME)
    return _seconds(str(value)) if is_time else None


@lru_cache(maxsize=65_536)
def _time_rank(key: str) -> int:
    return _TIMES.get(normalise(key), _NO_TIME)


def _seconds(text: str) -> float | None:
    """Good enough to compare times of one kind of log with each other."""
    if _NUMBER.fullmatch(text):
        number = float(text)
        while _LATEST_S < number < math.inf:
            number /= 1000
        return number if number < math.inf else None
    try:
        return datetime.fromisoformat(text[:_TIME_LENGTH]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _may_be_id(path: Path, text: str) -> bool:
    # Times and numbers begin with a digit or a sign: most texts need not be matched with all of them.
    if text[:1] in _BEGINS_NUMBER:
        if _TIME.fullmatch(text):
            return False
        if _NUMBER.fullmatch(text):
            is_long = len(text) >= _LONG_NUMBER and "." not in text and not _EPOCH.fullmatch(text)
            return is_long or is_hinted(path)
    return _ID.fullmatch(text) is not None


@lru_cache(maxsize=65_536)
def is_hinted(path: Path) -> bool:
    """Whether the name of a field says that it holds an id of something."""
    name = normalise(path[-1])
    # Other languages put it first.
    is_id = _HINT.fullmatch(name) is not None or _ID_FIRST.match(path[-1]) is not None
    return is_id or _NUMBERED.search(path[-1]) is not None or name.endswith(_ENDINGS)


def _leaves(record: dict[str, Any], above: Path) -> Iterator[tuple[Path, Any]]:
    for key, value in record.items():
        path = (*above, key)
        if isinstance(value, dict):
            if _time_rank(key) < _NO_TIME and (time := seconds_within(value)) is not None:
                yield path, time
            elif len(path) < _DEPTH:
                yield from _leaves(value, path)
        elif isinstance(value, str) and value.startswith("{") and may_be_inlined(path, MAY_HOLD_TEXTS):
            yield from _held(path, value)
        elif isinstance(value, list) and may_be_inlined(path, HEADER_LISTS) and (named := _named(value)):
            yield from _leaves(named, path)
        else:
            yield path, value


def _named(listed: list[Any]) -> dict[str, Any]:
    """What a list of names and values says; nothing where it is another."""
    if not all(isinstance(one, dict) and len(one) == 1 + ("value" in one) for one in listed):
        return {}
    names = [one.get("key", one.get("name")) for one in listed]
    if not all(isinstance(name, str) for name in names):
        return {}
    return {str(name): one.get("value") for name, one in zip(names, listed, strict=True)}


def _held(path: Path, text: str) -> Iterator[tuple[Path, Any]]:
    """The fields of an object that a record holds as a text: they are read as if it stood there."""
    try:
        held = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    if isinstance(held, dict):
        yield from _leaves(held, path)
