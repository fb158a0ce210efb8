"""A chart over the time of the log: dragging zooms or selects, and below it lie changes, notes and alerts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard import controls, data, pages, window
from dashboard.charts import lane
from dashboard.data import Answer
from dashboard.live_plotly import live_plotly
from dashboard.window import Window

Box = dict[str, Any]
"""What was selected: `x` and `y`, both ends of each."""


@dataclass(frozen=True)
class Hand:
    """What a click and a drag on a chart do, apart from leading to a change and zooming."""

    click: Callable[[Any], None] | None = None
    """Gets the `customdata` of the point."""
    ask: Callable[[Box], str] = lambda _: "records"
    """What of a selected box the page Why shall be asked about, a key of `differences.SELECTIONS`."""
    is_of_log: bool = True
    """Whether its time is that of the log: else dragging moves the chart alone, and selects nothing."""
    is_asking: bool = False
    """Whether the page is Why itself: dragging always selects, and selects anew."""


def draw(
    make: Callable[..., go.Figure],
    answer: Answer,
    shown: Window,
    *,
    key: str,
    alt: str,
    height: int,
    hand: Hand = Hand(),
    **options: object,
) -> None:
    """Draw what `make` makes of an answer and of the edges of the window, with the lanes below."""
    changes = data.load("changes", answer.version, **shown.edges)
    alerts = data.load("alert_marks", answer.version, **shown.edges)
    selects = hand.is_asking or (hand.is_of_log and controls.is_selecting())
    figure = data.figure(
        lane.under, answer, changes, alerts,
        make=make, height=height, is_selecting=selects, **shown.edges, **options,
    )  # fmt: skip
    live_plotly(
        figure, key=key, alt=f"{alt}{lane.in_words(changes.table, alerts.table)}",
        height=lane.height_of(height, changes.table, alerts.table),
        on_click=lambda: _clicked(key, hand),
        on_zoom=controls.zoom_to_drag(key) if hand.is_of_log else None,
        on_box=lambda: _boxed(key, shown, hand),
    )  # fmt: skip


def _clicked(key: str, hand: Hand) -> None:
    point = st.session_state[key].click
    picked = point["customdata"] if point else None
    target = lane.place_of(picked)
    if target is not None:
        page, asked = target
        pages.go(page, **asked)
    elif picked is not None and hand.click is not None:
        hand.click(picked)


def _boxed(key: str, shown: Window, hand: Hand) -> None:
    box = st.session_state[key].box
    edges = sorted(controls.instant_of(edge) for edge in box["x"]) if box else []
    if not edges or edges[0] == edges[1]:
        return
    since, until = max(edges[0], shown.since), min(edges[1], shown.until)
    if since >= until:
        return
    # The rest is what else is in the window, which must not move on under the selection.
    controls.set_window(window.absolute(shown.since, shown.until))
    picked = window.absolute(since, until)
    if hand.is_asking:
        controls.remember(box=picked)
    else:
        pages.go("why", box=picked, what=hand.ask(box))
