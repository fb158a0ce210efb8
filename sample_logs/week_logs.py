"""Weeks of a system as log lines, one file per node, and what really happened beside them."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from plans import Plan, Span
from spelling import Dialect, Record
from weeks import simulate

_CHUNK: Final = 1 << 16
"""Events that are held as objects at once: weeks are more than fit in memory."""


def write_weeks(directory: Path, plan: Plan, seed: int, start: datetime, dialect: Dialect) -> None:
    """Write DIRECTORY/logs/*.jsonl and DIRECTORY/TRUTH.json: what a plan makes of a system.

    Each event is a line in the file of its node, by the clock of that node; the seed is part of its id.
    In TRUTH.json `look_alikes` are what is no storm, `gain` is the true one of each minute.

    Raises:
        FileExistsError: `directory` holds logs already.
    """
    logs = directory / "logs"
    logs.mkdir(parents=True)
    run = simulate(plan, seed)
    events = run.events
    lines: Counter[str] = Counter()
    with ExitStack() as opened:
        nodes = [f"app-{number}" for number in range(1, int(events["node"].to_numpy().max(initial=0)) + 2)]
        files = {node: opened.enter_context((logs / f"{node}.jsonl").open("wb")) for node in nodes}
        for chunk in events.sort_by("occurred_s").to_batches(max_chunksize=_CHUNK):
            for row in chunk.to_pylist():
                node = nodes[row["node"]]
                files[node].write(dialect(_record(row, node, seed, start)))
                lines[f"{node}.jsonl"] += 1
    truth = {
        "seed": seed, "start": _text(start), "files": dict(sorted(lines.items())),
        "coverage": plan.coverage, "capacity_per_min": plan.capacity,
        "look_alikes": [_told(span, start) for span in sorted(plan.benign, key=lambda one: one.begin_min)],
        "storm": None if plan.storm is None else _told(plan.storm, start),
        "crashed_at": None if run.crashed_min is None else _text(start + timedelta(minutes=run.crashed_min)),
        "gain": np.round(run.gain, 4).tolist(),
    }  # fmt: skip
    (directory / "TRUTH.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def _record(row: dict[str, Any], node: str, seed: int, start: datetime) -> Record:
    cause = row["cause_id"]
    return {
        "id": f"{seed}.{row['id']}",
        "time": _text(start + timedelta(seconds=row["occurred_s"])),
        "type": row["event_type"],
        "service": "app",
        "node": node,
        **({} if cause is None else {"causation_id": f"{seed}.{cause}"}),
        "attempt": row["attempt"],
    }


def _told(span: Span, start: datetime) -> dict[str, str]:
    since, until = (_text(start + timedelta(minutes=edge)) for edge in (span.begin_min, span.end_min))
    return {"kind": span.kind, "since": since, "until": until}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
