"""Takes records out of the envelopes that something on their way put around them, in bulk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import duckdb

from ingest.expressions import glued, pointer
from ingest.formats.base import Envelope, Transcoder, places
from ingest.names import ABOUT, ABOVE, HEADERS

_PLACE: Final = "file_id, byte_offset, byte_length, record_no, mapping_no"
_TYPED: Final = r'\{[^{}]*"(?:[sS]tringValue|Value)" *: *("(?:[^"\\]|\\.)*")[^{}]*\}'
_NEXT: Final = "[89ab]."
_UTF8: Final = (
    f"(?:[0-7].|(?:c[2-9a-f]|d.){_NEXT}|(?:e0[ab].|e[1-9abcef]{_NEXT}|ed[89].){_NEXT}"
    f"|(?:f0[9ab].|f[1-3]{_NEXT}|f48.){_NEXT}{_NEXT})*"
)
"""Regular expression for UTF-8 (RFC 3629) in hexadecimal digits."""


def text_of_bytes(listed: str) -> str:
    """SQL: the text of a JSON list of bytes, NULL where they are no UTF-8."""
    digits = f"list_transform(try_cast({listed} AS UTINYINT[]), lambda one: printf('%02x', one))"
    # One error in a vector makes TRY go through it row by row.
    text = f"CASE WHEN regexp_full_match(hex, '{_UTF8}') THEN try(decode(unhex(hex))) END"
    return f"list_transform([array_to_string({digits}, '')], lambda hex: {text})[1]"


def unwrap_sql(envelope: Envelope) -> str:
    """The SELECT over `lines` with the shapes in `sent`: rows of LINE_SCHEMA and more.

    `held` is NULL where the record held is an object, which `line` then is; else it is the text, and
    `line` the envelope. `added` are the keys that a record taken out gets.
    """
    return _unwrapped(envelope, "lines WHERE shape IN (SELECT shape FROM sent)")


def added_by(envelope: Envelope, cursor: duckdb.DuckDBPyConnection) -> bytes:
    """The keys that a record gets out of an envelope with nothing else in it."""
    if envelope.name not in _added:
        [(added,)] = cursor.execute(f"SELECT added FROM ({_bare_sql(envelope)})").fetchall()
        _added[envelope.name] = added.encode()
    return _added[envelope.name]


_added: Final[dict[str, bytes]] = {}


def _bare_sql(envelope: Envelope) -> str:
    bare = "".join(f'{{"{key}":' for key in envelope.held) + '""' + "}" * len(envelope.held)
    nowhere = ", ".join(f"NULL AS {name}" for name in _PLACE.split(", "))
    return _unwrapped(envelope, f"(SELECT {nowhere}, '{bare}' AS line)")


def _unwrapped(envelope: Envelope, source: str) -> str:
    paths = [envelope.held, (envelope.headers,), *envelope.inputs.values(), (ABOUT,)]
    extracted = f"""
    SELECT {_PLACE}, line, json_extract_string(line, [{", ".join(map(pointer, paths))}]) AS v
    FROM {source}"""
    # A text that is no UTF-8, or of unknown encoding, may be written as the list of its bytes.
    is_list = f"starts_with(v[1], '[') AND json_type(line, {pointer(envelope.held)}) = 'ARRAY'"
    parts = {"line": "line", "without_held": _without(envelope, *envelope.held), "outer": f"v[{len(paths)}]"}
    return _opened(envelope, extracted, is_list=is_list, **parts)


def read_headed_sql(by: Transcoder) -> str:
    """The same over the rows of `headed`, which have the header of this transcoder."""
    known = places(by.header)
    groups = re.findall(r"\?P<(\w+)>", by.header)
    listed = ", ".join(f"'{name}'" for name in ("@header", *groups))
    fields = ", ".join(_member(name, of, is_number=name in by.numbers) for name, of in known.items())
    headed = f"""
        SELECT *, concat_ws(',', {fields}) AS fields,
            rtrim(substr(line, length(header."@header") + 1), chr(10)) AS held
        FROM (
            SELECT *, regexp_extract(line, '^({by.header})', [{listed}]) AS header
            FROM headed
        )"""
    envelope = by.format
    if not isinstance(envelope, Envelope):
        return f"""
    SELECT {_PLACE}, '{by.made}' AS maker, NULL::VARCHAR AS held,
        '{{' || fields || ',"message":' || to_json(held) || '}}' AS line
    FROM ({headed})"""
    [key] = envelope.held
    values = ["held", "NULL", *(f"header.{name}" for [name] in envelope.inputs.values())]
    extracted = f"""
    SELECT {_PLACE}, [{", ".join(values)}] AS v, fields
    FROM ({headed})"""
    line = f"""'{{"{key}":' || to_json(held) || ',' || fields || '}}'"""
    return _opened(envelope, extracted, line=line, without_held="'{' || fields || '}'")


def _member(name: str, groups: Sequence[str], *, is_number: bool) -> str:
    """SQL: a member of an object; NULL where the groups that are its places are empty."""
    # No more than one of them is not.
    value = " || ".join(f"header.{group}" for group in groups)
    value = f"({value})" if len(groups) > 1 else value
    written = value if is_number else f"to_json({value})"
    return f"""'"{name}":' || CASE WHEN {value} <> '' THEN {written} END"""


def _opened(
    envelope: Envelope,
    extracted: str,
    *,
    line: str,
    without_held: str,
    is_list: str = "FALSE",
    outer: str = "",
) -> str:
    """The SELECT over envelopes whose values are `extracted` as a list `v`.

    `line` and `without_held` are SQL of the envelope, whole and without what it holds; `is_list` of whether
    that is a list of bytes; `outer` of what an envelope around this one said.
    """
    written = [path for path in envelope.inputs.values() if path[0] == envelope.headers]
    values = {name: f"nullif(v[{number}], '')" for number, name in enumerate(envelope.inputs, start=3)}
    for name, path in envelope.inputs.items():
        if path in written:
            values[name] = f"nullif(h[{written.index(path) + 1}], '')"
    noted = _noted(envelope.about, values)
    notes = [f"'\"{ABOUT}\":'", _with_outer(noted, outer) if outer else noted]
    if envelope.above:
        notes += [f"',\"{ABOVE}\":'", _noted(envelope.above, values)]
    if envelope.headers:
        notes.append(f"""coalesce(',"{HEADERS}":' || headers, '')""")
    # What the sender wrote counts for a text as well.
    kept = f"'{{' || notes || ',' || substr({_without(envelope)}, 2)" if envelope.headers else line
    below = ", ".join(pointer(path[1:]) for path in written)
    return f"""
WITH extracted AS ({extracted}
), spelled AS (
    SELECT *, CASE WHEN {is_list} THEN {text_of_bytes("v[1]")} ELSE v[1] END AS held,
        {_as_object("v[2]") if envelope.headers else "NULL"} AS spelled
    FROM extracted
), checked AS (
    SELECT *, CASE WHEN spelled <> '{{}}' AND json_valid(spelled) THEN spelled END AS headers
    FROM spelled
), opened AS (
    SELECT *, {f"json_extract_string(headers, [{below}])" if written else "NULL"} AS h
    FROM checked
), judged AS (
    SELECT *, regexp_matches(held, '^\\s*\\{{\\s*"') AND json_valid(held) AS is_object,
        {" || ".join(notes)} AS notes
    FROM opened
), noted AS (
    SELECT *, notes || ',"@{envelope.name}":' || {without_held} AS added
    FROM judged
)
SELECT {_PLACE},
    CASE WHEN is_object THEN NULL ELSE '{envelope.name}' END AS maker,
    CASE
        WHEN is_object THEN '{{' || added || ',' || substr(ltrim(held, ' \t\r\n'), 2)
        ELSE {kept}
    END AS line,
    CASE WHEN is_object THEN NULL ELSE held END AS held,
    CASE WHEN is_object THEN NULL ELSE added END AS added
FROM noted"""


def _noted(roles: Mapping[str, str], values: Mapping[str, str]) -> str:
    members = ", ".join(f"'{role}', {sql.format_map(values)}" for role, sql in roles.items())
    return f"json_object({members})"


def _with_outer(noted: str, outer: str) -> str:
    """With what an envelope around this one said of the record, where this one says nothing."""
    return (
        f"CASE WHEN starts_with({outer}, '{{') AND json_valid({outer})"
        f" THEN json_merge_patch({outer}, json_merge_patch('{{}}', {noted})) ELSE {noted} END"
    )


def _without(envelope: Envelope, *held: str) -> str:
    """The envelope without the headers, where they were understood, and the path of what it holds."""
    inner = "".join(f'{{"{key}":' for key in held) + "null" + "}" * len(held) if held else "{}"
    inner = (inner.removesuffix("}") + "," if held else "{") + f'"{ABOUT}":null}}'
    if not envelope.headers:
        return f"json_merge_patch(line, '{inner}')"
    both = inner.removesuffix("}") + f',"{envelope.headers}":null}}'
    return f"json_merge_patch(line, CASE WHEN headers IS NULL THEN '{inner}' ELSE '{both}' END)"


def _as_object(found: str) -> str:
    """What the sender wrote in the notation of an object, if it is what is understood.

    A list holds names and values in turn, or objects of a `key` and a `value`, or of one member. The values
    of an object may be objects of a type and a value.
    """
    items = f"json_extract({found}, '$[*]')"
    in_turn = f"list_transform({items}, lambda item, i: item || CASE WHEN i % 2 = 1 THEN ':' ELSE ',' END)"
    member = (
        "CASE WHEN json_exists(item, '$.key')"
        " THEN json_extract(item, '$.key') || ':' || coalesce(json_extract(item, '$.value'), 'null')"
        " ELSE substr(item, 2, length(item) - 2) END"
    )
    objects = f"list_transform({items}, lambda item: {member} || ',')"
    return f"""CASE
        WHEN starts_with({found}, '[') AND NOT json_valid({found}) THEN NULL  -- a text
        WHEN starts_with({found}, '[{{') THEN '{{' || coalesce(rtrim({glued(objects, "")}, ','), '') || '}}'
        WHEN starts_with({found}, '[') THEN '{{' || coalesce(rtrim({glued(in_turn, "")}, ','), '') || '}}'
        WHEN contains({found}, 'Value"') THEN regexp_replace({found}, '{_TYPED}', '\\1', 'g')
        ELSE {found}
    END"""
