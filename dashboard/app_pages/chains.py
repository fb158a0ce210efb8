"""Chains: what caused an event, and what it caused in turn."""

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from dashboard import chain_panel, controls, data, empty, filters, formatting, near, table, two_events
from dashboard.charts.branches import Choice
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.panel import attempt, panel
from dashboard.raw_line import show_place

_FOUND_SHOWN: Final = 50
_LARGEST_SHOWN: Final = 25
_TABLE_SHOWN: Final = 2000
_DEPTH_LIMIT: Final = 1000


def _opener(ids: list[str]) -> Callable[[int], None]:
    return lambda row: controls.remember(event=ids[row], record=None)


def _forget_event() -> None:
    controls.remember(event=None, record=None, collapsed=None, looks=None)


def _search() -> str | None:
    with st.container(horizontal=True, vertical_alignment="center"):
        text = filters.search("Event id, type, correlation id or key", width=460, on_change=_forget_event)
        if controls.remembered("event"):
            st.button(
                "Search results" if text else "Largest chains",
                icon=":material/arrow_back:", key="forget_event", type="tertiary", on_click=_forget_event,
            )  # fmt: skip
    return text


def _event_columns() -> dict[str, Any]:
    return {
        "event_id": table.text("event", 260),
        "event_type": table.text("type", 200),
        "occurred_at": table.at(to_millisecond=True),
    }


def _results_panel(found: Answer, text: str) -> None:
    about = "Events whose id, type, key or correlation id contains the text; exact ids first. **Click** one."
    with panel("results", "Which event?", about, found):
        if not found.table.num_rows:
            st.markdown(
                f"No event matches {safe_md(text)}. Search by the id as it stands in the log, or by a type."
            )
            return
        some = "The first " if found.table.num_rows == _FOUND_SHOWN else ""
        st.caption(f"{some}{formatting.plural(found.table.num_rows, 'event')}; click a row to see its chain")
        table.opening(
            found.table.select(["event_id", "event_type", "service", "occurred_at"]),
            _event_columns(),
            _opener(found.table.column("event_id").to_pylist()),
            key="found", alt="Events that match the search",
        )  # fmt: skip


def _largest_panel(version: int) -> None:
    shown = controls.current_window(version)
    near.say(shown, "The largest chains")
    part = shown.near
    largest = data.load(
        "largest_chains", version, **part.scope, lookback=part.lookback, row_limit=_LARGEST_SHOWN
    )
    about = (
        "A **chain** is all that one root event caused, directly or through other events; its **depth** "
        "is the longest way from the root. Roots inside the window, largest first."
    )
    with panel("largest", "Which chains are the largest?", about, largest):
        if not largest.table.num_rows:
            hint = "Chains need events that name their cause (a causation id, a parent span, a link)."
            empty.none_in_window("chain", part, version, hint=hint)
            return
        st.caption("Click a row to see its chain, or search an event above")
        counts = largest.table.column("event_count").to_pylist()
        table.opening(
            largest.table.select(["root_id", "event_type", "event_count", "depth_max", "started_at"]),
            {
                "root_id": table.text("root"),
                "event_type": table.text("type"),
                "event_count": st.column_config.ProgressColumn(
                    "events", format="localized", min_value=0, max_value=max(counts)
                ),
                "depth_max": table.number("depth", 80),
                "started_at": table.at("started", to_millisecond=True),
            },
            _opener(largest.table.column("root_id").to_pylist()),
            key="largest", alt="Largest chains",
        )  # fmt: skip


def _observations_panel(version: int, event: str) -> None:
    observed = data.load("event_observations", version, event=event)
    about = (
        "One row per record about the event: where it was sent, where it was received, where it was "
        "handled. **Click** a row for its line in the log."
    )
    with panel("observations", "Who logged it?", about, observed):
        if not observed.table.num_rows:
            st.markdown("Nobody: other events name it as their cause, but no line of these logs is about it.")
            return
        rows = observed.rows
        places = [f"{row['file_id']}:{row['byte_offset']}:{row['record_no']}" for row in rows]
        asked = controls.remembered("record")
        at = places.index(asked) if asked in places else 0
        table.picking(
            observed.table.drop_columns(["file_id", "record_no"]).to_pydict(),
            {
                "occurred_at": table.at(to_millisecond=True),
                "stream_key": table.text("key"),
                "sequence": table.name("number", 80),
                "attempt": table.number("attempt", 80),
                "is_redelivered": st.column_config.CheckboxColumn("redelivered", width=90),
                "path": table.text("file"),
                "byte_offset": table.name("offset", 100),
            },
            lambda row: controls.remember(record=places[row]),
            picked=at, key="observations", alt="Records about the picked event",
        )  # fmt: skip
        show_place(version, rows[at]["file_id"], rows[at]["byte_offset"], key="chain")


def _table_panel(answer: Answer, choice: Choice) -> None:
    about = (
        "The events of the chain that are asked for above, causes first. **Click** a row to pick that event."
    )
    found = chain_panel.shown(answer.table, choice)
    shown = found.slice(0, _TABLE_SHOWN)
    with panel("chain_table", "Events of the chain", about, answer):
        if shown.num_rows < found.num_rows:
            st.caption(f"The first {_TABLE_SHOWN:,} of {formatting.count(found.num_rows)}")
        table.opening(
            shown.select(
                ["depth", "event_id", "event_type", "service", "node", "occurred_at", "kind", "cause_id",
                 "is_ghost"]
            ),
            {
                **_event_columns(),
                "depth": table.name("step", 60),
                "kind": table.text("known by", 90),
                "cause_id": table.text("cause"),
                "is_ghost": st.column_config.CheckboxColumn("not found", width=100),
            },
            _opener(shown.column("event_id").to_pylist()),
            key="chain_table", alt="Events of the chain",
        )  # fmt: skip


def _picked(version: int, text: str | None) -> str | None:
    """The event in the address, or the one whose id was typed; shows what matches if there is neither."""
    event = controls.remembered("event")
    if event:
        return event
    if not text:
        _largest_panel(version)
        return None
    found = data.load("event_search", version, search=text, row_limit=_FOUND_SHOWN)
    if found.table.num_rows and found.table.column("event_id")[0].as_py() == text:
        return text
    _results_panel(found, text)
    return None


def page(version: int) -> None:
    if empty.is_empty(version):
        return
    event = _picked(version, _search())
    if event is None:
        return
    direction = chain_panel.direction()
    answer = data.load("causal_chain", version, event=event, direction=direction, depth_limit=_DEPTH_LIMIT)
    if not answer.table.num_rows:
        st.markdown(f"No event {safe_md(event)} in this database; search for it above.")
        return
    choice = chain_panel.draw(answer, event)
    attempt(two_events.draw, version, event, lambda picked: controls.remember(event=picked, record=None))
    attempt(_observations_panel, version, event)
    _table_panel(answer, choice)


st.header("What caused this event, and what did it cause?", anchor=False)
controls.live(page)
