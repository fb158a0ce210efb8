"""The first line of a page: what it has found, of which the panels below are the proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from dashboard import formatting, verdict, zone
from dashboard.charts import hotspots
from dashboard.hostile import safe_md
from dashboard.verdict import Level

Row = Mapping[str, Any]
Said = tuple[Level, str]
"""How alarming it is, and the sentence, our own Markdown."""
_WORST_FIRST: Final[tuple[Level, ...]] = ("trouble", "watch", "calm")
_CONFLICTS: Final = {
    "lost_update": ("lost update", "lost updates"),
    "stale_write": ("stale write", "stale writes"),
    "skip": ("skipped version", "skipped versions"),
}


def of_order(cells: pa.Table, *, is_cut: bool) -> Said:
    """Of rows of `reorder_hotspots` or `reorder_history`; `is_cut`: of the worst places only."""
    late = cells.filter(pc.field("reordered_count") > 0).to_pylist()
    at_places = f" at the {hotspots.ROWS_AT_MOST} worst places" if is_cut else ""
    if not late:
        return "calm", "Everything that carries a number arrived in order."
    counts: Counter[tuple[str, str]] = Counter()
    for cell in late:
        counts[cell["consumer"] or "", cell["stream"] or ""] += cell["reordered_count"]
    [(worst, most)] = counts.most_common(1)
    total, arrivals = counts.total(), pc.sum(cells.column("arrival_count")).as_py()
    ratio = total / arrivals
    first = min(cell["bucket_start"] for cell in late)
    where = "all" if most == total else f"{formatting.percent(most / total)} of them"
    said = (
        f"**{formatting.percent(ratio)} of arrivals{at_places} are out of order**, {where} at "
        f"{safe_md(hotspots.label(*worst), 60)}, the first after {formatting.instant(first)} {zone.name()}."
    )
    return verdict.order_level(ratio), said


def of_deadlocks(hours: Sequence[Row], newest: Row | None) -> Said:
    """Of rows of `deadlocks_per_hour` of a window that has some, and the newest row of `deadlocks`."""
    found = verdict.deadlocks(sum(hour["deadlock_count"] for hour in hours), hours)
    if found is None:
        return "watch", "Deadlocks are reported, but none of them says when it was."
    latest = ""
    if newest is not None and newest["occurred_at"] is not None:
        latest = f"; the latest report at {formatting.instant(newest['occurred_at'])} {zone.name()}"
    return found.level, f"{found.text}{latest}."


def of_versions(in_flight: Sequence[Row], changes: Sequence[Row], conflicts: Sequence[Row]) -> Said:
    """Of rows of `schema_versions`, `field_changes` and `entity_conflicts`."""
    found = [f"**{text}**" for text in in_conflict(conflicts)]
    mixed = {row["event_type"] for row in in_flight if row["mixed_ms"]}
    if mixed:
        types = formatting.plural(len(mixed), "type was", "types were")
        found.append(f"**{types} in flight in several versions at once**")
    if changes:
        found.append(f"**{formatting.plural(len(changes), 'field')}** appeared, vanished or changed")
    if not found and not in_flight:
        said = "Calm as far as these logs tell: no field changed, and no write is known to be lost. "
        return "calm", f"{said}Without versions of schemas they do not tell which are in flight together."
    if not found:
        return "calm", "No type was in two versions at once, no field changed, no write got lost."
    level: Level = "trouble" if any(row["kind"] == "lost_update" for row in conflicts) else "watch"
    return level, f"{', '.join(found)}."


def in_conflict(conflicts: Sequence[Row]) -> list[str]:
    """How many of each kind rows of `entity_conflicts` are, the worst kind first."""
    counts = Counter(row["kind"] for row in conflicts)
    return [formatting.plural(counts[kind], *names) for kind, names in _CONFLICTS.items() if counts[kind]]


def of_health(files: Sequence[Row], *, state: str) -> Said:
    """Of rows of `ingest_health` and the state of who reads."""
    found: list[tuple[Level, str]] = []
    astray = sum(1 for row in files if not row["is_conserved"])
    missed = sum(row["missed_bytes"] for row in files)
    waiting = sum(row["backlog_bytes"] for row in files)
    rejected = sum(row["reject_count"] for row in files)
    if state in {"failed", "paused"}:
        found.append(("trouble", f"**Reading has {'failed' if state == 'failed' else 'paused'}**"))
    if astray:
        found.append(("trouble", f"**{formatting.plural(astray, 'file')} with bytes not accounted for**"))
    if missed:
        found.append(("trouble", f"**{formatting.size(missed)} were gone before they could be read**"))
    if rejected:
        found.append(("watch", f"**{formatting.plural(rejected, 'line')}** could not be understood"))
    if waiting:
        what = "are last lines without an end yet" if state == "idle" else "wait to be read"
        found.append(("calm", f"{formatting.size(waiting)} {what}"))
    if state == "stopped":
        found.append(("watch", "nobody reads the logs any more"))
    level: Level = min((one[0] for one in found), key=_WORST_FIRST.index, default="calm")
    if not astray and not missed:
        files_read = formatting.plural(len(files), "file")
        found.append(("calm", f"every byte read of {files_read} is stored, in quarantine, blank or pruned"))
    sentence = "; ".join(text for _, text in found)
    return level, f"{sentence[0].upper()}{sentence[1:]}."
