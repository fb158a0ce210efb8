"""Ids that records have in several fields, and causes name in one: `order-7@3`, `orders:0:42`.

Stores of events number the events of a stream, and brokers the records of a partition, instead of giving
each an id. Such a field is a template of those it is made of, `{stream}@{version}`, and stands where the
path of a field does. So does an id that is a part of a field, `{traceparent|span}`.
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
_SAYS_HOW: Final = "|"
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

_TRACE_CONTEXT: Final = r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}"
"""Of W3C: the trace, and the span that is the parent of what receives it."""
_BEHIND: Final = (
    r"^(?:[A-Za-z][A-Za-z0-9_.]*:)+/*([^:\s]+)$",
    r"^[A-Za-z]+[_-]([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[0-9A-HJKMNP-TV-Z]{26})$",
)
"""What says of which kind an id is, and stands before it: `event:`, `urn:uuid:`, `msg-`."""
_PATTERNS: Final = {
    "trace": ((_TRACE_CONTEXT, 1),),
    "span": ((_TRACE_CONTEXT, 2),),
    "bare": ((_BEHIND[0], 1), (_BEHIND[1], 1)),
}
"""What a part of a text is called -> where it stands."""
_PLACES: Final = {"first": "$[0]", "last": "$[#-1]"}
"""The same of a list."""
_WITHIN: Final = {name: [re.compile(one) for one, _ in several] for name, several in _PATTERNS.items()}


def of(template: str) -> Path:
    """What stands for a field that is made of others."""
    return (COMPOSED, template)


def is_composed(path: Path) -> bool:
    """Whether it is no field, but made of some."""
    return path[:1] == (COMPOSED,)


@lru_cache(maxsize=4096)
def parts(path: Path) -> tuple[Path, ...]:
    """The fields that a field is made of; itself where it is one."""
    if not is_composed(path):
        return (path,)
    return tuple(tuple(_name_and_how(said)[0].split(".")) for said in _PART.findall(path[1]))


def _name_and_how(said: str) -> tuple[str, str]:
    """A field in a template, and which part of it."""
    name, _, how = said.rpartition(_SAYS_HOW)
    return (name, how) if how in _PATTERNS or how in _PLACES else (said, "")


def part(path: Path, how: str) -> Path | None:
    """What stands for a part of a field; None where the field has no plain name."""
    is_plain = all(map(_PLAIN.fullmatch, path)) and not is_composed(path)
    return of(f"{{{'.'.join(path)}{_SAYS_HOW}{how}}}") if is_plain else None


def flow_of(path: Path) -> Path:
    """The part of a field that names the flow, where it names more than that."""
    is_more = normalise(path[-1]) == "traceparent"
    return (part(path, "trace") if is_more else None) or path


def is_part(path: Path) -> bool:
    """Whether it is a part of one field."""
    return is_composed(path) and any(_name_and_how(said)[1] for said in _PART.findall(path[1]))


def parts_of(path: Path, text: str) -> Iterator[tuple[Path, str]]:
    """What in the text of a field may be an id, or the cause, of which it is a part."""
    if ":" not in text and "-" not in text and "_" not in text:
        return
    for how, patterns in _WITHIN.items():
        for number, pattern in enumerate(patterns):
            found = pattern.search(text)
            if found is not None and (place := part(path, how)) is not None:
                yield place, found[_PATTERNS[how][number][1]]
                break


def is_there(path: Path, paths: Collection[Path]) -> bool:
    """Whether a record with these fields has it."""
    return all(part in paths for part in parts(path))


def sql(path: Path, raw: Callable[[Path], str]) -> str:
    """What it is made of put together; `raw` is the SQL of one of its fields."""
    between = [text.replace("'", "''") for text in _PART.split(path[1])[::2]]
    texts = [f"'{between[0]}'"]
    for said, field, text in zip(_PART.findall(path[1]), parts(path), between[1:], strict=True):
        texts += [_part_sql(_name_and_how(said)[1], raw(field)), f"'{text}'"]
    return f"({' || '.join(text for text in texts if text != _NOTHING)})"


def _part_sql(how: str, text: str) -> str:
    """What `how` calls a part of a text or of a list; NULL where there is none."""
    if how in _PLACES:
        return f"CASE WHEN starts_with({text}, '[') THEN json_extract_string({text}, '{_PLACES[how]}') END"
    tried = (f"nullif(regexp_extract({text}, '{one}', {group}), '')" for one, group in _PATTERNS.get(how, ()))
    return f"coalesce({', '.join(tried)})" if how else text


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
