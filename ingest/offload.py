"""A second process that does half of the work on a large batch: Python uses one core of a process.

It is started when a backlog is read, and not waited for: as long as it is not ready, and after it
failed, all is done here. It ends when its input does, so it does not outlive this process, whatever
that ends of. What it does stands in offloaded.py.
"""

from __future__ import annotations

import atexit
import os
import select
import subprocess
import sys
import threading
from array import array
from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import IO, Final, TypeVar

import orjson

from ingest.formats.base import Transcoder
from ingest.objects import Made, objects_of

PROGRAM: Final = "ingest.offloaded"
OBJECTS, WALK = b"objects", b"walk"
"""What may be asked for: see there."""
WORTH_BYTES: Final = 4 << 20
"""A smaller batch is read while it is asked for."""
T = TypeVar("T")
_STARTS: Final = 3
"""So often a process is started: where none can live, trying does not help."""
_END_S: Final = 5.0


class Second:
    """The second process, if there is one; for any thread, but for one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._is_ready = False

    @property
    def pid(self) -> int | None:
        """Its process id; None when there is none now."""
        process = self._process
        return None if process is None else process.pid

    def objects_of(self, transcoder: Transcoder, raws: Sequence[bytes]) -> Made:
        """The same as `objects.objects_of`, the first half of it done there if it is ready."""
        sizes = list(accumulate(map(len, raws)))
        middle = bisect(sizes, sizes[-1] // 2)
        theirs, ours = raws[:middle], raws[middle:]
        request = [OBJECTS, transcoder.name.encode(), *theirs]
        own, answer = self.share(request, lambda: objects_of(transcoder, ours))
        made = objects_of(transcoder, theirs) if answer is None else _made(answer)
        made.extend(own, middle)
        return made

    def share(self, request: Sequence[bytes], own: Callable[[], T]) -> tuple[T, list[bytes] | None]:
        """What `own` gives, and the answer to a request that is worked on meanwhile: None without one."""
        if not self._lock.acquire(blocking=False):
            return own(), None
        try:
            if not self.is_ready():
                return own(), None
            is_asked = self._ask(request)
            done = own()
            return done, self._received() if is_asked else None
        except BaseException:
            self.close()  # its answer would be taken for that to the next question
            raise
        finally:
            self._lock.release()

    def is_ready(self, timeout_s: float = 0.0) -> bool:
        """Whether it can be asked; starts it if it was not started yet."""
        if self._process is None:
            self._start()
        if self._process is None or self._is_ready:
            return self._is_ready
        poll = select.poll()
        poll.register(_pipe(self._process.stdout), select.POLLIN)
        if poll.poll(timeout_s * 1000):
            self._is_ready = self._received() == []
        return self._is_ready

    def _start(self) -> None:
        if self._starts == _STARTS or (os.cpu_count() or 1) < 2:  # noqa: PLR2004 - one core is busy here
            return
        self._starts += 1
        here = str(Path(__file__).parents[1])
        paths = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a program of this package
                [sys.executable, "-P", "-m", PROGRAM],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths},
            )  # fmt: skip
        except OSError:
            return
        atexit.register(self.close)

    def _ask(self, parts: Sequence[bytes]) -> bool:
        assert self._process is not None  # noqa: S101 - only asked when it is ready
        try:
            send(_pipe(self._process.stdin), parts)
        except OSError:
            self.close()
            return False
        return True

    def _received(self) -> list[bytes] | None:
        assert self._process is not None  # noqa: S101 - as above
        try:
            return receive(_pipe(self._process.stdout))
        except (OSError, EOFError):
            self.close()
            return None

    def close(self) -> None:
        """End it."""
        process, self._process, self._is_ready = self._process, None, False
        if process is None:
            return
        atexit.unregister(self.close)
        try:
            process.communicate(timeout=_END_S)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            process.kill()
            process.communicate()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - asked for when it was started
    return stream


def _made(answer: list[bytes]) -> Made:
    places, bare, refused, *lines = answer
    sources, numbers = (array("q", some).tolist() for some in (places, bare))
    return Made(lines, sources, [(place, why) for place, why in orjson.loads(refused)], numbers)


def send(stream: IO[bytes], parts: Sequence[bytes]) -> None:
    """Write a request or an answer."""
    stream.write(array("q", [len(parts), *map(len, parts)]).tobytes())
    stream.write(b"".join(parts))
    stream.flush()


def receive(stream: IO[bytes]) -> list[bytes]:
    """Read one. Raises EOFError when nothing comes any more."""
    [count] = array("q", _exactly(stream, 8))
    sizes = array("q", _exactly(stream, 8 * count))
    data = _exactly(stream, sum(sizes))
    return [data[start:end] for start, end in pairwise(accumulate(sizes, initial=0))]


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


SECOND: Final = Second()
"""That of this process."""


def objects_in_turn(transcoder: Transcoder, raws: Sequence[bytes]) -> Made:
    """All events in these records; many of them are shared with the second process."""
    if sum(map(len, raws)) < WORTH_BYTES:
        return objects_of(transcoder, raws)
    return SECOND.objects_of(transcoder, raws)
