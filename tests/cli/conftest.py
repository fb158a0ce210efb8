"""Logs to read, a place for the database, and the command to run."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from stormwatch.cli.main import main
from stormwatch.storage import Store
from tests.prepared import prepare, read_into

from .harness import HOSTILE, Command, Processes, Result, order

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start what is to run in the background so, and the commands would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A directory with one file of ten events, a chain; its third record holds hostile text."""
    return _write_orders(tmp_path / "logs")


def _write_orders(directory: Path) -> Path:
    directory.mkdir()
    records = [order(number) for number in range(10)]
    records[2] = order(2, note=HOSTILE, formula="=1+1")
    (directory / "orders.jsonl").write_text("".join(records), encoding="utf-8")
    return directory


@pytest.fixture(scope="session")
def _read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("read")
    with Store(prepare(directory / "read.duckdb")) as store:
        read_into(store, _write_orders(directory / "logs"))
    return directory / "read.duckdb"


@pytest.fixture
def stored_orders(_read: Path, database: Path) -> Path:
    """The database of the test is there, and holds what `logs` does."""
    return shutil.copyfile(_read, database)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the database of the test is or will be; commands find it by the environment."""
    path = tmp_path / "test.duckdb"
    monkeypatch.setenv("STORMWATCH_DB", str(path))
    return path


@pytest.fixture
def prepared(database: Path) -> Path:
    """The database of the test is there, and has no events yet."""
    return prepare(database)


@pytest.fixture
def stormwatch(database: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run a command in this process, with its output to no terminal."""
    assert database.parent.is_dir()

    def run(*arguments: object) -> Result:
        capfdbinary.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capfdbinary.readouterr()
        return Result(code, captured.out, captured.err.decode())

    return run


@pytest.fixture
def start(database: Path) -> Iterator[Processes]:
    """Start a command as a process of its own."""
    processes = Processes(database)
    yield processes
    for process in processes.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
