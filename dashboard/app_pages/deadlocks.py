"""Which deadlocks happened when, and who waited for whom?"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from dashboard import controls, data, empty, formatting
from dashboard.charts import timeline, wait_for
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.pages import link
from dashboard.panel import panel
from dashboard.raw_line import show_place
from dashboard.window import Window

_LISTED: Final = 500
_SHAPES_SHOWN: Final = 12


def _picked_hour() -> datetime | None:
    text = controls.remembered("hour")
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _pick_hour() -> None:
    point = st.session_state["hours"].click
    if point:
        controls.remember(hour=str(point["customdata"])[:16], deadlock=None)


def _forget_hour() -> None:
    controls.remember(hour=None)


def _hours_panel(answer: Answer, shown: Window) -> None:
    counts = answer.table.column("deadlock_count").to_pylist()
    about = (
        "Deadlocks that a lock manager reported (for PostgreSQL: SQLSTATE 40P01 at ERROR), counted "
        "per clock hour, UTC. The same deadlock read from two logs of one server counts once. "
        f"Red from {timeline.STORMY_DEADLOCKS_PER_HOUR} an hour. **Click** a bar to list its hour."
    )
    with panel("hours", "Deadlocks per hour", about, answer):
        st.caption(
            f"{formatting.plural(sum(counts), 'deadlock')} in {formatting.plural(len(counts), 'hour')}; "
            f"{formatting.count(sum(1 for count in counts if not count))} of these hours without one"
        )
        live_plotly(
            data.figure(
                timeline.deadlocks_per_hour, answer,
                since=shown.since, until=shown.until, picked=_picked_hour(),
            ),
            key="hours", alt="Deadlocks per hour", height=240,
            on_click=_pick_hour, on_zoom=controls.zoom_to_drag("hours"),
        )  # fmt: skip


def _in_hour(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    hour = _picked_hour()
    if hour is None:
        return rows
    return [row for row in rows if hour <= row["occurred_at"] < hour + timedelta(hours=1)]


def _pick_deadlock(listed: list[dict[str, Any]]) -> None:
    chosen = st.session_state["deadlock_list"].selection.rows
    controls.remember(deadlock=listed[chosen[0]]["deadlock_id"] if chosen else None)


def _list_panel(answer: Answer, listed: list[dict[str, Any]], total: int, picked: str) -> None:
    about = (
        "Newest first. **Select** a row to see its wait-for graph. The *shape* is equal for "
        "deadlocks of one kind: numbers in names of resources are left out."
    )
    with panel("deadlock_list", "Which deadlocks?", about, answer):
        hour = _picked_hour()
        if hour is not None:
            st.button(
                f"Only {hour:%Y-%m-%d %H:%M} – {hour + timedelta(hours=1):%H:%M}",
                icon=":material/close:", key="forget_hour", on_click=_forget_hour,
            )  # fmt: skip
        if len(listed) < total:
            st.caption(f"The newest {len(listed)} of {formatting.count(total)}; zoom in for the others")
        at = next((n for n, row in enumerate(listed) if row["deadlock_id"] == picked), None)
        st.dataframe(
            {
                "at, UTC": [row["occurred_at"] for row in listed],
                "service": [row["service"] for row in listed],
                "members": [row["member_count"] for row in listed],
                "shape": [row["shape"] for row in listed],
            },
            hide_index=True,
            height=420,
            key="deadlock_list",
            on_select=lambda: _pick_deadlock(listed),
            selection_mode="single-row",
            selection_default={"selection": {"rows": [] if at is None else [at]}},
            alt="Deadlocks, newest first",
            column_config={
                "at, UTC": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss", width=150),
                "service": st.column_config.TextColumn(width=120),
                "members": st.column_config.NumberColumn(width=70),
                "shape": st.column_config.TextColumn(width="large"),
            },
        )


def _graph_panel(version: int, row: dict[str, Any]) -> None:
    edges = data.load("deadlock_edges", version, deadlock=row["deadlock_id"])
    about = (
        "An arrow leads from who **waits** to who **holds** the lock. A deadlock is a circle of "
        "arrows; the lock manager breaks it by rolling back one member, the **victim**."
    )
    with panel("wait_for", "Who waited for whom?", about, edges):
        st.caption(
            f"{formatting.precise(row['occurred_at'])} UTC, reported by {safe_md(row['service'] or 'unknown')}"
        )
        if not edges.table.num_rows:
            st.markdown("The log names this deadlock but not its members.")
        else:
            live_plotly(
                data.figure(wait_for.graph, edges),
                key="wait_for", alt="Wait-for graph of the selected deadlock",
                height=wait_for.height(edges.table),
            )  # fmt: skip
            _members(edges)
        show_place(version, row["file_id"], row["byte_offset"], key="deadlock")
        link("chains", "Causes and effects", icon="account_tree", event=row["deadlock_id"])


def _members(edges: Answer) -> None:
    st.dataframe(
        edges.table.select(["owner", "mode", "resource", "blocked_by", "statement"]),
        hide_index=True,
        key="members",
        alt="Who waits for what, held by whom",
        column_config={
            "owner": st.column_config.TextColumn("waits", width=70),
            "mode": st.column_config.TextColumn("for lock", width=110),
            "resource": st.column_config.TextColumn("on", width=150),
            "blocked_by": st.column_config.TextColumn("held by", width=70),
            "statement": st.column_config.TextColumn("while running", width="large"),
        },
    )


def _shapes_panel(answer: Answer, rows: list[dict[str, Any]]) -> None:
    about = (
        "Deadlocks of one shape wait for the same kinds of lock in the same way: most often one pair "
        "of code paths that take the same locks in a different order."
    )
    shapes = Counter(row["shape"] for row in rows).most_common(_SHAPES_SHOWN)
    with panel("shapes", "Which kinds recur?", about, answer):
        st.dataframe(
            {"shape": [shape for shape, _ in shapes], "deadlocks": [count for _, count in shapes]},
            hide_index=True,
            key="shapes",
            alt="Deadlocks by shape",
            column_config={
                "shape": st.column_config.TextColumn(width="large"),
                "deadlocks": st.column_config.ProgressColumn(
                    format="%d", min_value=0, max_value=max(len(rows), 1)
                ),
            },
        )


def page() -> None:
    version = data.version()
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    edges = {"since": shown.since, "until": shown.until}
    hours = data.load("deadlocks_per_hour", version, **edges)
    found = data.load("deadlocks", version, **edges)
    if not found.table.num_rows:
        empty.none_in_window(
            "deadlock", shown, "Deadlocks come from logs of databases and lock managers."
        )
        return
    _hours_panel(hours, shown)
    rows = _in_hour(found.rows[::-1])
    listed = rows[:_LISTED]
    asked = controls.remembered("deadlock")
    picked = next((row for row in found.rows if row["deadlock_id"] == asked), None) or (
        listed[0] if listed else None
    )
    left, right = st.columns([5, 4])
    with left:
        _list_panel(found, listed, len(rows), picked["deadlock_id"] if picked else "")
    with right:
        if picked is not None:
            _graph_panel(version, picked)
    _shapes_panel(found, found.rows)


st.markdown("**Which deadlocks happened when, and who waited for whom?**")
controls.live(page)
