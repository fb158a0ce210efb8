"""The panel that tells what changed before something began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from dashboard import data, formatting, pages, table, zone
from dashboard.charts import lane
from dashboard.hostile import safe_md
from dashboard.outlook import Outlook
from dashboard.panel import panel
from dashboard.window import Window

_TOLD: Final = ("change", "crash", "note")
"""Kinds that are named beside a verdict: whole fleets start and stop."""
_MADE: Final = ("change", "note")
"""Those of them that are somebody's doing."""
_ICONS: Final = {"change": "tune", "crash": "error", "note": "edit_note"}
_NAMED: Final = 3
_LISTED: Final = 200


def name_latest(version: int, shown: Window, loops: Outlook) -> None:
    """The changes of a window in words, each leading to its record: the last before the loop rose that
    the verdict is about, wherever it lies, and the latest; and the way to the page Why.
    """
    found = data.load("changes", version, **shown.edges).rows
    told = [row for row in found if row["kind"] in _TOLD and row["occurred_at"] is not None]
    if not told:
        return
    _name_suspect(told, loops)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="latest_changes"):
        more = f", the last {_NAMED} of {formatting.count(len(told))}" if len(told) > _NAMED else ""
        st.caption(f"Changed in this window{more}:", width="content")
        for row in told[-_NAMED:]:
            link(row)
        if more:
            _all(told)
        pages.link("why", "Why?", icon="manage_search")


def _all(told: Sequence[dict[str, Any]]) -> None:
    """A button that lists them, the latest first; each row leads to its record."""
    with st.popover(
        f"All {formatting.count(len(told))}", icon=":material/list:", type="tertiary",
        key="all_changes", on_change="rerun",
    ) as box:  # fmt: skip
        if not box.open:
            return
        listed = [*reversed(told)][:_LISTED]
        if len(told) > _LISTED:
            st.caption(f"The latest {_LISTED} of {formatting.count(len(told))}")
        names = ("occurred_at", "kind", "service", "subject")
        with st.container(width=640):
            table.opening(
                {name: [row[name] for row in listed] for name in names},
                {"occurred_at": table.at(), "kind": table.text(width=70), "service": table.text(width=110),
                 "subject": table.text(width="large")},
                lambda number: _open(listed[number]),
                key="all_changes_table", alt="Changes of the window, latest first",
            )  # fmt: skip


def _open(row: dict[str, Any]) -> None:
    target = lane.place_of(lane.target_of(row))
    if target is not None:
        pages.go(target[0], **target[1])


def _name_suspect(told: Sequence[dict[str, Any]], loops: Outlook) -> None:
    """What was changed last before a loop rose: after its end that is seldom among the latest."""
    if loops.onset is None or loops.row is None:
        return
    before = [row for row in told if row["occurred_at"] <= loops.onset]
    if not before:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="suspect"):
        st.caption(f"Changed last before the rise of {safe_md(loops.row['loop'], 100)}:", width="content")
        link(before[-1])


def name_crash(version: int, said: str, since: datetime, until: datetime) -> None:
    """The first crash after an alert began or fired, how long it took, and the way to its record, if there
    was one.
    """
    found = data.load("changes", version, since=since, until=until).rows
    crash = next((row for row in found if row["kind"] == "crash"), None)
    if crash is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="crash"):
        lead = formatting.span(crash["occurred_at"] - since)
        st.markdown(f"It {said} **{lead} before the crash**:", width="content")
        link(crash)


def link(row: dict[str, Any]) -> None:
    """A change in words, as a link to its record."""
    target = lane.place_of(lane.target_of(row))
    if target is not None:
        pages.link(target[0], _in_words(row), icon=_ICONS[row["kind"]], **target[1])


def _in_words(row: Mapping[str, Any]) -> str:
    """When, who and what; our own Markdown."""
    who = f"{row['service']}: " if row["service"] else ""
    return f"{formatting.clock(row['occurred_at'])} {safe_md(who + (row['subject'] or ''), 70)}"


def last_made(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The last change that is somebody's doing in words, of rows of `changes_before`; our own Markdown."""
    return next((_in_words(row) for row in rows if row["kind"] in _MADE), None)


def draw(
    version: int,
    onset: datetime,
    *,
    within: timedelta,
    lookback: timedelta,
    meaning: str,
    service: str | None = None,
) -> None:
    """Changes in the time `within` before the onset, the latest first, each leading to its event.

    What was logged in the `lookback` before that is not new. `meaning` says what the onset is; our
    own Markdown. Of one `service`, or of any.
    """
    every = data.load("changes_before", version, onset=onset, within=within, lookback=lookback)
    changes = every.only(service=service)
    about = (
        "Changes, starts and crashes that the log tells, notes that people added, and what was new: a node, "
        f"a type of event, a version of a schema, a stream. *Onset*: {meaning}. Earlier is not *because of*. "
        "**Click** a row for the event."
    )
    with panel("changes", "What changed before it began?", about, changes):
        said = f"{formatting.span(within)} before {formatting.instant(onset)} {zone.name()}"
        made = last_made(changes.rows)
        st.caption(f"{said}; the last that somebody made: {made}" if made else said)
        if not changes.table.num_rows:
            of = f" of {safe_md(service, 60)}" if service else ""
            st.markdown(f"Nothing{of} that the log tells, and no note.")
            return
        total = changes.table.num_rows
        if total > _LISTED:
            st.caption(f"The latest {_LISTED} of {formatting.count(total)}")
        listed = changes.table.slice(0, _LISTED)
        ids = listed.column("event_id").to_pylist()
        table.opening(
            listed.select(["occurred_at", "kind", "subject", "service", "node"]),
            {"occurred_at": table.at(), "kind": table.text(width=140), "subject": table.text(width=220)},
            lambda number: pages.go("chains", event=ids[number]) if ids[number] else None,
            key="changes", alt="Changes before the onset, latest first",
        )  # fmt: skip
