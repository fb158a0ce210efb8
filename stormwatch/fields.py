"""Fields of records, and what tells their meaning, as people read and write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

COMPOSED: Final = "@composed"
"""First step of what stands for a field but is made of several; the second is how: `{stream}@{version}`."""


def field_name(path: Sequence[str]) -> str:
    """A field as `--map` takes it: dotted, or a JSON pointer where a key has a dot itself."""
    if path[:1] == (COMPOSED,) or path[:1] == [COMPOSED]:
        return path[1]
    if any("." in key or "/" in key for key in path):
        return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)
    return ".".join(path)


def in_words(evidence: Mapping[str, object]) -> str:
    """What was counted to tell the meaning of a field, and the fields it is about."""
    return ", ".join(f"{what} {_written(value)}" for what, value in evidence.items())


def _written(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    if all(isinstance(one, list) for one in value):
        return " and ".join(field_name([str(key) for key in one]) for one in value)
    return field_name([str(key) for key in value])
