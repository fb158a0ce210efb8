"""Records, and how one is written as a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Record = Mapping[str, Any]
"""Canonical field names, in the order of the line; fields without a value are left out."""
Dialect = Callable[[Record], bytes]


def line_of(fields: Mapping[str, Any]) -> bytes:
    """A line of JSON."""
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def text_of(value: Any) -> str:
    """The value where only texts may stand."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def canonical(record: Record) -> bytes:
    """The record as it is."""
    return line_of(record)


def microseconds_of(record: Record) -> int:
    """Its time since 1970."""
    moment = datetime.fromisoformat(record["time"])
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
