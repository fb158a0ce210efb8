"""Is everything in order, and if not, where?"""

from typing import Any, Final

import streamlit as st

from dashboard import controls, data, empty, formatting, verdict
from dashboard.charts import hotspots, timeline
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.pages import link
from dashboard.panel import panel
from dashboard.window import Window

_LOOKS: Final = {
    "calm": ("green", "check_circle"),
    "watch": ("orange", "visibility"),
    "trouble": ("red", "warning"),
}
_PLACES_SHOWN: Final = 6
_CHAINS_SHOWN: Final = 8


def _worst_places(answer: Answer) -> list[dict[str, Any]]:
    """Sums over time per consumer and stream, most out of order first."""
    sums = answer.table.group_by(["consumer", "stream"]).aggregate(
        [("arrival_count", "sum"), ("reordered_count", "sum"), ("late_time_p99_ms", "max")]
    )
    places = [place for place in sums.to_pylist() if place["reordered_count_sum"]]
    return sorted(places, key=lambda place: -place["reordered_count_sum"])


def _name(place: dict[str, Any]) -> str:
    return safe_md(hotspots.label(place["consumer"] or "", place["stream"] or ""), 40)


def _verdict(overview: dict[str, Any], deadlocks: Answer, places: list[dict[str, Any]]) -> None:
    judged = verdict.judge(overview, deadlocks.rows, _name(places[0]) if places else None)
    colour, icon = _LOOKS[judged.level]
    with st.container(border=True, key=f"verdict_{judged.level}"):
        st.markdown(f"#### :{colour}[:material/{icon}:] {judged.sentence}")


def _tiles(overview: dict[str, Any], rate: Answer, deadlocks: Answer, disorder: Answer) -> None:
    by_bucket = disorder.table.group_by("bucket_start", use_threads=False).aggregate(
        [("reordered_count", "sum")]
    )
    tiles = (
        ("Events", formatting.count(overview["event_count"]), rate, "event_count", "events"),
        ("Out of order", formatting.percent(overview["reordered_ratio"]), None, "", "ordering"),
        ("Deadlocks", formatting.count(overview["deadlock_count"]), deadlocks, "deadlock_count", "deadlocks"),
        ("Lost", formatting.count(overview["lost_count"]), None, "", "ordering"),
        ("Duplicates", formatting.count(overview["duplicate_count"]), None, "", "ordering"),
        ("Rejected lines", formatting.count(overview["reject_count"]), None, "", "health"),
    )
    with st.grid(6, min_column_width=150, gap="small"):
        for label, value, answer, column, page in tiles:
            series = answer.table.column(column).to_pylist()[-120:] if answer else None
            if label == "Out of order":
                series = by_bucket.column("reordered_count_sum").to_pylist()[-120:]
            with st.container(border=True, key=f"tile_{page}_{label.replace(' ', '_')}", gap=None):
                st.metric(label, value, chart_data=series or [0, 0], chart_type="bar")
                link(page, "look", icon="arrow_forward")


def _rate_panel(answer: Answer, shown: Window) -> None:
    about = (
        "Observations (log records) per second of log time. An event that is sent and received is "
        "observed twice. Red: records whose severity is error or worse. **Drag** to zoom the page."
    )
    with panel("rate", "How busy is it?", about, answer):
        live_plotly(
            data.figure(
                timeline.event_rate, answer,
                since=shown.since, until=shown.until, bucket=answer.arguments["bucket"],
            ),
            key="rate", alt="Events per second over time, errors apart", height=230,
            on_zoom=controls.zoom_to_drag("rate"),
        )  # fmt: skip


def _deadlock_panel(answer: Answer, shown: Window) -> None:
    about = (
        "Deadlocks a lock manager reported, per clock hour (UTC); an hour without one has no bar. "
        f"Red from {timeline.STORMY_DEADLOCKS_PER_HOUR} in an hour: one every five minutes."
    )
    with panel("deadlock_hours", "Who waits for whom?", about, answer):
        if not sum(answer.table.column("deadlock_count").to_pylist()):
            empty.none_in_window("deadlock", shown)
            return
        live_plotly(
            data.figure(timeline.deadlocks_per_hour, answer, since=shown.since, until=shown.until),
            key="deadlock_hours", alt="Deadlocks per hour", height=230,
            on_zoom=controls.zoom_to_drag("deadlock_hours"),
        )  # fmt: skip


def _places_panel(places: list[dict[str, Any]], answer: Answer, shown: Window) -> None:
    about = (
        "An arrival is **out of order** when an event with a greater sequence number of the same "
        "stream and key had already arrived at that consumer (RFC 4737). Counted on first copies."
    )
    with panel("places", "Where does order break?", about, answer):
        if not places:
            empty.none_in_window("reordering", shown)
            return
        st.dataframe(
            {
                "stream → consumer": [
                    hotspots.label(place["consumer"] or "", place["stream"] or "")
                    for place in places[:_PLACES_SHOWN]
                ],
                "out of order": [
                    100 * place["reordered_count_sum"] / (place["arrival_count_sum"] or 1)
                    for place in places[:_PLACES_SHOWN]
                ],
                "events": [place["reordered_count_sum"] for place in places[:_PLACES_SHOWN]],
                "late by (p99)": [
                    formatting.milliseconds(place["late_time_p99_ms_max"])
                    for place in places[:_PLACES_SHOWN]
                ],
            },
            hide_index=True,
            key="places_table",
            alt="Places with most events out of order",
            column_config={
                "out of order": st.column_config.ProgressColumn(format="%.1f %%", min_value=0, max_value=100),
                "events": st.column_config.NumberColumn(format="localized"),
            },
        )
        link("ordering", "Hotspots over time", icon="grid_on")


def _chains_panel(answer: Answer, shown: Window) -> None:
    about = (
        "A **chain** is all that one root event caused, directly or through other events. "
        "Deep or large chains are where retries and loops hide."
    )
    with panel("chains", "What set off the most?", about, answer):
        if not answer.table.num_rows:
            empty.none_in_window("chain", shown)
            return
        st.dataframe(
            answer.table.select(["root_id", "event_type", "event_count", "depth_max", "started_at"]),
            hide_index=True,
            key="chains_table",
            alt="Largest chains",
            column_config={
                "root_id": st.column_config.TextColumn("root"),
                "event_type": st.column_config.TextColumn("type"),
                "event_count": st.column_config.NumberColumn("events", format="localized"),
                "depth_max": st.column_config.NumberColumn("depth"),
                "started_at": st.column_config.DatetimeColumn("started, UTC", format="YYYY-MM-DD HH:mm:ss"),
            },
        )
        link("chains", "Look into a chain", icon="account_tree")


def page() -> None:
    version = data.version()
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    edges = {"since": shown.since, "until": shown.until}
    overview = data.load("overview", version, **edges)
    rate = data.load("event_rate", version, **edges, bucket=shown.bucket(160))
    deadlocks = data.load("deadlocks_per_hour", version, **edges)
    disorder = data.load("reorder_hotspots", version, **edges, bucket=shown.bucket(160))
    chains = data.load("largest_chains", version, **edges, row_limit=_CHAINS_SHOWN)
    places = _worst_places(disorder)
    numbers = overview.rows[0]
    _verdict(numbers, deadlocks, places)
    _tiles(numbers, rate, deadlocks, disorder)
    left, right = st.columns(2)
    with left:
        _rate_panel(rate, shown)
    with right:
        _deadlock_panel(deadlocks, shown)
    left, right = st.columns(2)
    with left:
        _places_panel(places, disorder, shown)
    with right:
        _chains_panel(chains, shown)


st.markdown("**Is everything in order, and if not, where?**")
controls.live(page)
