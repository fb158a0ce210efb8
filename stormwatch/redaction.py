"""Secrets that logs hold by mistake: found by the names of their keys and by what they look like.

The patterns are of the syntax of RE2, which DuckDB has, and which Python's `re` reads as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MASK: Final = "[redacted]"

_KEY: Final = (
    r"(?:[\w.$-]*(?:passw(?:or)?d|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|credentials?"
    r"|authorization|(?:auth|access|refresh|id|session|bearer|csrf|security|api)[_-]?token)[\w-]*"
    r"|\btoken|\bpwd|(?:set-)?cookie)"
)
_RULES: Final = (
    # "password": "...", also within a JSON text that is a string of another one
    (rf'((?i:{_KEY})"\s*:\s*")(?:[^"\\]|\\.)+', rf"\1{MASK}"),
    (rf'((?i:{_KEY})\\+"\s*:\s*\\+")[^"\\]+', rf"\1{MASK}"),
    # password=..., PGPASSWORD=..., &token=...
    (rf"((?i:{_KEY})\s*=\s*['\"]?)[^\s'\",;&\\}}]+", rf"\1{MASK}"),
    (r"((?i:authorization\s*:\s*(?:basic|bearer|digest)|\bbearer)\s+)[\w.~+/=-]{8,}", rf"\1{MASK}"),
    # JSON web tokens, keys of AWS, GitHub and Slack, passwords in addresses, private keys
    (r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", MASK),
    (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{36,}|\bxox[abprs]-[\w-]{10,}", MASK),
    (r'(://[^/\s:@"\\]+:)[^/\s@"\\]+@', rf"\1{MASK}@"),
    (
        r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\w\s+/=\\-]+?(-----END [A-Z ]*PRIVATE KEY-----)",
        rf"\1{MASK}\2",
    ),
)
_MAY: Final = (
    r"(?i)passw|passphrase|secret|api.?key|access.?key|private.?key|credential|authorization|token|pwd|cookie"
    r"|bearer |eyj[\w-]{8}|akia|asia[0-9a-z]{16}|gh[pousr]_\w{36}|xox[abprs]-|://[^/\s:@]+:[^/\s@]+@"
)
"""What a text must match for a rule to be worth trying: one pass over all of it in place of eight."""
_MAY_BE: Final = re.compile(_MAY)
_COMPILED: Final = tuple((re.compile(pattern), replacement) for pattern, replacement in _RULES)


@dataclass(frozen=True)
class Redaction:
    """What is done about secrets."""

    is_on: bool = True

    def text(self, text: str) -> str:
        """The text with its secrets masked."""
        if not self.is_on or _MAY_BE.search(text) is None:
            return text
        for pattern, replacement in _COMPILED:
            text = pattern.sub(replacement, text)
        return text

    def bytes(self, raw: bytes) -> bytes:
        """The same for bytes of any encoding."""
        text = raw.decode("utf-8", "surrogateescape")
        return self.text(text).encode("utf-8", "surrogateescape")


def may_hold_sql(column: str) -> str:
    """SQL condition: the text may hold a secret."""
    return f"regexp_matches({column}, {_quoted(_MAY)})"


def redacted_sql(column: str) -> str:
    """SQL expression: the text with its secrets masked."""
    expression = column
    for pattern, replacement in _RULES:
        expression = f"regexp_replace({expression}, {_quoted(pattern)}, {_quoted(replacement)}, 'g')"
    return expression


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
