"""Pieces of SQL; some are planned in less time, or worked out once, where the obvious ones are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ingest.names import Path

_BETWEEN: Final = "\x1f"
# The database reads fractions as doubles: what has 16 digits or more may have had others.
_DIGITS: Final = "|".join(rf"\d{{{n}}}\.\d{{{16 - n}}}" for n in range(1, 16))
_ROUNDED: Final = rf"[:,\[]-?(?:{_DIGITS}|\d{{16,}}\.)"
# Nearly all points stand in texts. A search that begins with a literal skips to it, which makes it ten
# times as fast as one for digits.
_FRACTION: Final = r"\.\d+[,\]}eE\s]"


def bound(value: str, name: str, body: str) -> str:
    """SQL: the body, with a name in it for a value, so that it is worked out once."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def texts(words: Iterable[str]) -> str:
    """SQL: a list of these texts, which is planned in less time than one that is written as a list."""
    return f"string_split('{_BETWEEN.join(words).replace(chr(39), 2 * chr(39))}', '{_BETWEEN}')"


def looked_up(words: Mapping[str, str], text: str) -> str:
    """SQL: what stands for a text; NULL: nothing."""
    return f"{texts(words.values())}[list_position({texts(words)}, {text})]"


def glued(listed: str, between: str) -> str:
    """SQL: the texts of a list as one, with a text between them; NULL of none.

    `array_to_string` is a macro, which names the list twice: in a branch of CASE it is worked out twice.
    """
    return f"list_aggregate({listed}, 'string_agg', '{between}')"


def layered(innermost: str, *layers: str | tuple[str, str]) -> str:
    """SQL: SELECTs around a SELECT, each by its list, or by that and what stands behind its FROM.

    As many common table expressions take DuckDB a tenth longer to plan.
    """
    query = innermost
    for layer in layers:
        selected, behind = (layer, "") if isinstance(layer, str) else layer
        query = f"SELECT {selected}\nFROM ({query}) AS before {behind}"
    return query


def may_be_rounded(text: str) -> str:
    """SQL: whether JSON holds a fraction that may not be as it was once the database has written it again."""
    return f"CASE WHEN regexp_matches({text}, '{_FRACTION}') THEN regexp_matches({text}, '{_ROUNDED}') END"


def alone_in(listed: str) -> str:
    """SQL: the text that a list of JSON holds alone, as headers of Go and Java are written."""
    is_one = f"CASE WHEN starts_with({listed}, '[\"') THEN json_array_length({listed}) END"
    return f"CASE WHEN {is_one} = 1 THEN json_extract_string({listed}, '$[0]') END"


def pointer(path: Path) -> str:
    """The path as a JSON pointer (RFC 6901), quoted as a SQL string."""
    return quoted("".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path))


def quoted(text: str) -> str:
    """SQL: the text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def begun(text: str, beginning: str, words: Iterable[str], where: Iterable[str]) -> str:
    """SQL: the text with that before it, if it is one of the words and one of the others is there."""
    is_meant = f"list_contains({texts(words)}, {text}) AND coalesce({', '.join(where)}) IS NOT NULL"
    return f"CASE WHEN {is_meant} THEN '{beginning}' || {text} ELSE {text} END"


def integer(text: str, kind: str) -> str:
    """SQL: the whole number that a text is, NULL where it is none or one that the type cannot hold."""
    # A cast alone would round "3.7" to 4; JSON of some languages writes 3 as 3.0.
    return f"CASE WHEN regexp_full_match({text}, '[+-]?\\d+(\\.0+)?') THEN try_cast({text} AS {kind}) END"
