"""Storms: whether a loop of events is about to feed on itself, which one, and since when."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import streamlit as st

from dashboard import (
    alert_desk,
    backtest_panel,
    changes_panel,
    controls,
    data,
    empty,
    filters,
    formatting,
    loop_gains,
    loops,
    outlook,
    pages,
    storm_chains,
    table,
    time_chart,
    verdict_box,
    zone,
)
from dashboard.charts import gain, loop
from dashboard.data import Answer
from dashboard.filters import Chosen
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.loops import Row, Scale, Track
from dashboard.panel import attempt, panel
from dashboard.time_chart import Hand
from dashboard.window import Window

_CHART_PX: Final = 330
_LOOP_PX: Final = 300
_SIGNS_SHOWN: Final = 50
_QUEUES_OF_SOME: Final = 5000
"""Looked at before those of one stream or consumer are taken."""
_STATES: Final[Mapping[bool | None, str]] = {None: "not known", True: "yes", False: "no"}
"""Whether a sign is alarming now."""
_CHANGES_WITHIN_SPANS: Final = 2
_KNOWN_FROM_SPANS: Final = 4
"""How far before an onset changes are looked for, and before those what was there already."""
_RULE: Final = "storm_ahead"
_QUEUES_SPANS: Final = 4
"""So far back queues of a busy log are looked at: there may be tens of thousands."""


def _pick_point(picked: str) -> None:
    moment, _, name = picked.partition("|")
    controls.remember(loop=name, moment=moment)


def _picked(found: list[Track], told: Row | None) -> tuple[Track, Row]:
    """The loop and the row of it in the address, else those the verdict is about."""
    asked = controls.remembered("loop")
    track = next((one for one in found if asked in one.names), None)
    track = track or next((one for one in found if told in one.rows), found[0])
    default = told if told is not None and told in track.rows else track.worst
    try:
        moment = datetime.fromisoformat(controls.remembered("moment") or "")
    except ValueError:
        return track, default
    return track, next((row for row in track.rows if row["bucket_start"] == moment), default)


def _capacity() -> float | None:
    return st.number_input(
        "Capacity, records a second", key="capacity", bind="query-params", value=None, min_value=0.0,
        label_visibility="collapsed",
        placeholder="capacity, records/s", icon=":material/speed:", width=230,
        help="How many records a second the system can take: tells the minutes that are left.",
    )  # fmt: skip


def _gain_panel(
    answer: Answer, shown: Window, at: Scale, track: Track, row: Row, chosen: Chosen
) -> float | None:
    """The chart; returns what the system can take, if somebody has said so."""
    about = (
        "How many more events of its loop one event causes, with the interval in which that lies "
        "(95 % each way). **From 1 on it does not stop by itself**, whatever the rate. Watch, warn, page "
        "and storm are given when the *lower* end has been above their line for three steps, near it for "
        "six, when the newest minutes do not deny it, and when the loop is twice as busy as usual. Each "
        "point says what was known then, nothing later. "
        "**Click** a point for the edges at that time, **drag** to zoom."
    )
    with panel("gain", "How near is each loop to never stopping?", about, answer):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"a step is {formatting.span(at.bucket)} and looks at the causes of "
                f"{formatting.span(at.span)}; both grow and shrink with the window",
                width="stretch",
            )
            capacity = _capacity()
        filters.say_beyond(chosen, "event_type")
        time_chart.draw(
            gain.over_time, answer, shown, key="gain",
            alt="Gain of each loop over time with its bounds and levels", height=_CHART_PX,
            hand=Hand(_pick_point), bucket=at.bucket, picked=track.name,
            moment=row["bucket_start"] + at.bucket,
        )  # fmt: skip
    return capacity


def _loops_panel(
    version: int, shown: Window, at: Scale, picked: str, capacity: float | None, event_type: str | None
) -> None:
    answer = loop_gains.through(loop_gains.gains(version, shown, capacity), event_type)
    found = loops.tracks(answer.rows)
    about = (
        "The last that is known of each loop in the window. *At least*: the gain is above this with "
        "95 % confidence. *Known causes*: the share of events whose cause is logged; the gain is corrected "
        "for it. *Doubles in*: at most, once a gain is surely above 1. *Minutes left*: at most, until the "
        "capacity below is reached. **Click** a row for its edges."
    )
    with panel("loops", "Which loops are there?", about, answer):
        latest = [one.rows[-1] for one in found]
        table.picking(
            {
                "level": [row["level"] for row in latest],
                "loop": [row["loop"] for row in latest],
                "worst": [one.worst["level"] for one in found],
                **{name: [row[name] for row in latest] for name in ("gain", "gain_lower")},
                "coverage": [100 * row["coverage_ratio"] for row in latest],
                **{name: [row[name] for row in latest] for name in ("doubling_min", "minutes_left")},
                "at": [row["bucket_start"] + at.bucket for row in latest],
            },
            {
                "level": table.text("level", 60),
                "loop": table.text("loop", 440),
                "worst": table.text("worst", 60),
                "gain": st.column_config.NumberColumn("gain", format="%.2f", width=60),
                "gain_lower": st.column_config.NumberColumn("at least", format="%.2f", width=70),
                "coverage": st.column_config.NumberColumn("known causes", format="%.0f %%", width=100),
                "doubling_min": st.column_config.NumberColumn("doubles in, min", format="%.1f", width=110),
                "minutes_left": st.column_config.NumberColumn("minutes left", format="%.1f", width=95),
                "at": table.at(),
            },
            lambda row: controls.remember(loop=found[row].name, moment=None),
            picked=[one.name for one in found].index(picked),
            key="loops", alt="Loops of the window and the last known of each",
        )  # fmt: skip


def _edges_panel(version: int, at: Scale, row: Row) -> None:
    instant = row["bucket_start"] + at.bucket
    edges = data.load("loop_edges", version, instant=instant, **at.lengths)
    about = (
        "Which causes and effects make the loop as strong as it is, strongest first. *Share*: by so many per "
        "cent the gain falls when one per cent of these effects is stopped. An arrow is the wider the "
        "greater its share, and red where one cause has one effect or more. **Click** an arrow or a row for "
        "the chain of its first effect."
    )
    with panel("edges", "What makes it so strong?", about, edges):
        st.caption(
            f"{safe_md(row['loop'], 90)} at {formatting.instant(instant)} {zone.name()}, "
            f"gain {row['gain']:.2f}"
        )
        listed = _of_loop(edges.rows, row)
        if not listed:
            st.markdown("None of its edges is left at this time.")
            return
        live_plotly(
            data.figure(loop.graph, edges, loop_key=listed[0]["loop_key"]),
            key="loop", alt="The types of the loop, and how many effects one cause has",
            height=_LOOP_PX, min_width=loop.width(edges.table, loop_key=listed[0]["loop_key"]),
            on_click=_open_edge,
        )  # fmt: skip
        names = ("cause_type", "effect_type", "cause_count", "effect_count", "effects_per_cause")
        table.opening(
            {
                **{name: [edge[name] for edge in listed] for name in names},
                "share": [100 * edge["gain_share"] for edge in listed],
                "first_at": [edge["first_at"] for edge in listed],
            },
            {
                "cause_type": table.text("cause"),
                "effect_type": table.text("effect"),
                "cause_count": table.number("causes", 70),
                "effect_count": table.number("effects", 70),
                "effects_per_cause": st.column_config.NumberColumn("per cause", format="%.2f", width=80),
                "share": st.column_config.ProgressColumn(
                    "share", format="%.0f %%", min_value=0, max_value=100, color="orange", width=110
                ),
                "first_at": table.at("first"),
            },
            lambda number: pages.go("chains", event=listed[number]["first_event_id"]),
            key="edges", alt="Causes and effects that make up the gain of the loop",
        )  # fmt: skip


def _open_edge() -> None:
    point = st.session_state["loop"].click
    if point and isinstance(point["customdata"], str):
        pages.go("chains", event=point["customdata"])


def _of_loop(edges: list[dict[str, Any]], row: Row) -> list[dict[str, Any]]:
    """The edges of the loop that shares most types with the row's."""
    carried = loops.types(row["loop"])
    shared = Counter(edge["loop_key"] for edge in edges if edge["cause_type"] in carried)
    return [edge for edge in edges if shared and edge["loop_key"] == shared.most_common(1)[0][0]]


def _changes_panel(
    version: int, shown: Window, at: Scale, track: Track, row: Row, service: str | None
) -> None:
    onset = track.onset(row, shown.since, at.bucket)
    # In a busy log no further back than other questions of this window look.
    furthest = shown.lookback if shown.is_busy else _KNOWN_FROM_SPANS * at.span
    changes_panel.draw(
        version, onset,
        within=min(_CHANGES_WITHIN_SPANS * at.span, furthest),
        lookback=min(_KNOWN_FROM_SPANS * at.span, furthest),
        meaning="when half of the rise to this gain was done", service=service,
    )  # fmt: skip


def _signs_panel(version: int, shown: Window, at: Scale, chosen: Chosen) -> None:
    repeated = data.load("repeated_work", version, **shown.edges, **at.lengths, baseline=at.baseline)
    since = max(shown.since, shown.until - _QUEUES_SPANS * at.span) if shown.is_busy else shown.since
    of = {"consumer": chosen["service"], "stream": chosen["stream"]}
    waiting = data.load(
        "growing_backlogs", version, since=since, until=shown.until, **at.lengths,
        row_limit=_QUEUES_OF_SOME if any(of.values()) else _SIGNS_SHOWN,
    ).only(**of)  # fmt: skip
    about = (
        "What announces storms where records name no causes, and storms that no loop tells of: work that is "
        "**done again** more than ever in the time before (retries, redeliveries, deep chains), and "
        "queues that **surely grow**. The last that is known of each, and in how many steps of the window it "
        "was so; of queues of a busy log, of the last four spans. A growth by chance is found in 1 of 20."
    )
    with panel("signs", "What else announces a storm?", about, repeated, waiting):
        filters.say_beyond(chosen, "service", "stream")
        if any(of.values()) and repeated.table.num_rows:
            st.caption("Queues are those of what is picked; what is done again is that of all")
        listed = [
            *_repetitions(repeated),
            *(_queue(row, at) for row in waiting.rows),
        ]
        if not listed:
            empty.none_in_window("retry or queue", shown, version)
            return
        listed.sort(key=lambda sign: (sign["state"] == "yes", sign["share"] or 0), reverse=True)
        names = ("sign", "meaning", "state", "share", "at")
        table.show(
            {name: [sign[name] for sign in listed[:_SIGNS_SHOWN]] for name in names},
            {
                "sign": table.text(width=190),
                "meaning": table.text(width="large"),
                "state": table.text("alarming now", 100),
                "share": st.column_config.ProgressColumn(
                    "of the steps", format="%.0f %%", min_value=0, max_value=100, color="orange", width=120
                ),
                "at": table.at(),
            },
            key="signs", alt="Signs of storms that need no causes",
        )  # fmt: skip


def _repetitions(answer: Answer) -> Iterator[dict[str, Any]]:
    """The last row of each kind, and the share of its rows that were unusual, of those known."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in answer.rows:
        kinds.setdefault(row["kind"], []).append(row)
    for kind, rows in kinds.items():
        known = [row["is_unusual"] for row in rows if row["is_unusual"] is not None]
        ratio = sum(known) / len(known) if known else None
        end = rows[-1]["bucket_start"] + answer.arguments["bucket"]
        yield _sign(kind, rows[-1]["meaning"], _STATES[rows[-1]["is_unusual"]], ratio, end)


def _queue(row: dict[str, Any], at: Scale) -> dict[str, Any]:
    """A row of `growing_backlogs`."""
    name = f"{row['stream']} → {row['consumer'] or ''}"
    state = _STATES[None if row["growth_lower"] is None else row["growth_lower"] > 0]
    return _sign(name, row["meaning"], state, row["growing_ratio"], row["bucket_start"] + at.bucket)


def _sign(name: str, meaning: str, state: str, ratio: float | None, end: datetime) -> dict[str, Any]:
    return {
        "sign": name,
        "meaning": meaning,
        "state": state,
        "share": None if ratio is None else 100 * ratio,
        "at": end,
    }


def _say_no_loop(version: int, shown: Window, *, has_causes: bool, is_narrowed: bool) -> None:
    with st.container(border=True):
        if is_narrowed:
            st.markdown("No loop of this window goes through the picked type: clear the filter.")
        elif has_causes:
            empty.none_in_window("loop", shown, version)
        else:
            empty.not_measurable(
                "no record of this window names its cause.",
                what="The gain of loops", name="causation_id", held="the id of the cause",
            )  # fmt: skip


def _backtest(version: int, shown: Window, peak: datetime | None) -> None:
    desk = alert_desk.desk()
    if desk is not None:
        rules = [name for name in alert_desk.playable(desk) if name == _RULE]
        backtest_panel.draw(version, shown, rules, peak)


def _gains(version: int, shown: Window, at: Scale, chosen: Chosen) -> datetime | None:
    """The verdict, and all that is known of loops; when the gain of the picked one was greatest."""
    event_type = chosen["event_type"]
    every = loop_gains.gains(version, shown)
    gains = loop_gains.through(every, event_type)
    rows = gains.rows
    has_causes = bool(every.table.num_rows) or loop_gains.has_causes(version, shown)
    judged = outlook.outlook(rows, shown, has_causes=has_causes, is_narrowed=gains is not every)
    verdict_box.draw(judged.look, judged.sentence, is_known=judged.level is not None)
    if not rows:
        _say_no_loop(version, shown, has_causes=has_causes, is_narrowed=bool(every.table.num_rows))
        return None
    track, row = _picked(loops.tracks(rows), judged.row)
    capacity = _gain_panel(gains, shown, at, track, row, chosen)
    attempt(_loops_panel, version, shown, at, track.name, capacity, event_type)
    left, right = st.columns([5, 4])
    with left:
        attempt(_edges_panel, version, at, row)
    with right:
        attempt(_changes_panel, version, shown, at, track, row, chosen["service"])
    attempt(storm_chains.draw, version, shown, row["loop"])
    peak: datetime = track.worst["bucket_start"] + at.bucket
    return peak


def page(version: int) -> None:
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    at = shown.loop_scale
    with st.container(horizontal=True, key="storm_filters"):
        chosen = filters.draw(version, shown, "service", "stream", "event_type")
    peak = attempt(_gains, version, shown, at, chosen)
    attempt(_signs_panel, version, shown, at, chosen)
    _backtest(version, shown, peak)


st.header("Is a loop of events about to feed on itself?", anchor=False)
controls.live(page)
