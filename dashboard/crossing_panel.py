"""How two messages came to change places: their ways, and what was under way around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import streamlit as st

from dashboard import data, formatting, pages
from dashboard.charts import crossing
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.panel import panel
from dashboard.raw_line import show_place

Row = Mapping[str, Any]
_KEY: Final = "crossing"
_MORE_THAN_LATE: Final = 2
"""So many times as far as the late one was late is looked for others, where that is more."""


def draw(version: int, pair: Row, lookback: timedelta) -> None:
    """The panel of a row of `swapped_pairs`."""
    late = timedelta(milliseconds=pair["late_time_ms"])
    found = data.load(
        "crossing_messages", version,
        event=pair["event_id"], overtaker=pair["overtaken_by"], came_at=pair["occurred_at"],
        of_consumer=pair["consumer"] or "", lookback=max(lookback, _MORE_THAN_LATE * late),
    )  # fmt: skip
    about = (
        "The two messages from who sent them to who received them, with those numbered just before and after "
        "them in the same stream and key. A lane is a node, time goes to the right, by *order* alone or to "
        "the scale of *time*; a number stands at each sending and each arrival. Where the two thick arrows "
        "**cross**, what was sent first arrived last. Two nodes stand to each other as their clocks say; "
        "which of two came first at one node is sure. **Click** a mark for the chain of its event."
    )
    with panel(_KEY, "How did they cross?", about, found):
        if found.table.num_rows:
            st.markdown(_in_words(pair, found.rows))
            distance = st.segmented_control(
                "Distance", crossing.DISTANCES, default="order", required=True, key="distance",
                bind="query-params", label_visibility="collapsed",
            )  # fmt: skip
            figure, facts = data.figure_and_facts(crossing.draw, found, distance=distance or "order")
            live_plotly(
                figure, key=_KEY, alt="Two messages that changed places, from senders to receivers over time",
                height=facts["height"], min_width=facts["min_width"], on_click=_open,
            )  # fmt: skip
        pages.link("chains", "The chain of the late event", icon="account_tree", event=pair["event_id"])
        show_place(version, pair["file_id"], pair["byte_offset"], key="pair")


def _in_words(pair: Row, rows: Sequence[Row]) -> str:
    sent = {
        role: next(
            (row["occurred_at"] for row in rows if row["role"] == role and not row["is_arrival"]), None
        )
        for role in ("late", "overtaking")
    }
    numbers = (
        f"**Number {pair['sequence']}** ({safe_md(pair['event_id'], 60)}) arrived "
        f"{formatting.milliseconds(pair['late_time_ms'])} after **number {pair['overtaken_by_sequence']}** "
        f"({safe_md(pair['overtaken_by'], 60)})"
    )
    if sent["late"] is None or sent["overtaking"] is None:
        return f"{numbers}. Of one of them no sending is logged, so that its way has no beginning."
    ahead = (sent["overtaking"] - sent["late"]) / timedelta(milliseconds=1)
    if ahead < 0:
        return (
            f"{numbers}, and was sent {formatting.milliseconds(-ahead)} after it: "
            "their ways do not cross, they were sent in this order."
        )
    return f"{numbers}, but was sent {formatting.milliseconds(ahead)} before it: **their ways cross**."


def _open() -> None:
    point = st.session_state[_KEY].click
    if point and isinstance(point["customdata"], str):
        pages.go("chains", event=point["customdata"])
