"""What the pages ask about loops, at the scale of their window."""

from __future__ import annotations

from dashboard import data, loops
from dashboard.data import Answer
from dashboard.window import Window


def gains(version: int, shown: Window, capacity_per_s: float | None = None) -> Answer:
    """The gain of every loop in the window, at the scale of the window."""
    at = shown.loop_scale
    known = {} if capacity_per_s is None else {"capacity_per_s": capacity_per_s}
    return data.load("loop_gain", version, **shown.edges, **at.lengths, baseline=at.baseline, **known)


def through(gains: Answer, event_type: str | None) -> Answer:
    """Of these the loops that go through a type of event; all without one."""
    if event_type is None:
        return gains
    names = {str(name) for name in gains.table.column("loop").unique().to_pylist()}
    return gains.among("loop", sorted(name for name in names if event_type in loops.types(name)))


def has_causes(version: int, shown: Window) -> bool:
    """Whether any event of the window is the effect of another one."""
    return bool(data.load("_names_causes", version, **shown.edges).rows[0]["is_named"])
