"""A second process that transcodes half of a large batch: Python uses one core of a process.

It is started when a backlog is read, and not waited for: as long as it is not ready, and after it
failed, all is done here. It ends when its input does, so it does not outlive this process, whatever
that ends of. As a program: python -m ingest.offload reads requests and writes answers.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import subprocess
import sys
import threading
from array import array
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import IO, Final

import orjson

from ingest.formats import transcoders
from ingest.formats.base import Transcoder
from ingest.objects import Made, objects_of

_WORTH_BYTES: Final = 4 << 20
"""A smaller batch is read while it is asked for."""
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

    def objects_of(self, transcoder: Transcoder, raws: Sequence[bytes]) -> Made:
        """The same as `objects.objects_of`, the first half of it done there if it is ready."""
        if not self._lock.acquire(blocking=False):
            return objects_of(transcoder, raws)
        try:
            if not self.is_ready():
                return objects_of(transcoder, raws)
            sizes = list(accumulate(map(len, raws)))
            middle = bisect(sizes, sizes[-1] // 2)
            return self._shared(transcoder, raws[:middle], raws[middle:])
        finally:
            self._lock.release()

    def _shared(self, transcoder: Transcoder, theirs: Sequence[bytes], ours: Sequence[bytes]) -> Made:
        answer = None
        try:
            if self._ask([transcoder.name.encode(), *theirs]):
                own = objects_of(transcoder, ours)
                answer = self._answer()
            else:
                own = objects_of(transcoder, ours)
        except BaseException:
            self.close()  # its answer would be taken for that to the next question
            raise
        made = answer or objects_of(transcoder, theirs)
        made.extend(own, len(theirs))
        return made

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
                [sys.executable, "-P", "-m", __name__],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths},
            )  # fmt: skip
        except OSError:
            return
        atexit.register(self.close)

    def _ask(self, parts: Sequence[bytes]) -> bool:
        assert self._process is not None  # noqa: S101 - only asked when it is ready
        try:
            _send(_pipe(self._process.stdin), parts)
        except OSError:
            self.close()
            return False
        return True

    def _answer(self) -> Made | None:
        parts = self._received()
        if parts is None:
            return None
        sources, refused, *lines = parts
        return Made(
            lines, array("q", sources).tolist(), [(place, why) for place, why in orjson.loads(refused)]
        )

    def _received(self) -> list[bytes] | None:
        assert self._process is not None  # noqa: S101 - as above
        try:
            return _receive(_pipe(self._process.stdout))
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


def _send(stream: IO[bytes], parts: Sequence[bytes]) -> None:
    stream.write(array("q", [len(parts), *map(len, parts)]).tobytes())
    stream.write(b"".join(parts))
    stream.flush()


def _receive(stream: IO[bytes]) -> list[bytes]:
    """Raises EOFError when nothing comes any more."""
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
    if sum(map(len, raws)) < _WORTH_BYTES:
        return objects_of(transcoder, raws)
    return SECOND.objects_of(transcoder, raws)


def _serve() -> None:
    """Answer until the input ends."""
    # Ctrl-C is for the process that asks, which ends this one when it does not need it any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    known = {one.name: one for one in transcoders()}
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        _send(answers, [])
        while True:
            name, *raws = _receive(requests)
            made = objects_of(known[name.decode()], raws)
            sources = array("q", made.sources).tobytes()
            _send(answers, [sources, orjson.dumps(made.refused), *made.lines])
    except (EOFError, BrokenPipeError):
        os._exit(0)  # nobody is there to flush anything for


if __name__ == "__main__":
    _serve()
