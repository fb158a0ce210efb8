"""Charts as SVG text: bars and lines over time, with what was changed. No script, no link, no font."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Final

from dashboard import formatting
from dashboard.charts import base

_WIDTH, _HEIGHT = 960, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 12, 44
_LANE: Final = 18
_TICKS: Final = 6
_DAY: Final = timedelta(days=1)
_BARS_APART: Final = 0.12
_CHANGE_COLOURS: Final = {"crash": base.RED, "change": base.VIOLET, "stop": base.GREY, "start": base.GREEN}
_STYLE: Final = "text{font:11px system-ui,sans-serif;fill:currentColor}.axis{stroke:currentColor;opacity:.35}"


@dataclass(frozen=True)
class Mark:
    """Something that was changed."""

    at: datetime
    kind: str
    text: str


@dataclass(frozen=True)
class Series:
    """Values over time; None is a gap."""

    name: str
    colour: str
    values: Sequence[float | None]


class _Frame:
    """Where an instant and a value stand."""

    def __init__(self, since: datetime, until: datetime, top: float) -> None:
        self.since, self.until, self.top = since, until, top or 1
        self.floor = _HEIGHT - _BOTTOM - _LANE

    def x(self, at: datetime) -> float:
        share = (at - self.since) / max(self.until - self.since, timedelta(microseconds=1))
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return self.floor - min(value / self.top, 1) * (self.floor - _TOP)


def bars(
    starts: Sequence[datetime], bucket: timedelta, stacked: Sequence[Series], *,
    since: datetime, until: datetime, unit: str, marks: Sequence[Mark] = (),
) -> str:  # fmt: skip
    """Bars of series on top of each other, one a bucket."""
    sums = [sum(series.values[number] or 0 for series in stacked) for number in range(len(starts))]
    frame = _Frame(since, until, max(sums, default=0) * 1.06)
    drawn: list[str] = []
    for number, start in enumerate(starts):
        left, right = frame.x(max(start, since)), frame.x(min(start + bucket, until))
        inset, low = (right - left) * _BARS_APART / 2, 0.0
        for series in stacked:
            value = series.values[number] or 0
            if value and right > left:
                high = frame.y(low + value)
                drawn.append(
                    f'<rect x="{left + inset:.1f}" y="{high:.1f}" width="{right - left - 2 * inset:.1f}" '
                    f'height="{frame.y(low) - high:.1f}" fill="{series.colour}"/>'
                )
            low += value
    return _picture(frame, drawn, unit, marks, stacked)


def lines(
    times: Sequence[datetime], drawn_series: Sequence[Series], levels: Sequence[tuple[float, str, str]], *,
    since: datetime, until: datetime, unit: str, marks: Sequence[Mark] = (),
) -> str:  # fmt: skip
    """A line a series, and a dotted one across at every level (value, name, colour)."""
    known = [value for series in drawn_series for value in series.values if value is not None]
    frame = _Frame(since, until, max([*known, *(level for level, _, _ in levels)], default=1) * 1.06)
    drawn = []
    for level, name, colour in levels:
        y = frame.y(level)
        drawn.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" '
            f'stroke-dasharray="3 3"/><text x="{_WIDTH - _RIGHT}" y="{y - 3:.1f}" text-anchor="end">'
            f"{escape(name)}</text>"
        )
    for series in drawn_series:
        for run in _runs(times, series.values):
            points = " ".join(f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in run)
            drawn.append(
                f'<polyline points="{points}" fill="none" stroke="{series.colour}" stroke-width="2" '
                f'stroke-linecap="round"/>'
            )
    return _picture(frame, drawn, unit, marks, drawn_series)


def _runs(
    times: Sequence[datetime], values: Sequence[float | None]
) -> Iterator[list[tuple[datetime, float]]]:
    run: list[tuple[datetime, float]] = []
    for at, value in zip(times, values, strict=True):
        if value is not None:
            run.append((at, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _picture(
    frame: _Frame, drawn: Sequence[str], unit: str, marks: Sequence[Mark], series: Sequence[Series]
) -> str:
    inside = [mark for mark in marks if frame.since <= mark.at < frame.until]
    parts = [*_axes(frame, unit), *drawn, *(_mark(frame, mark) for mark in inside), *_legend(series)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f"<style>{_STYLE}</style>{''.join(parts)}</svg>"
    )


def _axes(frame: _Frame, unit: str) -> Iterator[str]:
    yield (
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{frame.floor}" y2="{frame.floor}"/>'
        f'<text x="{_LEFT - 6}" y="{frame.floor + 4}" text-anchor="end">0</text>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end">{_value(frame.top)}</text>'
        f'<text x="{_LEFT + 4}" y="{_TOP + 2}">{escape(unit)}</text>'
    )
    for number in range(_TICKS + 1):
        at = frame.since + (frame.until - frame.since) * number / _TICKS
        anchor = {0: "start", _TICKS: "end"}.get(number, "middle")
        said = f"{at:%m-%d %H:%M}" if frame.until - frame.since > _DAY else f"{at:%H:%M:%S}"
        yield f'<text x="{frame.x(at):.1f}" y="{_HEIGHT - 10}" text-anchor="{anchor}">{said}</text>'


def _value(value: float) -> str:
    return escape(formatting.count(round(value, 2) if value < 10 else round(value)))  # noqa: PLR2004 - as many digits as help


def _mark(frame: _Frame, mark: Mark) -> str:
    x, y = frame.x(mark.at), frame.floor + _LANE - 4
    colour = _CHANGE_COLOURS.get(mark.kind, base.VIOLET)
    line = ""
    if mark.kind in ("change", "crash"):
        line = (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{y}" stroke="{colour}" stroke-dasharray="2 3"/>'
        )
    shape = f'<path d="M{x:.1f} {y - 5}l5 5l-5 5l-5 -5z" fill="{colour}">'
    return f"{line}{shape}<title>{escape(mark.text)}</title></path>"


def _legend(series: Sequence[Series]) -> Iterator[str]:
    if len(series) < 2:  # noqa: PLR2004 - a line has two ends
        return
    x = _LEFT + 90
    for one in series:
        yield (
            f'<rect x="{x}" y="2" width="9" height="9" fill="{one.colour}"/>'
            f'<text x="{x + 13}" y="11">{escape(one.name)}</text>'
        )
        x += 30 + 6 * len(one.name)
