"""What the ingester says about itself: the one thing pages, metrics and commands read of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

IngestState = Literal["stopped", "reading", "idle", "paused", "failed"]


@dataclass(frozen=True)
class IngestStatus:
    """State of one ingester at one instant; counts are since it started."""

    state: IngestState = "stopped"
    detail: str = ""
    """Why it is paused or failed, and what to do; empty otherwise."""
    directory: str = ""
    watch_mode: str = "none"
    """inotify (woken by the system) or poll (by the clock); a periodic scan runs in both."""
    files: int = 0
    backlog_bytes: int = 0
    """Bytes on disk that are not committed yet."""
    backlog_files: int = 0
    """Files that have such."""
    events: int = 0
    rejects: int = 0
    batches: int = 0
    bytes: int = 0
    events_per_s: float = 0.0
    """Over the last 5 seconds."""
    last_commit_at: datetime | None = None
    """UTC."""
    occurrences: dict[str, int] = field(default_factory=dict)
    """How often each thing on the telemetry list happened (rotations, truncations, ...)."""
