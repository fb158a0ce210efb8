"""Runs a part of a benchmark in a process of its own and reads what it used."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def child(module: str, *arguments: object) -> str:
    """Run a module with arguments; returns what it printed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def peak_memory_bytes() -> int:
    """The most memory this process had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def cpu_seconds() -> float:
    """Processor time that this process and its children have taken so far: utime and stime of proc(5)."""
    own = os.getpid()
    lists = (task.joinpath("children").read_text() for task in Path(f"/proc/{own}/task").iterdir())
    ticks = 0
    for pid in (own, *(int(pid) for text in lists for pid in text.split())):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
