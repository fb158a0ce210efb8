"""Reads a directory to its end and shows how far it is."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.service import Ingester
from stormwatch.cli.talk import say
from stormwatch.errors import ExitCode
from stormwatch.status import IngestStatus

_INTERVAL_S = 0.2


def drain(ingester: Ingester) -> int:
    """Read everything that is there; Ctrl-C ends it after the batch at hand.

    Raises:
        StormwatchError: the directory cannot be read or the database not written.
    """
    failures: list[BaseException] = []

    def work() -> None:
        try:
            ingester.drain()
        except BaseException as error:  # noqa: BLE001 - raised again where the command ends
            failures.append(error)

    interrupted = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        # A KeyboardInterrupt could be lost in whatever happens to run at that moment.
        interrupted.set()
        ingester.stop()

    worker = threading.Thread(target=work, name="ingest")
    before = signal.signal(signal.SIGINT, end)
    started = time.monotonic()
    worker.start()
    try:
        _watch(worker, ingester, interrupted)
        worker.join()
    finally:
        signal.signal(signal.SIGINT, before)
    if failures:
        raise failures[0]
    for problem in ingester.unmet():
        say(problem)
    status = ingester.status()
    say(_summary(status, time.monotonic() - started))
    if status.backlog_bytes and not interrupted.is_set():
        say(
            f"{status.backlog_bytes:,} bytes in {status.backlog_files:,} files wait for their line end:"
            " taken when it comes, or when nothing was added for an hour (ingest again then, or --follow)"
        )
    return ExitCode.INTERRUPTED if interrupted.is_set() else ExitCode.OK


def _watch(worker: threading.Thread, ingester: Ingester, interrupted: threading.Event) -> None:
    if not sys.stderr.isatty():
        worker.join()
        return
    columns = (
        TextColumn("{task.fields[events]:,} events"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", events=0, total=None)
        while worker.is_alive() and not interrupted.is_set():
            worker.join(_INTERVAL_S)
            status = ingester.status()
            total = status.bytes + status.backlog_bytes
            progress.update(task, completed=status.bytes, total=total or None, events=status.events)
    if interrupted.is_set():
        say("finishes the batch at hand ...")


def _summary(status: IngestStatus, elapsed_s: float) -> str:
    rate = status.events / elapsed_s if elapsed_s else 0.0
    rejects = f", {status.rejects:,} byte ranges rejected" if status.rejects else ""
    masked = status.occurrences.get("secret_masked", 0)
    secrets = f", secrets masked in {masked:,} records" if masked else ""
    return (
        f"{status.events:,} events from {status.bytes:,} bytes in {status.files:,} files{rejects}{secrets} "
        f"({elapsed_s:.1f} s, {rate:,.0f} events/s)"
    )
