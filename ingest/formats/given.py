"""What a record says, of what it may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those that have a value: a transcoder yields no key for what a record does not say."""
    return {key: value for key, value in fields.items() if value is not None}
