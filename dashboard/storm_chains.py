"""The chains that went round a loop most, each folded into its types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from dashboard import chain_panel, data, empty, formatting, near, table
from dashboard.panel import panel
from dashboard.window import Window

_SHOWN: Final = 25


def draw(version: int, shown: Window, loop: str) -> None:
    """The panel about a loop, by its name."""
    part = shown.near
    found = data.load(
        "loop_chains", version, of_loop=loop, **part.scope, lookback=part.lookback, row_limit=_SHOWN
    )
    about = (
        "Chains that began in the window and have events of the picked loop, those with most of them first. "
        "Each is **folded**: its types with how many events are of each, those nearest to the root first. "
        "*Span*: from its root to its newest event. **Click** a row for the chain, as an icicle of its types."
    )
    with panel("loop_chains", "Which chains go round it most?", about, found):
        near.say(shown, "These chains", key="near_chains")
        if not found.table.num_rows:
            empty.none_in_window("chain of this loop", part, version)
            return
        rows = found.rows
        names = ("root_id", "event_count", "loop_event_count", "depth_max", "started_at")
        table.opening(
            {
                **{name: [row[name] for row in rows] for name in names},
                "span": [_span(row["started_at"], row["last_at"]) for row in rows],
                "folded": [_folded(row["folded_types"], row["folded_counts"]) for row in rows],
            },
            {
                "root_id": table.text("root", 170),
                "event_count": table.number("events", 65),
                "loop_event_count": table.number("of the loop", 85),
                "depth_max": table.number("depth", 60),
                "started_at": table.at("started"),
                "span": table.text("span", 75, alignment="right"),
                "folded": table.text("folded", "large"),
            },
            lambda row: chain_panel.open_folded(rows[row]["root_id"]),
            key="loop_chains", alt="Chains that go round the loop most, folded into their types",
        )  # fmt: skip


def _span(start: datetime | None, end: datetime | None) -> str | None:
    return None if start is None or end is None else formatting.span(end - start)


def _folded(types: Sequence[str], counts: Sequence[int]) -> str:
    return " → ".join(
        f"{name} × {formatting.count(count)}" if count > 1 else name
        for name, count in zip(types, counts, strict=True)
    )
