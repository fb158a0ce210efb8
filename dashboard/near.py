"""Of a window with very many events, the part at its end that is read event by event.

What is counted while the log is read answers for any window at once. Who came late, what never came and which
chains there are is found in the events themselves, which takes seconds for ten millions: of a window with
more than a million, pages show that of its newest part and say so, until a person asks for all of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import streamlit as st

from dashboard import data, formatting, zone
from dashboard.window import EVENTS_AT_ONCE, Window

_EVENTS_READ: Final = 1_000_000
"""A window with no more is read as a whole."""
_BUCKETS: Final = 160
"""As many as Overview draws: the same answer serves both."""
_SHORTEST: Final = timedelta(seconds=1)
_KEY: Final = "read"
_ALL: Final = "all"


def cut(version: int, shown: Window) -> Window:
    """The window; where it has more events than are read at once, with the start of its newest part."""
    if data.load("log_coverage", version).rows[0]["event_count"] <= _EVENTS_READ:
        return shown
    rates = _rates(version, shown)
    if sum(row["event_count"] for row in rates) <= _EVENTS_READ:
        return shown
    begun, held = shown.until, 0
    looked_at = shown
    while True:
        # The newest buckets that fit; of the one that does not, the newest parts.
        for row in reversed(rates):
            if held + row["event_count"] > EVENTS_AT_ONCE:
                break
            begun, held = max(row["bucket_start"], shown.since), held + row["event_count"]
        else:
            break
        bucket = looked_at.bucket(_BUCKETS)
        if held >= EVENTS_AT_ONCE // 2:
            break
        if bucket <= _SHORTEST:
            begun, held = max(row["bucket_start"], shown.since), held + row["event_count"]
            break
        start = max(row["bucket_start"], shown.since)
        looked_at = replace(looked_at, since=start, until=min(row["bucket_start"] + bucket, shown.until))
        rates = _rates(version, looked_at)
    if begun <= shown.since:
        return shown
    is_all = st.query_params.get(_KEY) == _ALL
    return replace(shown, near_since=begun, near_count=held, is_read_all=is_all)


def _rates(version: int, looked_at: Window) -> list[dict[str, Any]]:
    return data.load("event_rate", version, **looked_at.edges, bucket=looked_at.bucket(_BUCKETS)).rows


def say(shown: Window, what: str, *, of: str = "this window", key: str = "near") -> None:
    """Above panels about `what`: of which part of the window they are, and how to see the other."""
    if shown.near_since is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        if shown.is_read_all:
            text = f":material/hourglass_top: {what} are looked for in all of {of}, which may take long."
        else:
            part = formatting.interval(shown.near_since, shown.until)
            text = (
                f":material/filter_center_focus: {what} are those of **{part}** {zone.name()}, the newest "
                f"{formatting.count(shown.near_count)} events of {of}. Zoom in to see those of another part."
            )
        st.caption(text, width="content")
        st.button(
            "Newest part" if shown.is_read_all else "All of it", key=f"{key}_all", type="tertiary",
            on_click=_toggle, args=(not shown.is_read_all,),
        )  # fmt: skip


def _toggle(is_all: bool) -> None:  # noqa: FBT001 - of a callback
    if is_all:
        st.query_params[_KEY] = _ALL
    else:
        st.query_params.pop(_KEY, None)
