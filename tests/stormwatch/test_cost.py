"""What a process says it costs is what it used."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from stormwatch import cost
from stormwatch.cost import Meter

BURN_S = 0.3


def _burn(seconds: float = BURN_S) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_work_of_this_process_counts_as_recent_and_in_all() -> None:
    meter = Meter()
    before = meter.cost()
    _burn()
    after = meter.cost()
    assert BURN_S <= after.cpu_s - before.cpu_s < BURN_S + 0.5
    assert BURN_S <= after.recent_cpu_s <= after.cpu_s
    assert after.recent_s <= after.running_s


def test_what_is_recent_does_not_reach_back_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    now, used = 1000.0, 10.0
    monkeypatch.setattr(cost.time, "monotonic", lambda: now)
    monkeypatch.setattr(cost.time, "process_time", lambda: used)
    meter = Meter()
    for _ in range(200):  # 20 minutes at a quarter of a core
        now, used = now + 6, used + 1.5
        meter.sample()
    now, used = now + 3, used + 3
    found = meter.cost()
    assert cost.RECENT_S <= found.recent_s < cost.RECENT_S + 10
    assert found.recent_cpu_s == pytest.approx((found.recent_s - 3) / 4 + 3)
    assert (found.running_s, found.cpu_s) == (1203, 313)


def test_memory_threads_and_files_are_those_of_the_process() -> None:
    found = Meter().cost()
    held = bytearray(64 << 20)
    held[::4096] = b"x" * len(held[::4096])
    more = Meter().cost()
    assert more.peak_bytes >= found.peak_bytes
    assert more.peak_bytes >= (more.memory_bytes or 0) >= 64 << 20
    assert found.threads >= 1
    with open(__file__, "rb"):  # noqa: PTH123 - a descriptor more
        assert (Meter().cost().open_files or 0) == (found.open_files or 0) + 1


def test_second_process_is_counted_while_it_lives_and_after() -> None:
    work = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    before = Meter().cost().second_cpu_s or 0.0
    process = subprocess.Popen(
        [sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    living = Meter(lambda: process.pid).cost()
    assert (living.second_cpu_s or 0) - before >= 0.2  # counted in hundredths
    assert (living.second_memory_bytes or 0) > 1 << 20
    process.communicate(b"\n")
    ended = Meter().cost()
    assert (ended.second_cpu_s or 0) - before >= 0.2  # counted in hundredths
    assert ended.second_memory_bytes is None


def test_system_without_proc_tells_less(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(cost, "_STATUS", tmp_path_factory.mktemp("none") / "status")
    found = Meter().cost()
    assert found.peak_bytes > 1 << 20
    assert found.threads >= 1
