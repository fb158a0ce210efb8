"""Of a window with very many events, the part at its end that is read event by event.

What is counted while the log is read answers for any window at once. Who came late, what never came and which
chains there are is found in the events themselves, which takes seconds for ten millions: of a window with
more than a million, pages show that of its newest part and say so, until a person asks for all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from dashboard import data, formatting
from dashboard.window import EVENTS_AT_ONCE, Window

_EVENTS_READ: Final = 1_000_000
"""A window with no more is read as a whole."""
_BUCKETS: Final = 160
"""As many as Overview draws: the same answer serves both."""
_KEY: Final = "read"
_ALL: Final = "all"


def cut(version: int, shown: Window) -> Window:
    """The window; where it has more events than are read at once, with the start of its newest part."""
    if data.load("log_coverage", version).rows[0]["event_count"] <= _EVENTS_READ:
        return shown
    bucket = shown.bucket(_BUCKETS)
    rate = data.load("event_rate", version, **shown.edges, bucket=bucket)
    near_since = newest_since(rate.rows, shown, bucket)
    is_all = st.query_params.get(_KEY) == _ALL
    return replace(shown, near_since=near_since, is_read_all=is_all and near_since is not None)


def newest_since(buckets: Iterable[Mapping[str, Any]], shown: Window, bucket: timedelta) -> datetime | None:
    """When the newest part of a window begins that has as many events as are read at once.

    None where all of it is read: rows of `event_rate`. Within a bucket events are taken to be spread evenly.
    """
    rows = list(buckets)
    if sum(row["event_count"] for row in rows) <= _EVENTS_READ:
        return None
    left = EVENTS_AT_ONCE
    for row in reversed(rows):
        if row["event_count"] > left:
            end = min(row["bucket_start"] + bucket, shown.until)
            length = end - max(row["bucket_start"], shown.since)
            begun: datetime = end - length * (left / row["event_count"])
            return begun.replace(microsecond=begun.microsecond // 1000 * 1000)
        left -= row["event_count"]
    return None


def say(shown: Window, what: str) -> None:
    """Above panels about `what`: of which part of the window they are, and how to see the other."""
    if shown.near_since is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="near"):
        if shown.is_read_all:
            st.caption(
                f":material/hourglass_top: {what} are looked for in all of this window, which may take long.",
                width="content",
            )
        else:
            part = formatting.span(shown.until - shown.near_since)
            st.caption(
                f":material/filter_center_focus: {what} are those of the newest **{part}** of this window, "
                f"some {formatting.count(EVENTS_AT_ONCE)} events. Zoom in to see those of another part.",
                width="content",
            )
        st.button(
            "Newest part" if shown.is_read_all else "All of it", key="read_all", type="tertiary",
            on_click=_toggle, args=(not shown.is_read_all,),
        )  # fmt: skip


def _toggle(is_all: bool) -> None:  # noqa: FBT001 - of a callback
    if is_all:
        st.query_params[_KEY] = _ALL
    else:
        st.query_params.pop(_KEY, None)
