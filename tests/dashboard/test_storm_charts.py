"""Figures of the gain of loops and of the price of order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from dashboard.charts import base, gain, loop, order_cost
from dashboard.order_panels import price

from .story import HOSTILE

START = datetime(2026, 11, 20, 10)  # noqa: DTZ001
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def _gains(*rows: tuple[int, str, float]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "bucket_start": START + minute * MINUTE, "loop": loop, "level": None, "gain": value,
                "gain_lower": value - 0.1, "gain_upper": value + 0.1, "sustained_gain": value,
            }
            for minute, loop, value in rows
        ]
    )  # fmt: skip


def _drawn_gains(*rows: tuple[int, str, float], **options: Any) -> Any:
    return gain.over_time(_gains(*rows), since=START, until=START + HOUR, bucket=MINUTE, **options)


def _edge(cause: str, effect: str, per_cause: float, share: float, **changes: Any) -> dict[str, Any]:
    return {
        "loop_key": "a", "cause_type": cause, "effect_type": effect, "effects_per_cause": per_cause,
        "gain_share": share, "first_event_id": f"{cause}-{effect}", **changes,
    }  # fmt: skip


def test_loop_is_drawn_with_its_amplifying_edges() -> None:
    rows = [
        _edge("a", "b", 1.25, 0.6), _edge("b", "a", 0.5, 0.3), _edge("b", "b", 0.1, 0.1),
        _edge("x", "y", 2.0, 1.0, loop_key="x"),
    ]  # fmt: skip
    forth, back, ring, types = loop.graph(pa.Table.from_pylist(rows), loop_key="a").data
    assert (forth.line.color, back.line.color) == (base.RED, base.GREY)
    assert forth.line.width > back.line.width > ring.line.width
    assert (forth.x[0], forth.y[0]) == (types.x[0], types.y[0])
    assert (forth.x[-1], forth.y[-1]) == pytest.approx((types.x[1], types.y[1]))
    assert forth.customdata[0] == "a-b"
    # Opposite arrows lie apart, and one that leads back to its type leaves it.
    assert forth.x[10] != pytest.approx(back.x[10])
    assert max(ring.y) - min(ring.y) > 0.1


def test_loop_with_long_names_is_wide_enough_for_two_side_by_side() -> None:
    names = ["order.confirmed", "order.item_added", "order.resubmitted", "payment.compensated"]
    rows = [_edge(one, other, 1.0, 0.25) for one, other in zip(names, names[1:] + names[:1], strict=True)]
    edges = pa.Table.from_pylist(rows)
    figure = loop.graph(edges, loop_key="a")
    types, least = figure.data[-1], loop.width(edges, loop_key="a")
    low, high = figure.layout.xaxis.range
    longest_px, px = 7 * len("payment.compensated"), least / (high - low)
    assert (max(types.x) - min(types.x)) * px >= longest_px
    assert (high - max(types.x)) * px >= longest_px / 2
    # Four of them still fit on a phone.
    assert least <= 340


def test_loop_that_is_not_there_has_a_width() -> None:
    assert loop.width(pa.Table.from_pylist([_edge("a", "b", 1.0, 1.0)]), loop_key="other") > 0


def test_hostile_types_of_a_loop_are_text() -> None:
    rows = [_edge(*ends, 1.0, 0.5, first_event_id="e-1") for ends in ((HOSTILE, "b"), ("b", HOSTILE))]
    drawn = loop.graph(pa.Table.from_pylist(rows), loop_key="a").to_json()
    assert "<img" not in drawn
    assert "\\u003cimg" not in drawn


def test_line_and_band_of_a_loop_break_where_it_did_not_turn() -> None:
    band, line = _drawn_gains((0, "a", 0.5), (1, "a", 0.6), (5, "a", 0.7)).data
    assert list(line.y) == [0.5, 0.6, None, 0.7, None]
    assert next(iter(line.x)) == START + MINUTE  # known when its bucket ended
    assert list(band.y) == pytest.approx([0.6, 0.7, 0.5, 0.4, None, 0.8, 0.6, None], nan_ok=True)


def test_loops_differ_without_colour_and_are_named_as_text() -> None:
    figure = _drawn_gains((0, "a", 0.5), (0, HOSTILE, 0.3))
    lines = [trace for trace in figure.data if trace.name]
    assert [line.line.dash for line in lines] == ["solid", "dash"]
    assert figure.layout.showlegend
    assert "<" not in lines[1].name


def test_loop_that_is_not_picked_is_faint() -> None:
    lines = [trace for trace in _drawn_gains((0, "a", 0.5), (0, "b", 0.3), picked="b").data if trace.name]
    assert [line.opacity for line in lines] == [0.55, 1]


def test_levels_stay_in_sight_and_a_wild_bound_does_not_hide_them() -> None:
    assert list(_drawn_gains((0, "a", 0.1)).layout.yaxis.range) == [0, 1.2]
    assert list(_drawn_gains((0, "a", 40.0)).layout.yaxis.range) == [0, 3]


def test_only_streams_that_lose_order_have_a_price() -> None:
    rows = [
        {
            "consumer": consumer, "stream": "s", "hold_ms": hold, "late_count": late, "late_ratio": late / 10,
            "held_count": 0, "added_latency_p99_ms": hold,
        }
        for consumer, counts in (("calm", (0, 0)), ("wild", (5, 1)))
        for hold, late in zip((1000.0, 0.0), reversed(counts), strict=True)
    ]  # fmt: skip
    [line] = order_cost.curve(pa.Table.from_pylist(rows)).data
    assert line.name == "s → wild"
    assert (list(line.x), list(line.y)) == (["none", "1\u00a0s"], [50, 10])
    [(place, of_place)] = order_cost.by_place(pa.Table.from_pylist(rows))
    assert "held back for at most **1\u00a0s**, 10\u00a0% still would; 0 events would wait" in price(
        place, of_place
    )


def test_price_is_that_of_the_hold_that_restores_nearly_all() -> None:
    rows = [
        {
            "hold_ms": hold, "late_count": late, "late_ratio": late / 10_000, "held_count": held,
            "added_latency_p99_ms": hold,
        }
        for hold, late, held in ((0.0, 500, 0), (250.0, 5, 90), (5000.0, 0, 95), (30_000.0, 0, 95))
    ]  # fmt: skip
    assert (
        "at most **250\u00a0ms**, 0.05\u00a0% still would (none at 5\u00a0s); 90 events would wait"
    ) in price(("wild", "s"), rows)
