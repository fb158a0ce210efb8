"""Where order was lost, what it would cost, and who loses most of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from dashboard import data, empty, formatting, pages, table
from dashboard.charts import hotspots, order_cost
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.panel import panel
from dashboard.window import Window

_RANKED: Final = 50
_RANKED_OF_SOME: Final = 5000
"""Ranked before those of one consumer or stream are taken."""
_RANKED_FROM: Final = 1
"""Arrivals of the smallest group that is ranked: the lower bound puts small ones down by itself."""
_COST_PX: Final = 240
_FEW_LATE: Final = 0.01
"""Of what comes late: a hold that leaves no more restores nearly all order."""
Picked = dict[str, str | None]
"""The filters of the page, by the columns of the relations; the consumer is the service, else the node."""


def loss(version: int, shown: Window, of: Picked) -> None:
    """Which places order was lost at, with the first pair of each."""
    found = data.load("order_loss", version, **shown.scope, lookback=shown.lookback).only(**of)
    about = (
        "Each event that came late is laid to the first place its records speak for. **producer**: the "
        "larger number was sent first; **clock**: two clocks too close to tell; **retry**: sent or delivered "
        "again; **partition**: two of them; **consumer**: two nodes at the same time; **transport**: network "
        "or broker; else **unknown**. The events are the first pair. **Click** a row for its chain."
    )
    with panel("loss", "Where was order lost?", about, found):
        if not found.table.num_rows:
            empty.none_in_window("loss of order", shown, version)
            return
        rows = found.rows
        names = ("place", "swap_count", "event_id", "overtaken_by", "node", "overtaken_by_node", "first_at")
        table.opening(
            {
                "at": [hotspots.label(row["consumer"] or "", row["stream"] or "") for row in rows],
                "share": [100 * row["swap_ratio"] for row in rows],
                **{name: [row[name] for row in rows] for name in names},
            },
            {
                "at": table.text("stream → consumer", 130),
                "share": st.column_config.ProgressColumn(
                    "share", format="%.0f %%", min_value=0, max_value=100, color="orange", width=100
                ),
                "place": table.text("lost at", 80),
                "swap_count": table.number("late", 60),
                "event_id": table.text("first: late"),
                "overtaken_by": table.text("after"),
                "overtaken_by_node": table.text("at node"),
                "first_at": table.at("first", to_millisecond=True),
            },
            lambda row: pages.go("chains", event=rows[row]["event_id"]),
            key="loss", alt="Places where order was lost, with the first pair",
        )  # fmt: skip


def cost(version: int, shown: Window, of: Picked) -> None:
    """How much would still be late if early events were held back, and for how long."""
    found = data.load("order_cost", version, **shown.scope, lookback=shown.lookback, only_late=True).only(
        **of
    )
    about = (
        "What would come late if early events were **held back** until the numbers before them have come, "
        "but no longer than this. The price is latency: hover over a point for how many events wait and "
        "what that adds. Streams in order are not drawn."
    )
    with panel("cost", "What would order cost?", about, found):
        if not found.table.num_rows:
            st.markdown(":material/check_circle: Nothing: all that arrived is in order.")
            return
        worst = order_cost.by_place(found.table)
        if worst:
            st.markdown(price(*worst[0]))
        live_plotly(
            data.figure(order_cost.curve, found),
            key="cost", alt="Share of arrivals out of order by how long early ones are held back",
            height=_COST_PX,
        )  # fmt: skip


def price(place: tuple[str, str], rows: Sequence[dict[str, Any]]) -> str:
    """What order costs at a place in words, from its rows by hold: the least hold that restores nearly all of
    it, the least that restores all, else what the longest leaves.
    """
    few = _FEW_LATE * rows[0]["late_count"]
    chosen = next((row for row in rows if row["late_count"] <= few), rows[-1])
    enough = next((row for row in rows if not row["late_count"]), None)
    left = f"{formatting.percent(chosen['late_ratio'])} still would" if chosen["late_count"] else "none would"
    if enough not in (None, chosen):
        left += f" (none at {formatting.milliseconds(enough['hold_ms'])})"
    return (
        f"{safe_md(hotspots.label(*place), 60)}: {formatting.percent(rows[0]['late_ratio'])} of its arrivals "
        "come late. If early ones were held back for at most "
        f"**{formatting.milliseconds(chosen['hold_ms'])}**, {left}; "
        f"{formatting.plural(chosen['held_count'], 'event')} would wait, and 1 of 100 arrivals would come "
        f"**{formatting.milliseconds(chosen['added_latency_p99_ms'])}** later or more."
    )


def ranking(version: int, shown: Window, of: Picked) -> None:
    """Nodes, types and keys by how much order they surely lose."""
    found = data.load(
        "reorder_ranking", version, **shown.scope, lookback=shown.lookback,
        min_arrivals=_RANKED_FROM, row_limit=_RANKED_OF_SOME if any(of.values()) else _RANKED,
    ).only(**of)  # fmt: skip
    about = (
        "Nodes, types and keys by how much order they surely lose: by the lower end of the 95 % interval, so "
        "that a small group cannot come first by chance. Compare only groups of similar *spacing*: "
        "events far apart in time hardly ever change places."
    )
    with panel("ranking", "Who loses most order?", about, found):
        rows = [row for row in found.rows if row["reordered_count"]]
        if not rows:
            empty.none_in_window("reordering", shown, version)
            return
        counts = ("reordered_count", "arrival_count")
        times = ("late_time_p50_ms", "late_time_p99_ms", "spacing_ms")
        table.show(
            {
                "at": [hotspots.label(row["consumer"] or "", row["stream"] or "") for row in rows],
                **{name: [row[name] for row in rows] for name in ("facet", "value")},
                "low": [100 * row["ratio_low"] for row in rows],
                "between": [_between(row) for row in rows],
                **{name: [row[name] for row in rows] for name in counts},
                **{name: [formatting.milliseconds(row[name]) for row in rows] for name in times},
            },
            {
                "at": table.text("stream → consumer", 150),
                "facet": table.text(width=90),
                "low": st.column_config.ProgressColumn(
                    "surely late", format="%.1f %%", min_value=0, max_value=100, color="orange", width=130
                ),
                "between": table.text("share, 95 %", 170),
                "reordered_count": table.number("late", 60),
                "arrival_count": table.number("arrivals", 75),
                "late_time_p50_ms": table.text("late by, p50", 95, alignment="right"),
                "late_time_p99_ms": table.text("p99", 80, alignment="right"),
                "spacing_ms": table.text("spacing", 80, alignment="right"),
            },
            key="ranking", alt="Groups that lose most order, the surest first",
            height=table.height(320, len(rows)),
        )  # fmt: skip


def _between(row: dict[str, Any]) -> str:
    """The share of late arrivals with its interval."""
    ends = f"{100 * row['ratio_low']:.1f} to {100 * row['ratio_high']:.1f}"
    return f"{formatting.percent(row['reordered_ratio'])} ({ends})"
