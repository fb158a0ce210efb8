"""What a report of a window says, from the relations of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import stormwatch
from dashboard import differences, formatting, loops, outlook, verdict
from dashboard import window as windows
from dashboard.charts import base, hotspots
from dashboard.charts.gain import LEVELS
from dashboard.hostile import safe_md
from dashboard.report import subjects, svg
from dashboard.report.asking import BARS, Asker, table_of
from dashboard.report.document import Paragraph, Picture, Report, Rows, Section
from dashboard.window import Coverage, Window
from stormwatch.client import Data

_TIMELINE: Final = 40
_GROUP_AT_LEAST: Final = 20
_CHANGES_WITHIN: Final = timedelta(minutes=30)
_QUIET_KINDS: Final = ("start",)
"""Not worth a line of a timeline: whole fleets start."""


def coverage(data: Data, timeout_s: float) -> Coverage:
    """From when to when the log reaches, and where most of it lies."""
    ask = Asker(data, timeout_s)
    [row] = ask.rows("log_coverage")
    most = max(ask.rows("log_stretches"), key=lambda one: one["event_count"], default=None)
    busiest = (most["first_at"], most["last_at"]) if most else None
    return Coverage(row["first_at"], row["last_at"], busiest, row["event_count"], row["reject_count"])


def gather(data: Data, shown: Window, *, timeout_s: float) -> Report:
    """Ask all that the report of a window tells.

    Raises:
        QueryError: a relation could not be asked in time.
    """
    ask = Asker(data, timeout_s)
    [overview] = ask.rows("overview", **shown.edges, lookback=shown.lookback)
    hours = ask.rows("deadlocks_per_hour", **shown.edges)
    places = _worst_places(ask.rows("reorder_hotspots", **shown.edges, bucket=shown.span))
    at = shown.loop_scale
    gains = ask.rows("loop_gain", **shown.edges, **at.lengths, baseline=at.baseline)
    judged = outlook.outlook(gains, shown, has_causes=bool(overview["chain_count"]))
    worst = safe_md(places[0][0], 60) if places else None
    said = verdict.judge(
        overview, hours, worst, storm=(judged.look, judged.brief), is_storm_over=judged.is_over,
        feeds_itself=judged.is_storm,
    )  # fmt: skip
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
        ask.attempt(_busy, shown, marks),
        ask.attempt(_timeline, changes, gains, at, shown),
        ask.attempt(_why, shown),
        ask.attempt(_storm, shown, gains, at, judged, marks),
        ask.attempt(subjects.order, shown, places),
        ask.attempt(subjects.chains, shown),
        ask.attempt(subjects.deadlocks, shown, hours, marks),
        ask.attempt(subjects.loops, shown),
        ask.attempt(subjects.versions, shown),
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


def _busy(ask: Asker, shown: Window, marks: list[svg.Mark]) -> Section:
    bucket = shown.bucket(BARS)
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
    ask: Asker, changes: list[dict[str, Any]], gains: list[dict[str, Any]], at: loops.Scale, shown: Window
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


def _why(ask: Asker, shown: Window) -> Section:
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
        table_of(
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
    ask: Asker, shown: Window, gains: list[dict[str, Any]], at: loops.Scale,
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
        table_of(
            edges,
            {"cause_type": "cause", "effect_type": "effect", "effects_per_cause": "effects per cause",
             "gain_share": "share of the gain", "first_event_id": "first effect"},
        ),
    )  # fmt: skip


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
