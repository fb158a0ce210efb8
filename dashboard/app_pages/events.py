"""Which lines were logged?"""

import json
from typing import Any, Final

import streamlit as st

from dashboard import controls, data, empty, formatting
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.pages import link
from dashboard.panel import panel
from dashboard.raw_line import show_place
from dashboard.window import Window

_ROWS: Final = 500
_FILTERS: Final = (
    ("service", "in_service", "Service"),
    ("stream", "in_stream", "Stream"),
    ("event_type", "of_type", "Type"),
    ("operation", "with_operation", "Operation"),
)
"""Field, parameter and label; the key in the address is the field."""
_SHOWN: Final = (
    "occurred_at", "service", "node", "operation", "event_type", "stream", "stream_key", "sequence",
    "event_id", "severity", "message", "path", "byte_offset",
)  # fmt: skip
_DETAILS: Final = (
    "event_id", "occurred_at", "service", "node", "operation", "event_type", "stream", "stream_key",
    "sequence", "causation_id", "correlation_id", "attempt", "is_redelivered", "severity", "format",
)  # fmt: skip


def _filters(version: int, shown: Window) -> dict[str, str | None]:
    facets = data.load("event_facets", version, since=shown.since, until=shown.until)
    chosen: dict[str, str | None] = {}
    with st.container(horizontal=True, vertical_alignment="center"):
        search = st.text_input(
            "Search", key="search", bind="query-params", type="search", icon=":material/search:",
            placeholder="Id, message, key", label_visibility="collapsed", width=260,
        )  # fmt: skip
        for field, parameter, label in _FILTERS:
            values = [row["value"] for row in facets.rows if row["field"] == field]
            picked = st.selectbox(
                label, values, index=None, key=field, bind="query-params", placeholder=label,
                accept_new_options=True, label_visibility="collapsed", width=180,
            )  # fmt: skip
            chosen[parameter] = picked
    chosen["search"] = (search or "").strip() or None
    return chosen


def _place(row: dict[str, Any]) -> str:
    return f"{row['file_id']}:{row['byte_offset']}:{row['record_no']}"


def _pick(rows: list[dict[str, Any]]) -> None:
    chosen = st.session_state["event_list"].selection.rows
    controls.remember(at=_place(rows[chosen[0]]) if chosen else None)


def _list_panel(answer: Answer, rows: list[dict[str, Any]]) -> None:
    about = (
        "Records as they were read, newest first. One event has a row for each observation: when it "
        "was sent, when it was received, when it was handled. **Select** a row for all its fields."
    )
    with panel("event_list", "Events", about, answer):
        some = "The newest " if len(rows) == _ROWS else ""
        st.caption(f"{some}{formatting.plural(len(rows), 'record')}")
        columns = [name for name in _SHOWN if any(row[name] is not None for row in rows)]
        at = next((n for n, row in enumerate(rows) if _place(row) == controls.remembered("at")), None)
        st.dataframe(
            answer.table.select(columns),
            hide_index=True,
            height=520,
            key="event_list",
            on_select=lambda: _pick(rows),
            selection_mode="single-row",
            selection_default={"selection": {"rows": [] if at is None else [at]}},
            alt="Event records, newest first",
            column_config={
                "occurred_at": st.column_config.DatetimeColumn(
                    "at, UTC", format="YYYY-MM-DD HH:mm:ss.SSS", width=180
                ),
                "event_type": st.column_config.TextColumn("type"),
                "stream_key": st.column_config.TextColumn("key"),
                "sequence": st.column_config.NumberColumn("number", format="%d"),
                "event_id": st.column_config.TextColumn("event"),
                "message": st.column_config.TextColumn(width="large"),
                "path": st.column_config.TextColumn("file"),
                "byte_offset": st.column_config.NumberColumn("offset", format="%d"),
            },
        )


def _detail_panel(version: int, row: dict[str, Any]) -> None:
    about = "All that is known of this record; **attributes** holds every field that no column of ours holds."
    with panel("detail", "Record", about):
        st.markdown(f"{safe_md(row['event_type'] or 'record')} {formatting.precise(row['occurred_at'])} UTC")
        known = {name: row[name] for name in _DETAILS if row.get(name) is not None}
        st.dataframe(
            {"field": list(known), "value": [str(value) for value in known.values()]},
            hide_index=True, key="detail", alt="Fields of the record",
        )  # fmt: skip
        if row["message"]:
            st.code(row["message"], language=None, wrap_lines=True)
        if row["attributes"]:
            st.caption("Attributes")
            st.json(json.loads(row["attributes"]), expanded=2)
        show_place(version, row["file_id"], row["byte_offset"], key="event")
        if row["event_id"]:
            link("chains", "Causes and effects", icon="account_tree", event=row["event_id"])


def page() -> None:
    version = data.version()
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    chosen = _filters(version, shown)
    answer = data.load(
        "event_records", version, since=shown.since, until=shown.until, row_limit=_ROWS,
        **{name: value for name, value in chosen.items() if value},
    )  # fmt: skip
    rows = answer.rows
    if not rows:
        has_filters = any(chosen.values())
        empty.none_in_window("event", shown, "with these filters; clear some." if has_filters else "")
        return
    picked = next((row for row in rows if _place(row) == controls.remembered("at")), None)
    if picked is None:
        _list_panel(answer, rows)
        return
    left, right = st.columns([3, 2])
    with left:
        _list_panel(answer, rows)
    with right:
        _detail_panel(version, picked)


st.markdown("**Which lines were logged, by whom, about what?**")
controls.live(page)
