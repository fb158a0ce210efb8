r"""Fields of a JSON record that hold JSON as a text, or headers as a list, become objects, in bulk.

Log shippers, outboxes and consumers write `"payload":"{\"eventId\":...}"`, and
`"headers":[{"key":"eventId","value":"e1"}]`, at the top or in the message they handled: such records are
read as if the field were the object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ingest.expressions import bound, glued, may_be_rounded, pointer, quoted
from ingest.formats.base import Shape
from ingest.names import EVENT_OBJECTS, HEADER_LISTS, PAYLOADS, WRAPPERS, Path
from ingest.vocabulary import normalise

_TEXTS: Final = ('"{\\"', '"{ \\"', '"{\\n')
_LISTS: Final = ('[{"key":', '[{"name":')
MARKS: Final = (*_TEXTS, *_LISTS)
"""What stands in a record that may be one of these."""
MAY_HOLD_TEXTS: Final = EVENT_OBJECTS | PAYLOADS | WRAPPERS
"""Names of fields in which a text that is an object is read as one."""

_MESSAGES: Final = EVENT_OBJECTS | WRAPPERS
"""Objects that such fields may stand in."""
_DEEPEST: Final = 2
"""Keys from the top to such a field, at most."""


@dataclass(frozen=True)
class Inlined:
    """Which fields may hold objects that are not written as such: at the top, or in an object there."""

    fields: tuple[Path, ...]

    @property
    def name(self) -> str:
        """Tells those of one set of fields from others."""
        return json.dumps(self.fields)


def inlined_in(shape: Shape) -> Inlined | None:
    """The fields in records of a shape; None where none can hold any."""
    may_hold: frozenset[str] = frozenset()
    if not shape.marks.isdisjoint(_TEXTS):
        may_hold |= MAY_HOLD_TEXTS
    if not shape.marks.isdisjoint(_LISTS):
        may_hold |= HEADER_LISTS
    if not may_hold or shape.repeats_keys:
        return None
    objects = {path[:-1] for path in shape.paths}
    fields = tuple(sorted(path for path in shape.paths - objects if may_be_inlined(path, may_hold)))
    return Inlined(fields) if fields else None


@lru_cache(maxsize=65_536)
def may_be_inlined(path: Path, names: frozenset[str]) -> bool:
    """Whether a field is called one of these names and stands where such fields are read."""
    is_near = len(path) == 1 or (len(path) == _DEEPEST and normalise(path[0]) in _MESSAGES)
    return is_near and normalise(path[-1]) in names


def inlined_sql(inlined: Inlined) -> str:
    """The SELECT over the `lines` with the shapes in `sent`: rows of LINE_SCHEMA, of which none is `held`."""
    fields = [pointer(path) for path in inlined.fields]
    objects = ", ".join(f"{_object(n)} AS o{n}" for n in range(1, len(fields) + 1))
    tops = _tops(inlined.fields)
    numbers = range(1, len(tops) + 1)
    put = ", ".join(f"{_key(name)} || t{n}" for n, name in zip(numbers, tops, strict=True))
    gone = ", ".join(
        f"CASE WHEN t{n} IS NOT NULL THEN {_key(name)} || 'null' END"
        for n, name in zip(numbers, tops, strict=True)
    )
    nothing = " AND ".join(f"t{n} IS NULL" for n in numbers)
    outside = "line"
    for field in fields:
        outside = f"replace({outside}, json_extract(line, {field})::VARCHAR, '')"
    return f"""
SELECT file_id, byte_offset, byte_length, record_no, mapping_no, '' AS maker,
    CASE WHEN is_same THEN line ELSE {_with("rest", put)} END AS line,
    NULL::VARCHAR AS held, NULL::VARCHAR AS added
FROM (
    SELECT *, CASE WHEN is_same THEN NULL ELSE {_without("line", gone)} END AS rest
    FROM (
        SELECT *, {nothing} OR coalesce(
            CASE WHEN {may_be_rounded("line")} THEN {may_be_rounded(outside)} END, FALSE
        ) AS is_same
        FROM (SELECT *, {", ".join(f"{top} AS t{n}" for n, top in zip(numbers, tops.values(), strict=True))}
            FROM (SELECT *, {objects} FROM (
                SELECT *, json_type(line, [{", ".join(fields)}]) AS types,
                    json_extract_string(line, [{", ".join(fields)}]) AS texts
                FROM lines WHERE shape IN (SELECT shape FROM sent)
            ))
        )
    )
)"""


def _tops(fields: tuple[Path, ...]) -> dict[str, str]:
    """Key at the top -> SQL: what stands there in place of what stood there; NULL: nothing does."""
    tops: dict[str, str] = {}
    inside: dict[str, list[tuple[str, str]]] = {}
    for number, path in enumerate(fields, start=1):
        if len(path) == 1:
            tops[path[0]] = f"o{number}"
        else:
            inside.setdefault(path[0], []).append((f"o{number}", _key(path[1])))
    for name, members in inside.items():
        gone = ", ".join(f"CASE WHEN {one} IS NOT NULL THEN {key} || 'null' END" for one, key in members)
        rest = _without(f"json_extract(line, {pointer((name,))})", gone)
        put = ", ".join(f"{key} || {one}" for one, key in members)
        is_any = " OR ".join(f"{one} IS NOT NULL" for one, _ in members)
        tops[name] = f"CASE WHEN {is_any} THEN {bound(rest, 'rest', _with('rest', put))} END"
    return tops


def _key(name: str) -> str:
    """SQL: the key as it stands before its value."""
    return quoted(json.dumps(name, ensure_ascii=False) + ":")


def _without(record: str, gone: str) -> str:
    return f"json_merge_patch({record}, '{{' || concat_ws(',', {gone}) || '}}')::VARCHAR"


def _with(record: str, put: str) -> str:
    return f"'{{' || concat_ws(',', nullif(substr({record}, 2, length({record}) - 2), ''), {put}) || '}}'"


def _object(number: int) -> str:
    """SQL: the object that a field holds as a text, or its list says; NULL where it is neither."""
    text, kind = f"texts[{number}]", f"types[{number}]"
    is_object = f"regexp_matches({text}, '^\\s*\\{{\\s*\"') AND json_valid({text})"
    members = glued(f"list_transform(json_extract({text}, '$[*]'), lambda item: {_MEMBER})", ",")
    listed = f"'{{' || coalesce({members}, '') || '}}'"
    return f"""CASE
        WHEN {kind} = 'VARCHAR' AND {is_object} THEN {text}
        WHEN {kind} = 'ARRAY' AND ({" OR ".join(f"starts_with({text}, '{one}')" for one in _LISTS)})
            AND json_valid({listed}) THEN {listed}
    END"""


_MEMBER: Final = (
    "coalesce(CASE WHEN len(json_keys(item)) = 1 + json_exists(item, '/value')::INTEGER THEN"
    " json_extract(item, CASE WHEN json_exists(item, '/key') THEN '/key' ELSE '/name' END)"
    " || ':' || coalesce(json_extract(item, '/value'), 'null') END, '?')"
)
"""SQL: a name and its value; no JSON where an object of these alone would lose something."""
