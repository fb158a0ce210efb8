"""How deadlocks are known, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from dashboard import formatting

_WORDS: Final = {
    "both": "told and reported", "reported": "only reported", "reconstructed": "only told by lock events",
}  # fmt: skip


def counted(rows: Iterable[Mapping[str, Any]]) -> str:
    """How many of which kind; rows of `deadlock_evidence`."""
    kinds = Counter(row["evidence"] for row in rows)
    return ", ".join(
        f"{formatting.count(kinds[kind])} {text}" for kind, text in _WORDS.items() if kinds[kind]
    )
