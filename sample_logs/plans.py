"""What happens to a system over weeks, minute by minute: everyday life, look-alikes of a storm, storms.

A plan is drawn from a seed. Its truth (`Plan.benign`, `Plan.storm`) is what was put into it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

DAY = 1440
SHAPES = ("slow", "medium", "step", "plateau")
_EVENTS_PER_ORDER = 3.6
_PEAK = 1.8
"""Times the orders of the night, from which on it is the daily peak; 1.9 is the most."""


@dataclass(frozen=True)
class Span:
    """Something that happened, in minutes since the start: [begin_min, end_min)."""

    kind: str
    begin_min: int
    end_min: int


@dataclass
class Plan:
    """Per minute: how many roots come and how the system is. All arrays are of one length."""

    orders: np.ndarray
    gain: np.ndarray
    failing: np.ndarray
    batches: np.ndarray
    replays: np.ndarray
    exports: np.ndarray
    fan_out: np.ndarray
    skew_s: np.ndarray
    """How far the clock of node 0 is off."""
    file_lost: np.ndarray
    """Whether the file of node 1 is missing."""
    capacity: float
    """Events a minute at which it dies."""
    coverage: float
    """Share of effects that name their cause."""
    timers: int
    benign: list[Span] = field(default_factory=list)
    storm: Span | None = None
    """From the injected cause to the end of the plan."""


def _wander(rng: np.random.Generator, minutes: int, theta: float, sigma: float) -> np.ndarray:
    """An Ornstein-Uhlenbeck process of that standard deviation."""
    noise = rng.standard_normal(minutes) * sigma * np.sqrt(2 * theta)
    found = np.zeros(minutes)
    for minute in range(1, minutes):
        found[minute] = found[minute - 1] * (1 - theta) + noise[minute]
    return found


def everyday(seed: int, days: float, events_per_s: float, coverage: float, failing: float = 0.02) -> Plan:
    """Daily and weekly cycle, timers, and every look-alike of a storm at its usual frequency.

    `failing` is the share of steps that fail and are retried: with 0.02 and a gain of 0.35 the loop
    is about a seventieth of all events.
    """
    rng = np.random.default_rng([seed, 1])
    minutes = round(days * DAY)
    base = events_per_s * 60 / _EVENTS_PER_ORDER
    minute = np.arange(minutes)
    # With daylight saving the customers come an hour earlier by UTC from some day on.
    dst = int(rng.integers(0, minutes)) if rng.random() < 0.2 else minutes
    of_day = (minute + 60 * (minute >= dst)) % DAY / DAY
    daily = 1 + 0.9 * np.maximum(0, np.sin(2 * np.pi * (of_day - 0.3)))
    weekly = np.where((minute // DAY) % 7 >= 5, 0.6, 1.0)
    plan = Plan(
        orders=base * daily * weekly * np.exp(_wander(rng, minutes, 1 / 240, 0.06)),
        gain=0.35 + _wander(rng, minutes, 1 / 360, 0.07) + 0.08 * (daily - 1) / 0.9,
        failing=np.full(minutes, failing), batches=np.zeros(minutes), replays=np.zeros(minutes),
        exports=np.full(minutes, base / 100), fan_out=np.full(minutes, 5.0), skew_s=np.zeros(minutes),
        file_lost=np.zeros(minutes, bool), capacity=10 * base * 3.2, coverage=coverage,
        timers=max(3, round(base / 10)),
    )  # fmt: skip
    plan.benign += [*_spans("daily peak", daily >= _PEAK), *_spans("weekend", weekly < 1)]
    plan.benign.append(Span("self-rescheduling timers", 0, minutes))
    if dst < minutes:
        plan.benign.append(Span("DST", dst, minutes))
    for day in range(int(np.ceil(days))):
        _look_alikes(plan, rng, day, base)
    if rng.random() < 0.3:
        begin = int(rng.integers(0, minutes))
        plan.orders[begin:] *= 1.4
        plan.benign.append(Span("traffic step", begin, minutes))
    plan.orders[:] = np.minimum(plan.orders, 5 * base)
    plan.gain[:] = np.clip(plan.gain, 0.1, 1.0)
    return plan


def _spans(kind: str, holds: np.ndarray) -> list[Span]:
    """The spans of minutes for which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]])))
    return [Span(kind, int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def _look_alikes(plan: Plan, rng: np.random.Generator, day: int, base: float) -> None:
    """What a day brings that looks like a storm and is none."""

    def happening(kind: str, hours: tuple[float, float], lasting: tuple[int, int]) -> slice:
        begin = day * DAY + int(rng.integers(int(hours[0] * 60), int(hours[1] * 60)))
        end = min(begin + int(rng.integers(*lasting)), len(plan.orders))
        if begin < end:
            plan.benign.append(Span(kind, begin, end))
        return slice(begin, end)

    for _ in range(rng.poisson(2)):
        when = happening("deploy", (9, 18), (4, 10))
        plan.orders[when] *= rng.uniform(2, 3.5)
        plan.failing[when] *= rng.uniform(2, 5)
    plan.batches[happening("nightly batch", (1.7, 2.3), (25, 60))] = base * rng.uniform(0.05, 0.12)
    if rng.random() < 0.5:
        when = happening("blip", (0, 23.8), (2, 6))
        plan.gain[when] = np.maximum(plan.gain[when], rng.uniform(0.8, 1.0))
    if rng.random() < 0.12:
        plan.orders[happening("flash crowd", (8, 21.5), (10, 40))] *= rng.uniform(2.5, 4)
    if rng.random() < 0.15:
        when = happening("plateau below criticality", (0, 21.5), (60, 180))
        plan.gain[when] = np.maximum(plan.gain[when], rng.uniform(0.55, 0.7))
    if rng.random() < 0.1:
        plan.replays[happening("replay", (0, 22), (20, 60))] = base * rng.uniform(2, 5)
    if rng.random() < 0.1:
        plan.skew_s[happening("clock skew", (0, 20), (60, 200))] = rng.uniform(-120, 120)
    if rng.random() < 0.2:
        when = happening("restart", (0, 23), (2, 5))
        held_up = plan.orders[when].sum()
        plan.orders[when] = 0
        plan.orders[when.stop : when.stop + 2] += held_up / 2
    if rng.random() < 0.1:
        plan.file_lost[happening("late file", (0, 23), (10, 30))] = True


def storm(
    shape: str, seed: int, events_per_s: float, coverage: float, failing: float = 0.02, calm_min: int = DAY
) -> Plan:
    """A day of everyday life (or `calm_min` and up to half as much again), then a storm of one of the SHAPES.

    *slow*: the gain rises for 8 to 20 hours; *medium*: for 1 to 2.5 hours; *step*: at once to 1.08;
    *plateau*: to 0.85 within an hour, stays for 4 to 8 hours, until a trigger takes it to 1.06.
    """
    rng = np.random.default_rng([seed, 2])
    begin = calm_min + int(rng.integers(0, calm_min // 2))
    lasting = {"slow": (480, 1200), "medium": (60, 150), "step": (1, 2), "plateau": (240, 480)}[shape]
    length = int(rng.integers(*lasting))
    plan = everyday(seed, (begin + length + 600) / DAY, events_per_s, coverage, failing)
    minute = np.arange(len(plan.orders))
    since = minute - begin
    if shape == "plateau":
        rising = np.where(since >= 0, np.clip(since / 60, 0, 1) * 0.85, 0)
        plan.gain[:] = np.maximum(plan.gain, np.where(since >= length, 1.06, rising))
    else:
        before, target = plan.gain[begin], 1.08 if shape == "step" else 1.12
        rising = before + (target - before) * np.clip(since / length, 0, 1)
        plan.gain[:] = np.where(since >= 0, np.maximum(plan.gain, rising), plan.gain)
    plan.storm = Span(shape, begin, len(minute))
    plan.benign = [span for span in plan.benign if span.begin_min < begin]
    return plan
