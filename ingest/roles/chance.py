"""What numbers would show by chance: how often they are found, and how near they stand.

Ids that a table counts up fill their range, so that any number in it is found among them: a customer
of 1 to 100 is, in a log of the records 1 to 1,000. Being found tells nothing there; being near does.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_SIDE: Final = 10
"""Numbers on each side of one whose presence says how likely it is there by chance."""
_DEVIATIONS: Final = 4.75
"""Standard deviations that chance exceeds once in a million times."""
_NEARER: Final = 0.9
"""Share of the other records that are farther away from a cause than its effect, on average.

A second counter, which rises with the ids at a slope s from the same start, gives max(0.5, s).
"""
_BEFORE: Final = 0.9
_HALF: Final = 0.5

Numbers = npt.NDArray[Any]


def expected(values: Numbers, keys: Numbers) -> float:
    """So many of the values are found among the keys by chance: the share of their neighbours that is.

    Both are distinct integers. Of the neighbours below and above, the denser ones count, as values
    stand at the ends of a range as well. What keys have in common, such as a step of 10, is left out.
    """
    if len(values) == 0 or len(keys) == 0:
        return 0.0
    keys = np.sort(keys)
    step = int(np.gcd.reduce(np.diff(keys))) if len(keys) > 1 else 1
    values = np.floor_divide(values - keys[0], step)
    keys = np.floor_divide(keys - keys[0], step)
    at = np.searchsorted(keys, values)
    after = np.searchsorted(keys, values, side="right")
    below = at - np.searchsorted(keys, values - _SIDE)
    above = np.searchsorted(keys, values + _SIDE, side="right") - after
    return float(np.maximum(below, above).sum()) / _SIDE


def beyond(found: float, count: int, by_chance: float) -> float:
    """Share of `count` values that is found (0 to 1) for sure not by chance, by which so many are.

    The usual correction for guessing, (found - chance) / (1 - chance), of what is left of `found`
    above the upper bound of a binomial distribution that is exceeded once in a million times.
    """
    chance = min(1.0, by_chance / count)
    if chance >= 1.0:
        return 0.0
    bound = _DEVIATIONS * math.sqrt(chance * (1 - chance) / count)
    return max(0.0, found - chance - bound) / (1 - chance)


def is_near(own: Numbers, pointed: Numbers, *, is_called_cause: bool) -> bool:
    """Whether records stand nearer to what they point at than they would by chance, and after it.

    `own` are the places of the records, ids or times, `pointed` those of what each points at. Were they
    independent of each other, half of the records would be among the nearer half of all: what is
    more must be beyond the bound of a binomial distribution that is exceeded once in a million
    times. A field that is not called a cause must be far nearer: others rise with the ids as well.
    """
    if len(own) == 0 or np.mean(pointed < own) < _BEFORE:
        return False
    places = np.sort(own)
    away = np.abs(own - pointed)
    nearer = np.searchsorted(places, pointed + away) - np.searchsorted(places, pointed - away, side="right")
    share = np.maximum(nearer, 0) / len(places)
    if np.mean(share < _HALF) < _HALF + _DEVIATIONS * _HALF / math.sqrt(len(own)):
        return False
    return is_called_cause or bool(1 - np.mean(share) >= _NEARER)
