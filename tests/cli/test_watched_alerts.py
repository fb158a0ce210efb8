"""`alerts list --watch`: a line per change, or a table that is updated in place, until it is told to stop."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from stormwatch.alerts import ledger
from stormwatch.errors import ExitCode
from stormwatch.storage import Store
from tests.alerts.outbox import FIRING, put

from .harness import HOSTILE, ROOT, Command, Processes, Running, command, eventually

WATCH = ("alerts", "list", "--watch", "--every", "0.1")


@pytest.fixture
def firing(prepared: Path) -> Path:
    """A database with an alert that fires, of a loop with a hostile name."""
    with Store(prepared) as store:
        put(store, replace(FIRING, sentence=HOSTILE))
    return prepared


def close(database: Path) -> None:
    with Store(database) as store, ledger.written(store) as cursor:
        assert ledger.close(cursor, 1, "kim", ledger.wall_now())


def next_line(running: Running) -> str:
    assert running.process.stdout is not None
    return running.process.stdout.readline().decode()


def test_each_change_is_a_line(firing: Path, start: Processes) -> None:
    running = start(*WATCH)
    first = next_line(running)
    assert first.split(" ", 1)[1].startswith("firing warn storm_ahead 1: a\\u001b[31mred")
    close(firing)
    assert next_line(running).split(" ", 1)[1].startswith("resolved warn storm_ahead 1: ")
    running.process.send_signal(signal.SIGINT)
    out, err = running.process.communicate(timeout=60)
    assert (running.process.returncode, out, b"Traceback" in err) == (ExitCode.OK, b"", False)


def test_while_the_database_cannot_be_asked_that_is_said(firing: Path, start: Processes) -> None:
    running = start(*WATCH)
    next_line(running)
    hidden = firing.rename(firing.with_name("away.duckdb"))
    assert running.process.stderr is not None
    assert b"not known at" in running.process.stderr.readline()
    close(hidden.rename(firing))
    assert "resolved warn" in next_line(running)


def test_what_is_asked_first_must_be_there(database: Path, stormwatch: Command) -> None:
    assert stormwatch(*WATCH).code == ExitCode.STORAGE
    assert not database.exists()


@pytest.mark.usefixtures("firing")
def test_it_is_for_people(stormwatch: Command) -> None:
    refused = stormwatch(*WATCH, "--format", "json")
    assert (refused.code, "leave out --format" in refused.err) == (ExitCode.USAGE, True)


@contextmanager
def terminal(*arguments: object) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command on a terminal, and our end of it."""
    ours, its = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "150", "LINES": "40"}
    process = subprocess.Popen(command(*arguments), cwd=ROOT, env=environment, stdout=its, stderr=its)
    os.close(its)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_on_a_terminal_the_table_is_updated_in_place(firing: Path) -> None:
    with terminal(*WATCH) as (process, ours):
        shown = bytearray()

        def shows(text: bytes) -> bool:
            if select.select([ours], [], [], 0.1)[0]:  # a read alone would wait without end
                shown.extend(os.read(ours, 65536))
            return text in shown

        eventually(lambda: shows(b"1 firing, 0 pending"))
        assert b"a\\u001b[31mred" in shown
        assert b"storm_ahead" in shown
        shown.clear()
        close(firing)
        eventually(lambda: shows(b"0 firing, 0 pending"))
        # The cursor goes up over the table that was there.
        assert b"\x1b[1A" in shown
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # how Linux says that nobody has the other end any more
            eventually(lambda: shows(b"Traceback"))
        assert process.wait(timeout=60) == ExitCode.OK
        assert b"Traceback" not in shown
