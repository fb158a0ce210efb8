"""Names on a circle and curves between them, for graphs of a few nodes."""

from __future__ import annotations

import math
from typing import Final

HIGH: Final = 0.2
"""Members that stand higher or lower than this are named above or below their mark, others beside it."""


def places(names: list[str]) -> dict[str, tuple[float, float]]:
    """Where each stands, on a circle whose radius is 1, the first at the top."""
    turn = 2 * math.pi / max(len(names), 1)
    # Where one would stand at the very side, its name beside it, all are turned half a step.
    top = math.pi / 2 - (turn / 2 if len(names) % 4 == 0 else 0)
    return {name: (math.cos(top - at * turn), math.sin(top - at * turn)) for at, name in enumerate(names)}


def point(
    start: tuple[float, float], bow: tuple[float, float], end: tuple[float, float], at: float
) -> tuple[float, float]:
    """A point of the curve between two places that `bow` lies halfway outside of; `at` runs from 0 to 1."""
    rest = 1 - at
    weights = (rest * rest, 2 * rest * at, at * at)
    # The control point lies twice as far out as the middle of the curve shall.
    x = start[0] * weights[0] + bow[0] * weights[1] + end[0] * weights[2]
    y = start[1] * weights[0] + bow[1] * weights[1] + end[1] * weights[2]
    return x, y


def beside(place: tuple[float, float]) -> str:
    """Where a name stands so that no arrow runs through it: outside of the circle."""
    x, y = place
    if abs(y) > HIGH:
        return "top center" if y > 0 else "bottom center"
    return "middle right" if x > 0 else "middle left"
