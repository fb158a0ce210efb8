"""The call of a relation as text: to be read, copied and run, or put into an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from stormwatch.catalog import Query

_SOURCE: Final = re.compile(r"^-- Source: (.+(?:\n-- (?!Reads: ).+)*)", re.MULTILINE)


def source(query: Query) -> str:
    """What the definition of a relation is taken from, as its file says; nothing where it is our own."""
    found = _SOURCE.search(query.sql)
    return found[1].replace("\n-- ", " ").removesuffix(".") if found else ""


def call_text(query: Query, arguments: Mapping[str, object]) -> str:
    """The call with its arguments written out, as SQL that can be run as it stands."""
    if not query.is_macro:
        return f"FROM {query.name};"
    if not arguments:
        return f"FROM {query.name}();"
    lines = [f"    {key} := {_literal(value)}" for key, value in arguments.items()]
    return f"FROM {query.name}(\n" + ",\n".join(lines) + "\n);"


def argument_text(value: object) -> str:
    """A value as DuckDB casts it from text, and as it stands in an address."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, timedelta):
        return f"{value / timedelta(seconds=1):.6f}".rstrip("0").rstrip(".") + " seconds"
    return str(value)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{argument_text(value)}'"
    if isinstance(value, timedelta):
        return f"INTERVAL '{argument_text(value)}'"
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
