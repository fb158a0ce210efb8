"""A second process does half of the work on a large batch, which makes no other difference."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from ingest import framing, offload
from ingest.channel import Message, new_room
from ingest.framing import frames
from ingest.offload import WALK, Second
from tests.ingest.mixtures import records

ROOT = Path(__file__).parents[2]
LONG_S = 60.0
T = TypeVar("T")


def lines_of_all_formats() -> bytes:
    """Records of all formats in turn, whole and torn."""
    return b"".join(part for one in records() for part in (one.data, one.data[: len(one.data) // 2] + b"\n"))


def test_records_are_cut_alike_where_it_looks_at_half_of_them(
    second: Second, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = lines_of_all_formats()
    whole = [data[: len(data) * part // 7] for part in range(1, 8)]
    expected = [frames(one).tolist() for one in whole]
    asked: list[bytes] = []

    def share(request: Sequence[bytes], own: Callable[[], T]) -> tuple[T, Message | None]:
        asked.append(request[0])
        return second.share(request, own)

    monkeypatch.setattr(framing, "WORTH_BYTES", 2)
    monkeypatch.setattr(framing.SECOND, "share", share)
    assert [frames(one).tolist() for one in whole] == expected
    assert asked == [WALK] * len(whole)


def children(of: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, _, behind = path.read_text().rpartition(")")  # a name may hold anything
            if behind.split()[1] == str(of):
                found.append(int(path.parent.name))
    return found


def test_where_it_was_killed_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    data = lines_of_all_formats()
    expected = frames(data).tolist()
    one, before = Second(), set(children(os.getpid()))
    monkeypatch.setattr(framing, "WORTH_BYTES", 2)
    monkeypatch.setattr(framing, "SECOND", one)
    try:
        assert one.is_ready(LONG_S)
        [pid] = set(children(os.getpid())) - before
        os.kill(pid, signal.SIGKILL)
        assert [frames(data).tolist() for _ in range(3)] == [expected] * 3
    finally:
        one.close()


def test_where_it_does_not_go_on_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    data, one = lines_of_all_formats(), Second()
    expected = frames(data).tolist()
    monkeypatch.setattr(framing, "WORTH_BYTES", 2)
    monkeypatch.setattr(framing, "SECOND", one)
    monkeypatch.setattr(offload, "_ANSWER_S", 0.5)
    monkeypatch.setattr(offload, "_END_S", 0.5)
    try:
        assert one.is_ready(LONG_S)
        assert one.pid is not None
        os.kill(one.pid, signal.SIGSTOP)
        assert frames(data).tolist() == expected
        assert one.pid is None
    finally:
        one.close()


@pytest.mark.parametrize("made_before", [0, 1])
def test_where_no_memory_can_be_shared_all_is_done_here(
    monkeypatch: pytest.MonkeyPatch, made_before: int
) -> None:
    one, made = Second(), [new_room() for _ in range(made_before)]
    left = list(made)

    def refused() -> int:
        if left:
            return left.pop()
        raise PermissionError

    monkeypatch.setattr(offload, "new_room", refused)
    assert one.share([WALK, b""], lambda: "done") == ("done", None)
    assert one.pid is None
    for room in made:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(room)


def test_where_the_memory_is_full_all_is_done_here() -> None:
    one, before = Second(), set(children(os.getpid()))
    try:
        assert one.is_ready(LONG_S)
        assert one._channel is not None
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, one._channel._ours)
        os.close(full)
        assert one.share([WALK, b"lines\n" * 100_000], lambda: "done") == ("done", None)
        assert one.pid is None
        assert set(children(os.getpid())) == before
    finally:
        one.close()


def test_it_ends_when_nothing_is_asked_and_is_there_when_something_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, one = lines_of_all_formats(), Second()
    expected = frames(data).tolist()
    monkeypatch.setattr(framing, "WORTH_BYTES", 2)
    monkeypatch.setattr(framing, "SECOND", one)
    try:
        for _ in range(5):  # more often than it is started again after it failed
            assert one.is_ready(LONG_S)
            assert frames(data).tolist() == expected
            one.rest(LONG_S)
            assert one.pid is not None
            one.rest(0.0)
            assert one.pid is None
    finally:
        one.close()


ASKING = """
import os, time
from ingest.offload import Second
second = Second()
assert second.is_ready(60)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM])
def test_it_does_not_outlive_the_process_that_asks(ended_by: signal.Signals) -> None:
    command = [sys.executable, "-W", "error", "-c", ASKING]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == b"ready\n"
        [pid] = children(asking.pid)
        watched = os.pidfd_open(pid)
        asking.send_signal(ended_by)
        asking.wait()
    try:
        poll = select.poll()
        poll.register(watched)
        assert poll.poll(LONG_S * 1000)
    finally:
        os.close(watched)


def test_a_process_that_ends_leaves_nothing_behind_and_says_nothing() -> None:
    script = ASKING.replace("time.sleep(600)", "")
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ready\n", "")
