"""What this process costs its machine: processor, memory, threads, open files; for pages and Prometheus."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

RECENT_S: Final = 300.0
_APART_S: Final = 5.0
_SECOND: Final = "stormwatch_second"
_STATUS: Final = Path("/proc/self/status")
_MAXRSS_BYTES: Final = 1 if sys.platform == "darwin" else 1024
"""The unit of `ru_maxrss`."""


@dataclass(frozen=True)
class Cost:
    """What was used up; None is what this system does not tell."""

    running_s: float
    cpu_s: float
    """Of this process since it started, user and system."""
    recent_s: float
    """So long back reaches what is recent: a few minutes, or less right after the start."""
    recent_cpu_s: float
    memory_bytes: float | None
    """Resident now."""
    peak_bytes: float
    """Resident at most so far."""
    threads: int
    open_files: int | None
    open_files_limit: int | None
    second_cpu_s: float | None
    """Of second processes since the start, those that ended included; None when there was none."""
    second_memory_bytes: float | None
    """None when there is none now."""


class Meter(Collector):
    """Reads the counters of the system; for any thread."""

    def __init__(self, second: Callable[[], int | None] = lambda: None) -> None:
        """`second` gives the process id of the second process, if there is one."""
        self._second = second
        self._own = ProcessCollector(registry=None)
        self._other = ProcessCollector(_SECOND, lambda: self._second() or 0, registry=None)
        self._lock = threading.Lock()
        self._started_at = time.monotonic()
        self._samples = deque([(self._started_at, time.process_time())])

    def sample(self) -> None:
        """Note what was used until now, if it is some seconds since; what is recent is told by it."""
        now = time.monotonic()
        with self._lock:
            if now - self._samples[-1][0] < _APART_S:
                return
            self._samples.append((now, time.process_time()))
            while len(self._samples) > 1 and self._samples[1][0] <= now - RECENT_S:
                self._samples.popleft()

    def cost(self) -> Cost:
        """What was used up to this instant."""
        self.sample()
        now, cpu_s = time.monotonic(), time.process_time()
        with self._lock:
            since, cpu_then_s = self._samples[0]
        own, second = _values(self._own), self._of_second()
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended_s = ended.ru_utime + ended.ru_stime
        second_cpu_s = ended_s + second.get("cpu_seconds", 0.0)
        peak_bytes, threads = _peak_and_threads()
        return Cost(
            running_s=now - self._started_at,
            cpu_s=cpu_s,
            recent_s=now - since,
            recent_cpu_s=cpu_s - cpu_then_s,
            memory_bytes=own.get("resident_memory_bytes"),
            peak_bytes=peak_bytes,
            threads=threads,
            open_files=_whole(own.get("open_fds")),
            open_files_limit=_whole(own.get("max_fds")),
            second_cpu_s=second_cpu_s if second or ended_s else None,
            second_memory_bytes=second.get("resident_memory_bytes"),
        )

    def collect(self) -> Iterator[Metric]:
        """The standard `process_*` of this process, its peak and threads, and the same of the second one."""
        yield from self._own.collect()
        peak_bytes, threads = _peak_and_threads()
        yield GaugeMetricFamily(
            "stormwatch_peak_memory_bytes", "Resident memory at most so far, in bytes.", peak_bytes
        )
        yield GaugeMetricFamily("stormwatch_threads", "Threads, those of the database included.", threads)
        if self._second() is not None:
            yield from self._other.collect()

    def _of_second(self) -> dict[str, float]:
        return _values(self._other) if self._second() is not None else {}


def _values(collector: ProcessCollector) -> dict[str, float]:
    """What a collector reads, by name without prefix; nothing where the system has no /proc."""
    return {
        metric.name.rpartition("process_")[2]: metric.samples[0].value
        for metric in collector.collect()
        if metric.samples
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _peak_and_threads() -> tuple[float, int]:
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # no /proc: threads of the database are not counted
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_maxrss * _MAXRSS_BYTES, threading.active_count()
    found = {
        name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines) if rest.strip()
    }
    return int(found["VmHWM"]) * 1024.0, int(found["Threads"])
