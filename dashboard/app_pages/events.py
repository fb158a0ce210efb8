"""Events: the log records themselves, filtered and searched."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from dashboard import (
    context_panel,
    controls,
    data,
    empty,
    facets_panel,
    filters,
    formatting,
    table,
    window,
    zone,
)
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.pages import link
from dashboard.panel import attempt, panel
from dashboard.raw_line import show_place
from dashboard.window import Window
from stormwatch.export import plain_value

_ROWS: Final = 500
_LIST_PX: Final = 700
_AROUND: Final = timedelta(seconds=1)
"""Before and after a picked record: in a busy log more than the list holds."""
_FEW: Final = 18
"""Rows up to which the list is as high as its rows."""
_SHOWN: Final = (
    "occurred_at", "severity", "service", "node", "operation", "event_type", "stream", "stream_key",
    "sequence", "event_id", "message", "path", "byte_offset",
)  # fmt: skip
_FORMS: Final = ("fields", "JSON")
_BELOW: Final = ("message", "attributes", "file_id", "byte_offset", "record_no")
"""Fields that are shown in a form of their own below the others."""


def _filters(version: int, shown: Window) -> dict[str, str | None]:
    with st.container(horizontal=True, vertical_alignment="center"):
        search = filters.search("Id, message, key")
        chosen = filters.draw(version, shown, "service", "stream", "event_type", "operation")
    return {**chosen, "search": search}


def _place(row: dict[str, Any]) -> str:
    return f"{row['file_id']}:{row['byte_offset']}:{row['record_no']}"


def _say_elsewhere(picked: Answer) -> None:
    """The list does not hold the record that is shown beside it: offers the window in which it does."""
    moment = picked.rows[0]["occurred_at"]
    with st.container(horizontal=True, vertical_alignment="center", key="elsewhere"):
        st.caption("The picked record is not among them", width="content")
        if moment is not None:
            st.button(
                "Look around its time", icon=":material/my_location:", key="around_picked", type="tertiary",
                on_click=controls.set_window, args=(window.absolute(moment - _AROUND, moment + _AROUND),),
            )  # fmt: skip


def _list_panel(answer: Answer, rows: list[dict[str, Any]], at: int | None, picked: Answer | None) -> None:
    about = (
        "Records as they were read, newest first. One event has a row for each observation: when it "
        "was sent, when it was received, when it was handled. **Click** a row for all its fields."
    )
    with panel("event_list", "Events", about, answer):
        some = "The newest " if len(rows) == _ROWS else ""
        st.caption(f"{some}{formatting.plural(len(rows), 'record')}")
        if picked is not None and at is None:
            _say_elsewhere(picked)
        columns = [name for name in _SHOWN if any(row[name] is not None for row in rows)]
        table.picking(
            answer.table.select(columns).to_pydict(),
            {
                "occurred_at": table.at(to_millisecond=True),
                "severity": table.text(width=80),
                "service": table.text(width=110),
                "node": table.text(width=110),
                "operation": table.text(width=90),
                "event_type": table.text("type", 150),
                "stream": table.text(width=120),
                "stream_key": table.text("key", 110),
                "sequence": table.name("number", 80),
                "event_id": table.text("event", 160),
                "message": table.text(width="large"),
                "path": table.text("file", 180),
                "byte_offset": table.name("offset", 100),
            },
            lambda row: controls.remember(at=_place(rows[row])),
            picked=at, key="event_list", alt="Event records, newest first",
            height=_LIST_PX if len(rows) > _FEW else "auto",
        )  # fmt: skip


def _picked_record(version: int) -> Answer | None:
    """The record in the address, wherever in the logs it is; None when there is none."""
    place = context_panel.place(controls.remembered("at") or "")
    if place is None:
        return None
    file_id, offset, number = place
    found = data.load("observation_at", version, in_file=file_id, at_offset=offset, at_record=number)
    return found if found.table.num_rows else None


def _detail_panel(version: int, found: Answer) -> None:
    row = found.rows[0]
    about = "All that is known of this record; **attributes** holds every field that no column of ours holds."
    with panel("detail", "Record", about, found):
        with st.container(horizontal=True, vertical_alignment="center"):
            at = (
                f"{formatting.precise(row['occurred_at'])} {zone.name()}"
                if row["occurred_at"]
                else "without a time"
            )
            st.markdown(f"{safe_md(row['event_type'] or 'record', 60)} {at}", width="stretch")
            form = st.segmented_control(
                "Form", _FORMS, default=_FORMS[0], required=True, key="form", bind="query-params",
                label_visibility="collapsed", help="As a table of its fields, or as one JSON object",
            )  # fmt: skip
            st.button(
                "", icon=":material/close:", key="close_record", type="tertiary", help="Close",
                on_click=controls.remember, kwargs={"at": None},
            )  # fmt: skip
        # What was really written is what one came for, and stands without scrolling.
        show_place(version, row["file_id"], row["byte_offset"], key="event")
        if form == "JSON":
            st.json(_as_json(row), expanded=2)
        else:
            _show_fields(row)
        if row["event_id"]:
            link("chains", "Causes and effects", icon="account_tree", event=row["event_id"])


def _show_fields(row: dict[str, Any]) -> None:
    known = {name: value for name, value in row.items() if value is not None and name not in _BELOW}
    table.show(
        {"field": list(known), "value": [_written(value) for value in known.values()]},
        {"field": table.text(width=120), "value": table.text(width="large")},
        key="detail", alt="Fields of the record", height="content",
    )  # fmt: skip
    if row["message"]:
        st.caption("Message")
        st.code(row["message"], language=None, wrap_lines=True)
    if row["attributes"] and row["attributes"] != "{}":
        st.caption("Attributes")
        st.json(json.loads(row["attributes"]), expanded=2)


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    """All that is known of a record, as it is stored: instants in UTC."""
    known = {name: plain_value(value) for name, value in row.items() if value is not None}
    if row["attributes"]:
        known["attributes"] = json.loads(row["attributes"])
    return known


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return f"{formatting.precise(value)} {zone.name()}"
    return str(value)


def _say_none(version: int, shown: Window, *, is_filtered: bool) -> None:
    with st.container(border=True):
        hint = "None with these filters: clear some of them." if is_filtered else ""
        empty.none_in_window("event", shown, version, hint=hint)


def _list(version: int, shown: Window, chosen: Mapping[str, str | None], picked: Answer | None) -> None:
    answer = data.load(
        "event_records", version, **shown.scope, row_limit=_ROWS,
        **{name: value for name, value in chosen.items() if value},
    )  # fmt: skip
    rows = answer.rows
    if not rows:
        _say_none(version, shown, is_filtered=any(chosen.values()))
        return
    place = controls.remembered("at") or ""
    at = next((n for n, row in enumerate(rows) if _place(row) == place), None)
    _list_panel(answer, rows, at, picked)


def _context(version: int) -> None:
    place = controls.remembered("at") or ""
    around = context_panel.ask(version, place)
    if around is not None:
        context_panel.draw(around, int(place.partition(":")[0]))


def page(version: int) -> None:
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    chosen = _filters(version, shown)
    picked = attempt(_picked_record, version)
    with st.container(key="records"):
        left, right = st.columns([3, 2] if picked is not None else [3, 1])
    # What was picked is soon found; a list may have to be searched for.
    with right:
        if picked is not None:
            _detail_panel(version, picked)
        else:
            attempt(facets_panel.draw, version, shown, chosen)
    with left:
        attempt(_list, version, shown, chosen, picked)
    attempt(_context, version)


st.header("Which lines were logged, by whom, about what?", anchor=False)
controls.live(page)
