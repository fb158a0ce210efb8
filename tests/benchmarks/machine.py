"""Runs a part of a benchmark in a process of its own and reads what it used."""

from __future__ import annotations

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
