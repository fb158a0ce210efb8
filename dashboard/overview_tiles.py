"""The numbers of Overview: what they are counted from, and a tile for each with how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow.compute as pc

from dashboard import (
    data,
    deadlock_bars,
    filters,
    formatting,
    loop_gains,
    order_history,
    outlook,
    sparkline,
    tile,
)
from dashboard.data import Answer
from dashboard.filters import Chosen
from dashboard.outlook import Outlook
from dashboard.tile import Tile
from dashboard.window import Window

_RATE_BARS = 160
_UNNUMBERED = "not measurable: no sequence numbers to tell by"


@dataclass(frozen=True)
class Found:
    """What the tiles and the verdict stand on, as far as it could be narrowed to what is picked."""

    rate: Answer
    """Of `rated`."""
    rated: Window
    hourly: Answer
    disorder: Answer
    """Of the part of the window that is read, in pieces as wide as a bar of a tile."""
    delivery: Answer
    history: Answer | None
    """The same of all of the window, where that is longer and was counted."""
    gains: Answer
    loops: Outlook
    numbers: Mapping[str, Any]
    """As a row of the relation `overview`."""


def rated(shown: Window, chosen: Chosen) -> Window:
    """Of what records are counted: minutes are kept for all services, streams and types together."""
    return shown.near if any(chosen.values()) else shown


def rate(version: int, shown: Window, chosen: Chosen) -> Answer:
    """Records over time."""
    of = filters.arguments(chosen, "service", "stream", "event_type")
    part = rated(shown, chosen)
    return data.load("event_rate", version, **part.edges, bucket=part.bucket(_RATE_BARS), **of)


def ask(version: int, shown: Window, chosen: Chosen, *, has_chains: bool) -> Found:
    """All of it."""
    part, service = shown.near, chosen.get("service")
    place = {"consumer": service, "stream": chosen.get("stream")}
    wide = {**part.edges, "lookback": part.lookback, "bucket": part.bucket(sparkline.BUCKETS)}
    of_scope = {"lookback": part.lookback, "bucket": wide["bucket"]}
    busy, hourly = rate(version, shown, chosen), deadlock_bars.hourly(version, shown, service)
    disorder = data.load("reorder_hotspots", version, **wide).only(**place)
    delivery = data.load("delivery_history", version, **part.scope, **of_scope).only(**place)
    history = order_history.counted(version, shown, sparkline.BUCKETS)
    every = loop_gains.gains(version, shown)
    gains = loop_gains.through(every, chosen.get("event_type"))
    has_causes = has_chains or bool(every.table.num_rows) or loop_gains.has_causes(version, shown)
    loops = outlook.outlook(
        gains.rows, shown, has_causes=has_causes, is_narrowed=gains is not every
    )  # fmt: skip
    numbers = {
        **_of_order(disorder, delivery),
        "is_part": part.is_part,
        "event_count": total(busy, "event_count"),
        "deadlock_count": total(hourly, "deadlock_count"),
        "untimed_deadlock_count": deadlock_bars.untimed_count(version, service),
        **{
            name: data.load("log_coverage", version).rows[0][name]
            for name in ("reject_count", "untimed_count", "future_count")
        },
    }
    return Found(
        busy, rated(shown, chosen), hourly, disorder, delivery,
        history.only(**place) if history else None, gains, loops, numbers,
    )  # fmt: skip


def _of_order(disorder: Answer, delivery: Answer) -> dict[str, Any]:
    arrivals, reordered = total(disorder, "arrival_count"), total(disorder, "reordered_count")
    return {
        "arrival_count": arrivals,
        "reordered_count": reordered,
        "reordered_ratio": reordered / arrivals if arrivals else None,
        **{name: total(delivery, name) for name in ("lost_count", "open_gap_count", "duplicate_count")},
    }


def total(answer: Answer, column: str) -> int:
    """The sum of a column, however large."""
    return sum(value for value in answer.table.column(column).to_pylist() if value is not None)


def draw(version: int, shown: Window, found: Found, chosen: Chosen) -> None:
    """The tiles, each leading to its page."""
    tile.row(
        [
            _events(found, chosen),
            _outlook(shown, found, chosen),
            *_order(shown, found, chosen),
            _deadlocks(version, shown, found, chosen),
            _rejects(version, shown, found, chosen),
        ],
        key="overview",
    )


def _events(found: Found, chosen: Chosen) -> Tile:
    numbers, errors = found.numbers, total(found.rate, "error_count")
    per_s = numbers["event_count"] / max(found.rated.span / timedelta(seconds=1), 1)
    is_narrowed = any(chosen.values())
    untimed, ahead = (0 if is_narrowed else numbers[name] for name in ("untimed_count", "future_count"))
    of_the_future = f", {formatting.count(ahead)} dated in the future" if ahead else ""
    return Tile(
        "Events", formatting.count(numbers["event_count"]),
        f"{formatting.rate(per_s)} on average, {formatting.plural(errors, 'error')}"
        + _without_a_time(untimed) + of_the_future, "events", _course(found.rated, found.rate, "event_count"),
    )  # fmt: skip


def _outlook(shown: Window, found: Found, chosen: Chosen) -> Tile:
    loops, rows = found.loops, found.gains.rows
    turns = sparkline.over(shown, ((row["bucket_start"], row["gain"] or 0.0) for row in rows), max)
    return Tile(
        "Storm outlook", loops.headline, _with(loops.brief, filters.beyond(chosen, "event_type")), "storms",
        turns if rows or loops.level is not None else (),
    )  # fmt: skip


def _order(shown: Window, found: Found, chosen: Chosen) -> list[Tile]:
    numbers, part = found.numbers, shown.near
    is_numbered = numbers["reordered_ratio"] is not None
    beyond = filters.beyond(chosen, "service", "stream")
    longer = "bars: all of this window" if found.history else ""
    late, again = (
        _course(shown, found.history, name) if found.history else _course(part, answer, name)
        for answer, name in ((found.disorder, "reordered_count"), (found.delivery, "duplicate_count"))
    )
    share = (
        f"{formatting.count(numbers['reordered_count'])} of {formatting.count(numbers['arrival_count'])} "
        "arrivals"
    )
    gaps = f"{formatting.plural(numbers['open_gap_count'], 'gap')} may still close"
    return [
        Tile(
            "Out of order", formatting.percent(numbers["reordered_ratio"]),
            _with(share if is_numbered else _UNNUMBERED, longer, beyond), "ordering",
            late if is_numbered or found.history else (),
        ),
        Tile(
            "Lost", formatting.count(numbers["lost_count"] if is_numbered else None),
            _with(gaps if is_numbered else _UNNUMBERED, beyond), "ordering",
            _course(part, found.delivery, "lost_count") if is_numbered else (),
        ),
        Tile(
            "Duplicates", formatting.count(numbers["duplicate_count"]),
            _with("events that arrived again", longer, beyond), "ordering", again,
            {"list": "Duplicates"},
        ),
    ]  # fmt: skip


def _deadlocks(version: int, shown: Window, found: Found, chosen: Chosen) -> Tile:
    numbers, hours = found.numbers, found.hourly.table.column("deadlock_count").to_pylist()
    untimed = numbers["untimed_deadlock_count"]
    untold = deadlock_bars.unreported_count(found.hourly)
    said = "reported, or told by lock events"
    if shown.near.is_part or chosen.get("service"):
        said = "of those that were reported"
    if any(hours) or untimed:
        alone = f", {formatting.count(untold)} of them only told by lock events" if untold else ""
        most = formatting.count(max(hours, default=0))
        said = f"at most {most} in one hour{alone}" + _without_a_time(untimed)
    # Asked for its panel as well, if there is one.
    bars = deadlock_bars.load(version, shown, chosen.get("service")) if any(hours) else found.hourly
    return Tile(
        "Deadlocks", formatting.count(numbers["deadlock_count"]),
        _with(said, filters.beyond(chosen, "service")), "deadlocks", _course(shown, bars, "deadlock_count"),
    )  # fmt: skip


def _rejects(version: int, shown: Window, found: Found, chosen: Chosen) -> Tile:
    """What could not be read has no time of the log; that of reading is known."""
    count, course = found.numbers["reject_count"], [0.0]
    said = "in quarantine, of any time"
    if count:
        read = data.load("ingest_rate", version, **shown.edges, bucket=shown.bucket(sparkline.BUCKETS))
        course = _course(shown, read, "reject_count")
        said += "; bars: when they were read" if any(course) else "; none was read in this window"
    return Tile(
        "Rejected lines", formatting.count(count), _with(said, filters.beyond(chosen)), "health", course
    )


def _with(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _course(shown: Window, answer: Answer, value: str) -> list[float]:
    """What a tile shows of an answer over time: of its column of that name."""
    at = next(name for name in ("bucket_start", "hour_start") if name in answer.table.column_names)
    return sparkline.over(
        shown, zip(answer.table.column(at).to_pylist(), answer.table.column(value).to_pylist(), strict=True)
    )


def _without_a_time(count: int) -> str:
    """What no window counts, if there is any."""
    return f", {formatting.count(count)} without a time" if count else ""


def worst_places(answer: Answer) -> list[dict[str, Any]]:
    """Sums over time per consumer and stream, most out of order first."""
    sums = answer.table.group_by(["consumer", "stream"]).aggregate(
        [("arrival_count", "sum"), ("reordered_count", "sum"), ("late_time_p99_ms", "max")]
    )
    places = sums.filter(pc.field("reordered_count_sum") > 0).to_pylist()
    return sorted(places, key=lambda place: -place["reordered_count_sum"])
