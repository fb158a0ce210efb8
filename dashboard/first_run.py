"""The first run: what is set up and what is not, with what to do about each.

Shown on Overview while next to nothing is stored, until all is done or somebody hides it. What is known of
each event is on Health for good.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from dashboard import controls, data, formatting
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.panel import panel
from stormwatch.alerts.desk import Desk
from stormwatch.runtime import current
from stormwatch.status import IngestStatus

NEARLY_EMPTY: Final = 1000
"""Events below which nobody has seen much of their own log yet."""
_KEY: Final = "setup"
_HIDDEN: Final = "hidden"
_USES: Final = {
    "id": ("Which event it is", "Chains, loops and duplicates"),
    "cause": ("Which event caused it", "Chains, Storms and loops"),
    "sequence": ("Which number its producer gave it", "what came late or never on Ordering"),
    "service": ("Who wrote it", "consumers on Ordering, and the filters"),
    "time": ("When it happened", "every picture over time"),
}
"""Field -> what it tells, and what has nothing to say without it; our own Markdown."""


@dataclass(frozen=True)
class Item:
    """A thing to be set up; texts are our own Markdown."""

    is_done: bool
    title: str
    said: str
    todo: str = ""
    """A command that helps, where it is not done."""


def items(
    status: IngestStatus,
    coverage: Mapping[str, Any],
    reasons: Sequence[Mapping[str, Any]],
    known: Sequence[Mapping[str, Any]],
    desk: Desk | None,
) -> list[Item]:
    """What there is to set up, in the order in which one thing needs the other.

    Rows of `log_coverage`, `reject_reasons` and `known_fields`.
    """
    return [
        _directory(status),
        *_reading(status, coverage, reasons),
        *(_field(row) for row in known if row["event_count"]),
        _alerts(desk),
    ]


def _directory(status: IngestStatus) -> Item:
    if not status.directory:
        return Item(False, "A directory is watched", "nobody fills this database", "stormwatch up DIR")
    where = safe_md(status.directory)
    if status.state in {"failed", "paused"}:
        return Item(
            False, "A directory is watched", f"{where}: {safe_md(status.detail, 300)}", "stormwatch doctor"
        )
    if not os.access(status.directory, os.R_OK | os.X_OK):
        todo = f"ls -ld {shlex.quote(status.directory)}"
        return Item(False, "A directory is watched", f"{where} cannot be read by this process", todo)
    return Item(True, "A directory is watched", where)


def _reading(
    status: IngestStatus, coverage: Mapping[str, Any], reasons: Sequence[Mapping[str, Any]]
) -> Iterator[Item]:
    check = f"stormwatch check {shlex.quote(status.directory) if status.directory else 'DIR'}"
    found = f"{formatting.plural(status.files, 'file')} found"
    yield Item(status.files > 0, "There are log files", found, check)
    events, rejects = coverage["event_count"], coverage["reject_count"]
    yield Item(events > 0, "Lines are read", f"{formatting.plural(events, 'event')} so far", check)
    if not rejects:
        yield Item(True, "Lines are understood", "none was rejected")
        return
    said = formatting.plural(rejects, "line was rejected", "lines were rejected")
    if reasons:
        most = reasons[0]
        said += f", most because: {safe_md(most['reason'], 120)}"
        if most["remedy"]:
            said += f". What helps: {safe_md(most['remedy'], 200)}"
    yield Item(False, "Lines are understood", said, "stormwatch rejects --reasons")


def _field(row: Mapping[str, Any]) -> Item:
    title, without = _USES[row["field"]]
    if row["known_count"]:
        return Item(
            True,
            title,
            f"known of {formatting.percent(row['known_count'] / row['event_count'])} of the events",
        )
    return Item(
        False,
        title,
        f"not known of any event; without it there is nothing to say of {without}",
        _map(row["field"]),
    )


def _map(field: str) -> str:
    return f"stormwatch up DIR --map {field}=FIELD"


def _alerts(desk: Desk | None) -> Item:
    title = "Somebody is told of alerts"
    if desk is None:
        return Item(False, title, "nobody evaluates rules in this process", "stormwatch up DIR")
    routes = desk.config.routes
    if routes:
        return Item(True, title, f"by {formatting.plural(len(routes), 'route')}")
    said = "no route is set in alerts.toml beside the database (docs/alerts.md); alerts are on the page only"
    return Item(False, title, said, "stormwatch alerts rules")


def draw(version: int) -> None:
    """The list, while next to nothing is stored and something is not done."""
    coverage = data.load("log_coverage", version).rows[0]
    is_hidden = controls.remembered(_KEY) == _HIDDEN or st.session_state.get(_KEY) == _HIDDEN
    if coverage["event_count"] >= NEARLY_EMPTY or is_hidden:
        return
    reasons = data.load("reject_reasons", version)
    known = data.load("known_fields", version)
    found = items(data.status(), coverage, reasons.rows, known.rows, current().alerts)
    done = sum(item.is_done for item in found)
    if done == len(found):
        return
    about = (
        "What a first look needs, in the order in which one thing needs the other, and a command for what is "
        "missing. The list goes away when all is done, when there are more events, or when you hide it. "
        "What is missing may well be missing in these logs: the other pages do without it."
    )
    with panel("first_run", f"Is all set up? {done} of {len(found)}", about, reasons, known):
        for item in found:
            _draw_item(item)
        st.button(
            "Hide this list", icon=":material/visibility_off:", type="tertiary", key="hide_first_run",
            on_click=_hide,
        )  # fmt: skip


def _draw_item(item: Item) -> None:
    icon = ":green[:material/check_circle:]" if item.is_done else ":orange[:material/radio_button_unchecked:]"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{icon} **{item.title}**: {item.said}", width="content")
        if not item.is_done:
            st.code(item.todo, language="bash", width="content")


def _hide() -> None:
    controls.remember(**{_KEY: _HIDDEN})
    st.session_state[_KEY] = _HIDDEN


def known_panel(version: int) -> None:
    """What is known of the events, for how many of them, and what lives by it."""
    known: Answer = data.load("known_fields", version)
    rows = known.rows
    if not rows or not rows[0]["event_count"]:
        return
    about = (
        "Pages live by these five. Which field of your records holds what is found out from their names and "
        "values; what is not found can be named: `stormwatch up DIR --map cause=meta.parent`. Not every "
        "record has all: a first event has no cause."
    )
    with panel("known", "What is known of the events?", about, known):
        for row in rows:
            _draw_item(_field(row))
