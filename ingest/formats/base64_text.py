"""Texts that a broker writes as base64, because they might be any bytes."""

from __future__ import annotations

import base64
import binascii
from typing import Any


def decoded(value: Any) -> Any:
    """The text that base64 stands for; the value itself where it is none, or of other bytes."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return value
