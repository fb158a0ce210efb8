"""What is in a directory besides plain log files with plain names."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.discovery import Filter

from .rig import Rig

_NOBODY = 65534


@pytest.mark.parametrize(
    "name",
    [
        "with space.log",
        "line\nend.log",
        "escape\x1b[31m.log",
        "n" * 251 + ".log",
        os.fsdecode(b"not \xff utf-8.log"),
        "zażółć.log",
        "back\\xffslash.log",
        "quote'\".log",
        "[a-z]*.log",
    ],
    ids=["space", "newline", "escape", "255 bytes", "not utf-8", "utf-8", "backslash", "quotes", "pattern"],
)
def test_unusual_names(rig: Rig, name: str) -> None:
    rig.append(name)
    rig.drain()
    rig.append(name)
    rig.restart()
    rig.append(name)
    rig.drain()
    rig.check()
    ((path,),) = rig.files("path")
    assert path.encode()  # it can be shown
    rig.rename(name, "app.log.1")
    rig.append("app.log.1")
    rig.drain()
    rig.check()


def test_a_directory_whose_name_is_not_utf8(rig: Rig) -> None:
    rig.append(os.fsdecode(b"sub\xff/app.log"))
    rig.drain()
    rig.restart()
    rig.append(os.fsdecode(b"sub\xff/app.log"))
    rig.drain()
    rig.check()


def test_what_is_no_file_is_skipped_and_blocks_nothing(rig: Rig) -> None:
    rig.append("app.log")
    os.mkfifo(rig.path("fifo.log"))
    rig.path("directory.log").mkdir()
    with socket.socket(socket.AF_UNIX) as endpoint:
        # A socket's name has to be short.
        endpoint.bind(os.path.relpath(rig.path("socket.log")))
        if os.geteuid() == 0:
            os.mknod(rig.path("zero.log"), stat.S_IFCHR | 0o666, os.makedev(1, 5))
        rig.drain()
    rig.check()
    assert rig.files("path") == [("app.log",)]


def test_a_file_that_becomes_a_fifo_between_looks(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.append("app.log")
    rig.look()
    rig.append("other.log")
    real = os.open

    def swapped(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if path == rig.path("other.log") and not rig.path("kept.log").exists():
            rig.path("other.log").rename(rig.path("kept.log"))
            os.mkfifo(rig.path("other.log"))
        return real(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", swapped)
    rig.look()
    rig.drain()
    rig.check()


def test_hidden_files_drafts_and_archives_are_no_logs(rig: Rig) -> None:
    skipped = (
        ".hidden.log", ".app.log.swp", "app.log~", "app.log.tmp", "app.log.swp", "download.part", "old.tar",
        "old.tgz", "old.zip", "other.duckdb", "other.duckdb.wal", ".git/app.log",
    )  # fmt: skip
    for name in skipped:
        rig.add(name, b'{"id": "999"}\n')
    rig.append("app.log")
    rig.append("no-extension")
    rig.drain()
    rig.check()


def test_an_editor_saves_a_log(rig: Rig) -> None:
    """As vim does: a swap file, the old file renamed, a new one written, the old one deleted."""
    rig.append("app.log", 10)
    rig.drain()
    rig.add(".app.log.swp", b"b0VIM 9.0" + b"\0" * 4000)
    rig.rename("app.log", "app.log~")
    rig.add("app.log", rig.path("app.log~").read_bytes() + rig.lines(2))
    rig.look()
    rig.path("app.log~").unlink()
    rig.path(".app.log.swp").unlink()
    rig.drain()
    rig.check()


def test_patterns_choose_what_is_read(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(accepted=Filter(include=("*.jsonl", "audit/**/*.log"), exclude=("debug*",)))
    rig.append("a.jsonl")
    rig.append("sub/b.jsonl")
    rig.append("audit/x/c.log")
    for name in ("d.log", "debug.jsonl", "sub/debug-1.jsonl", "other/x/e.log"):
        rig.add(name, b'{"id": "999"}\n')
    rig.drain()
    rig.check()


def test_a_file_that_may_not_be_read_and_later_may(rig: Rig) -> None:
    rig.append("a.log")
    rig.append("b.log")
    rig.path("b.log").chmod(0)
    with _as_nobody(rig):
        rig.drain()
        assert rig.occurrences()["file_unreadable"] == 1
        rig.look()
        assert rig.occurrences()["file_unreadable"] == 1
    rig.check(missing=rig.written[10:])
    rig.path("b.log").chmod(0o644)
    with _as_nobody(rig):
        rig.drain()
    rig.check()


def test_a_known_file_that_may_not_be_read_for_a_while(rig: Rig) -> None:
    rig.append("a.log")
    rig.drain()
    rig.restart()
    rig.append("a.log")
    rig.path("a.log").chmod(0)
    with _as_nobody(rig):
        rig.drain()
    rig.path("a.log").chmod(0o644)
    with _as_nobody(rig):
        rig.drain()
    rig.check()


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o100], ids=["no access", "no search", "no listing"])
def test_a_directory_that_may_not_be_read_for_a_while(rig: Rig, mode: int) -> None:
    rig.append("sub/a.log")
    rig.append("b.log")
    rig.drain()
    rig.restart()
    rig.append("sub/a.log")
    rig.path("sub").chmod(mode)
    with _as_nobody(rig):
        rig.drain()
    # Files that cannot be looked at are not taken for deleted ones.
    assert rig.files("state") == [("live",), ("live",)]
    rig.path("sub").chmod(0o755)
    with _as_nobody(rig):
        rig.drain()
    rig.check()
    assert len(rig.files("state")) == 2


def test_new_directories_with_files_in_them(rig: Rig) -> None:
    rig.append("app.log")
    rig.drain()
    rig.append("a/b/c/d/e/deep.log")
    rig.append("a/b/top.log")
    rig.drain()
    rig.path("a").rename(rig.path("z"))
    rig.append("z/b/c/d/e/deep.log")
    rig.drain()
    rig.check()


def test_a_chain_of_directories_that_is_too_deep_is_reported_and_harmless(rig: Rig) -> None:
    rig.append("app.log")
    descriptor = os.open(rig.logs, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    try:
        rig.drain()
        rig.check()
        assert rig.occurrences()["file_unreadable"] == 1
    finally:
        subprocess.run(["rm", "-rf", rig.path("d")], check=True)


def test_the_database_is_not_read_as_a_log(tmp_path: Path) -> None:
    from ingest.service import Ingester, Settings
    from stormwatch.errors import SourceError
    from stormwatch.storage import Store

    with Store(tmp_path / "inside.duckdb") as store, pytest.raises(SourceError, match="watched directory"):
        Ingester(store, Settings(tmp_path))


@contextmanager
def _as_nobody(rig: Rig) -> Iterator[None]:
    """Without the privileges of root, to whom nothing is forbidden."""
    if os.geteuid():
        yield
        return
    temporary = Path(tempfile.gettempdir())
    for parent in [rig.base, *rig.base.parents]:
        if parent.is_relative_to(temporary) and parent != temporary:
            parent.chmod(0o755)
    for path in [rig.base, *rig.base.glob("stormwatch.duckdb*")]:
        os.chown(path, _NOBODY, _NOBODY)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
