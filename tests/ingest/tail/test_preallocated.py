"""Files that are made longer before they are written: nothing of them is lost, nothing read twice."""

from __future__ import annotations

import os

import pytest

from .rig import Rig


class Preallocated:
    """A log whose file always reaches a region further than its lines."""

    def __init__(self, rig: Rig, region: int):
        self._rig = rig
        self._region = region
        self._end = 0
        rig.add("app.log", b"")
        self._descriptor = os.open(rig.path("app.log"), os.O_RDWR)

    def write(self, count: int) -> None:
        data = self._rig.lines(count)
        size = os.fstat(self._descriptor).st_size
        while size < self._end + len(data):
            size += self._region
        os.truncate(self._descriptor, size)
        os.pwrite(self._descriptor, data, self._end)
        self._end += len(data)

    def close(self) -> None:
        """As it is rolled over: cut to what is written."""
        os.truncate(self._descriptor, self._end)
        os.close(self._descriptor)


@pytest.mark.parametrize(
    "region", [512, *(pytest.param(size, marks=pytest.mark.slow) for size in (5000, 64 << 10, 3 << 20))]
)
@pytest.mark.parametrize("restart", [False, True])
def test_a_region_is_filled_while_it_is_read(rig: Rig, region: int, *, restart: bool) -> None:
    log = Preallocated(rig, region)
    for _ in range(8):
        log.write(20)
        rig.look()
        rig.check()
        if restart:
            rig.restart()
        rig.clock.pass_time(4000)
        rig.look()
        rig.check()
    assert rig.ingester.status().backlog_bytes == 0
    log.close()
    rig.drain()
    rig.check()
    assert rig.files("state", "missed_bytes") == [("live", 0)]


def test_a_region_that_is_filled_with_zeros_for_real(rig: Rig) -> None:
    written = rig.lines(10)
    rig.add("app.log", written + b"\0" * 100_000)
    rig.look()
    rig.check()
    with rig.path("app.log").open("r+b") as file:
        file.seek(len(written))
        file.write(rig.lines(10))
    rig.look()
    rig.check()


def test_zeros_that_a_crash_left_before_more_lines(rig: Rig) -> None:
    rig.append("app.log", 10)
    rig.add("app.log", b"\0" * 9000)
    rig.look()
    rig.append("app.log", 10)
    rig.drain()
    rig.check()
    assert rig.files("blank_bytes") == [(9000,)]
