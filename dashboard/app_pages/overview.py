"""Overview: whether everything is in order, and if not, where."""

from datetime import timedelta
from typing import Any, Final

import pyarrow.compute as pc
import streamlit as st

from dashboard import (
    alert_desk,
    changes_panel,
    controls,
    data,
    deadlock_bars,
    empty,
    first_run,
    formatting,
    loop_gains,
    near,
    notes,
    outlook,
    pages,
    sparkline,
    table,
    tile,
    time_chart,
    verdict,
    verdict_box,
    zone,
)
from dashboard.charts import hotspots, timeline
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.outlook import Outlook
from dashboard.panel import attempt, panel
from dashboard.tile import Tile
from dashboard.window import Window

_PLACES_SHOWN: Final = 8
_CHAINS_SHOWN: Final = 8
_CHART_PX: Final = 230


def _worst_places(answer: Answer) -> list[dict[str, Any]]:
    """Sums over time per consumer and stream, most out of order first."""
    sums = answer.table.group_by(["consumer", "stream"]).aggregate(
        [("arrival_count", "sum"), ("reordered_count", "sum"), ("late_time_p99_ms", "max")]
    )
    places = sums.filter(pc.field("reordered_count_sum") > 0).to_pylist()
    return sorted(places, key=lambda place: -place["reordered_count_sum"])


def _name(place: dict[str, Any]) -> str:
    return hotspots.label(place["consumer"] or "", place["stream"] or "")


def _verdict(
    overview: dict[str, Any], deadlocks: Answer, places: list[dict[str, Any]], loops: Outlook
) -> None:
    worst_place = safe_md(_name(places[0]), 40) if places else None
    judged = verdict.judge(
        overview, deadlocks.rows, worst_place, storm=(loops.look, loops.brief), is_storm_over=loops.is_over
    )
    verdict_box.draw(judged.level, judged.sentence)


def _course(shown: Window, answer: Answer, value: str) -> list[float]:
    """What a tile shows of an answer over time; its first column is the time."""
    return sparkline.over(
        shown, zip(answer.table.column(0).to_pylist(), answer.table.column(value).to_pylist(), strict=True)
    )


def _tiles(
    overview: dict[str, Any], shown: Window, rate: Answer, deadlocks: Answer, disorder: Answer,
    loops: Outlook, gains: Answer,
) -> None:  # fmt: skip
    arrivals = _total(disorder, "arrival_count")
    errors = _total(rate, "error_count")
    hours = deadlocks.table.column("deadlock_count").to_pylist()
    per_s = overview["event_count"] / max(shown.span / timedelta(seconds=1), 1)
    is_numbered = overview["reordered_ratio"] is not None
    unknown = "no sequence numbers to tell by"
    busy = _course(shown, rate, "event_count")
    # Asked for its panel as well, if there is one.
    locked = _course(shown, deadlock_bars.load(rate.version, shown), "deadlock_count") if any(hours) else []
    turns = sparkline.over(shown, ((row["bucket_start"], row["gain"] or 0.0) for row in gains.rows), max)
    open_gaps = f"{formatting.plural(overview['open_gap_count'], 'gap')} may still close"
    tile.row(
        [
            Tile(
                "Events", formatting.count(overview["event_count"]),
                f"{formatting.rate(per_s)} on average, {formatting.plural(errors, 'error')}"
                + _without_a_time(overview["untimed_count"]), "events", busy,
            ),
            Tile("Storm outlook", loops.headline, loops.brief, "storms", turns),
            Tile(
                "Out of order", formatting.percent(overview["reordered_ratio"]),
                f"{formatting.count(overview['reordered_count'])} of {formatting.count(arrivals)} arrivals"
                if is_numbered else unknown, "ordering",
            ),
            Tile(
                "Lost", formatting.count(overview["lost_count"] if is_numbered else None),
                open_gaps if is_numbered else unknown, "ordering",
            ),
            Tile(
                "Duplicates", formatting.count(overview["duplicate_count"]),
                "events that arrived again", "ordering",
            ),
            Tile(
                "Deadlocks", formatting.count(overview["deadlock_count"]),
                f"at most {formatting.count(max(hours, default=0))} in one hour"
                + _without_a_time(overview["untimed_deadlock_count"])
                if any(hours) or overview["untimed_deadlock_count"] else "reported by lock managers",
                "deadlocks", locked,
            ),
            Tile(
                "Rejected lines", formatting.count(overview["reject_count"]),
                "in quarantine, of any time", "health",
            ),
        ],
        key="overview",
    )  # fmt: skip


def _without_a_time(count: int) -> str:
    """What no window counts, if there is any."""
    return f", {formatting.count(count)} without a time" if count else ""


def _rate_panel(answer: Answer, shown: Window) -> None:
    about = (
        "Observations (log records) per second of log time. An event that is sent and received is "
        "observed twice. Red: records whose severity is error or worse. **Drag** to zoom the page."
    )
    with panel("rate", "How busy is it?", about, answer):
        if not answer.table.num_rows:
            empty.none_in_window("event", shown, answer.version)
            return
        time_chart.draw(
            timeline.event_rate, answer, shown, key="rate", alt="Events per second over time, errors apart",
            height=_CHART_PX, bucket=answer.arguments["bucket"],
        )  # fmt: skip


def _deadlock_panel(answer: Answer, shown: Window) -> None:
    about = (
        f"Deadlocks a lock manager reported, per clock hour ({zone.name()}) or finer in a short window; "
        "where there was none there is no bar. "
        f"Red from {timeline.STORMY_DEADLOCKS_PER_HOUR} in an hour: one every five minutes."
    )
    with panel("deadlock_hours", "When did deadlocks happen?", about, answer):
        deadlock_bars.draw(answer, shown, key="deadlock_hours", height=_CHART_PX)


def _places_panel(version: int, shown: Window) -> None:
    answer = _disorder(version, shown)
    places = _worst_places(answer)
    about = (
        "An arrival is **out of order** when an event with a greater sequence number of the same "
        "stream and key had already arrived at that consumer (RFC 4737). Counted on first copies. "
        "**Click** a row for the hotspots over time."
    )
    with panel("places", "Where does order break?", about, answer):
        if not answer.table.num_rows:
            empty.not_measurable(f"no record of {shown.called} carries a sequence number.")
            return
        if not places:
            empty.none_in_window("reordering", shown, answer.version)
            return
        worst = places[:_PLACES_SHOWN]
        table.opening(
            {
                "place": [_name(place) for place in worst],
                "share": [
                    100 * place["reordered_count_sum"] / (place["arrival_count_sum"] or 1) for place in worst
                ],
                "events": [place["reordered_count_sum"] for place in worst],
                "lateness": [formatting.milliseconds(place["late_time_p99_ms_max"]) for place in worst],
            },
            {
                "place": table.text("stream → consumer", "medium"),
                "share": st.column_config.ProgressColumn(
                    "out of order", format="%.1f %%", min_value=0, max_value=100, color="orange"
                ),
                "events": table.number(width="small"),
                "lateness": table.text("late by, p99", "small", alignment="right"),
            },
            lambda _: pages.go("ordering"),
            key="places_table", alt="Places with most events out of order",
        )  # fmt: skip


def _chains_panel(version: int, shown: Window) -> None:
    answer = _chains(version, shown)
    about = (
        "A **chain** is all that one root event caused, directly or through other events. "
        "Deep or large chains are where retries and loops hide. **Click** a row to see the chain."
    )
    with panel("chains", "What set off the most?", about, answer):
        if not answer.table.num_rows:
            empty.none_in_window("chain", shown, answer.version)
            return
        roots = answer.table.column("root_id").to_pylist()
        table.opening(
            answer.table.select(["root_id", "event_type", "event_count", "depth_max", "started_at"]),
            {
                "root_id": table.text("root"),
                "event_type": table.text("type"),
                "event_count": table.number("events", 70),
                "depth_max": table.number("depth", 60),
                "started_at": table.at("started"),
            },
            lambda row: pages.go("chains", event=roots[row]),
            key="chains_table", alt="Largest chains",
        )  # fmt: skip


def page(version: int) -> None:
    is_empty = empty.is_empty(version)
    first_run.draw(version)
    if is_empty:
        return
    shown = controls.current_window(version)
    # What is quick to know is there at once, wherever it stands on the page.
    top, middle = st.container(), st.container()
    lower_left, lower_right = st.columns(2)
    with middle:
        attempt(_time_panels, version, shown)
    with lower_left:
        attempt(_places_panel, version, shown.near)
    with lower_right:
        attempt(_chains_panel, version, shown.near)
    with top:
        attempt(_state, version, shown)


def _rate(version: int, shown: Window) -> Answer:
    return data.load("event_rate", version, **shown.edges, bucket=shown.bucket(160))


def _disorder(version: int, part: Window) -> Answer:
    # Only sums over time are shown of it.
    return data.load("reorder_hotspots", version, **part.edges, lookback=part.lookback, bucket=part.span)


def _chains(version: int, part: Window) -> Answer:
    return data.load("largest_chains", version, **part.scope, lookback=part.lookback, row_limit=_CHAINS_SHOWN)


def _state(version: int, shown: Window) -> None:
    """The verdict, and the numbers that it stands on."""
    rate, deadlocks = _rate(version, shown), deadlock_bars.hourly(version, shown)
    disorder = _disorder(version, shown.near)
    numbers = _numbers(version, shown, rate, deadlocks, disorder)
    gains = loop_gains.gains(version, shown)
    has_causes = bool(_chains(version, shown.near).table.num_rows) or loop_gains.has_causes(version, shown)
    loops = outlook.outlook(gains.rows, shown, has_causes=has_causes)
    _verdict(numbers, deadlocks, _worst_places(disorder), loops)
    alert_desk.name_firing(version)
    changes_panel.name_latest(version, shown, loops)
    _tiles(numbers, shown, rate, deadlocks, disorder, loops, gains)
    near.say(shown, "Order, loss, duplicates and chains")


def _numbers(
    version: int, shown: Window, rate: Answer, deadlocks: Answer, disorder: Answer
) -> dict[str, Any]:
    """What the relation `overview` answers, from what the panels have asked already."""
    coverage = data.load("log_coverage", version).rows[0]
    arrivals, reordered = _total(disorder, "arrival_count"), _total(disorder, "reordered_count")
    part = shown.near
    delivery = data.load("delivery", version, **part.scope, lookback=part.lookback)
    return {
        **delivery.rows[0],
        "is_part": part.is_part,
        "event_count": _total(rate, "event_count"),
        "reordered_count": reordered,
        "reordered_ratio": reordered / arrivals if arrivals else None,
        "deadlock_count": _total(deadlocks, "deadlock_count"),
        "reject_count": coverage["reject_count"],
        "untimed_count": coverage["untimed_count"],
        "untimed_deadlock_count": deadlock_bars.untimed_count(version),
    }


def _total(answer: Answer, column: str) -> int:
    return pc.sum(answer.table.column(column)).as_py() or 0


def _time_panels(version: int, shown: Window) -> None:
    rate, deadlocks = _rate(version, shown), deadlock_bars.hourly(version, shown)
    if any(deadlocks.table.column("deadlock_count").to_pylist()):
        left, right = st.columns(2)
        with left:
            _rate_panel(rate, shown)
        with right:
            _deadlock_panel(deadlock_bars.load(version, shown), shown)
    else:
        _rate_panel(rate, shown)
    notes.listed(data.load("notes", version, **shown.edges))


st.header("Is everything in order, and if not, where?", anchor=False)
controls.live(page)
