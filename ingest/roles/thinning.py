"""Fewer records of which the same can be told: those that have values in common stay together."""

from __future__ import annotations

import heapq
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

from ingest.roles.samples import Sampled

_COMMON: Final = 100
"""Records that share a value that tells none of them apart, such as the name of a service."""
EVERY: Final = 1 << 32
"""The draw of every value is less."""


def draw(value: str) -> int:
    """A number that looks random, but is always the same for a value."""
    return zlib.crc32(value.encode(errors="surrogatepass"))


def thin(records: Sequence[Sampled], most: int) -> tuple[list[int], int]:
    """Which records to look at, and the limit: of values with a draw below it all records are there.

    An event and its effects have its id in common, so that they are drawn together: the share of
    causes that are found is that of all records, as it would not be were records drawn. Values
    of many records draw none. Source: bottom-k sampling, E. Cohen and H. Kaplan, PODC 2007.
    """
    if len(records) <= most:
        return list(range(len(records))), EVERY
    counts = Counter(value for record in records for _, value in record.ids)
    draws = {value: draw(value) for value, count in counts.items() if count <= _COMMON}
    least = [min((draws.get(value, EVERY) for _, value in record.ids), default=EVERY) for record in records]
    limit = heapq.nsmallest(most, least)[-1]
    return [number for number, drawn in enumerate(least) if drawn < limit], limit
