"""Reads a directory to its end and shows how far it is."""

from __future__ import annotations

import sys
import threading
import time

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

    worker = threading.Thread(target=work, name="ingest")
    started = time.monotonic()
    worker.start()
    interrupted = False
    try:
        _watch(worker, ingester)
    except KeyboardInterrupt:
        interrupted = True
        say("finishes the batch at hand ...")
        ingester.stop()
    worker.join()
    if failures:
        raise failures[0]
    say(_summary(ingester.status(), time.monotonic() - started))
    return ExitCode.INTERRUPTED if interrupted else ExitCode.OK


def _watch(worker: threading.Thread, ingester: Ingester) -> None:
    if not sys.stderr.isatty():
        worker.join()
        return
    columns = (
        TextColumn("{task.fields[events]:,} events"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", events=0, total=None)
        while worker.is_alive():
            worker.join(_INTERVAL_S)
            status = ingester.status()
            total = status.bytes + status.backlog_bytes
            progress.update(task, completed=status.bytes, total=total or None, events=status.events)


def _summary(status: IngestStatus, elapsed_s: float) -> str:
    rate = status.events / elapsed_s if elapsed_s else 0.0
    rejects = f", {status.rejects:,} byte ranges rejected" if status.rejects else ""
    return (
        f"{status.events:,} events from {status.bytes:,} bytes in {status.files:,} files{rejects} "
        f"({elapsed_s:.1f} s, {rate:,.0f} events/s)"
    )
