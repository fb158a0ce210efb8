"""Scores per minute: the relation under test, and what looks at counts only, to compare it with."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

DAY = 1440


def trailing(values: np.ndarray, width: int) -> np.ndarray:
    """Sum of the last `width` values, the present one included."""
    total = np.cumsum(values, dtype=float)
    total[width:] = total[width:] - total[:-width]
    return total


def before(values: np.ndarray, minutes: int) -> np.ndarray:
    """What the values were so many minutes ago; the first one before there were any."""
    return np.concatenate([np.full(minutes, values[0]), values[:-minutes]])


def rate_detectors(rate: np.ndarray, retries: np.ndarray) -> dict[str, np.ndarray]:
    """Name -> score per minute from events and retries per minute; greater is more alarming.

    Each looks at past and present only.
    """
    mean5 = trailing(rate, 5) / 5
    hour = before(trailing(rate, 60) / 60, 5)
    spread = before(trailing(rate * rate, 60) / 60, 5) - hour**2
    total10 = np.maximum(trailing(rate, 10), 1)
    return {
        "events per minute": mean5,
        "z-score against the last hour": (mean5 - hour) / np.sqrt(np.maximum(spread, 1)),
        "ratio to the time of day": np.log((trailing(rate, 10) / 10 + 1) / (_profile(rate) + 1)),
        "CUSUM of the rate": _cusum(np.log(rate + 1), 180),
        "CUSUM of retries": _cusum(np.log(trailing(retries, 5) + 1), 360),
        "share of retries": trailing(retries, 10) / total10,
    }


def _profile(rate: np.ndarray) -> np.ndarray:
    """The rate to expect at a time of day: half the day before, half what was expected then; on the
    first day nothing is above it.
    """
    smooth = np.convolve(rate, np.ones(31) / 31, "same")
    expected = np.full(len(rate), 1e12)
    profile = None
    for begin in range(DAY, len(rate), DAY):
        day = smooth[begin - DAY : begin - DAY + DAY]
        profile = day if profile is None else profile + 0.5 * (day - profile)
        expected[begin : begin + DAY] = profile[: len(rate) - begin]
    return expected


def _cusum(values: np.ndarray, memory: int) -> np.ndarray:
    """Cumulative sum of standard scores above 0.75 against an exponential mean."""
    mean, variance, total = values[0], 0.01, 0.0
    found = np.zeros(len(values))
    for minute, value in enumerate(values):
        score = (value - mean) / np.sqrt(variance)
        total = min(max(total + score - 0.75, 0.0), 500.0)
        found[minute] = total
        mean += (value - mean) / memory
        variance += ((value - mean) ** 2 - variance) / DAY
    return found


def held(score: np.ndarray, minutes: int = 3) -> np.ndarray:
    """The least of the last so many scores: an alarm needs them all."""
    padded = np.concatenate([np.full(minutes - 1, -np.inf), score])
    return sliding_window_view(padded, minutes).min(axis=1)


def alarms(score: np.ndarray, threshold: float, rearm: int = 60) -> list[int]:
    """Minutes at which an alarm begins; one that comes back within `rearm` minutes is the same."""
    above = np.flatnonzero(score >= threshold)
    return [int(m) for i, m in enumerate(above) if i == 0 or m - above[i - 1] > rearm]
