"""Ordering: where events arrive out of order, and which ones swapped."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import (
    controls,
    crossing_panel,
    data,
    empty,
    filters,
    findings,
    formatting,
    near,
    order_history,
    order_panels,
    pages,
    rerun_panel,
    table,
    time_chart,
    verdict_box,
    zone,
)
from dashboard import window as windows
from dashboard.charts import hotspots
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.order_panels import Picked
from dashboard.panel import attempt, panel
from dashboard.time_chart import Hand
from dashboard.window import Window, part

_COLUMNS: Final = 120
_PAIRS_SHOWN: Final = 200
_SEPARATOR: Final = "|"
_PAIRS_FROM, _FIRST = "pairs", "first"
"""What the address says when the pairs are listed with which it began."""


def _picked_cell() -> tuple[str, str, datetime, timedelta] | None:
    """(consumer, stream, start, length) of the cell in the address."""
    text = controls.remembered("cell") or ""
    try:
        names, start, seconds = text.rsplit(_SEPARATOR, 2)
        consumer, stream = names.split(_SEPARATOR, 1)
    except ValueError:
        return None
    edges = part(start, seconds)
    return (consumer, stream, edges[0], edges[1] - edges[0]) if edges else None


def _pick_cell(picked: list[str], bucket: timedelta) -> None:
    seconds = f"{bucket / timedelta(seconds=1):g}"
    controls.remember(cell=_SEPARATOR.join((*picked, seconds)), pair=None, pair_at=None)


def _ask_about(box: time_chart.Box, names: list[tuple[str, str]]) -> str:
    """What a box over the heat map asks: of its rows as far as they are of one consumer or stream."""
    low, high = sorted(box["y"])
    rows = [name for number, name in enumerate(names) if low - 0.5 < number < high + 0.5]
    filters.pick(
        **{
            field: of_rows.pop() or None
            for part, field in enumerate(("service", "stream"))
            if len(of_rows := {row[part] for row in rows}) == 1
        }
    )
    return "late arrivals"


def _asked_map(version: int, shown: Window, of: Picked) -> Answer:
    """Cells of all of the window where they are counted, else of its part that is read."""
    # Of what is picked the worst of all may hold nothing.
    place_limit = None if any(of.values()) else hotspots.ROWS_AT_MOST
    counted = order_history.counted(version, shown, _COLUMNS, place_limit)
    if counted is not None:
        return counted.only(**of)
    part = shown.near
    return data.load(
        "reorder_hotspots", version, **part.edges, lookback=part.lookback,
        bucket=part.bucket(_COLUMNS), place_limit=place_limit,
    ).only(**of)  # fmt: skip


def _map_panel(answer: Answer, shown: Window) -> None:
    about = (
        "One cell is one consumer of one stream in one piece of time. An arrival is **out of order** "
        "when an event with a greater sequence number of the same key had already arrived there; its "
        "**extent** is how many arrivals it was overtaken by, its **lateness** the time since the "
        "first of them (RFC 4737). Sequence numbers decide, never clocks; repeated copies do not "
        "count. No colour: nothing arrived. **Click** a cell for its pairs, **drag** to zoom."
    )
    with panel("hotspots", "Hotspots", about, answer):
        bucket: timedelta = answer.arguments["bucket"]  # type: ignore[assignment]
        with st.container(horizontal=True, vertical_alignment="center"):
            measure = st.segmented_control(
                "Measure", hotspots.measures(answer.table), default="share", required=True, key="measure",
                bind="query-params", label_visibility="collapsed",
            )  # fmt: skip
            st.caption(
                f"one cell is {formatting.span(bucket)}; palest: all in order, empty: nothing arrived",
                width="content",
            )
        names = hotspots.row_names(answer.table)
        time_chart.draw(
            hotspots.heat_map, answer, shown, key="hotspots",
            alt="Heat map of arrivals out of order by consumer, stream and time",
            height=hotspots.height(len(names)),
            hand=Hand(lambda cell: _pick_cell(cell, bucket), lambda box: _ask_about(box, names)),
            bucket=bucket, measure=measure or "share",
            picked=_picked_cell(),
        )  # fmt: skip


def _pairs_panel(version: int, shown: Window, of: Picked) -> None:
    cell = _picked_cell()
    consumer, stream, start, length = cell or (of["consumer"], of["stream"], shown.since, shown.span)
    picked = near.cut(version, replace(shown, since=start, until=start + length)) if cell else shown
    asked = picked.near
    pairs = data.load(
        "swapped_pairs", version, **asked.edges, lookback=asked.lookback,
        of_consumer=consumer, of_stream=stream, row_limit=_PAIRS_SHOWN,
        **({"oldest_first": True} if _is_from_the_first() else {}),
    )  # fmt: skip
    about = (
        "Each row is an event and the first one that **overtook** it: it was sent later (greater "
        "number, same key) but arrived earlier. Where the two were handled by different nodes, order "
        "was lost between consumers working side by side; on one node, before it or by a retry. **Click** "
        "a row for the ways of the two."
    )
    with panel("pairs", "Which events swapped?", about, pairs):
        _cell_line(cell)
        near.say(picked, "Pairs", of="what is picked" if cell else "this window", key="near_pairs")
        if not pairs.table.num_rows:
            where = "in that part" if asked.is_part else "here"
            st.markdown(f":material/check_circle: Everything {where} arrived in order.")
            return
        rows = pairs.rows
        at = _picked_pair(rows)
        _pairs_table(pairs, rows, at)
    if at is not None:
        crossing_panel.draw(version, rows[at], asked.lookback)


def _picked_pair(rows: list[dict[str, Any]]) -> int | None:
    """Number of the row in the address: of the late event, at a consumer if several received it late."""
    event, consumer = controls.remembered("pair"), controls.remembered("pair_at")
    found = [number for number, row in enumerate(rows) if row["event_id"] == event]
    there = [number for number in found if (rows[number]["consumer"] or "") == consumer]
    return next(iter([*there, *found]), None)


def _is_from_the_first() -> bool:
    """Whether the pairs are listed with which it began, and not the latest."""
    return controls.remembered(_PAIRS_FROM) == _FIRST


def _other_end() -> None:
    """The button that lists the pairs from the other end."""
    is_first = _is_from_the_first()
    st.button(
        "The latest" if is_first else "The first", key="other_end", type="tertiary",
        icon=":material/last_page:" if is_first else ":material/first_page:",
        on_click=controls.remember, kwargs={_PAIRS_FROM: None if is_first else _FIRST},
    )  # fmt: skip


def _cell_line(cell: tuple[str, str, datetime, timedelta] | None) -> None:
    listed = "The first" if _is_from_the_first() else "The latest"
    if cell is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            hint = "click a cell above for its pairs, a row for its way"
            st.caption(f"{listed} of the window; {hint}", width="content")
            _other_end()
        return
    consumer, stream, start, length = cell
    with st.container(horizontal=True, vertical_alignment="center"):
        name = safe_md(hotspots.label(consumer, stream), 60)
        until = f"{formatting.instant(start)} {zone.name()} for {formatting.span(length)}"
        st.markdown(f"{listed} at {name} from {until}", width="content")
        _other_end()
        st.button(
            "Whole window", icon=":material/close:", key="forget_cell", type="tertiary",
            on_click=controls.remember, kwargs={"cell": None, "pair": None, "pair_at": None},
        )  # fmt: skip
        st.button(
            "Why here?", icon=":material/manage_search:", key="why_here", type="tertiary",
            on_click=_ask_why, args=(cell,),
        )  # fmt: skip


def _ask_why(cell: tuple[str, str, datetime, timedelta]) -> None:
    consumer, stream, start, length = cell
    filters.pick(service=consumer or None, stream=stream or None)
    pages.go("why", what="late arrivals", box=windows.absolute(start, start + length))


def _pairs_table(pairs: Answer, rows: list[dict[str, Any]], at: int | None) -> None:
    table.picking(
        pairs.table.select(
            ["occurred_at", "stream_key", "event_type", "sequence", "node", "overtaken_by_type",
             "overtaken_by_sequence", "overtaken_by_node", "late_time_ms", "extent"]
        ).to_pydict(),
        {
            "occurred_at": table.at("arrived", to_millisecond=True),
            "stream_key": table.text("key"),
            "event_type": table.text("late event"),
            "sequence": table.name("number", 80),
            "node": table.text("at node"),
            "overtaken_by_type": table.text("overtaken by"),
            "overtaken_by_sequence": table.name("number", 80),
            "overtaken_by_node": table.text("at node"),
            "late_time_ms": st.column_config.NumberColumn("late by, ms", format="%.1f", width=90),
            "extent": table.number("extent", 70),
        },
        lambda row: controls.remember(pair=rows[row]["event_id"], pair_at=rows[row]["consumer"] or ""),
        picked=at, key="pairs", alt="Events that arrived after one with a greater number",
    )  # fmt: skip


def _gaps_panel(version: int, shown: Window, of: Picked) -> None:
    part = shown.near
    gaps = data.load("gaps", version, **part.scope, lookback=part.lookback).only(**of)
    is_numbered = bool(gaps.table.num_rows or _asked_map(version, shown, of).table.num_rows)
    about = (
        "Numbers a producer gave that a consumer never saw. **open**: may still arrive; **lost**: "
        "the consumer has gone on receiving for more than a minute since. Only for numbers without "
        "holes at the producer: a broker's offsets have holes of their own."
    )
    with panel("gaps", "What never arrived?", about, gaps):
        if not is_numbered:
            st.markdown(":material/block: Nobody knows: what arrived carries no numbers.")
            return
        if not gaps.table.num_rows:
            empty.none_in_window("gap", part, version)
            return
        table.say_how_many(gaps.table.num_rows)
        table.show(
            gaps.table.slice(0, table.LISTED).select(
                ["state", "stream", "consumer", "stream_key", "event_type", "first_missing",
                 "last_missing", "missing_count", "noticed_at"]
            ),
            {
                "state": table.text("state", 70),
                "stream_key": table.text("key"),
                "event_type": table.text("type"),
                "first_missing": table.name("from number"),
                "last_missing": table.name("to number"),
                "missing_count": table.number("missing"),
                "noticed_at": table.at("noticed"),
            },
            key="gaps", alt="Missing sequence numbers",
        )  # fmt: skip


def _duplicates_panel(version: int, shown: Window, of: Picked) -> None:
    duplicates = data.load("duplicates", version, **shown.scope, lookback=shown.lookback).only(**of)
    about = (
        "Events that one consumer received more than once. A broker's *redelivered* flag alone proves "
        "nothing: the first delivery may never have reached the consumer. **Click** a row for the chain."
    )
    with panel("duplicates", "What arrived more than once?", about, duplicates):
        if not duplicates.table.num_rows:
            empty.none_in_window("duplicate", shown, version)
            return
        table.say_how_many(duplicates.table.num_rows)
        listed = duplicates.table.slice(0, table.LISTED)
        ids = listed.column("event_id").to_pylist()
        table.opening(
            listed.select(
                ["event_id", "event_type", "stream", "consumer", "copy_count", "redelivered_count",
                 "first_at", "last_at"]
            ),
            {
                "event_id": table.text("event"),
                "event_type": table.text("type"),
                "copy_count": table.number("copies", 70),
                "redelivered_count": table.number("flagged", 70),
                "first_at": table.at("first", to_millisecond=True),
                "last_at": table.at("last", to_millisecond=True),
            },
            lambda row: pages.go("chains", event=ids[row]),
            key="duplicates", alt="Events received more than once",
        )  # fmt: skip


def _order(version: int, shown: Window, of: Picked, *, top: DeltaGenerator) -> bool:
    """The map, and above it what it says; whether anything that arrived carries a number."""
    answer = _asked_map(version, shown, of)
    if not answer.table.num_rows:
        with st.container(border=True):
            if any(of.values()):
                st.markdown("Nothing with a sequence number arrived there in this window: clear a filter.")
            else:
                called = shown.near.called
                empty.not_measurable(f"no record of {called} carries a sequence number at a consumer.")
        return False
    is_cut = len(hotspots.row_names(answer.table)) == hotspots.ROWS_AT_MOST
    with top:
        verdict_box.draw(*findings.of_order(answer.table, is_cut=is_cut))
    _map_panel(answer, shown if answer.name == order_history.NAME else shown.near)
    return True


def page(version: int) -> None:
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    part = shown.near
    top = st.container()
    with st.container(horizontal=True):
        picked = filters.draw(version, shown, "service", "stream")
    of: Picked = {"consumer": picked["service"], "stream": picked["stream"]}
    near.say(shown, "Gaps, duplicates and all below them")
    # As long as that is not known what lies below is asked too: mostly there are numbers.
    is_numbered = attempt(_order, version, shown, of, top=top) is not False
    if is_numbered:
        attempt(_pairs_panel, version, shown, of)
    missing, duplicates = st.tabs(
        ["Missing", "Duplicates"], on_change="rerun", key="list", bind="query-params"
    )
    if missing.open:
        with missing:
            attempt(_gaps_panel, version, shown, of)
    if duplicates.open:
        with duplicates:
            attempt(_duplicates_panel, version, part, of)
            attempt(rerun_panel.draw, version, part, picked)
    if is_numbered:
        attempt(order_panels.loss, version, part, of)
        attempt(order_panels.cost, version, part, of)
        attempt(order_panels.ranking, version, part, of)


st.header("Where do events arrive out of order, and which ones swapped?", anchor=False)
controls.live(page)
