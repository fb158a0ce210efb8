"""A disk that is full: reading pauses, says so, loses nothing, and goes on by itself."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest import service
from stormwatch.errors import StorageError
from stormwatch.storage import Store

from .rig import Rig

_MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    if os.geteuid():
        pytest.skip("only root may mount a file system; the limit of file sizes is tested instead")
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", mount],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"mounting is not possible here: {made.stderr.strip()}")
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("with_readers", [False, True], ids=["alone", "with readers"])
def test_a_full_file_system(small_disk: Path, rig: Rig, *, with_readers: bool) -> None:
    rig.close()
    rig.database = small_disk / "stormwatch.duckdb"
    rig._open()
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\1" * (10 * _MIB))
    reader = rig.store.cursor()
    rig.ingester.start()
    try:
        _write_until(rig, lambda: rig.ingester.status().state == "paused")
        status = rig.ingester.status()
        assert "No space left" in status.detail
        assert "Nothing is lost" in status.detail
        time.sleep(1.5)  # it tries again, in vain
        assert rig.ingester.status().state == "paused"
        if with_readers:
            # Whoever asks meanwhile gets an answer or an error, and hinders nobody.
            for _ in range(20):
                try:
                    reader.execute("SELECT count(*) FROM observations").fetchall()
                except Exception:  # noqa: BLE001
                    reader = rig.store.cursor()
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
        _until(lambda: rig.ingester.status().state == "idle")
        rig.append("app.log", 10)
        _until(lambda: len(rig.numbers()) == len(rig.written))
        assert rig.ingester.status().detail == ""
    finally:
        rig.ingester.stop()
    rig.check()
    rig.restart()
    rig.drain()
    rig.check()


@pytest.mark.slow
def test_a_checkpoint_that_fails_for_want_of_space(
    small_disk: Path, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_RESERVE_BYTES", 0)
    rig.close()
    rig.database = small_disk / "stormwatch.duckdb"
    rig._open()
    ballast = small_disk / "ballast"
    with pytest.raises(StorageError, match="Failed to create checkpoint"):
        _go_on_until_there_is_a_checkpoint(rig, ballast)
    with pytest.raises(StorageError):
        rig.look()
    ballast.unlink()
    # What the failed ones took of the file is only given back by one that succeeds.
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    rig.drain()
    rig.check()


def test_the_disk_is_not_filled_to_the_brim(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.append("app.log")
    with monkeypatch.context() as patch:
        patch.setattr(service, "_RESERVE_SHARE", 1)
        patch.setattr(service, "_RESERVE_BYTES", 1 << 60)
        with pytest.raises(StorageError, match=r"stay free for others; free space on its disk"):
            rig.drain()
        assert rig.numbers() == []
    rig.drain()
    rig.check()


def _go_on_until_there_is_a_checkpoint(rig: Rig, ballast: Path) -> None:
    log = rig.database.with_name(rig.database.name + ".wal")
    for _ in range(200):
        _append_noise(rig, 1000)
        if log.exists() and log.stat().st_size > 12 * _MIB and not ballast.exists():
            # What is left is enough for the log of the database, but not for its checkpoint.
            ballast.write_bytes(b"\1" * (shutil.disk_usage(ballast.parent).free - 6 * _MIB))
        rig.look()


_LIMITED = """
import resource, sys
from pathlib import Path
from ingest.service import Ingester, Settings
from stormwatch.storage import Store

with Store(Path(sys.argv[1])) as store:
    ingester = Ingester(store, Settings(Path(sys.argv[2])))
    size = Path(sys.argv[1]).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + (3 << 20), resource.RLIM_INFINITY))
    ingester.start()
    while True:
        sys.stdin.readline()
        status = ingester.status()
        print(status.state, status.events, status.detail, flush=True)
        if status.state == "idle" and status.events >= int(sys.argv[3]):
            break
    ingester.close()
"""


@pytest.mark.slow
def test_a_limit_of_file_sizes(rig: Rig) -> None:
    """The same for those who may not mount: the database file may not grow."""
    rig.close()
    for _ in range(40):
        _append_noise(rig, 1000)
    process = subprocess.Popen(
        [sys.executable, "-c", _LIMITED, rig.database, rig.logs, str(len(rig.written))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    try:
        paused = _ask_until(process, "paused")
        assert "Nothing is lost" in paused
        time.sleep(1)
        assert _ask(process).startswith("paused")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        _ask_until(process, "idle")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
    rig._open()
    rig.check()


def test_no_space_to_make_a_database(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"\1" * (24 * _MIB - 8192))
    with pytest.raises(StorageError, match="cannot"):
        Store(small_disk / "new.duckdb")
    (small_disk / "ballast").unlink()
    Store(small_disk / "new.duckdb").close()


def _append_noise(rig: Rig, count: int) -> None:
    """Lines that stay long in the database."""
    from .rig import line

    first = len(rig.written)
    rig.written.extend(range(first, first + count))
    chance = random.Random(first)
    rig.add(
        "app.log",
        b"".join(
            line(number)[:-2] + b', "noise": "%x"}\n' % chance.getrandbits(1600)
            for number in range(first, first + count)
        ),
    )


def _write_until(rig: Rig, reached: Callable[[], bool]) -> None:
    for _ in range(400):
        if reached():
            return
        _append_noise(rig, 500)
        time.sleep(0.02)
    _until(reached)


def _until(reached: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def _ask(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


def _ask_until(process: subprocess.Popen[str], state: str) -> str:
    for _ in range(600):
        answer = _ask(process)
        if answer.startswith(state):
            return answer
        time.sleep(0.1)
    raise AssertionError(f"it never became {state}")
