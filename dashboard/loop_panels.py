"""Chains that come back to where they were, and events that are their own ancestors."""

from __future__ import annotations

from collections import Counter
from typing import Final

import streamlit as st

from dashboard import data, empty, filters, formatting, pages, table, time_chart
from dashboard.charts import spans
from dashboard.filters import Chosen
from dashboard.panel import panel
from dashboard.time_chart import Hand
from dashboard.window import Window

_OF_SOME: Final = 5000
"""Looked at before those of one type are taken."""
_SAID: Final = {"stop": "to be stopped", "watch": "to be watched", "allowed": "allowed"}


def loops(version: int, shown: Window, chosen: Chosen) -> None:
    """Chains that visit the same type of event of the same entity again and again."""
    event_type = chosen["event_type"]
    limit = {"row_limit": _OF_SOME} if event_type else {}
    found = data.load("causal_loops", version, **shown.near.scope, **limit).only(event_type=event_type)
    about = (
        "One root, event type and entity that a chain comes back to at four or more distinct depths. From 17 "
        "turns on it should be **stopped** (the limit of AWS Lambda's recursive loop detection is 16). "
        "*Period*: steps from one turn to the next. *Growth*: events of a turn per event of the turn before; "
        "above 1 it spreads. The edge that **closes** it leads from the last event before to the second "
        "visit. **Click** for the chain of the first event."
    )
    with panel("loops", "Which chains go in circles?", about, found):
        if not found.table.num_rows:
            hint = (
                "None comes back to the picked type: clear the filter."
                if event_type
                else "Loops are told where events name their cause and their entity or key."
            )
            empty.none_in_window("causal loop", shown.near, version, hint=hint)
            return
        rows = found.rows
        levels = Counter(row["level"] for row in rows)
        said = [f"{formatting.count(levels[level])} {text}" for level, text in _SAID.items() if levels[level]]
        st.caption(f"{formatting.plural(len(rows), 'loop')}: {', '.join(said)}")
        names = {f"{row['entity']} {row['event_type']}" for row in rows[: spans.ROWS_AT_MOST]}
        time_chart.draw(
            spans.loops, found, shown, key="loops", alt="Causal loops over time",
            height=spans.height(len(names)),
            hand=Hand(lambda row: pages.go("chains", event=rows[row]["first_id"])),
        )  # fmt: skip
        table.opening(
            found.table.select(
                ["level", "event_type", "entity", "turns", "event_count", "period", "growth", "started_at",
                 "last_at", "closing_cause_id", "closing_effect_id", "root_id"]
            ),
            {
                "level": table.text(width=75),
                "event_type": table.text("comes back", 190),
                "entity": table.text(width=130),
                "turns": table.number("turns", 65),
                "event_count": table.number("events", 70),
                "period": st.column_config.NumberColumn("period", format="%.1f", width=75),
                "growth": st.column_config.NumberColumn("growth", format="%.2f", width=75),
                "started_at": table.at("first visit"),
                "last_at": table.at("newest"),
                "closing_cause_id": table.text("closed from"),
                "closing_effect_id": table.text("to"),
                "root_id": table.text("root"),
            },
            lambda row: pages.go("chains", event=rows[row]["first_id"]),
            key="loops_table", alt="Causal loops, those with most turns first",
        )  # fmt: skip


def cycles(version: int, shown: Window, chosen: Chosen) -> None:
    """Events that are their own ancestors, which cannot have happened."""
    found = data.load("causal_cycles", version, **shown.near.scope)
    about = (
        "Events that all cause each other. A cause comes before its effect, so this cannot have happened: an "
        "id was used twice, a cause was written down wrongly, or the field that was taken for the cause is "
        "none. **Click** a row for the effect of the edge that closes the circle."
    )
    with panel("cycles", "Which events are their own ancestors?", about, found):
        filters.say_beyond(chosen)
        if not found.table.num_rows:
            empty.none_in_window("circle of causes", shown.near, version)
            return
        rows = found.rows
        names = ("event_count", "first_id", "closing_cause_id", "started_at")
        table.opening(
            {
                **{name: [row[name] for row in rows] for name in names},
                "members": [", ".join(row["members"]) for row in rows],
            },
            {
                "event_count": table.number("events", 70),
                "first_id": table.text("first"),
                "closing_cause_id": table.text("is caused by"),
                "started_at": table.at("first", to_millisecond=True),
                "members": table.text(width="large"),
            },
            lambda row: pages.go("chains", event=rows[row]["closing_effect_id"]),
            key="cycles", alt="Events that cause each other in a circle",
        )  # fmt: skip
