"""What a report of a window says, from the relations of the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import stormwatch
from dashboard import calls, differences, formatting, loops, outlook, verdict
from dashboard import window as windows
from dashboard.charts import base, hotspots, timeline
from dashboard.charts.gain import LEVELS
from dashboard.evidence import counted
from dashboard.hostile import safe_md
from dashboard.report import svg
from dashboard.report.document import Evidence, Paragraph, Picture, Report, Rows, Section, Tree
from dashboard.window import Coverage, Window
from stormwatch.catalog import Catalog
from stormwatch.client import Bounds, Data
from stormwatch.readonly import Answer

_BARS: Final = 120
_ROWS: Final = 12
_TIMELINE: Final = 40
_TREE_LINES: Final = 40
_TREE_INDENT_AT_MOST: Final = 24
_GROUP_AT_LEAST: Final = 20
_CHANGES_WITHIN: Final = timedelta(minutes=30)
_ROW_LIMIT: Final = 100_000
_QUIET_KINDS: Final = ("start",)
"""Not worth a line of a timeline: whole fleets start."""


class _Asker:
    """Asks relations, and keeps the calls for the section that is being written."""

    def __init__(self, data: Data, timeout_s: float) -> None:
        self._data, self._bounds = data, Bounds(_ROW_LIMIT, timeout_s)
        self._catalog = Catalog.load()
        self.evidence: list[Evidence] = []
        self.last: Answer | None = None

    def rows(self, name: str, **arguments: object) -> list[dict[str, Any]]:
        query = self._catalog[name]
        given = {key: calls.argument_text(value) for key, value in arguments.items()}
        self.last = self._data.query(name, given, self._bounds)
        self.evidence.append(Evidence(name, query.question, calls.call_text(query, arguments)))
        rows: list[dict[str, Any]] = self.last.table.to_pylist()
        return rows

    def section(self, title: str, *parts: Paragraph | Rows | Picture | Tree | None) -> Section:
        """A section with what was asked since the last one."""
        made = Section(title, [part for part in parts if part is not None], self.evidence)
        self.evidence = []
        return made


def coverage(data: Data, timeout_s: float) -> Coverage:
    """From when to when the log reaches, and where most of it lies."""
    ask = _Asker(data, timeout_s)
    [row] = ask.rows("log_coverage")
    most = max(ask.rows("log_stretches"), key=lambda one: one["event_count"], default=None)
    busiest = (most["first_at"], most["last_at"]) if most else None
    return Coverage(row["first_at"], row["last_at"], busiest, row["event_count"], row["reject_count"])


def gather(data: Data, shown: Window, *, timeout_s: float) -> Report:
    """Ask all that the report of a window tells.

    Raises:
        QueryError: a relation could not be asked in time.
    """
    ask = _Asker(data, timeout_s)
    [overview] = ask.rows("overview", **shown.edges, lookback=shown.lookback)
    hours = ask.rows("deadlocks_per_hour", **shown.edges)
    places = _worst_places(ask.rows("reorder_hotspots", **shown.edges, bucket=shown.bucket(_BARS)))
    at = loops.scale(shown.span)
    gains = ask.rows("loop_gain", **shown.edges, **at.lengths, baseline=at.baseline)
    judged = outlook.outlook(gains, shown, has_causes=bool(overview["chain_count"]))
    worst = safe_md(places[0][0], 60) if places else None
    said = verdict.judge(overview, hours, worst, storm=(judged.look, judged.brief))
    parts = [Paragraph(f"**{said.sentence}**" if "**" not in said.sentence else said.sentence)]
    if judged.level is not None:
        parts.append(Paragraph(judged.sentence))
    top = ask.section("Verdict", *parts)
    changes = ask.rows("changes", **shown.edges)
    marks = [
        svg.Mark(row["occurred_at"], row["kind"], f"{row['kind']} {row['service'] or ''}: {row['subject']}")
        for row in changes
    ]
    sections = [
        top,
        _busy(ask, shown, marks),
        _timeline(ask, changes, gains, at, shown),
        _why(ask, shown),
        _storm(ask, shown, gains, at, judged, marks),
        _order(ask, shown, places),
        _chains(ask, shown),
        _deadlocks(ask, shown, hours, marks),
        _loops(ask, shown),
        _versions(ask, shown),
    ]
    stamp = ask.last
    assert stamp is not None  # noqa: S101 - every section asks
    return Report(
        shown.since, shown.until, stamp.data_version, stamp.complete_to, stormwatch.__version__,
        said.level, _facts(overview), sections,
    )  # fmt: skip


def _facts(overview: Mapping[str, Any]) -> dict[str, str]:
    is_numbered = overview["reordered_ratio"] is not None
    return {
        "Records": formatting.count(overview["event_count"]),
        "Out of order": formatting.percent(overview["reordered_ratio"]),
        "Lost": formatting.count(overview["lost_count"] if is_numbered else None),
        "Duplicates": formatting.count(overview["duplicate_count"]),
        "Deadlocks": formatting.count(overview["deadlock_count"]),
        "Chains": formatting.count(overview["chain_count"]),
        "Rejected lines": formatting.count(overview["reject_count"]),
    }


def _worst_places(rows: list[dict[str, Any]]) -> list[tuple[str, int, int, float]]:
    """(name, late, arrivals, greatest p99 of lateness in ms) of places with late arrivals, worst first."""
    sums: dict[str, list[float]] = {}
    for row in rows:
        found = sums.setdefault(hotspots.label(row["consumer"] or "", row["stream"] or ""), [0, 0, 0])
        found[0] += row["reordered_count"]
        found[1] += row["arrival_count"]
        found[2] = max(found[2], row["late_time_p99_ms"] or 0)
    late = [(name, int(one[0]), int(one[1]), one[2]) for name, one in sums.items() if one[0]]
    return sorted(late, key=lambda place: -place[1])


def _text(value: object) -> str:
    if value is None:
        return formatting.NONE
    if isinstance(value, datetime):
        return formatting.precise(value)
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, int):
        return formatting.count(value)
    return str(value)


def _table(rows: list[dict[str, Any]], columns: Mapping[str, str], limit: int = _ROWS) -> Rows:
    """Columns of rows (name -> heading), at most `limit` of them."""
    return Rows(
        list(columns.values()), [[_text(row[name]) for name in columns] for row in rows[:limit]]
    )  # fmt: skip


def _busy(ask: _Asker, shown: Window, marks: list[svg.Mark]) -> Section:
    bucket = shown.bucket(_BARS)
    rows = {row["bucket_start"]: row for row in ask.rows("event_rate", **shown.edges, bucket=bucket)}
    starts, seconds = base.grid(shown.since, shown.until, bucket), bucket / timedelta(seconds=1)
    none = {"event_count": 0, "error_count": 0}
    found = [rows.get(start, none) for start in starts]
    others = [(one["event_count"] - one["error_count"]) / seconds for one in found]
    errors = [one["error_count"] / seconds for one in found]
    picture = svg.bars(
        starts, bucket,
        [svg.Series("other records", base.BLUE, others), svg.Series("errors or worse", base.RED, errors)],
        since=shown.since, until=shown.until, unit="records per s", marks=marks,
    )  # fmt: skip
    return ask.section("How busy was it?", Picture(picture, "Records per second over time"))


def _timeline(
    ask: _Asker, changes: list[dict[str, Any]], gains: list[dict[str, Any]], at: loops.Scale, shown: Window
) -> Section:
    told = [
        (row["occurred_at"], row["kind"], f"{row['service'] or formatting.NONE}: {row['subject']}")
        for row in changes
        if row["kind"] not in _QUIET_KINDS
    ]
    for track in loops.tracks(gains):
        level = None
        for row in track.rows:
            if row["level"] not in (level, None, "calm"):
                told.append((row["bucket_start"] + at.bucket, f"loop: {row['level']}", row["loop"]))
            level = row["level"] or level
    deadlocks = ask.rows("deadlocks", **shown.edges)
    told += [
        (row["occurred_at"], "deadlock", f"{row['service'] or formatting.NONE}: {row['shape']}")
        for row in deadlocks
    ]
    told.sort(key=lambda entry: entry[0])
    rows = [[formatting.precise(moment), what, text] for moment, what, text in told[:_TIMELINE]]
    left_out = len(told) - len(rows)
    return ask.section(
        "What happened when?",
        Rows(["at, UTC", "what", "of which"], rows) if rows else Paragraph("Nothing that the log tells."),
        Paragraph(f"{formatting.count(left_out)} more in this window.") if left_out > 0 else None,
    )


def _why(ask: _Asker, shown: Window) -> Section:
    earlier = {"baseline_since": shown.since - shown.span, "baseline_until": shown.since}
    rows = ask.rows(
        "explain_difference", selection="all", **shown.edges, **earlier, min_count=_GROUP_AT_LEAST,
        lookback=shown.lookback,
    )  # fmt: skip
    changes = ask.rows(
        "changes_before", onset=shown.since, within=_CHANGES_WITHIN, lookback=timedelta(hours=1)
    )
    told = [
        Paragraph(f"{number}. {differences.sentence(row, 'records')}")
        for number, row in enumerate(rows[:6], start=1)
    ]
    span = formatting.span(shown.span)
    return ask.section(
        "What was different, and what changed before?",
        Paragraph(
            f"Compared with the {span} before. Associated with is not caused by."
            if told
            else f"Nothing sets the records of this window apart from those of the {span} before."
        ),
        *told,
        Paragraph(f"In the {formatting.span(_CHANGES_WITHIN)} before the window:") if changes else None,
        _table(
            changes,
            {
                "occurred_at": "at, UTC",
                "kind": "what",
                "service": "service",
                "node": "node",
                "subject": "which",
            },
        )
        if changes
        else Paragraph(f"The log tells of no change in the {formatting.span(_CHANGES_WITHIN)} before."),
    )


def _storm(
    ask: _Asker, shown: Window, gains: list[dict[str, Any]], at: loops.Scale,
    judged: outlook.Outlook, marks: list[svg.Mark],
) -> Section:  # fmt: skip
    if judged.row is None:
        return ask.section("Did a loop feed on itself?", Paragraph(judged.sentence))
    track = loops.tracks(gains)[0]
    by_start = {row["bucket_start"]: row["gain"] for row in track.rows}
    times = base.grid(shown.since, shown.until, at.bucket)
    picture = svg.lines(
        times, [svg.Series(track.name, base.BLUE, [by_start.get(start) for start in times])], LEVELS,
        since=shown.since, until=shown.until, unit="more events per event", marks=marks,
    )  # fmt: skip
    edges = ask.rows("loop_edges", instant=judged.row["bucket_start"] + at.bucket, **at.lengths)
    return ask.section(
        "Did a loop feed on itself?",
        Paragraph(judged.sentence),
        Picture(picture, "Gain of the loop nearest to a storm, over time"),
        _table(
            edges,
            {"cause_type": "cause", "effect_type": "effect", "effects_per_cause": "effects per cause",
             "gain_share": "share of the gain", "first_event_id": "first effect"},
        ),
    )  # fmt: skip


def _order(ask: _Asker, shown: Window, places: list[tuple[str, int, int, float]]) -> Section:
    if not places:
        return ask.section(
            "Where did order break?",
            Paragraph("Nothing with a sequence number arrived out of order."),
        )
    loss = ask.rows("order_loss", **shown.edges, lookback=shown.lookback)
    pairs = ask.rows("swapped_pairs", **shown.edges, lookback=shown.lookback, row_limit=_ROWS)
    return ask.section(
        "Where did order break?",
        Rows(
            ["stream → consumer", "late", "arrivals", "share", "late by, p99"],
            [
                [name, str(late), str(all_), formatting.percent(late / all_), formatting.milliseconds(p99)]
                for name, late, all_, p99 in places[:_ROWS]
            ],
        ),
        Paragraph("Where order was lost, by the records of each late event:"),
        _table(
            loss, {"consumer": "consumer", "stream": "stream", "place": "lost at", "swap_count": "late",
                   "event_id": "first: late", "overtaken_by": "after"},
        ),
        Paragraph("The latest events that were overtaken:"),
        _table(
            pairs, {"occurred_at": "arrived, UTC", "stream_key": "key", "event_type": "late event",
                    "sequence": "number", "overtaken_by_type": "overtaken by",
                    "overtaken_by_sequence": "number", "event_id": "event"},
        ),
    )  # fmt: skip


def _chains(ask: _Asker, shown: Window) -> Section:
    largest = ask.rows("largest_chains", **shown.edges, lookback=shown.lookback, row_limit=_ROWS)
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
        _table(
            largest,
            {"root_id": "root", "event_type": "type", "event_count": "events", "depth_max": "depth",
             "started_at": "started, UTC"},
        ),
        Paragraph(f"The largest, of {safe_md(root, 80)}, folded by type:"),
        Tree([*lines[:_TREE_LINES], *more]),
    )  # fmt: skip


def _deadlocks(ask: _Asker, shown: Window, hours: list[dict[str, Any]], marks: list[svg.Mark]) -> Section:
    title = "Who waited for whom?"
    found = ask.rows("deadlock_evidence", **shown.edges, lookback=shown.lookback)
    if not found:
        return ask.section(title, Paragraph("No deadlock was reported, and lock events tell of none."))
    size = timedelta(hours=timeline.hours_per_bar(shown.since, shown.until))
    bucket = size if any(hour["deadlock_count"] for hour in hours) and shown.span > 6 * size else None
    bucket = bucket or shown.bucket(_BARS)
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
        _table(
            shapes,
            {"deadlock_count": "deadlocks", "shape": "shape", "first_at": "first, UTC",
             "last_at": "last, UTC", "last_id": "newest"},
        ),
        Paragraph(f"Events that collided in the newest, {safe_md(newest, 80)}:") if causes else None,
        _table(
            causes,
            {"event_id": "was handling", "event_type": "type", "entity": "entity", "owner": "owner",
             "root_id": "chain began with"},
        )
        if causes
        else None,
    )  # fmt: skip


def _loops(ask: _Asker, shown: Window) -> Section:
    found = ask.rows("causal_loops", **shown.edges)
    return ask.section(
        "What went in circles?",
        _table(
            found,
            {"level": "level", "event_type": "comes back", "entity": "entity", "turns": "turns",
             "period": "period", "growth": "growth", "first_id": "first event", "started_at": "first, UTC"},
        )
        if found
        else Paragraph("No chain came back to the same type and entity four times or more."),
    )  # fmt: skip


def _versions(ask: _Asker, shown: Window) -> Section:
    mixed = [row for row in ask.rows("schema_versions", **shown.edges) if row["mixed_ms"]]
    conflicts = ask.rows("entity_conflicts", **shown.edges, lookback=shown.lookback)
    parts: list[Paragraph | Rows] = []
    if mixed:
        parts.append(
            _table(
                mixed,
                {"event_type": "type", "schema_version": "version", "older_version": "beside",
                 "first_at": "since, UTC", "mixed_ms": "for, ms"},
            )
        )  # fmt: skip
    if conflicts:
        parts.append(
            _table(
                conflicts,
                {"occurred_at": "at, UTC", "kind": "kind", "service": "service", "entity": "entity",
                 "event_id": "write", "other_event_id": "other write"},
            )
        )  # fmt: skip
    none = Paragraph("One version of everything at a time, and no conflicting write.")
    return ask.section("Mixed versions and lost writes", *(parts or [none]))


def window(since: datetime | None, until: datetime | None, known: Coverage) -> Window:
    """The window between two instants; without both what the pages show at first.

    Raises:
        ConfigError: it ends before it starts.
    """
    shown = windows.resolve(windows.AUTO, known, is_live=False)
    if since is None and until is None:
        return shown
    ends = windows.absolute(since or known.first_at or shown.since, until or shown.until)
    return windows.resolve(ends, known, is_live=False)
