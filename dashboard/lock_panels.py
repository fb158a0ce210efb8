"""What locks tell beside the reported deadlocks: evidence, causes, lock orders, queues, "
"and how much is logged.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import streamlit as st

from dashboard import controls, data, empty, filters, formatting, pages, table, time_chart, zone
from dashboard.charts import spans
from dashboard.evidence import counted
from dashboard.filters import Chosen
from dashboard.hostile import one_line
from dashboard.panel import panel
from dashboard.time_chart import Hand
from dashboard.window import Window

_CAUSE_COLUMNS: Final = (
    "owner", "event_id", "event_type", "entity", "service", "occurred_at", "root_type", "steps"
)  # fmt: skip
_LISTED: Final = 300


def say_coverage(version: int, shown: Window) -> None:
    """How much of what locks did is logged: without it nobody knows what a count is worth."""
    row = data.load("lock_log_coverage", version, **shown.edges).rows[0]
    ratio = row["known_ratio"]
    reports = (
        f"{formatting.percent(ratio)} of the reports name their members"
        if ratio is not None
        else ("no deadlock is reported")
    )
    if not row["wait_count"] and not row["hold_count"]:
        st.caption(f"{reports}; no waits or grants are logged, so only reports count")
        return
    st.caption(
        f"How complete the log is: {reports}; of {formatting.plural(row['wait_count'], 'logged wait')} "
        f"{formatting.percent(row['ended_wait_ratio'])} have an end and "
        f"{formatting.percent(row['blamed_wait_ratio'])} name who was in the way, of "
        f"{formatting.plural(row['hold_count'], 'grant')} {formatting.percent(row['ended_hold_ratio'])} "
        "have a release"
    )


def causes(version: int, deadlock: str) -> None:
    """Which events the members of a deadlock were handling, and with which root their chains began."""
    found = data.load("deadlock_causes", version, deadlock=deadlock)
    about = (
        "The events that members of the deadlock were handling when they waited, as the record of the "
        "deadlock or those of its waits name them, and the **root** of each one's chain. Two chains with one "
        "root collide with themselves. **Click** a row for the chain."
    )
    with panel("causes", "Which events collided?", about, found):
        if not found.table.num_rows:
            st.markdown("Neither the deadlock nor its waits name an event that was being handled.")
            return
        ids = found.table.column("event_id").to_pylist()
        roots = set(found.table.column("root_id").to_pylist())
        st.caption(
            f"{formatting.plural(len(set(ids)), 'event')} with {formatting.plural(len(roots), 'root')}"
        )
        table.opening(
            found.table.select(
                [name for name in _CAUSE_COLUMNS if found.table.column(name).null_count < len(ids)]
            ),
            {
                "owner": table.text("waiting", 130),
                "event_id": table.text("was handling", 170),
                "event_type": table.text("type", 170),
                "occurred_at": table.at(to_millisecond=True),
                "root_type": table.text("chain began with", 150),
                "steps": table.number("steps from it", 100),
            },
            lambda row: pages.go("chains", event=ids[row]),
            key="causes", alt="Events that the members of the deadlock were handling",
        )  # fmt: skip


def shapes(version: int, shown: Window, chosen: Chosen) -> None:
    """Kinds of deadlock with how often they came back, before and after a change."""
    changes = _changes(version, shown)
    split = changes.get(str(st.session_state.get("split") or controls.remembered("split")))
    found = data.load(
        "deadlock_shapes", version, **shown.scope, **({"split_at": split} if split else {}),
        **filters.arguments(chosen, "service"),
    )  # fmt: skip
    about = (
        "Deadlocks of one shape wait for the same kinds of lock in the same way: most often one pair "
        "of code paths that take the same locks in a different order. *Before* and *after* are deadlocks an "
        "hour of log on both sides of the picked change. **Click** a row for the newest of the kind."
    )
    with panel("shapes", "Which kinds recur?", about, found):
        rows = found.rows
        if changes:
            st.selectbox(
                "Compare before and after", list(changes), index=None, key="split", bind="query-params",
                placeholder="Compare before and after a change", label_visibility="collapsed", width=420,
                icon=":material/compare_arrows:",
            )  # fmt: skip
        if split:
            st.caption(
                f"Before and after {formatting.instant(split)} {zone.name()}, deadlocks an hour of log"
            )
        per_hour = ("before_per_hour", "after_per_hour") if split else ()
        table.opening(
            {
                "deadlocks": [row["deadlock_count"] for row in rows],
                **{name: [row[name] for row in rows] for name in (*per_hour, "shape", "first_at", "last_at")},
                "statements": ["; ".join(row["statements"] or []) for row in rows],
            },
            {
                "deadlocks": st.column_config.ProgressColumn(
                    format="localized", min_value=0, width=120, color="orange",
                    max_value=max(row["deadlock_count"] for row in rows),
                ),
                "before_per_hour": st.column_config.NumberColumn("before, per h", format="%.1f", width=100),
                "after_per_hour": st.column_config.NumberColumn("after, per h", format="%.1f", width=100),
                "shape": table.text(width=360),
                "first_at": table.at("first"),
                "last_at": table.at("last"),
                "statements": table.text("while running", "large"),
            },
            lambda row: controls.remember(deadlock=rows[row]["last_id"], bar=None),
            key="shapes", alt="Deadlocks by shape",
        )  # fmt: skip


def _changes(version: int, shown: Window) -> dict[str, datetime]:
    """What was changed in the window, by a name that a person can pick it by."""
    found = data.load("changes", version, **shown.edges).rows
    return {
        f"{formatting.instant(row['occurred_at'])} {one_line(row['subject'] or '')}": row["occurred_at"]
        for row in found
        if row["kind"] == "change"
    }


def evidence(version: int, shown: Window, chosen: Chosen) -> None:
    """Deadlocks as reported and as reconstructed from lock events, matched."""
    found = data.load("deadlock_evidence", version, **shown.scope, lookback=shown.lookback)
    about = (
        "A deadlock is **reported** by the engine that broke it, or **told** by the waits, grants and "
        "releases it logged: owners who waited for each other in a circle at one instant. The two are "
        "matched and never added up. One that is only told may have been broken by a timeout. **Click** a "
        "row for the deadlock, or for the chain of its first wait."
    )
    with panel("evidence", "How is each deadlock known?", about, found):
        filters.say_beyond(chosen)
        rows = found.rows
        if not rows:
            hint = "Neither is one reported, nor do waits and grants that are logged close a circle."
            empty.none_in_window("deadlock", shown, version, hint=hint, key="evidence")
            return
        some = f"; the newest {_LISTED} are listed" if len(rows) > _LISTED else ""
        st.caption(f"{counted(rows)}{some}")
        listed = rows[-_LISTED:][::-1]
        names = ("occurred_at", "evidence", "member_count", "victim")
        table.opening(
            {
                **{name: [row[name] for row in listed] for name in names},
                "members": [", ".join(row["members"] or []) for row in listed],
                "resources": [", ".join(row["resources"] or []) for row in listed],
                "lasted": [_lasted(row) for row in listed],
                "reported": [_between(row["closed_at"], row["reported_at"]) for row in listed],
            },
            {
                "occurred_at": table.at(to_millisecond=True),
                "evidence": table.text("known because", 115),
                "member_count": table.number("members", 75),
                "victim": table.text(width=130),
                "members": table.text("who", 230),
                "resources": table.text("on", 200),
                "lasted": table.text("lasted", 105, alignment="right"),
                "reported": table.text("reported after", 110, alignment="right"),
            },
            lambda row: _open_evidence(listed[row]),
            key="evidence", alt="Deadlocks, reported and reconstructed",
            height=table.height(320, len(listed)),
        )  # fmt: skip


def _lasted(row: dict[str, Any]) -> str:
    if row["closed_at"] is not None and row["broken_at"] is None:
        return "no end logged"
    return _between(row["closed_at"], row["broken_at"])


def _between(start: datetime | None, end: datetime | None) -> str:
    return formatting.NONE if start is None or end is None else formatting.span(end - start)


def _open_evidence(row: dict[str, Any]) -> None:
    if row["deadlock_id"] is not None:
        controls.remember(deadlock=row["deadlock_id"], bar=None)
    elif row["wait_ids"]:
        pages.go("chains", event=row["wait_ids"][0])


def inversions(version: int, shown: Window) -> None:
    """Pairs of locks that are taken in opposite orders."""
    found = data.load("lock_order_inversions", version, **shown.edges)
    about = (
        "Two classes of lock are **inverted** when somebody asked for the second while holding the first, "
        "and somebody else the other way round (Linux lockdep). They may deadlock though they have not yet: "
        "**the earliest warning there is**. Numbers in names read #. **Click** a row for who first took "
        "the rarer order."
    )
    with panel("inversions", "Which locks are taken in opposite orders?", about, found):
        if not found.table.num_rows:
            hint = "Lock orders are known from grants and releases in the log."
            empty.none_in_window("lock-order inversion", shown, version, hint=hint)
            return
        rows = found.rows
        names = ("forth_count", "back_count", "resource_pairs", "inverted_at", "last_at", "rarer_owner")
        table.opening(
            {
                "order": [f"{row['first_class']} → {row['second_class']}" for row in rows],
                **{name: [row[name] for row in rows] for name in names},
            },
            {
                "order": table.text("first → second", 260),
                "forth_count": table.number("this order", 90),
                "back_count": table.number("the other", 90),
                "resource_pairs": table.number("pairs of locks", 110),
                "inverted_at": table.at("inverted since"),
                "last_at": table.at("last seen"),
                "rarer_owner": table.text("first in the rarer order"),
            },
            lambda row: _open_event(rows[row]["rarer_event_id"]),
            key="inversions", alt="Locks that are taken in opposite orders",
        )  # fmt: skip


def _open_event(event: str | None) -> None:
    if event is not None:
        pages.go("chains", event=event)


def convoys(version: int, shown: Window) -> None:
    """Queues before a lock that were no deadlock."""
    found = data.load("lock_convoys", version, **shown.edges)
    about = (
        "A **convoy** is a time without a break in which two or more owners queued for one lock and one of "
        "them waited a second or longer (Blasgen et al. 1979). Nobody is stuck for ever, but all stand in "
        "one queue. Waits that were part of a deadlock are left out."
    )
    with panel("convoys", "Where do owners queue?", about, found):
        if not found.table.num_rows:
            empty.none_in_window("convoy", shown, version)
            return
        rows = found.rows
        time_chart.draw(
            spans.convoys, found, shown, key="convoys", alt="Queues before locks over time",
            height=spans.height(len({row["resource"] for row in rows[: spans.ROWS_AT_MOST]})), hand=Hand(),
        )  # fmt: skip
        names = ("resource", "began_at", "owner_count", "wait_count", "open_count", "holder")
        table.show(
            {
                **{name: [row[name] for row in rows] for name in names},
                "longest": [formatting.milliseconds(row["wait_max_ms"]) for row in rows],
                "together": [formatting.milliseconds(row["wait_sum_ms"]) for row in rows],
            },
            {
                "resource": table.text("lock", 200),
                "began_at": table.at("began", to_millisecond=True),
                "owner_count": table.number("owners", 70),
                "wait_count": table.number("waits", 70),
                "open_count": table.number("without an end", 110),
                "holder": table.text("mostly held by"),
                "longest": table.text("longest wait", 100, alignment="right"),
                "together": table.text("all waits", 100, alignment="right"),
            },
            key="convoys_table", alt="Queues before locks, the longest wait first",
        )  # fmt: skip
