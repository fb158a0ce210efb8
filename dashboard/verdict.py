"""The one sentence on top of the overview: is it calm, and if not, what is wrong and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from dashboard import formatting, zone
from dashboard.charts.timeline import STORMY_DEADLOCKS_PER_HOUR

Level = Literal["calm", "watch", "trouble"]

DISORDER_WATCH_RATIO: Final = 0.001
DISORDER_TROUBLE_RATIO: Final = 0.05
"""Shares of arrivals out of order from which order is in doubt, and from which it is gone."""


@dataclass(frozen=True)
class Finding:
    """One thing worth saying; texts are our own Markdown."""

    level: Level
    text: str


@dataclass(frozen=True)
class Verdict:
    """The worst level, and what was found, worst first."""

    level: Level
    findings: tuple[Finding, ...]
    quiet: str
    """What to say when nothing was found: no more than could be looked at."""

    @property
    def sentence(self) -> str:
        """The findings as one line."""
        if not self.findings:
            return self.quiet
        return " ".join(f"{finding.text}." for finding in self.findings)


def judge(
    overview: Mapping[str, Any],
    deadlock_hours: Sequence[Mapping[str, Any]],
    worst_place: str | None,
    *,
    storm: tuple[Level, str] = ("calm", ""),
    is_storm_over: bool = False,
    feeds_itself: bool = False,
) -> Verdict:
    """Weigh one row of `overview` and the rows of `deadlocks_per_hour`.

    `worst_place` is the Markdown name of the worst hotspot, `storm` how near a loop is to never
    stopping, in our own words; `is_storm_over`: that was so, and is not any more; `feeds_itself`: it is
    not near that any more, but there.
    """
    found = [
        finding
        for finding in (
            _storm(*storm, is_over=is_storm_over, feeds_itself=feeds_itself),
            deadlocks(overview["deadlock_count"], deadlock_hours),
            _order(overview, worst_place),
            _loss(overview),
            _duplicates(overview),
            _rejects(overview),
        )
        if finding is not None
    ]
    order: Final = {"trouble": 0, "watch": 1, "calm": 2}
    found.sort(key=lambda finding: order[finding.level])
    return Verdict(found[0].level if found else "calm", tuple(found), _quiet(overview))


_PART: Final = "Of order, loss and copies only the newest part of this window was looked at. "


def _quiet(overview: Mapping[str, Any]) -> str:
    if not overview["event_count"]:
        return "Nothing was logged in this window."
    part = _PART if overview.get("is_part") else ""
    if overview["reordered_ratio"] is None:
        return part + (
            "Calm as far as these logs tell: nothing arrived twice, no deadlock is known, every line was "
            "understood. Without sequence numbers they do not tell order or loss."
        )
    return (
        f"{part}Calm: everything arrived once and in order, no deadlock is known, every line was understood."
    )


def _storm(level: Level, brief: str, *, is_over: bool, feeds_itself: bool) -> Finding | None:
    if level == "calm":
        return None
    if feeds_itself:
        said = "fed on itself" if is_over else "feeds on itself"
    else:
        said = f"{'was' if is_over else 'is'} close to feeding on itself"
    return Finding(level, f"**A loop {said}**: {brief}")


def deadlocks(count: int, hours: Sequence[Mapping[str, Any]]) -> Finding | None:
    """So many deadlocks, and how they lie in rows of `deadlocks_per_hour`."""
    if not count:
        return None
    worst = max(hours, key=lambda hour: hour["deadlock_count"], default=None)
    text = f"**{formatting.plural(count, 'deadlock')}**"
    untold = sum(hour.get("unreported_count", 0) for hour in hours)
    if untold:
        text += f" ({'' if untold == count else f'{formatting.count(untold)} '}only told by lock events)"
    level: Level = "watch"
    if worst is not None and worst["deadlock_count"]:
        peak, when = worst["deadlock_count"], formatting.minute(worst["hour_start"])
        level = "trouble" if peak >= STORMY_DEADLOCKS_PER_HOUR else "watch"
        if count > 1:
            share = "all" if peak == count else f"{formatting.count(peak)} of them"
            text += f", {share} in the hour from {when} {zone.name()}"
    return Finding(level, text)


def _order(overview: Mapping[str, Any], worst_place: str | None) -> Finding | None:
    ratio = overview["reordered_ratio"] or 0
    if not overview["reordered_count"]:
        return None
    level = order_level(ratio)
    text = f"**{formatting.percent(ratio)} of arrivals are out of order**"
    text += _where(overview)
    return Finding(level, f"{text}, most at {worst_place}" if worst_place else text)


def order_level(ratio: float) -> Level:
    """How alarming it is that this share of arrivals is out of order."""
    if ratio < DISORDER_WATCH_RATIO:
        return "calm"
    return "trouble" if ratio >= DISORDER_TROUBLE_RATIO else "watch"


def _loss(overview: Mapping[str, Any]) -> Finding | None:
    lost = overview["lost_count"]
    if not lost:
        return None
    text = f"**{formatting.plural(lost, 'event')}** numbered by the producer never arrived"
    return Finding("trouble", text + _where(overview))


def _duplicates(overview: Mapping[str, Any]) -> Finding | None:
    count = overview["duplicate_count"]
    if not count:
        return None
    text = f"**{formatting.plural(count, 'event')}** arrived more than once at one consumer"
    return Finding("watch", text + _where(overview))


def _where(overview: Mapping[str, Any]) -> str:
    """Of which part of a window order, loss and copies were looked for in, where that is not all of it."""
    return " in the newest part of this window" if overview.get("is_part") else ""


def _rejects(overview: Mapping[str, Any]) -> Finding | None:
    count = overview["reject_count"]
    if not count:
        return None
    text = f"**{formatting.plural(count, 'line')}** could not be understood"
    return Finding("watch", text)
