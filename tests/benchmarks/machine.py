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


def _read(path: Path) -> str:
    """What /proc says; "" of a thread or process that has ended since it was listed."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _family(pid: int) -> list[int]:
    """A process and its children."""
    lists = (_read(task / "children") for task in Path(f"/proc/{pid}/task").iterdir())
    return [pid, *(int(child) for text in lists for child in text.split())]


def cpu_seconds(pid: int | None = None) -> float:
    """Processor time that a process, this one unless given, and its children have taken so far.

    utime and stime of proc(5).
    """
    ticks = 0
    for member in _family(pid or os.getpid()):
        fields = _read(Path(f"/proc/{member}/stat")).rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Memory that a process and its children have resident now: statm of proc(5)."""
    fields = (_read(Path(f"/proc/{member}/statm")).split() for member in _family(pid))
    return sum(int(field) for line in fields for field in line[1:2]) * os.sysconf("SC_PAGE_SIZE")
