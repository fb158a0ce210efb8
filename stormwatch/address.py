"""Where a database is, for whoever asks it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Database:
    """Which database, and what its owner may want to see before it answers."""

    path: Path
    token: str | None
