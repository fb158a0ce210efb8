"""What watching costs: processor, memory, threads and files of this process and of the one that helps it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from dashboard import formatting, tile
from dashboard.panel import panel
from dashboard.tile import Tile
from stormwatch.cost import Cost
from stormwatch.runtime import current

_METRICS: Final = "/metrics"
"""Where all these numbers are told to machines, with others that say what they come from."""


def draw() -> None:
    """The panel, as of now."""
    cost = current().meter.cost()
    about = (
        "What this process takes of its machine, as the system counts it: reading, pages and alerts. "
        "100 % is one core. The second process helps to read large batches. `/metrics` has the same."
    )
    with panel("cost", "What does watching cost?", about):
        tile.row([_processor(cost), _second(cost), _memory(cost), _threads(cost)], key="cost")


def _processor(cost: Cost) -> Tile:
    recent = formatting.percent(cost.recent_cpu_s / max(cost.recent_s, 1.0))
    overall = formatting.percent(cost.cpu_s / max(cost.running_s, 1.0))
    return Tile(
        "Processor",
        f"{recent} of a core",
        f"over the last {_span(cost.recent_s)}; since the start {_span(cost.cpu_s)} "
        f"in {_span(cost.running_s)}: {overall}",
        href=_METRICS,
    )


def _second(cost: Cost) -> Tile:
    if cost.second_cpu_s is None:
        return Tile("Second process", formatting.NONE, "none was needed so far", href=_METRICS)
    now = "none runs now"
    if cost.second_memory_bytes is not None:
        now = f"{formatting.size(cost.second_memory_bytes)} of memory"
    return Tile(
        "Second process",
        _span(cost.second_cpu_s),
        f"of processor time since the start, in addition; {now}",
        href=_METRICS,
    )


def _memory(cost: Cost) -> Tile:
    peak = formatting.size(cost.peak_bytes)
    if cost.memory_bytes is None:
        return Tile("Memory", peak, "resident at most; this system does not tell how much now", href=_METRICS)
    return Tile(
        "Memory", formatting.size(cost.memory_bytes), f"resident; at most {peak} so far", href=_METRICS
    )


def _threads(cost: Cost) -> Tile:
    files = "this system does not tell how many files are open"
    if cost.open_files is not None:
        files = (
            f"{formatting.count(cost.open_files)} of {formatting.count(cost.open_files_limit)} files are open"
        )
    return Tile("Threads", formatting.count(cost.threads), files, href=_METRICS)


def _span(seconds: float) -> str:
    return formatting.span(timedelta(seconds=seconds))
