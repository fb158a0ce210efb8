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
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import IO, Final, TypeAlias, TypeVar

import pyarrow as pa

PROGRAM: Final = "ingest.offloaded"
PARSE, WALK = b"parse", b"walk"
"""What may be asked for: see there."""
WORTH_BYTES: Final = 4 << 20
"""A smaller batch is read while it is asked for."""
T = TypeVar("T")
Part: TypeAlias = bytes | memoryview
_STARTS: Final = 3
"""So often a process is started: where none can live, trying does not help."""
_END_S: Final = 5.0
_IDLE_S: Final = 60.0
"""So long it is kept for the next batch, and half of the last one in its memory."""
_END_OF_ROWS: Final = b"."


class Second:
    """The second process, if there is one; for any thread, but for one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
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
        take: Callable[[pa.RecordBatchReader], None] | None = None,
    ) -> tuple[T, list[bytes] | None]:
        """What `own` gives, and the answer to a request that is worked on meanwhile: None without one.

        `lines` go with the request; `take` then gets the rows behind an answer which is not empty, and raises
        OSError when they are not whole.
        """
        if not self._lock.acquire(blocking=False):
            return own(), None
        try:
            if not self.is_ready():
                return own(), None
            self._asked_at = time.monotonic()
            is_asked = self._ask(request, lines)
            done = own()
            return done, self._received(take) if is_asked else None
        except BaseException:
            self.close()  # its answer would be taken for that to the next question
            raise
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
        self._asked_at = time.monotonic()
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

    def _ask(self, parts: Sequence[Part], lines: pa.Table | None) -> bool:
        assert self._process is not None  # noqa: S101 - only asked when it is ready
        try:
            send(_pipe(self._process.stdin), parts, lines)
        except OSError:
            self.close()
            return False
        return True

    def _received(self, take: Callable[[pa.RecordBatchReader], None] | None = None) -> list[bytes] | None:
        assert self._process is not None  # noqa: S101 - as above
        stream = _pipe(self._process.stdout)
        try:
            answer = receive(stream)
            if answer and take is not None:
                take(receive_rows(stream))
        except (OSError, EOFError, pa.ArrowException):
            self.close()
            return None
        return answer

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


def send(
    stream: IO[bytes], parts: Sequence[Part], rows: pa.Table | pa.RecordBatchReader | None = None
) -> None:
    """Write a request or an answer, and rows behind it."""
    stream.write(array("q", [len(parts), *map(len, parts)]).tobytes())
    for part in parts:
        stream.write(part)
    if rows is not None:
        with pa.ipc.new_stream(stream, rows.schema) as writer:
            for batch in rows.to_batches() if isinstance(rows, pa.Table) else rows:
                writer.write_batch(batch)
        stream.write(_END_OF_ROWS)
    stream.flush()


def receive(stream: IO[bytes]) -> list[bytes]:
    """Read one. Raises EOFError when nothing comes any more."""
    [count] = array("q", _exactly(stream, 8))
    sizes = array("q", _exactly(stream, 8 * count))
    data = _exactly(stream, sum(sizes))
    return [data[start:end] for start, end in pairwise(accumulate(sizes, initial=0))]


def receive_rows(stream: IO[bytes]) -> pa.RecordBatchReader:
    """Read the rows behind one. Where they end early, the last of them raises EOFError."""
    rows = pa.ipc.open_stream(stream)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from rows
        # To Arrow a stream that stops between two batches is at its end.
        _exactly(stream, len(_END_OF_ROWS))

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


SECOND: Final = Second()
"""That of this process."""
