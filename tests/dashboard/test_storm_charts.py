"""Figures of the gain of loops and of the price of order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from dashboard.charts import gain, order_cost

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
