"""SQL that tells lines apart by the keys they have."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from typing import Final

from ingest.expressions import pointer
from ingest.names import Path
from ingest.transcoding import ALIKE

_WORTH_A_THREAD: Final = 4 * 2048
"""Rows of fewer vectors are read by one."""


_OF_PYTHON: Final = "starts_with(line, '{''') OR starts_with(line, '{ ''')"
"""A dict as Python prints it, which an error would tell late as well."""


def keys_sql(containers: Sequence[Path]) -> str:
    """The keys of a line; with objects to look into a list of lists, those of the record itself first."""
    pointers = ", ".join(["'$'", *map(pointer, containers)])
    return f"json_keys(line, [{pointers}])" if containers else "json_keys(line)"


def kind_sql(containers: Sequence[Path]) -> str:
    """A number for a line that is the same whatever order its keys stand in."""
    keys = keys_sql(containers)
    ordered = f"list_transform({keys}, lambda one: list_sort(one))" if containers else f"list_sort({keys})"
    return f"hash({ordered}, maker, mapping_no, marked)"


def classified_sql(containers: Sequence[Path], marks: Iterable[str]) -> str:
    """The SELECT over the lines `incoming`: their shapes and their marks."""
    top = "keys[1]" if containers else "keys"
    marked = ", ".join(_stands_in_line(mark) for mark in marks)
    return f"""
    SELECT * EXCLUDE (keys),
        CASE WHEN contains(maker, '{ALIKE}') THEN hash(maker, mapping_no)
            WHEN len({top}) > 0 THEN hash(keys, maker, mapping_no, marked)
        END AS shape
    FROM (
        SELECT *, CASE WHEN coalesce(maker, '') = '' THEN [{marked}]::BOOLEAN[] ELSE [] END AS marked,
            -- several objects are none, which an error would tell late; ltrim copies the line
            CASE WHEN contains(maker, '{ALIKE}') OR contains(line, '}}\n{{') OR {_OF_PYTHON} THEN NULL
                WHEN starts_with(line, '{{') OR starts_with(ltrim(line, ' \t'), '{{')
                    THEN try({keys_sql(containers)})
            END AS keys
        FROM incoming
    )"""


def in_parts(table: str, first: int, rows: int, parts: int) -> str:
    """All rows of a table, for each core a part: DuckDB gives a row group of 122,880 to one thread alone.

    `first` is the number of the first of them.
    """
    size = max(rows // parts + 1, _WORTH_A_THREAD)
    ends = range(first + size, first + rows, size)
    # The first and the last are open, whatever numbers the rows have.
    tests = (
        [f"rowid < {ends[0]}", *(f"rowid >= {end} AND rowid < {end + size}" for end in ends)] if ends else []
    )
    tests[-1:] = [f"rowid >= {ends[-1]}"] if ends else ["TRUE"]
    return " UNION ALL ".join(f"SELECT * FROM {table} WHERE {test}" for test in tests)


def _stands_in_line(text: str) -> str:
    # A search skips to the first byte, of which a line has many if that is a quote or a letter.
    rare = text.lstrip('"' + string.ascii_letters) or text
    return f"CASE WHEN contains(line, '{rare}') THEN contains(line, '{text}') ELSE FALSE END"
