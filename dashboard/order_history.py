"""How much order was lost in all of a window with too many events to read, where it was counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from dashboard import data
from dashboard.charts import base
from dashboard.data import Answer
from dashboard.window import Window

NAME: Final = "reorder_history"
_COUNTED: Final = timedelta(minutes=5)
"""Its shortest bucket."""


def counted(version: int, shown: Window, columns: int, place_limit: int | None = None) -> Answer | None:
    """Counts of every five minutes or longer, at most so many; None of a window that is read as a
    whole, and where nobody counted.
    """
    if shown.near is shown:
        return None
    edges = _whole(shown)
    if not data.load("_kept_blocks", version, **edges).rows[0]["is_kept"]:
        return None
    bucket = max(shown.bucket(columns), _COUNTED)
    found = data.load(NAME, version, **edges, bucket=bucket, place_limit=place_limit)
    return found if found.table.num_rows else None


def _whole(shown: Window) -> dict[str, datetime]:
    """The window with what it begins and ends within."""
    return {
        "since": shown.since - (shown.since - base.ORIGIN) % _COUNTED,
        "until": shown.until + (base.ORIGIN - shown.until) % _COUNTED,
    }
