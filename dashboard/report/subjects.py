"""The sections of a report about order, chains, deadlocks, loops and versions."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

from dashboard import formatting
from dashboard.charts import base, timeline
from dashboard.evidence import counted
from dashboard.hostile import safe_md
from dashboard.report import svg
from dashboard.report.asking import BARS, ROWS_SHOWN, Asker, table_of
from dashboard.report.document import Paragraph, Picture, Rows, Section, Tree
from dashboard.window import Window

_TREE_LINES: Final = 40
_TREE_INDENT_AT_MOST: Final = 24


def order(ask: Asker, shown: Window, places: list[tuple[str, int, int, float]]) -> Section:
    """Where arrivals lost their order; `places` are (name, late, arrivals, greatest p99 of "
    "lateness in ms).
    """
    if not places:
        return ask.section(
            "Where did order break?",
            Paragraph("Nothing with a sequence number arrived out of order."),
        )
    loss = ask.rows("order_loss", **shown.edges, lookback=shown.lookback)
    pairs = ask.rows("swapped_pairs", **shown.edges, lookback=shown.lookback, row_limit=ROWS_SHOWN)
    return ask.section(
        "Where did order break?",
        Rows(
            ["stream → consumer", "late", "arrivals", "share", "late by, p99"],
            [
                [name, str(late), str(all_), formatting.percent(late / all_), formatting.milliseconds(p99)]
                for name, late, all_, p99 in places[:ROWS_SHOWN]
            ],
        ),
        Paragraph("Where order was lost, by the records of each late event:"),
        table_of(
            loss, {"consumer": "consumer", "stream": "stream", "place": "lost at", "swap_count": "late",
                   "event_id": "first: late", "overtaken_by": "after"},
        ),
        Paragraph("The latest events that were overtaken:"),
        table_of(
            pairs, {"occurred_at": "arrived, UTC", "stream_key": "key", "event_type": "late event",
                    "sequence": "number", "overtaken_by_type": "overtaken by",
                    "overtaken_by_sequence": "number", "event_id": "event"},
        ),
    )  # fmt: skip


def chains(ask: Asker, shown: Window) -> Section:
    """What set off the most, and the largest chain as a tree."""
    largest = ask.rows("largest_chains", **shown.edges, lookback=shown.lookback, row_limit=ROWS_SHOWN)
    if not largest:
        return ask.section("What set off the most?", Paragraph("No chain began in this window."))
    root = largest[0]["root_id"]
    lines = [
        "  " * min(row["depth"], _TREE_INDENT_AT_MOST)
        + f"{row['event_type'] or '?'}"
        + (f" × {row['event_count']}" if row["event_count"] > 1 else "")
        + (f"  {formatting.clock(row['first_at'])}" if row["first_at"] else "")
        for row in ask.rows("chain_fold", event=root)
    ]
    more = [f"... and {len(lines) - _TREE_LINES} more"] if len(lines) > _TREE_LINES else []
    return ask.section(
        "What set off the most?",
        table_of(
            largest,
            {"root_id": "root", "event_type": "type", "event_count": "events", "depth_max": "depth",
             "started_at": "started, UTC"},
        ),
        Paragraph(f"The largest, of {safe_md(root, 80)}, folded by type:"),
        Tree([*lines[:_TREE_LINES], *more]),
    )  # fmt: skip


def deadlocks(ask: Asker, shown: Window, hours: list[dict[str, Any]], marks: list[svg.Mark]) -> Section:
    """Deadlocks over time, their kinds, and what collided in the newest."""
    title = "Who waited for whom?"
    found = ask.rows("deadlock_evidence", **shown.edges, lookback=shown.lookback)
    if not found:
        return ask.section(title, Paragraph("No deadlock was reported, and lock events tell of none."))
    size = timedelta(hours=timeline.hours_per_bar(shown.since, shown.until))
    bucket = size if any(hour["deadlock_count"] for hour in hours) and shown.span > 6 * size else None
    bucket = bucket or shown.bucket(BARS)
    starts = base.grid(shown.since, shown.until, bucket)
    counts = Counter((row["occurred_at"] - base.ORIGIN) // bucket for row in found)
    series = svg.Series("deadlocks", base.ORANGE, [counts[(at - base.ORIGIN) // bucket] for at in starts])
    picture = svg.bars(
        starts, bucket, [series], since=shown.since, until=shown.until,
        unit=f"deadlocks per {formatting.span(bucket)}", marks=marks,
    )  # fmt: skip
    shapes = ask.rows("deadlock_shapes", **shown.edges)
    newest = next((row["deadlock_id"] for row in reversed(found) if row["deadlock_id"]), None)
    causes = ask.rows("deadlock_causes", deadlock=newest) if newest else []
    return ask.section(
        title,
        Paragraph(
            f"{formatting.plural(len(found), 'deadlock')}: {counted(found)}."
        ),
        Picture(picture, "Deadlocks over time"),
        table_of(
            shapes,
            {"deadlock_count": "deadlocks", "shape": "shape", "first_at": "first, UTC",
             "last_at": "last, UTC", "last_id": "newest"},
        ),
        Paragraph(f"Events that collided in the newest, {safe_md(newest, 80)}:") if causes else None,
        table_of(
            causes,
            {"event_id": "was handling", "event_type": "type", "entity": "entity", "owner": "owner",
             "root_id": "chain began with"},
        )
        if causes
        else None,
    )  # fmt: skip


def loops(ask: Asker, shown: Window) -> Section:
    """Chains that came back to where they were."""
    found = ask.rows("causal_loops", **shown.edges)
    return ask.section(
        "What went in circles?",
        table_of(
            found,
            {"level": "level", "event_type": "comes back", "entity": "entity", "turns": "turns",
             "period": "period", "growth": "growth", "first_id": "first event", "started_at": "first, UTC"},
        )
        if found
        else Paragraph("No chain came back to the same type and entity four times or more."),
    )  # fmt: skip


def versions(ask: Asker, shown: Window) -> Section:
    """Mixed versions in flight and conflicting writes."""
    mixed = [row for row in ask.rows("schema_versions", **shown.edges) if row["mixed_ms"]]
    conflicts = ask.rows("entity_conflicts", **shown.edges, lookback=shown.lookback)
    parts: list[Paragraph | Rows] = []
    if mixed:
        parts.append(
            table_of(
                mixed,
                {"event_type": "type", "schema_version": "version", "older_version": "beside",
                 "first_at": "since, UTC", "mixed_ms": "for, ms"},
            )
        )  # fmt: skip
    if conflicts:
        parts.append(
            table_of(
                conflicts,
                {"occurred_at": "at, UTC", "kind": "kind", "service": "service", "entity": "entity",
                 "event_id": "write", "other_event_id": "other write"},
            )
        )  # fmt: skip
    none = Paragraph("One version of everything at a time, and no conflicting write.")
    return ask.section("Mixed versions and lost writes", *(parts or [none]))
