"""Deadlocks & loops: who waited for whom and because of what, and which chains go in circles."""

from datetime import datetime
from typing import Any, Final

import streamlit as st

from dashboard import (
    controls,
    data,
    deadlock_bars,
    empty,
    filters,
    findings,
    formatting,
    lock_panels,
    loop_panels,
    near,
    table,
    verdict_box,
    window,
    zone,
)
from dashboard.charts import timeline, wait_for
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.pages import link
from dashboard.panel import attempt, panel
from dashboard.raw_line import show_place
from dashboard.window import Window, part
from stormwatch.errors import QueryError

_LISTED: Final = 500
_LIST_COLUMNS: Final = ("occurred_at", "service", "member_count", "shape")


def _picked_bar() -> tuple[datetime, datetime] | None:
    """First and last edge of the bar in the address."""
    start, _, seconds = (controls.remembered("bar") or "").partition("|")
    return part(start, seconds)


def _bars_panel(version: int, hourly: Answer, shown: Window, service: str | None) -> None:
    counts = hourly.table.column("deadlock_count").to_pylist()
    bar = _picked_bar()
    about = (
        "Deadlocks that a lock manager reported (for PostgreSQL: SQLSTATE 40P01 at ERROR), and, where all of "
        "the window is read, circles of waits that lock events show and nobody reported; counted "
        f"per clock hour, {zone.name()}, or finer in a short window. A deadlock that several logs tell of "
        f"counts once. Red from {timeline.STORMY_DEADLOCKS_PER_HOUR} an hour. **Click** a bar to "
        "list its deadlocks, **drag** to zoom."
    )
    drawn = deadlock_bars.load(version, shown, service)
    answers = (hourly,) if drawn.name == hourly.name else (drawn, hourly)
    with panel("bars", "When did deadlocks happen?", about, *answers):
        st.caption(_in_hours(counts, deadlock_bars.unreported_count(hourly)))
        _say_untimed(version, service)
        lock_panels.say_coverage(version, shown)
        deadlock_bars.draw(
            drawn, shown, key="bars", height=240,
            picked=bar[0] if bar else None,
            on_click=lambda place: controls.remember(bar=place, deadlock=None),
        )  # fmt: skip


def _in_hours(counts: list[int], untold: int) -> str:
    quiet = sum(1 for count in counts if not count)
    alone = f", {formatting.count(untold)} of them only told by lock events," if untold else ""
    hours = formatting.plural(len(counts), "clock hour")
    said = f"{formatting.plural(sum(counts), 'deadlock')}{alone} in {hours}"
    return f"{said}; {formatting.plural(quiet, 'hour')} had none" if quiet else said


def _newest_first(answer: Answer) -> list[dict[str, Any]]:
    """The deadlocks of an answer; those without a time last."""
    rows = answer.rows
    timed = [row for row in rows if row["occurred_at"] is not None]
    return [*reversed(timed), *rows[len(timed) :]]


def _lies_in(row: dict[str, Any], bar: tuple[datetime, datetime]) -> bool:
    at = row["occurred_at"]
    return at is not None and bar[0] <= at < bar[1]


def _say_untimed(version: int, service: str | None) -> None:
    count = deadlock_bars.untimed_count(version, service)
    if count:
        listed = (
            f"*{window.ALL}* as the window lists them"
            if count > 1
            else f"*{window.ALL}* as the window lists it"
        )
        st.caption(f"{formatting.plural(count, 'deadlock')} without a time in no window; {listed}")


def _list_panel(answer: Answer, listed: list[dict[str, Any]], total: int, at: int | None) -> None:
    about = (
        "Those that were reported, newest first. **Click** a row to see its wait-for graph. The *shape* is "
        "equal for deadlocks of one kind: numbers in names of resources are left out."
    )
    with panel("deadlock_list", "Which deadlocks?", about, answer):
        bar = _picked_bar()
        if bar is not None:
            st.button(
                f"Only {formatting.interval(*bar)} {zone.name()}",
                icon=":material/close:", key="forget_bar", on_click=controls.remember, kwargs={"bar": None},
            )  # fmt: skip
            link("why", "Why then?", icon="manage_search", what="deadlocks", box=window.absolute(*bar))
        if len(listed) < total:
            st.caption(f"The newest {len(listed)} of {formatting.count(total)}; click a bar for the others")
        if not listed:
            st.markdown("None was reported in this piece of time.")
            return
        table.picking(
            {name: [row[name] for row in listed] for name in _LIST_COLUMNS},
            {
                "occurred_at": table.at(),
                "service": table.text(width=120),
                "member_count": table.number("members", 75),
                "shape": table.text(width="large"),
            },
            lambda row: controls.remember(deadlock=listed[row]["deadlock_id"]),
            picked=at, key="deadlock_list", alt="Deadlocks, newest first",
        )  # fmt: skip


def _graph_panel(row: dict[str, Any], edges: Answer) -> None:
    about = (
        "An arrow leads from who **waits** to who **holds** the lock. A deadlock is a circle of "
        "arrows; the lock manager breaks it by rolling back one member, the **victim**."
    )
    with panel("wait_for", "Who waited for whom?", about, edges):
        reporter = safe_md(row["service"] or "an unnamed service")
        st.caption(f"{formatting.precise(row['occurred_at'])} {zone.name()}, reported by {reporter}")
        if not edges.table.num_rows:
            st.markdown("The log names this deadlock but not its members.")
            return
        live_plotly(
            data.figure(wait_for.graph, edges),
            key="wait_for", alt="Wait-for graph of the selected deadlock",
            height=wait_for.height(edges.table), min_width=wait_for.width(edges.table),
        )  # fmt: skip
        hidden = len(wait_for.members(edges.table)) - wait_for.MEMBERS_AT_MOST
        if hidden > 0:
            st.caption(f"{formatting.plural(hidden, 'member')} more are not drawn; the table has them")


def _members_panel(version: int, row: dict[str, Any], edges: Answer) -> None:
    about = "What each member of the deadlock waited for and ran, as the log tells, and the line itself."
    with panel("members", "What did they run?", about, edges):
        if edges.table.num_rows:
            table.show(
                edges.table.select(["owner", "is_victim", "mode", "resource", "blocked_by", "statement"]),
                {
                    "owner": table.text("waits", 90),
                    "is_victim": st.column_config.CheckboxColumn("victim", width=70),
                    "mode": table.text("for lock", 140),
                    "resource": table.text("on", 240),
                    "blocked_by": table.text("held by", 90),
                    "statement": table.text("while running", "large"),
                },
                key="members", alt="Who waits for what, held by whom",
            )  # fmt: skip
        show_place(version, row["file_id"], row["byte_offset"], key="deadlock")
        link("chains", "Causes and effects", icon="account_tree", event=row["deadlock_id"])


def page(version: int) -> None:
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    deadlocks, locks, loops = st.tabs(
        ["Deadlocks", "Lock order", "Loops"], on_change="rerun", key="look", bind="query-params"
    )
    if deadlocks.open:
        with deadlocks:
            _deadlocks(version, shown)
    if locks.open:
        with locks:
            lock_panels.say_coverage(version, shown)
            attempt(lock_panels.inversions, version, shown)
            attempt(lock_panels.convoys, version, shown)
    if loops.open:
        with loops:
            near.say(shown, "Loops")
            with st.container(horizontal=True, key="loop_filters"):
                chosen = filters.draw(version, shown, "event_type")
            attempt(loop_panels.loops, version, shown, chosen)
            attempt(loop_panels.cycles, version, shown, chosen)


def _deadlocks(version: int, shown: Window) -> None:
    every = data.load("deadlocks", version, **shown.scope)
    with st.container(horizontal=True, vertical_alignment="center", key="deadlock_filters"):
        chosen = filters.draw(version, shown, "service") if every.table.num_rows else {"service": None}
    service = chosen["service"]
    found = every.only(service=service)
    hourly = deadlock_bars.hourly(version, shown, service)
    if not found.table.num_rows and not any(hourly.table.column("deadlock_count").to_pylist()):
        if every.table.num_rows or not _say_told(version, shown):
            _say_none(version, shown, service)
        attempt(lock_panels.evidence, version, shown, chosen)
        return
    newest = _newest_first(found)
    verdict_box.draw(*findings.of_deadlocks(hourly.rows, newest[0] if newest else None))
    _bars_panel(version, hourly, shown, service)
    if newest:
        _reported(version, every, found, newest)
        attempt(lock_panels.shapes, version, shown, chosen)
    attempt(lock_panels.evidence, version, shown, chosen)


def _reported(version: int, every: Answer, found: Answer, newest: list[dict[str, Any]]) -> None:
    """A list of those that were reported, and the one that is picked."""
    bar = _picked_bar()
    rows = [row for row in newest if bar is None or _lies_in(row, bar)]
    listed = rows[:_LISTED]
    asked = controls.remembered("deadlock")
    at = next((n for n, row in enumerate(listed) if row["deadlock_id"] == asked), None)
    # A linked deadlock is shown even where the list ends before it, or is narrowed.
    row = next((row for row in every.rows if row["deadlock_id"] == asked), None)
    if row is None and listed:
        at, row = 0, listed[0]
    left, right = st.columns([5, 4])
    with left:
        _list_panel(found, listed, len(rows), at)
    if row is not None:
        members = data.load("deadlock_edges", version, deadlock=row["deadlock_id"])
        with right:
            _graph_panel(row, members)
        attempt(lock_panels.causes, version, row["deadlock_id"])
        _members_panel(version, row, members)


def _say_told(version: int, shown: Window) -> bool:
    """What lock events tell of where nobody reported a deadlock; whether they do."""
    try:
        rows = data.load("deadlock_evidence", version, **shown.scope, lookback=shown.lookback).rows
    except QueryError:  # its panel says why
        return False
    if rows:
        verdict_box.draw(
            "watch",
            f"**{formatting.plural(len(rows), 'deadlock')}** that nobody reported: owners waited for each "
            "other in a circle, as the lock events tell.",
        )
    return bool(rows)


def _say_none(version: int, shown: Window, service: str | None) -> None:
    if service:
        with st.container(border=True):
            st.markdown(f"{safe_md(service, 60)} reported **no deadlock** in this window: clear the filter.")
            _say_untimed(version, service)
        return
    ever = data.load("deadlocks", version).table.column("occurred_at").drop_null().to_pylist()
    with st.container(border=True):
        empty.none_in_window(
            "deadlock", shown, version,
            hint="" if ever else "Deadlocks come from logs of databases and lock managers.",
            last_at=ever[-1] if ever else None,
        )  # fmt: skip
        _say_untimed(version, service)


st.header("Who waits for whom, because of what, and what goes in circles?", anchor=False)
controls.live(page)
