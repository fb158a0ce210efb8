"""Why: what the selected events have in common that the others have not, and what changed before."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from dashboard import (
    changes_panel,
    controls,
    data,
    differences,
    empty,
    filters,
    formatting,
    near,
    pages,
    table,
    time_chart,
    zone,
)
from dashboard import window as windows
from dashboard.charts import ratios, timeline
from dashboard.data import Answer
from dashboard.live_plotly import live_plotly
from dashboard.panel import attempt, panel
from dashboard.time_chart import Hand
from dashboard.window import Window

_CHART_PX: Final = 190
_BUCKETS: Final = 160
_SHOWN: Final = 8
"""Explanations that are told in a sentence."""
_CHANGES_WITHIN: Final = timedelta(minutes=30)
_KNOWN_FROM: Final = timedelta(hours=1)
_LEAST: Final = 20
_ALL: Final = "records"
_AGAINST: Final = ("rest of the window", "time before")


def _box(shown: Window) -> tuple[datetime, datetime] | None:
    """The selected piece of time in the address, as far as it lies in the window."""
    found = windows.edges_of(controls.remembered("box") or "")
    if found is None:
        return None
    since, until = max(found[0], shown.since), min(found[1], shown.until)
    return (since, until) if since < until else None


@dataclass(frozen=True)
class _Question:
    what: str
    """A key of `differences.SELECTIONS`."""
    against: str
    """One of `_AGAINST`."""
    least: int
    """Selected events that a group needs."""
    consumer: str | None
    stream: str | None


def _question(version: int, shown: Window) -> _Question:
    """What is selected, of whom, and what it is compared with."""
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.segmented_control(
            "Selected are", list(differences.SELECTIONS), default=_ALL, required=True, key="what",
            bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        against = st.segmented_control(
            "Compared with", _AGAINST, default=_AGAINST[0], required=True, key="against",
            bind="query-params", label_visibility="collapsed",
            help="With what the selected events are compared.",
        )  # fmt: skip
        least = st.number_input(
            "Least group", key="least", bind="query-params", value=_LEAST, min_value=2, step=1, width=150,
            label_visibility="collapsed", icon=":material/groups:",
            help="So many selected events a group needs to be told of: a small one stands out by chance.",
        )  # fmt: skip
        picked = filters.draw(version, shown, "service", "stream")
    return _Question(chosen or _ALL, against or _AGAINST[0], int(least), picked["service"], picked["stream"])


def _time_panel(version: int, shown: Window, box: tuple[datetime, datetime] | None) -> None:
    rate = data.load("event_rate", version, **shown.edges, bucket=shown.bucket(_BUCKETS))
    about = (
        "Records per second of log time. **Drag** over the piece of time that is to be explained; the rest "
        "of the window is what it is compared with. Marks below: what was changed, started, stopped "
        "or crashed."
    )
    with panel("when", "When?", about, rate):
        _say_selected(box)
        time_chart.draw(
            timeline.event_rate, rate, shown, key="when", alt="Records over time, with the selected piece",
            height=_CHART_PX, hand=Hand(is_asking=True),
            bucket=rate.arguments["bucket"], selected=box,
        )  # fmt: skip


def _say_selected(box: tuple[datetime, datetime] | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="selected"):
        if box is None:
            st.caption("Drag over the chart to select a piece of time")
            return
        st.button(
            f"{formatting.interval(*box)} {zone.name()}, {formatting.span(box[1] - box[0])}",
            icon=":material/close:", key="forget_box", help="Select no piece of time",
            on_click=controls.remember, kwargs={"box": None},
        )  # fmt: skip


def _selected(version: int, shown: Window, box: tuple[datetime, datetime] | None) -> Window:
    return shown if box is None else near.cut(version, replace(shown, text="box", since=box[0], until=box[1]))


def _baseline(
    shown: Window, selected: Window, box: tuple[datetime, datetime], *, is_before: bool
) -> dict[str, datetime]:
    """What a box is compared with: the window, or of one with very many events what is around the box."""
    around = shown.span if shown.near is shown else shown.near.span
    first, last = max(shown.since, box[0] - around), min(shown.until, box[1] + around)
    if selected.is_part and not is_before:
        # What is left of the box is neither selected nor of the others.
        is_before = first < box[0]
        first = first if is_before else box[1]
    return {"baseline_since": first, "baseline_until": box[0] if is_before else last}


def _differences(
    version: int, shown: Window, box: tuple[datetime, datetime] | None, asked: _Question
) -> Answer:
    selected = _selected(version, shown, box).near
    baseline = {} if box is None else _baseline(shown, selected, box, is_before=asked.against == _AGAINST[1])
    return data.load(
        "explain_difference", version, selection=differences.SELECTIONS[asked.what], **selected.edges,
        **baseline, of_consumer=asked.consumer, of_stream=asked.stream, min_count=asked.least,
        lookback=selected.lookback,
    )  # fmt: skip


def _open_group(row: dict[str, Any], edges: tuple[datetime, datetime]) -> None:
    """The records of a group, or the change that it comes after."""
    changed_at = differences.changed_at(row)
    if changed_at is not None:
        edges = (changed_at, changed_at + timedelta(seconds=1))
    controls.set_window(windows.absolute(*edges))
    filters.pick(**differences.event_filters(row))
    pages.go("events")


def _ranking_panel(answer: Answer, asked: _Question, edges: tuple[datetime, datetime]) -> None:
    about = (
        "Values that the selected events have far more often than the others, the best explanation first: "
        "the share that may be due to a value, times the logarithm of the *lower* end of its ratio, so that "
        "small groups cannot come first by chance (DIFF, 2018). *after*: what was changed before the event. "
        "**Associated with is not caused by**: look at the records. The greater the mark, the greater the "
        "attributable share; hollow: none of the selected is elsewhere. **Click** one for its records."
    )
    with panel("ranking", "What differs?", about, answer):
        rows = answer.rows
        if not rows:
            st.markdown(
                f":material/check_circle: Nothing that {asked.least} or more of the selected "
                f"{asked.what} share sets them apart from the others."
            )
            return
        left, right = st.columns([3, 4])
        with left:
            live_plotly(
                data.figure(ratios.ranked, answer), key="ratios",
                alt="Values by how many times as likely they make it to be selected",
                height=ratios.height(len(rows)), min_width=330,
                on_click=lambda: _pick(rows, edges),
            )  # fmt: skip
        with right:
            for number, row in enumerate(rows[:_SHOWN], start=1):
                st.markdown(f"{number}. {differences.sentence(row, asked.what)}")
    _table_panel(answer, rows, edges)


def _pick(rows: list[dict[str, Any]], edges: tuple[datetime, datetime]) -> None:
    point = st.session_state["ratios"].click
    if point and isinstance(point["customdata"], int):
        _open_group(rows[point["customdata"]], edges)


def _table_panel(answer: Answer, rows: list[dict[str, Any]], edges: tuple[datetime, datetime]) -> None:
    about = "The same as numbers. **Click** a row for its records, or for the change that it comes after."
    with panel("ranked", "The numbers", about, answer):
        table.opening(
            {
                "group": [differences.label(row) for row in rows],
                "share": [100 * row["support"] for row in rows],
                "due": [100 * row["attributable_fraction"] for row in rows],
                "risk_ratio": [_one_digit(row["risk_ratio"]) for row in rows],
                "risk_ratio_low": [_one_digit(row["risk_ratio_low"]) for row in rows],
                # Where nothing is selected outside, nothing bounds it from above.
                "risk_ratio_high": [
                    None if row["risk_ratio"] is None else _one_digit(row["risk_ratio_high"]) for row in rows
                ],
                "selected_count": [row["selected_count"] for row in rows],
                "group_count": [row["group_count"] for row in rows],
            },
            {
                "group": table.text(width="large"),
                "share": st.column_config.ProgressColumn(
                    "of the selected", format="%.0f %%", min_value=0, max_value=100, width=120
                ),
                "due": st.column_config.ProgressColumn(
                    "attributable", format="%.0f %%", min_value=0, max_value=100, color="orange", width=120
                ),
                "risk_ratio": table.number("ratio", 70),
                "risk_ratio_low": table.number("at least", 75),
                "risk_ratio_high": table.number("at most", 75),
                "selected_count": table.number("selected", 80),
                "group_count": table.number("in the group", 100),
            },
            lambda row: _open_group(rows[row], edges),
            key="ranked", alt="What sets the selected events apart, the best explanation first",
        )  # fmt: skip


def _one_digit(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 1)


def _explain(version: int, shown: Window, box: tuple[datetime, datetime] | None, asked: _Question) -> None:
    found = _differences(version, shown, box, asked)
    _ranking_panel(found, asked, box or (shown.since, shown.until))


def page(version: int) -> None:
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    box = _box(shown)
    asked = _question(version, shown)
    _time_panel(version, shown, box)
    edges = box or (shown.since, shown.until)
    if asked.what == _ALL and box is None:
        with st.container(border=True):
            st.markdown(
                ":material/select_all: **Select what is to be explained:** drag over the chart above, or "
                "over one of another page once **explain** is picked at the top. Or pick one kind of "
                "record, which is compared with the others of the window."
            )
        return
    of = "this window" if box is None else "what is selected"
    near.say(_selected(version, shown, box), "The selected events", of=of)
    attempt(_explain, version, shown, box, asked)
    # Of a whole window nobody has said when it began: then all of it lies before the onset.
    onset, meaning = (
        (edges[0], "the start of what is selected") if box else (edges[1], "the end of the window")
    )
    changes_panel.draw(
        version, onset, within=_CHANGES_WITHIN if box else max(_CHANGES_WITHIN, shown.span),
        lookback=_KNOWN_FROM, meaning=meaning,
    )  # fmt: skip


st.header("What do the selected events have in common that the others have not?", anchor=False)
controls.live(page)
