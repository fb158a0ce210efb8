"""The ways to write one UUID: in upper case, in braces, without dashes, as `urn:uuid:`.

Ids are compared as they are written, and shown so. Where logs are seen to write the same UUID in several
ways, all of its spellings are read as RFC 9562 writes it. Without dashes it is one only where it says its
version, as the ids of traces are of as many digits.
"""

from __future__ import annotations

import re
from typing import Final

from ingest.expressions import bound

_LENGTHS: Final = (32, 36, 38, 45)
"""Without dashes, with them, in braces, as a name of a resource."""
_PARTS: Final = "([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})"
_BARE: Final = "([0-9a-f]{8})([0-9a-f]{4})([1-8][0-9a-f]{3})([89ab][0-9a-f]{3})([0-9a-f]{12})"
_SPELLINGS: Final = (_PARTS, rf"\{{{_PARTS}\}}", f"urn:uuid:{_PARTS}", _BARE)
_PATTERNS: Final = tuple(re.compile(one, re.IGNORECASE) for one in _SPELLINGS)
_WRITTEN: Final = r"\1-\2-\3-\4-\5"


def as_one(text: str) -> str | None:
    """The UUID that a text is, as RFC 9562 writes it; None where it is none."""
    if len(text) not in _LENGTHS:
        return None
    found = next((found for one in _PATTERNS if (found := one.fullmatch(text))), None)
    return "-".join(found.groups()).lower() if found else None


def as_one_sql(text: str) -> str:
    """SQL: the same of an id; what is no UUID stays as it is."""
    lengths = ", ".join(map(str, _LENGTHS))
    tried = " ".join(
        f"WHEN regexp_full_match(w, '{one}', 'i') THEN lower(regexp_replace(w, '^{one}$', '{_WRITTEN}', 'i'))"
        for one in _SPELLINGS
    )
    return bound(text, "w", f"CASE WHEN strlen(w) NOT IN ({lengths}) THEN w {tried} ELSE w END")
