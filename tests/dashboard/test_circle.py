"""Curves between places on a circle bow away from its middle, and those of two directions lie apart."""

from __future__ import annotations

import math

import pytest

from dashboard.charts import circle

AROUND = 0.3


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_from_one_place_to_the_next_it_bows_outwards(count: int) -> None:
    places = list(circle.places([str(number) for number in range(count)]).values())
    for start, end in zip(places, [*places[1:], places[0]], strict=True):
        curve = circle.curve(start, end, AROUND)
        assert curve[0] == pytest.approx(start)
        assert curve[-1] == pytest.approx(end)
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        top = curve[circle.STEPS // 2]
        assert math.dist(top, middle) == pytest.approx(AROUND / 2 * math.dist(start, end))
        assert count == 2 or math.hypot(*top) > math.hypot(*middle)


def test_there_and_back_lie_on_either_side() -> None:
    there, back = circle.curve((-1, 0), (1, 0), AROUND), circle.curve((1, 0), (-1, 0), AROUND)
    middle = circle.STEPS // 2
    assert there[middle] == pytest.approx((0, AROUND))
    assert back[middle] == pytest.approx((0, -AROUND))
    assert circle.outward((-1, 0), (1, 0)) == pytest.approx((0, 1))


def test_of_one_place_upwards_is_outwards() -> None:
    assert circle.outward((0.5, 0.5), (0.5, 0.5)) == (0, 1)
