"""Where do events arrive out of order, and which ones swapped?"""

from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from dashboard import controls, data, empty, formatting
from dashboard.charts import hotspots
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.pages import link
from dashboard.panel import panel
from dashboard.raw_line import show_place
from dashboard.window import Window

_COLUMNS: Final = 120
_PAIRS_SHOWN: Final = 200
_LIST_SHOWN: Final = 500
_SEPARATOR: Final = "|"


def _picked_cell() -> tuple[str, str, datetime] | None:
    """(consumer, stream, bucket start) of the cell in the address."""
    text = controls.remembered("cell") or ""
    try:
        names, start = text.rsplit(_SEPARATOR, 1)
        consumer, stream = names.split(_SEPARATOR, 1)
        return consumer, stream, datetime.fromisoformat(start)
    except ValueError:
        return None


def _pick_cell() -> None:
    point = st.session_state["hotspots"].click
    if point and point["customdata"]:
        consumer, stream, start = point["customdata"]
        controls.remember(cell=_SEPARATOR.join((consumer, stream, start)), pair=None)


def _map_panel(answer: Answer, shown: Window, bucket: timedelta) -> None:
    about = (
        "One cell is one consumer of one stream in one piece of time. An arrival is **out of order** "
        "when an event with a greater sequence number of the same key had already arrived there; its "
        "**extent** is how many arrivals it was overtaken by, its **lateness** the time since the "
        "first of them (RFC 4737). Sequence numbers decide, never clocks; repeated copies do not "
        "count. No colour: nothing arrived. **Click** a cell for its pairs, **drag** to zoom."
    )
    with panel("hotspots", "Hotspots", about, answer):
        with st.container(horizontal=True, vertical_alignment="center"):
            measure = st.segmented_control(
                "Measure", list(hotspots.MEASURES), default="share", required=True, key="measure",
                bind="query-params", label_visibility="collapsed",
            )  # fmt: skip
            st.caption(f"one cell is {formatting.span(bucket)}", width="content")
        rows = hotspots.row_names(answer.table)
        live_plotly(
            data.figure(
                hotspots.heat_map, answer, since=shown.since, until=shown.until,
                bucket=bucket, measure=measure or "share", picked=_picked_cell(),
            ),
            key="hotspots", alt="Heat map of arrivals out of order by consumer, stream and time",
            height=hotspots.height(len(rows)),
            on_click=_pick_cell, on_zoom=controls.zoom_to_drag("hotspots"),
        )  # fmt: skip


def _pick_pair(rows: list[dict[str, Any]]) -> None:
    chosen = st.session_state["pairs"].selection.rows
    controls.remember(pair=rows[chosen[0]]["event_id"] if chosen else None)


def _pairs_panel(version: int, shown: Window, bucket: timedelta) -> None:
    cell = _picked_cell()
    consumer, stream, start = cell or ("", "", shown.since)
    until = start + bucket if cell else shown.until
    pairs = data.load(
        "swapped_pairs", version, since=start, until=until,
        of_consumer=consumer if cell else None, of_stream=stream if cell else None,
        row_limit=_PAIRS_SHOWN,
    )  # fmt: skip
    about = (
        "Each row is an event and the first one that **overtook** it: it was sent later (greater "
        "number, same key) but arrived earlier. Where the two were handled by different nodes, order "
        "was lost between consumers working side by side; on one node, before it or by a retry."
    )
    with panel("pairs", "Which events swapped?", about, pairs):
        _cell_line(cell, bucket)
        if not pairs.table.num_rows:
            st.markdown(":material/check_circle: Everything in this cell arrived in order.")
            return
        _pairs_table(pairs)
        picked = controls.remembered("pair")
        row = next((row for row in pairs.rows if row["event_id"] == picked), None)
        if row is not None:
            show_place(version, row["file_id"], row["byte_offset"], key="pair")
            link("chains", "The chain of this event", icon="account_tree", event=row["event_id"])


def _cell_line(cell: tuple[str, str, datetime] | None, bucket: timedelta) -> None:
    if cell is None:
        st.caption("The latest in the whole window; click a cell above for the pairs of that cell")
        return
    consumer, stream, start = cell
    with st.container(horizontal=True, vertical_alignment="center"):
        name = safe_md(hotspots.label(consumer, stream), 60)
        st.markdown(f"{name} from {formatting.instant(start)} for {formatting.span(bucket)}", width="content")
        st.button(
            "Whole window", icon=":material/close:", key="forget_cell", type="tertiary",
            on_click=controls.remember, kwargs={"cell": None, "pair": None},
        )  # fmt: skip


def _pairs_table(pairs: Answer) -> None:
    rows = pairs.rows
    at = next((n for n, row in enumerate(rows) if row["event_id"] == controls.remembered("pair")), None)
    st.dataframe(
        pairs.table.select(
            ["occurred_at", "stream_key", "sequence", "event_type", "node", "overtaken_by_sequence",
             "overtaken_by_type", "overtaken_by_node", "late_time_ms", "extent"]
        ),
        hide_index=True,
        height=min(38 + 35 * len(rows), 420),
        key="pairs",
        on_select=lambda: _pick_pair(rows),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [] if at is None else [at]}},
        alt="Events that arrived after one with a greater number",
        column_config={
            "occurred_at": st.column_config.DatetimeColumn("arrived, UTC", format="MM-DD HH:mm:ss.SSS"),
            "stream_key": st.column_config.TextColumn("key"),
            "sequence": st.column_config.NumberColumn("number", format="%d"),
            "event_type": st.column_config.TextColumn("late event"),
            "node": st.column_config.TextColumn("at node"),
            "overtaken_by_sequence": st.column_config.NumberColumn("overtaken by", format="%d"),
            "overtaken_by_type": st.column_config.TextColumn("overtaking event"),
            "overtaken_by_node": st.column_config.TextColumn("at node"),
            "late_time_ms": st.column_config.NumberColumn("late by, ms", format="%.1f"),
            "extent": st.column_config.NumberColumn("extent"),
        },
    )  # fmt: skip


def _gaps_panel(version: int, shown: Window) -> None:
    gaps = data.load("gaps", version, since=shown.since, until=shown.until)
    about = (
        "Numbers a producer gave that a consumer never saw. **open**: may still arrive; **lost**: "
        "later than anything that ever arrived late. Only for numbers without holes at the producer: "
        "a broker's offsets have holes of their own."
    )
    with panel("gaps", "What never arrived?", about, gaps):
        if not gaps.table.num_rows:
            empty.none_in_window("gap", shown)
            return
        st.dataframe(
            gaps.table.slice(0, _LIST_SHOWN).select(
                ["state", "consumer", "stream", "stream_key", "event_type", "first_missing",
                 "last_missing", "missing_count", "noticed_at"]
            ),
            hide_index=True,
            key="gaps",
            alt="Missing sequence numbers",
            column_config={
                "first_missing": st.column_config.NumberColumn("from number", format="%d"),
                "last_missing": st.column_config.NumberColumn("to number", format="%d"),
                "missing_count": st.column_config.NumberColumn("missing"),
                "noticed_at": st.column_config.DatetimeColumn("noticed, UTC", format="YYYY-MM-DD HH:mm:ss"),
            },
        )  # fmt: skip


def _duplicates_panel(version: int, shown: Window) -> None:
    duplicates = data.load("duplicates", version, since=shown.since, until=shown.until)
    about = (
        "Events that one consumer received more than once. A broker's *redelivered* flag alone proves "
        "nothing: the first delivery may never have reached the consumer."
    )
    with panel("duplicates", "What arrived more than once?", about, duplicates):
        if not duplicates.table.num_rows:
            empty.none_in_window("duplicate", shown)
            return
        st.dataframe(
            duplicates.table.slice(0, _LIST_SHOWN).select(
                ["consumer", "stream", "event_type", "event_id", "copy_count", "redelivered_count",
                 "first_at", "last_at"]
            ),
            hide_index=True,
            key="duplicates",
            alt="Events received more than once",
            column_config={
                "copy_count": st.column_config.NumberColumn("copies"),
                "redelivered_count": st.column_config.NumberColumn("flagged"),
                "first_at": st.column_config.DatetimeColumn("first, UTC", format="YYYY-MM-DD HH:mm:ss"),
                "last_at": st.column_config.DatetimeColumn("last, UTC", format="YYYY-MM-DD HH:mm:ss"),
            },
        )  # fmt: skip


def page() -> None:
    version = data.version()
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    bucket = shown.bucket(_COLUMNS)
    answer = data.load("reorder_hotspots", version, since=shown.since, until=shown.until, bucket=bucket)
    if not answer.table.num_rows:
        empty.not_measurable(
            "no event between "
            f"{formatting.instant(shown.since)} and {formatting.instant(shown.until)} UTC carries a "
            "sequence number at a consumer, so what order was meant is not known.",
            "Widen the window, or name the field that holds the number: "
            "`stormwatch up DIR --map sequence=FIELD`.",
        )
        return
    _map_panel(answer, shown, bucket)
    _pairs_panel(version, shown, bucket)
    gaps, duplicates = st.tabs(
        [":material/link_off: Missing", ":material/content_copy: Duplicates"], on_change="rerun", key="kind"
    )
    if gaps.open:
        with gaps:
            _gaps_panel(version, shown)
    if duplicates.open:
        with duplicates:
            _duplicates_panel(version, shown)


st.markdown("**Where do events arrive out of order, and which ones swapped?**")
controls.live(page)
