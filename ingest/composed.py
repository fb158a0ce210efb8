"""Ids that records have in several fields, and causes name in one: `order-7@3`, `orders:0:42`.

Stores of events number the events of a stream, and brokers the records of a partition, instead of giving
each an id. Such a field is a template of those it is made of, `{stream}@{version}`, and stands where the
path of a field does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice, product
from typing import Final

from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC, normalise
from stormwatch.fields import COMPOSED

_PART: Final = re.compile(r"\{([^{}]+)\}")
_PLAIN: Final = re.compile(r"[^.{}]+")
_STREAMS: Final = frozenset(map(normalise, (*NAMES["stream"], *NAMES["entity"])))
_PARTITIONS: Final = frozenset({"partition", "partitionid", "partitionno", "shard", "shardid"})
_NUMBERS: Final = frozenset(
    map(
        normalise,
        (
            *NAMES["sequence"], *NAMES["broker_sequence"], *NAMES["entity_version"],
            "version", "rev", "revision", "position", "number", "stream_version",
        ),
    )
)  # fmt: skip
_OF_TWO: Final = ("{0}@{1}", "{0}:{1}", "{0}/{1}", "{0}-{1}", "{0}#{1}", "{0}|{1}", "{0}.{1}", "{1}@{0}")
_OF_THREE: Final = (
    "{0}:{1}:{2}", "{0}/{1}/{2}", "{0}-{1}-{2}", "{0}-{1}@{2}", "{0}-{1}:{2}", "{0}[{1}]@{2}", "{0}|{1}|{2}",
)  # fmt: skip
"""Of a topic, its partition and the offset."""
_MOST: Final = 64
"""Templates of records with the same fields."""
_ALIKE: Final = 4
"""Fields of an object that may be the same part."""


def of(template: str) -> Path:
    """What stands for a field that is made of others."""
    return (COMPOSED, template)


def is_composed(path: Path) -> bool:
    """Whether it is no field, but made of some."""
    return path[:1] == (COMPOSED,)


@lru_cache(maxsize=4096)
def parts(path: Path) -> tuple[Path, ...]:
    """The fields that a field is made of; itself where it is one."""
    return tuple(tuple(name.split(".")) for name in _PART.findall(path[1])) if is_composed(path) else (path,)


def is_there(path: Path, paths: Collection[Path]) -> bool:
    """Whether a record with these fields has it."""
    return all(part in paths for part in parts(path))


def sql(path: Path, raw: Callable[[Path], str]) -> str:
    """What it is made of put together; `raw` is the SQL of one of its fields."""
    between = [text.replace("'", "''") for text in _PART.split(path[1])[::2]]
    texts = [f"'{between[0]}'"]
    for part, text in zip(parts(path), between[1:], strict=True):
        texts += [raw(part), f"'{text}'"]
    return f"({' || '.join(text for text in texts if text != _NOTHING)})"


_NOTHING: Final = "''"


def values(fields: frozenset[Path], found: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    """What may be ids or causes of a record that has these fields and no id of its own."""
    for path in _possible(fields):
        if all(part in found for part in parts(path)):
            yield path, _PART.sub(lambda name: found[tuple(name[1].split("."))], path[1])


@lru_cache(maxsize=4096)
def _possible(fields: frozenset[Path]) -> tuple[Path, ...]:
    if "event_id" in GENERIC.roles(fields):
        return ()
    return tuple(map(of, islice(_templates(fields), _MOST)))


def _templates(fields: Iterable[Path]) -> Iterator[str]:
    by_level: dict[Path, list[Path]] = {}
    for path in sorted(fields):
        if all(map(_PLAIN.fullmatch, path)):
            by_level.setdefault(path[:-1], []).append(path)
    for level in sorted(by_level, key=len):
        streams, partitions, numbers = (
            ["{" + ".".join(path) + "}" for path in by_level[level] if normalise(path[-1]) in names][:_ALIKE]
            for names in (_STREAMS, _PARTITIONS, _NUMBERS)
        )
        for form, three in product(_OF_THREE, product(streams, partitions, numbers)):
            yield form.format(*three)
        for form, two in product(_OF_TWO, product([*streams, *partitions], numbers)):
            yield form.format(*two)
