"""Names on a circle and curves between them, for graphs of a few nodes."""

from __future__ import annotations

import math
from typing import Final

Place = tuple[float, float]
STEPS: Final = 20
"""Pieces that a curve is drawn in."""
HIGH: Final = 0.2
"""Members that stand higher or lower than this are named above or below their mark, others beside it."""


def places(names: list[str]) -> dict[str, Place]:
    """Where each stands, on a circle whose radius is 1, the first at the top."""
    turn = 2 * math.pi / max(len(names), 1)
    # Where one would stand at the very side, its name beside it, all are turned half a step.
    top = math.pi / 2 - (turn / 2 if len(names) % 4 == 0 else 0)
    return {name: (math.cos(top - at * turn), math.sin(top - at * turn)) for at, name in enumerate(names)}


def outward(start: Place, end: Place) -> Place:
    """To which side a curve between two places bows: as a length of 1, upwards where they are the same."""
    across, up = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, up)
    return (-up / length, across / length) if length else (0, 1)


def curve(start: Place, end: Place, bend: float) -> list[Place]:
    """STEPS + 1 points from one place to another, bowed outwards by a share of their distance.

    `bend` is how far out the control point of the quadratic Bezier curve lies, twice as far as its middle.
    """
    out, bow = outward(start, end), bend * math.dist(start, end)
    control = ((start[0] + end[0]) / 2 + out[0] * bow, (start[1] + end[1]) / 2 + out[1] * bow)

    def point(at: float) -> Place:
        weights = ((1 - at) ** 2, 2 * (1 - at) * at, at**2)
        x, y = (
            sum(w * one[axis] for w, one in zip(weights, (start, control, end), strict=True))
            for axis in (0, 1)
        )
        return x, y

    return [point(step / STEPS) for step in range(STEPS + 1)]


def beside(place: Place) -> str:
    """Where a name stands so that no arrow runs through it: outside of the circle."""
    x, y = place
    if abs(y) > HIGH:
        return "top center" if y > 0 else "bottom center"
    return "middle right" if x > 0 else "middle left"
