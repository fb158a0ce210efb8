"""A second process that does half of the work on a large batch: Python uses one core of a process.

It is started when a backlog is read, and not waited for: as long as it is not ready, and after it
failed, all is done here. It ends when its input does, so it does not outlive this process, whatever
that ends of. What it does stands in offloaded.py.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final, TypeVar

import pyarrow as pa

from ingest.channel import Channel, Message, Part, new_room

PROGRAM: Final = "ingest.offloaded"
PARSE, WALK = b"parse", b"walk"
"""What may be asked for: see there."""
WORTH_BYTES: Final = 4 << 20
"""A smaller batch is read while it is asked for."""
T = TypeVar("T")
_STARTS: Final = 3
"""So often a process is started: where none can live, trying does not help."""
_END_S: Final = 5.0
_IDLE_S: Final = 60.0
"""So long it is kept for the next batch, and half of the last one in its memory."""
_ANSWER_S: Final = 120.0
"""So long it is waited for when all else is done: it may be stopped, or starved."""


class Second:
    """The second process, if there is one; for any thread, but for one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._starts = 0
        self._is_ready = False
        self._asked_at = 0.0

    @property
    def pid(self) -> int | None:
        """Its process id; None when there is none now."""
        process = self._process
        return None if process is None else process.pid

    def share(
        self,
        request: Sequence[Part],
        own: Callable[[], T],
        lines: pa.Table | None = None,
        take: Callable[[pa.Table], None] = lambda _: None,
    ) -> tuple[T, Message | None]:
        """What `own` gives, and the answer to a request that is worked on meanwhile: None without one.

        `lines` go with the request; `take` then gets the rows that come with an answer.
        """
        if not self._lock.acquire(blocking=False):
            return own(), None
        try:
            if not self.is_ready():
                return own(), None
            self._asked_at = time.monotonic()
            is_asked = self._ask(request, lines)
            done = own()
            answer = self._received(_ANSWER_S) if is_asked else None
            if answer is not None and answer.rows is not None:
                take(answer.rows)
        except BaseException:
            self.close()  # its answer would be taken for that to the next question
            raise
        else:
            return done, answer
        finally:
            self._lock.release()

    def rest(self, idle_s: float = _IDLE_S) -> None:
        """End it if nothing was asked for so long; it is started again when something is."""
        if self._process is None or time.monotonic() - self._asked_at < idle_s:
            return
        if self._lock.acquire(blocking=False):
            try:
                self.close()
                self._starts -= 1
            finally:
                self._lock.release()

    def is_ready(self, timeout_s: float = 0.0) -> bool:
        """Whether it can be asked; starts it if it was not started yet."""
        if self._process is None:
            self._start()
        if self._channel is not None and not self._is_ready and self._channel.is_heard(timeout_s):
            self._is_ready = self._received(timeout_s) is not None
        return self._is_ready

    def _start(self) -> None:
        if self._starts == _STARTS or (os.cpu_count() or 1) < 2:  # noqa: PLR2004 - one core is busy here
            return
        self._starts += 1
        self._asked_at = time.monotonic()
        here = str(Path(__file__).parents[1])
        paths = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
        rooms: list[int] = []
        try:
            rooms += (new_room() for _ in range(2))
            self._process = subprocess.Popen(  # noqa: S603 - a program of this package
                [sys.executable, "-P", "-m", PROGRAM, *map(str, rooms)], pass_fds=rooms,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths},
            )  # fmt: skip
        except OSError:
            for room in rooms:
                os.close(room)
            return
        theirs, ours = rooms
        self._channel = Channel(_pipe(self._process.stdout), _pipe(self._process.stdin), (theirs, ours))
        atexit.register(self.close)

    def _ask(self, parts: Sequence[Part], lines: pa.Table | None) -> bool:
        assert self._channel is not None  # noqa: S101 - only asked when it is ready
        try:
            self._channel.send(parts, lines)
        except OSError:
            self.close()
            return False
        return True

    def _received(self, timeout_s: float) -> Message | None:
        assert self._channel is not None  # noqa: S101 - as above
        try:
            return self._channel.receive(timeout_s)
        except (OSError, EOFError):
            self.close()
            return None

    def close(self) -> None:
        """End it."""
        process, self._process, self._is_ready = self._process, None, False
        channel, self._channel = self._channel, None
        if process is None or channel is None:
            return
        atexit.unregister(self.close)
        channel.close()
        try:
            process.communicate(timeout=_END_S)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            process.kill()
            process.communicate()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - asked for when it was started
    return stream


SECOND: Final = Second()
"""That of this process."""
