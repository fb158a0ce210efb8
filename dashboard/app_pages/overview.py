"""Overview: whether everything is in order, and if not, where."""

from typing import Any, Final

import streamlit as st

from dashboard import (
    alert_desk,
    changes_panel,
    controls,
    data,
    deadlock_bars,
    empty,
    filters,
    first_run,
    formatting,
    near,
    notes,
    overview_tiles,
    pages,
    table,
    time_chart,
    verdict,
    verdict_box,
    zone,
)
from dashboard.charts import hotspots, timeline
from dashboard.data import Answer
from dashboard.filters import Chosen
from dashboard.hostile import safe_md
from dashboard.overview_tiles import Found
from dashboard.panel import attempt, panel
from dashboard.window import Window

_PLACES_SHOWN: Final = 8
_CHAINS_SHOWN: Final = 8
_CHART_PX: Final = 230


def _name(place: dict[str, Any]) -> str:
    return hotspots.label(place["consumer"] or "", place["stream"] or "")


def _verdict(found: Found) -> None:
    places, loops = overview_tiles.worst_places(found.disorder), found.loops
    worst_place = safe_md(_name(places[0]), 40) if places else None
    judged = verdict.judge(
        found.numbers, found.hourly.rows, worst_place,
        storm=(loops.look, loops.brief), is_storm_over=loops.is_over, feeds_itself=loops.is_storm,
    )  # fmt: skip
    verdict_box.draw(judged.level, judged.sentence)


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


def _deadlock_panel(answer: Answer, shown: Window, chosen: Chosen) -> None:
    about = (
        f"Deadlocks a lock manager reported, per clock hour ({zone.name()}) or finer in a short window; "
        "where there was none there is no bar. "
        f"Red from {timeline.STORMY_DEADLOCKS_PER_HOUR} in an hour: one every five minutes."
    )
    with panel("deadlock_hours", "When did deadlocks happen?", about, answer):
        filters.say_beyond(chosen, "service")
        deadlock_bars.draw(answer, shown, key="deadlock_hours", height=_CHART_PX)


def _places_panel(version: int, shown: Window, chosen: Chosen) -> None:
    # Only sums over time are shown of it.
    every = data.load(
        "reorder_hotspots", version, **shown.edges, lookback=shown.lookback, bucket=shown.span
    )  # fmt: skip
    answer = every.only(consumer=chosen["service"], stream=chosen["stream"])
    places = overview_tiles.worst_places(answer)
    about = (
        "An arrival is **out of order** when an event with a greater sequence number of the same "
        "stream and key had already arrived at that consumer (RFC 4737). Counted on first copies. "
        "**Click** a row for the hotspots over time."
    )
    with panel("places", "Where does order break?", about, answer):
        filters.say_beyond(chosen, "service", "stream")
        if not answer.table.num_rows and every.table.num_rows:
            st.markdown("Nothing with a sequence number arrived there: clear a filter.")
            return
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


def _chains_panel(version: int, shown: Window, chosen: Chosen) -> None:
    answer = _chains(version, shown, chosen)
    about = (
        "A **chain** is all that one root event caused, directly or through other events. "
        "Deep or large chains are where retries and loops hide. Filtered by the type they begin with. "
        "**Click** a row to see the chain."
    )
    with panel("chains", "What set off the most?", about, answer):
        filters.say_beyond(chosen, "event_type")
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
    chosen = _filters(version, shown)
    # What is quick to know is there at once, wherever it stands on the page.
    top, middle = st.container(), st.container()
    lower_left, lower_right = st.columns(2)
    with middle:
        attempt(_time_panels, version, shown, chosen)
    with lower_left:
        attempt(_places_panel, version, shown.near, chosen)
    with lower_right:
        attempt(_chains_panel, version, shown.near, chosen)
    with top:
        attempt(_state, version, shown, chosen)


def _filters(version: int, shown: Window) -> Chosen:
    with st.container(horizontal=True, vertical_alignment="center", key="overview_filters"):
        filters.find("Find an id, message, key")
        return filters.draw(version, shown, "service", "stream", "event_type")


def _chains(version: int, part: Window, chosen: Chosen) -> Answer:
    return data.load(
        "largest_chains", version, **part.scope, lookback=part.lookback, row_limit=_CHAINS_SHOWN,
        **filters.arguments(chosen, "event_type"),
    )  # fmt: skip


def _state(version: int, shown: Window, chosen: Chosen) -> None:
    """The verdict, and the numbers that it stands on."""
    has_chains = bool(_chains(version, shown.near, chosen).table.num_rows)
    found = overview_tiles.ask(version, shown, chosen, has_chains=has_chains)
    _verdict(found)
    if any(chosen.values()):
        st.caption(
            ":material/filter_alt: Of what is picked above. What cannot be narrowed to it says of what it is."
        )
    alert_desk.name_firing(version)
    changes_panel.name_latest(version, shown, found.loops)
    overview_tiles.draw(version, shown, found, chosen)
    narrowed = "What is picked, and order" if found.rated.is_part else "Order"
    near.say(shown, f"{narrowed}, loss, duplicates and chains")


def _time_panels(version: int, shown: Window, chosen: Chosen) -> None:
    rate, rated = overview_tiles.rate(version, shown, chosen), overview_tiles.rated(shown, chosen)
    deadlocks = deadlock_bars.hourly(version, shown, chosen["service"])
    if any(deadlocks.table.column("deadlock_count").to_pylist()):
        left, right = st.columns(2)
        with left:
            _rate_panel(rate, rated)
        with right:
            _deadlock_panel(deadlock_bars.load(version, shown, chosen["service"]), shown, chosen)
    else:
        _rate_panel(rate, rated)
    notes.listed(data.load("notes", version, **shown.edges))


st.header("Is everything in order, and if not, where?", anchor=False)
controls.live(page)
