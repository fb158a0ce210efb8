"""Pieces of SQL that DuckDB plans in less time, or works out once, where the obvious ones are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_BETWEEN: Final = "\x1f"


def bound(value: str, name: str, body: str) -> str:
    """SQL: the body, with a name in it for a value, so that it is worked out once."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def looked_up(words: Mapping[str, str], text: str) -> str:
    """SQL: what stands for a text; NULL: nothing. Lists that are texts take less time to plan than a map."""
    keys, values = (
        f"string_split('{_BETWEEN.join(one).replace(chr(39), 2 * chr(39))}', '{_BETWEEN}')"
        for one in (words, words.values())
    )
    return f"{values}[list_position({keys}, {text})]"


def glued(listed: str, between: str) -> str:
    """SQL: the texts of a list as one, with a text between them; NULL of none.

    `array_to_string` is a macro, which names the list twice: in a branch of CASE it is worked out twice.
    """
    return f"list_aggregate({listed}, 'string_agg', '{between}')"
