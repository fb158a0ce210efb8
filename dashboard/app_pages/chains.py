"""What caused this event, and what did it cause?"""

from typing import Any, Final

import streamlit as st

from dashboard import controls, data, empty, formatting
from dashboard.charts import chain, tree_layout
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.panel import panel
from dashboard.raw_line import show_place

_FOUND_SHOWN: Final = 50
_LARGEST_SHOWN: Final = 25
_TABLE_SHOWN: Final = 2000
_DEPTH_LIMIT: Final = 1000
_DIRECTIONS: Final = ("both", "causes", "effects")
_LANES_PX: Final = (110, 42)


def _open_row(table_key: str, ids: list[str]) -> None:
    chosen = st.session_state[table_key].selection.rows
    if chosen:
        controls.remember(event=ids[chosen[0]])


def _open_node() -> None:
    point = st.session_state["chain"].click
    if point and isinstance(point["customdata"], str):
        controls.remember(event=point["customdata"])


def _search() -> str:
    with st.container(horizontal=True, vertical_alignment="center"):
        text = st.text_input(
            "Search an event",
            key="search",
            bind="query-params",
            type="search",
            icon=":material/search:",
            placeholder="Event id, type, correlation id or key",
            label_visibility="collapsed",
            width=460,
        )
        if controls.remembered("event"):
            st.button(
                "Largest chains", icon=":material/arrow_back:", key="forget_event", type="tertiary",
                on_click=controls.remember, kwargs={"event": None},
            )  # fmt: skip
    return (text or "").strip()


def _results_panel(version: int, text: str) -> None:
    found = data.load("event_search", version, search=text, row_limit=_FOUND_SHOWN)
    about = "Events whose id, type, key or correlation id contains the text; exact ids first."
    with panel("results", "Which event?", about, found):
        if not found.table.num_rows:
            st.markdown(f"No event matches {safe_md(text)}. Search by the id as it stands in the log, or by a type.")
            return
        st.caption("Select a row to see its chain")
        st.dataframe(
            found.table.select(["event_id", "event_type", "service", "occurred_at"]),
            hide_index=True,
            key="found",
            on_select=lambda: _open_row("found", found.table.column("event_id").to_pylist()),
            selection_mode="single-row",
            alt="Events that match the search",
            column_config=_event_columns(),
        )


def _event_columns() -> dict[str, Any]:
    return {
        "event_id": st.column_config.TextColumn("event"),
        "event_type": st.column_config.TextColumn("type"),
        "service": st.column_config.TextColumn("service"),
        "occurred_at": st.column_config.DatetimeColumn("at, UTC", format="YYYY-MM-DD HH:mm:ss.SSS"),
    }


def _largest_panel(version: int) -> None:
    shown = controls.current_window(version)
    largest = data.load(
        "largest_chains", version, since=shown.since, until=shown.until, row_limit=_LARGEST_SHOWN
    )
    about = (
        "A **chain** is all that one root event caused, directly or through other events; its **depth** "
        "is the longest way from the root. Roots inside the window, largest first."
    )
    with panel("largest", "Which chains are the largest?", about, largest):
        if not largest.table.num_rows:
            empty.none_in_window(
                "chain", shown, "Chains need events that name their cause (a causation id, a parent span, a link)."
            )
            return
        st.caption("Select a row to see its chain, or search an event above")
        st.dataframe(
            largest.table.select(["root_id", "event_type", "event_count", "depth_max", "started_at"]),
            hide_index=True,
            key="largest",
            on_select=lambda: _open_row("largest", largest.table.column("root_id").to_pylist()),
            selection_mode="single-row",
            alt="Largest chains",
            column_config={
                "root_id": st.column_config.TextColumn("root"),
                "event_type": st.column_config.TextColumn("type"),
                "event_count": st.column_config.ProgressColumn(
                    "events", format="%d", min_value=0,
                    max_value=max(largest.table.column("event_count").to_pylist()),
                ),
                "depth_max": st.column_config.NumberColumn("depth"),
                "started_at": st.column_config.DatetimeColumn("started, UTC", format="YYYY-MM-DD HH:mm:ss.SSS"),
            },
        )  # fmt: skip


def _summary(answer: Answer, event: str) -> None:
    rows = answer.rows
    causes = sum(1 for row in rows if row["depth"] < 0)
    effects = sum(1 for row in rows if row["depth"] > 0)
    ghosts = sum(1 for row in rows if row["is_ghost"])
    times = [row["occurred_at"] for row in rows if row["occurred_at"]]
    lasted = f", over {formatting.span(max(times) - min(times))}" if len(times) > 1 else ""
    services = len({row["service"] for row in rows if row["service"]})
    text = (
        f"{safe_md(event)} has {formatting.plural(causes, 'cause')} and "
        f"{formatting.plural(effects, 'effect')} in {formatting.plural(services, 'service')}{lasted}."
    )
    if ghosts:
        text += f" {formatting.plural(ghosts, 'cause')} named but never logged."
    st.markdown(text)


def _chain_panel(answer: Answer, event: str) -> None:
    about = (
        "Each line leads from a cause to its effect, as the events themselves say (causation ids, "
        "parent spans, links). Negative depths are causes of the picked event, positive ones effects. "
        "Siblings of one type without effects are folded: **× 12**. A hollow mark was named as a "
        "cause but never logged. **Click** a mark to pick that event, drag to move."
    )
    with panel("chain", "Chain", about, answer):
        _summary(answer, event)
        with st.container(horizontal=True):
            view = st.segmented_control(
                "View", ["tree", "time"], default="tree", required=True, key="view",
                bind="query-params", label_visibility="collapsed",
            )  # fmt: skip
            st.segmented_control(
                "Direction", _DIRECTIONS, default="both", required=True, key="direction",
                bind="query-params", label_visibility="collapsed",
            )  # fmt: skip
        layout = tree_layout.arrange(answer.table.to_pylist())
        lanes = len({node.service for node in layout.nodes})
        is_tree = view != "time"
        height = chain.tree_height(layout.row_count) if is_tree else _LANES_PX[0] + _LANES_PX[1] * lanes
        live_plotly(
            data.figure(chain.tree if is_tree else chain.lanes, answer, event=event),
            key="chain", alt="Causes and effects of the picked event", height=height,
            on_click=_open_node,
        )  # fmt: skip
        if layout.left_out:
            st.caption(
                f"{formatting.count(layout.left_out)} events further away are not drawn; the table has them"
            )


def _table_panel(answer: Answer) -> None:
    about = "The events of the chain, causes first. Select a row to pick that event."
    shown = answer.table.slice(0, _TABLE_SHOWN)
    with panel("chain_table", "Events of the chain", about, answer):
        st.dataframe(
            shown.select(
                ["depth", "event_id", "event_type", "service", "node", "occurred_at", "kind", "cause_id", "is_ghost"]
            ),
            hide_index=True,
            height=360,
            key="chain_table",
            on_select=lambda: _open_row("chain_table", shown.column("event_id").to_pylist()),
            selection_mode="single-row",
            alt="Events of the chain",
            column_config={
                **_event_columns(),
                "depth": st.column_config.NumberColumn(width=60),
                "kind": st.column_config.TextColumn("known by"),
                "cause_id": st.column_config.TextColumn("cause"),
                "is_ghost": st.column_config.CheckboxColumn("never logged"),
            },
        )  # fmt: skip


def page() -> None:
    version = data.version()
    if empty.is_empty(version):
        return
    text = _search()
    event = controls.remembered("event")
    if not event:
        if text:
            _results_panel(version, text)
        else:
            _largest_panel(version)
        return
    direction = str(st.session_state.get("direction") or "both")
    answer = data.load(
        "causal_chain", version, event=event,
        direction=direction if direction in _DIRECTIONS else "both", depth_limit=_DEPTH_LIMIT,
    )  # fmt: skip
    if not answer.table.num_rows:
        st.markdown(f"No event {safe_md(event)} in this database; search for it above.")
        return
    _chain_panel(answer, event)
    row = next((row for row in answer.rows if row["event_id"] == event), answer.rows[0])
    if row["file_id"] is not None:
        show_place(version, row["file_id"], row["byte_offset"], key="chain")
    _table_panel(answer)


st.markdown("**What caused this event, and what did it cause?**")
controls.live(page)
