"""What a tile shows of how its number came about."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import unquote

from dashboard import sparkline
from dashboard.window import Window

START = datetime(2026, 3, 2, 10)  # noqa: DTZ001 - UTC, as stored
PART = Window("", START, START + timedelta(minutes=48), is_absolute=True)


def test_each_bar_is_an_equal_part_of_the_window() -> None:
    counted = [(START, 1.0), (START + timedelta(seconds=59), 2.0), (START + timedelta(minutes=47.9), 4.0)]
    assert sparkline.over(PART, counted) == [3.0, *[0.0] * 46, 4.0]
    assert sparkline.over(PART, counted, together=max) == [2.0, *[0.0] * 46, 4.0]


def test_what_begins_before_the_window_is_in_its_first_bar() -> None:
    assert sparkline.over(PART, [(START - timedelta(minutes=30), 5.0)])[0] == 5.0


def test_the_highest_bar_fills_the_height_and_nothing_has_none() -> None:
    image = sparkline.image([0.0, 1.0, 4.0], "A & B over time")
    assert re.findall(r"M([\d.]+) 24V([\d.]+)", unquote(image)) == [("120.0", "18.0"), ("200.0", "0.0")]
    assert 'alt="A &amp; B over time"' in image


def test_nothing_all_the_time_is_a_line_without_bars() -> None:
    image = unquote(sparkline.image([0.0, 0.0], "Lost over time"))
    assert "M0 23.5H240" in image
    assert 'd=""' in image


def test_what_has_no_time_is_in_no_bar() -> None:
    assert sparkline.over(PART, [(None, 5.0), (START, 1.0)]) == [1.0, *[0.0] * 47]
