"""Many files, many events, and a directory that goes away."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from watchdog.observers.inotify import InotifyEmitter

from ingest import generations, watch
from ingest.reader import Share
from ingest.service import Ingester, Settings
from stormwatch.errors import SourceError

from .rig import Rig, line

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("count", [1500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_more_files_than_may_be_open(rig: Rig, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(rig.ingester._tailer._files, "_most", 100)
    opened = [0]
    keep = rig.ingester._tailer._files.keep

    def counted(generation: object) -> None:
        keep(generation)  # type: ignore[arg-type]  # passed on as it came
        opened[0] = max(opened[0], len(rig.ingester._tailer._files._open))

    monkeypatch.setattr(rig.ingester._tailer._files, "keep", counted)
    for number in range(count):
        rig.append(f"{number % 40:02}/app-{number}.log", 2)
    rig.drain()
    for number in range(0, count, 3):
        rig.append(f"{number % 40:02}/app-{number}.log", 1)
        if number % 2:
            rig.rename(f"{number % 40:02}/app-{number}.log", f"{number % 40:02}/app-{number}.log.1")
    rig.drain()
    rig.check()
    assert opened[0] <= 101


def test_descriptors_that_run_out(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(200):
        rig.append(f"{number % 7}/app-{number}.log", 2)
    rig.look()
    rig.restart()
    for number in range(200):
        rig.append(f"{number % 7}/app-{number}.log", 2)
    real, calls = os.open, [0]

    def scarce(*args: object, **kwargs: object) -> int:
        calls[0] += 1
        if calls[0] % 3 == 0:
            raise OSError(24, "Too many open files")
        return real(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(os, "open", scarce)
    for _ in range(20):
        with suppress(SourceError):  # the watched directory itself could not be opened
            rig.look()
    monkeypatch.undo()
    rig.drain()
    rig.check()
    assert {state for (state,) in rig.files("state")} == {"live"}
    assert len(rig.files("state")) == 200


def test_many_tiny_files_with_the_same_start(rig: Rig) -> None:
    for number in range(3000):
        rig.append(f"{number}.log", 1)
    began = time.process_time()
    rig.ingester._tailer.scan()
    scanned_s = time.process_time() - began
    rig.drain()
    rig.check()
    began = time.process_time()
    for _ in range(3):
        rig.ingester._tailer.scan()
    # All files new costs no more than a few dozen scans with nothing new: it is not quadratic.
    assert scanned_s < (time.process_time() - began) * 100


def test_contents_that_are_gone_are_forgotten_in_the_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "_MOST_REMEMBERED", 5)
    for number in range(12):
        rig.append(f"app-{number}.log", 3)
        rig.look()
        rig.path(f"app-{number}.log").rename(rig.base / f"app-{number}.log")
        for _ in range(2):
            rig.look()
            rig.clock.pass_time(61)
        rig.look()
        if number % 4 == 3:
            rig.restart()
    remembered = len(rig.ingester._registry._all)
    # Copies of those that are remembered hold nothing new.
    for number in (10, 11):
        shutil.copyfile(rig.base / f"app-{number}.log", rig.path(f"copy-{number}.log"))
    rig.drain()
    rig.check()
    assert remembered == 5
    assert len(rig.files("path")) == 12 + 2


def test_quiet_files_beside_a_busy_one(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(batch=Share(bytes=1 << 20, records=1_000_000))
    for number in range(99):
        rig.append(f"quiet-{number:02}.log", 1)
    rig.add("busy.log", b"".join(line(number) for number in range(100_000, 300_000)))
    rig.written.extend(range(100_000, 300_000))
    rig.ingester._tailer.scan()
    for _ in range(3):
        rig.ingester._step()
    quiet = rig.query("SELECT count(*) FROM observations WHERE try_cast(event_id AS INTEGER) < 99")
    assert quiet == [(99,)]
    rig.drain()
    rig.check()


def test_rotated_files_are_taken_oldest_first(rig: Rig) -> None:
    for age, name in enumerate(("app.log", "app.log.1", "app.log.2")):
        rig.append(name, 5)
        os.utime(rig.path(name), (1_700_000_000 - age * 3600,) * 2)
    rig.drain()
    rig.check()
    assert rig.files("path") == [("app.log.2",), ("app.log.1",), ("app.log",)]


def test_a_clock_that_jumps(rig: Rig) -> None:
    content = rig.append("app.log", 40, 200)
    for number, skew_s in enumerate((0, -1e6, 1e6, -5, 1e9)):
        rig.clock.skew_s = skew_s
        rig.append("app.log", 3, 200)
        rig.add("torn.log", b'{"id": "torn')
        rig.look()
        os.utime(rig.path("app.log"), (2**32 + number,) * 2)
        rig.look()
        rig.restart()
    # A copy that is still being made, with a time stamp far in the future.
    for start in range(0, len(content), 2000):
        rig.add("copy.log", content[start : start + 2000])
        os.utime(rig.path("copy.log"), (2**32,) * 2)
        rig.look()
    rig.drain()
    rig.check()


def test_a_directory_that_vanishes_and_comes_back(rig: Rig) -> None:
    rig.append("sub/app.log")
    rig.append("app.log")
    rig.drain()
    rig.path("sub").rename(rig.base / "aside")
    rig.look()
    rig.clock.pass_time(3600)
    rig.look()
    rig.look()
    (rig.base / "aside").rename(rig.path("sub"))
    rig.append("sub/app.log")
    rig.drain()
    rig.check()


def test_the_watched_directory_itself_vanishes_and_comes_back(rig: Rig) -> None:
    rig.append("app.log")
    ingester = Ingester(rig.store, Settings(rig.logs))
    ingester.start()
    try:
        _until(lambda: len(rig.numbers()) == 10)
        rig.logs.rename(rig.base / "aside")
        _until(lambda: ingester.status().state == "paused")
        assert "cannot be listed" in ingester.status().detail
        (rig.base / "aside").rename(rig.logs)
        rig.append("app.log")
        _until(lambda: len(rig.numbers()) == 20)
        # Another directory under the same name: what was watched before is not this one.
        shutil.rmtree(rig.logs)
        _until(lambda: ingester.status().state == "paused")
        rig.logs.mkdir()
        rig.append("app.log")
        _until(lambda: len(rig.numbers()) == 30)
        assert ingester.status().watch_mode == "inotify"
    finally:
        ingester.close()
    rig.check()


def test_following_without_notifications(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    ingester = Ingester(rig.store, Settings(rig.logs, watch="poll"))
    ingester.start()
    try:
        for number in range(5):
            rig.append("app.log")
            rig.append(f"sub/{number}/new.log")
            rig.rename("app.log", f"app.log.{number}")
            _until(lambda: len(rig.numbers()) == len(rig.written))
        assert ingester.status().watch_mode == "poll"
    finally:
        ingester.close()
    rig.check()


def test_no_watch_can_be_had(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted(watch.Observer):  # type: ignore[valid-type, misc]
        def start(self) -> None:
            raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watch, "Observer", Exhausted)
    ingester = Ingester(rig.store, Settings(rig.logs))
    ingester.start()
    try:
        rig.append("app.log")
        _until(lambda: len(rig.numbers()) == 10)
        assert ingester.status().watch_mode == "poll"
        assert ingester.status().occurrences["watch_failed"] == 1
    finally:
        ingester.close()


def test_a_notification_queue_that_overflows(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watching thread is held up while the kernel's queue (16,384 events by default) runs over."""
    ingester = Ingester(rig.store, Settings(rig.logs))
    gate = threading.Event()
    real = InotifyEmitter.queue_events

    def held_up(self: InotifyEmitter, timeout: float) -> None:
        gate.wait(30)
        real(self, timeout)

    monkeypatch.setattr(InotifyEmitter, "queue_events", held_up)
    ingester.start()
    try:
        _until(lambda: ingester.status().watch_mode == "inotify")
        for number in range(2000):
            rig.append(f"{number % 100:02}.log", 1)
        for number in range(20_000):
            rig.path(f"burst-{number}.tmp").touch()
            rig.path(f"burst-{number}.tmp").unlink()
        gate.set()
        rig.append("after.log", 1)
        _until(lambda: len(rig.numbers()) == len(rig.written))
    finally:
        gate.set()
        ingester.close()
    rig.check()


def _until(reached: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
