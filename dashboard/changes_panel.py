"""The panel that tells what changed before something began."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from dashboard import data, formatting, pages, table, zone
from dashboard.panel import panel


def draw(version: int, onset: datetime, *, within: timedelta, lookback: timedelta, meaning: str) -> None:
    """Changes in the time `within` before the onset, the latest first, each leading to its event.

    What was logged in the `lookback` before that is not new. `meaning` says what the onset is; our
    own Markdown.
    """
    changes = data.load("changes_before", version, onset=onset, within=within, lookback=lookback)
    about = (
        "Changes, starts and crashes that the log tells, notes that people added, and what was new: a node, "
        f"a type of event, a version of a schema, a stream. *Onset*: {meaning}. Earlier is not *because of*. "
        "**Click** a row for the event."
    )
    with panel("changes", "What changed before it began?", about, changes):
        st.caption(f"{formatting.span(within)} before {formatting.instant(onset)} {zone.name()}")
        if not changes.table.num_rows:
            st.markdown("Nothing that the log tells, and no note.")
            return
        ids = changes.table.column("event_id").to_pylist()
        table.opening(
            changes.table.select(["occurred_at", "kind", "subject", "service", "node"]),
            {"occurred_at": table.at(), "kind": table.text(width=140), "subject": table.text(width=220)},
            lambda number: pages.go("chains", event=ids[number]) if ids[number] else None,
            key="changes", alt="Changes before the onset, latest first",
        )  # fmt: skip
