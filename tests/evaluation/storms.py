"""Simulates storms and weeks without any, and prints how early and how rightly they are announced.

Detector and simulator share no code: events go into the database, and the relations are asked.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Sequence
from multiprocessing import get_context

from .arguments import positive, share, some, whole
from .detectors import alarms
from .figures import false_alarms, leads, tuned
from .systems import LOOP_GAIN, SIGNALS, Job, Watched, other_storms, plans, watch, watch_other

LEVELS = (("watch", 0.7), ("warn", 0.8), ("page", 0.9), ("storm", 1.0))
COLUMNS = "recall  median    p10  >=10min"


def main(arguments: Sequence[str]) -> None:
    """Run the suite and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation storms", description=__doc__)
    parser.add_argument("--weeks", type=whole, default=42, help="benign weeks, each of another system")
    parser.add_argument("--storms", type=whole, default=40, help="storms of each shape")
    parser.add_argument(
        "--others", type=whole, default=10, help="storms of each other cause, at a fifth of the rate"
    )
    parser.add_argument("--shapes", nargs="*", default=plans.SHAPES, choices=plans.SHAPES, metavar="SHAPE")
    parser.add_argument("--rate", type=positive, default=20.0, help="events per second, on average")
    parser.add_argument("--coverage", type=share, default=0.95, help="share of effects that name their cause")
    parser.add_argument("--failing", type=share, default=0.02, help="share of steps that are retried")
    parser.add_argument("--calm", type=some, default=1440, metavar="MINUTES", help="before a storm, at least")
    parser.add_argument("--kept", action="store_true", help="count minutes as a running process does")
    parser.add_argument("--seed", type=int, help="default: a new one, which is printed")
    parser.add_argument("--processes", type=some, default=os.cpu_count(), help="systems at a time")
    given = parser.parse_args(arguments)
    seed = secrets.randbelow(10**6) * 1000 if given.seed is None else given.seed
    print(
        f"seed {seed}, {given.rate:g} events/s, {given.coverage:.0%} of effects name their cause", flush=True
    )
    jobs = [
        Job(
            shape,
            seed + 100_000_000 * number + i,
            given.rate,
            given.coverage,
            given.failing,
            calm_min=given.calm,
            is_kept=given.kept,
        )
        for number, shape in enumerate(("benign", *given.shapes))
        for i in range(given.weeks if shape == "benign" else given.storms)
    ]
    other_jobs = [
        Job(cause, seed + i, given.rate / 5, given.coverage)
        for cause in other_storms.CAUSES
        for i in range(given.others)
    ]
    with get_context("spawn").Pool(given.processes, maxtasksperchild=8) as pool:
        runs = [_told(run) for run in pool.imap(watch, jobs)]
        others = list(pool.imap(watch_other, other_jobs))
    benign = [run for run in runs if run.job.shape == "benign"]
    shapes = given.shapes if given.storms else ()
    storms = {shape: [run for run in runs if run.job.shape == shape] for shape in shapes}
    if runs:
        report(benign, storms)
    if others:
        report_others(others)


def _told(run: Watched) -> Watched:
    """Says that a system is done, for one who waits for hours, and gives it back."""
    begun = alarms(run.scores[LOOP_GAIN], 0.8)
    died = f", dead at {run.crashed_min}" if run.crashed_min is not None else ""
    sys.stderr.write(f"{run.job.shape} {run.job.seed}: warned at minutes {begun}{died}\n")
    return run


def report(benign: Sequence[Watched], storms: dict[str, list[Watched]]) -> None:
    """Print the tables."""
    print(f"{sum(run.event_count for run in benign):,} events in benign weeks")
    for shape, runs in storms.items():
        crashed = [run for run in runs if run.crashed_min is not None]
        after = sorted(run.crashed_min - run.begun_min for run in crashed)
        since = sorted(run.crashed_min - run.critical_min for run in crashed if run.critical_min is not None)
        if crashed:
            print(
                f"{shape:8} {len(crashed)} of {len(runs)} died, median {after[len(after) // 2]} min after "
                f"the cause and {since[len(since) // 2]} min after a true gain of 1"
            )
    print("\nloop_gain: minutes from the alarm to the crash")
    _heading(storms)
    for level, threshold in LEVELS:
        _row(f"{level} {threshold}", benign, storms, LOOP_GAIN, threshold)
    if len(benign) > 1:
        half = len(benign) // 2
        print(
            "\nthe others, tuned to 1 false alarm a week on half the benign weeks, counted on the other half"
        )
        _heading(storms)
        for name in benign[0].scores:
            _row(name, benign[half:], storms, name, tuned(benign[:half], name))


def report_others(runs: Sequence[Watched]) -> None:
    """Print what announces the storms that loop_gain was not made for."""
    print("\nstorms of other causes: minutes from the alarm to the crash, and false alarms on the day before")
    print(" " * 27 + " | ".join(f"{name:^42}" for name in SIGNALS))
    print(" " * 27 + " | ".join(f"{COLUMNS:34} false   " for _ in SIGNALS))
    for cause in dict.fromkeys(run.job.shape for run in runs):
        told = [leads([run for run in runs if run.job.shape == cause], name, 1) for name in SIGNALS]
        print(f"{cause:27}" + " | ".join(f"{lead!s:34} {lead.early:5}   " for lead in told))


def _heading(storms: dict[str, list[Watched]]) -> None:
    print(" " * 32 + " | ".join(f"{shape:^30}" for shape in storms))
    print(" " * 32 + " | ".join(COLUMNS for _ in storms))


def _row(
    title: str, benign: Sequence[Watched], storms: dict[str, list[Watched]], name: str, threshold: float
) -> None:
    found = [leads(runs, name, threshold) for runs in storms.values()]
    print(f"{title:32}" + " | ".join(f"{lead!s:30}" for lead in found))
    text = f"false alarms {false_alarms(benign, name, threshold)}; " if benign else ""
    print(f"{'':8}{text}{sum(lead.early for lead in found)} in the days before the storms", flush=True)
