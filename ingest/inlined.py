r"""Fields of a JSON record that hold JSON as a text, or headers as a list, become objects, in bulk.

Log shippers, outboxes and consumers write `"payload":"{\"eventId\":...}"`, and
`"headers":[{"key":"eventId","value":"e1"}]`: such records are read as if the field were the object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from ingest.expressions import glued, may_be_rounded, pointer
from ingest.formats.base import Shape
from ingest.names import EVENT_OBJECTS, HEADER_LISTS, PAYLOADS, WRAPPERS
from ingest.vocabulary import normalise

_TEXTS: Final = ('"{\\"', '"{ \\"', '"{\\n')
_LISTS: Final = ('[{"key":', '[{"name":')
MARKS: Final = (*_TEXTS, *_LISTS)
"""What stands in a record that may be one of these."""
MAY_HOLD_TEXTS: Final = EVENT_OBJECTS | PAYLOADS | WRAPPERS
"""Names of fields in which a text that is an object is read as one."""


@dataclass(frozen=True)
class Inlined:
    """Which top-level fields may hold objects that are not written as such."""

    fields: tuple[str, ...]

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
    objects = {path[0] for path in shape.paths if len(path) > 1}
    names = (path[0] for path in shape.paths if len(path) == 1 and path[0] not in objects)
    fields = tuple(sorted(name for name in names if normalise(name) in may_hold))
    return Inlined(fields) if fields else None


def inlined_sql(inlined: Inlined) -> str:
    """The SELECT over the `lines` with the shapes in `sent`: rows of LINE_SCHEMA, of which none is `held`."""
    fields = [pointer((name,)) for name in inlined.fields]
    numbers = range(1, len(fields) + 1)
    objects = ", ".join(f"{_object(n)} AS o{n}" for n in numbers)
    gone = ", ".join(
        f"CASE WHEN o{n} IS NOT NULL THEN {_quoted(json.dumps(name, ensure_ascii=False) + ':null')} END"
        for n, name in zip(numbers, inlined.fields, strict=True)
    )
    put = ", ".join(
        f"{_quoted(json.dumps(name, ensure_ascii=False) + ':')} || o{n}"
        for n, name in zip(numbers, inlined.fields, strict=True)
    )
    nothing = " AND ".join(f"o{n} IS NULL" for n in numbers)
    outside = "line"
    for field in fields:
        outside = f"replace({outside}, json_extract(line, {field})::VARCHAR, '')"
    return f"""
SELECT file_id, byte_offset, byte_length, record_no, mapping_no, '' AS maker,
    CASE WHEN is_same THEN line
        ELSE '{{' || concat_ws(',', nullif(substr(rest, 2, length(rest) - 2), ''), {put}) || '}}'
    END AS line,
    NULL::VARCHAR AS held, NULL::VARCHAR AS added
FROM (
    SELECT *, CASE WHEN is_same THEN NULL
        ELSE json_merge_patch(line, '{{' || concat_ws(',', {gone}) || '}}')::VARCHAR
    END AS rest
    FROM (
        SELECT *, {nothing} OR coalesce(
            CASE WHEN {may_be_rounded("line")} THEN {may_be_rounded(outside)} END, FALSE
        ) AS is_same
        FROM (SELECT *, {objects} FROM (
            SELECT *, json_type(line, [{", ".join(fields)}]) AS types,
                json_extract_string(line, [{", ".join(fields)}]) AS texts
            FROM lines WHERE shape IN (SELECT shape FROM sent)
        ))
    )
)"""


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
    "json_extract(item, CASE WHEN json_exists(item, '/key') THEN '/key' ELSE '/name' END)"
    " || ':' || coalesce(json_extract(item, '/value'), 'null')"
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
