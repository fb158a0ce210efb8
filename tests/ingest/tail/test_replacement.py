"""Names, inodes and links: whose bytes are these."""

from __future__ import annotations

import os
import shutil

import pytest

from ingest import strangers
from ingest.identity import FileKey

from .rig import Rig

pytestmark = pytest.mark.slow


def test_deleted_and_made_anew_under_the_same_name(rig: Rig) -> None:
    rig.append("app.log")
    rig.look()
    rig.path("app.log").unlink()
    rig.append("app.log")
    rig.drain()
    rig.check()


@pytest.mark.parametrize("birth", [True, False], ids=["birth times", "no birth times"])
def test_inode_numbers_that_are_used_again_at_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, *, birth: bool
) -> None:
    if not birth:

        def without(descriptor: int) -> FileKey:
            status = os.fstat(descriptor)
            return FileKey(status.st_dev, status.st_ino, 0)

        monkeypatch.setattr("ingest.identity.file_key", without)
        monkeypatch.setattr(strangers, "file_key", without)
        monkeypatch.setattr("ingest.open_files.file_key", without)
    inodes = []
    for turn in range(12):
        rig.append("app.log", 5, pad=turn)
        inodes.append(rig.path("app.log").stat().st_ino)
        rig.drain()
        rig.close()  # what is held open keeps its inode
        rig.path("app.log").unlink()
        rig._open()
    rig.drain()
    rig.check()
    assert len(set(inodes)) < len(inodes), "this file system does not use inode numbers again"


def test_deleted_while_it_is_read(rig: Rig) -> None:
    with rig.path("app.log").open("ab", buffering=0) as late:
        late.write(rig.lines(10))
        rig.look()
        rig.path("app.log").unlink()
        late.write(rig.lines(10))
        rig.look()
        late.write(rig.lines(10)[:-20])
        rig.look()
        rig.clock.pass_time(4)
        rig.look()
        late.write(line_end(rig))
        rig.look()
    rig.check()
    assert rig.rejects() == []


def line_end(rig: Rig) -> bytes:
    """What is missing of the last line that was written."""
    from .rig import line

    return line(rig.written[-1])[-20:]


def test_a_deleted_file_is_closed_when_nobody_writes_to_it(rig: Rig) -> None:
    rig.append("app.log")
    rig.look()
    rig.path("app.log").unlink()
    rig.look()
    assert _open_logs(rig) == 1
    rig.clock.pass_time(6)
    rig.look()
    assert _open_logs(rig) == 0
    rig.check()
    assert rig.files("state", "missed_bytes") == [("gone", 0)]


def test_the_torn_tail_of_a_deleted_file_is_kept_in_quarantine(rig: Rig) -> None:
    rig.append("app.log")
    rig.add("app.log", b'{"id": "torn')
    rig.look()
    rig.path("app.log").unlink()
    for _ in range(3):
        rig.look()
        rig.clock.pass_time(6)
    rig.look()
    rig.check()
    assert [raw for raw, _ in rig.rejects()] == [b'{"id": "torn']
    assert rig.files("state", "missed_bytes") == [("gone", 0)]


@pytest.mark.parametrize("pad", [0, 500], ids=["small", "large"])
@pytest.mark.parametrize("restart", [False, True], ids=["running", "stopped"])
def test_replaced_by_a_longer_file_that_starts_the_same(rig: Rig, pad: int, *, restart: bool) -> None:
    rig.append("app.log", 10, pad)
    rig.drain()
    if restart:
        rig.close()
    draft = rig.base / "draft"
    shutil.copyfile(rig.path("app.log"), draft)
    with draft.open("ab") as file:
        file.write(rig.lines(5, pad))
    draft.rename(rig.path("app.log"))
    if restart:
        rig._open()
    rig.drain()
    rig.append("app.log", 5, pad)
    rig.drain()
    rig.check()


def test_replaced_by_other_content(rig: Rig) -> None:
    rig.append("app.log")
    rig.drain()
    draft = rig.base / "draft"
    draft.write_bytes(rig.lines(10))
    draft.rename(rig.path("app.log"))
    rig.drain()
    rig.check()


def test_two_files_with_the_same_first_line(rig: Rig) -> None:
    banner = b'{"event": "start", "version": "1.0"}\n'
    rig.add("a.log", banner)
    rig.add("b.log", banner)
    rig.drain()
    rig.add("a.log", rig.lines(5))
    rig.drain()
    rig.add("b.log", rig.lines(5))
    rig.drain()
    # Until the second differs, it is a copy of the first; then all of it is its own.
    assert rig.query("SELECT count(*) FROM observations WHERE event_id IS NULL") == [(2,)]
    with rig.store.cursor() as cursor:
        cursor.execute("DELETE FROM observations WHERE event_id IS NULL")
    assert sorted(rig.numbers()) == rig.written


@pytest.mark.parametrize("together", [False, True])
def test_two_logs_with_the_same_long_banner(rig: Rig, *, together: bool) -> None:
    """Lines without a time are told apart by nothing: they are of each log that has them."""
    banner = b"".join(b'{"event": "option", "name": "max.%03d", "value": 17}\n' % n for n in range(100))
    names = ["a.log", "b.log", "c.log"]
    for name in names:
        rig.add(name, banner)
        if not together:
            rig.append(name, 5)
            rig.look()
    for _ in range(3):
        for name in names:
            rig.append(name, 5)
        rig.look()
    rig.drain()
    assert rig.query("SELECT count(*) FROM observations WHERE event_id IS NULL") == [(300,)]
    with rig.store.cursor() as cursor:
        cursor.execute("DELETE FROM observations WHERE event_id IS NULL")
    assert sorted(rig.numbers()) == rig.written


def test_an_exact_copy_beside_the_file(rig: Rig) -> None:
    rig.append("app.log", 20)
    rig.look()
    shutil.copyfile(rig.path("app.log"), rig.path("duplicate.log"))
    rig.drain()
    rig.append("app.log", 20)
    rig.drain()
    rig.restart()
    rig.drain()
    rig.check()
    assert rig.occurrences()["copy_skipped"] == 1


def test_two_names_of_one_file(rig: Rig) -> None:
    rig.append("b.log")
    rig.path("a.log").hardlink_to(rig.path("b.log"))
    rig.drain()
    rig.append("a.log")
    rig.drain()
    rig.path("a.log").unlink()
    rig.append("b.log")
    rig.drain()
    rig.check()
    assert rig.files("path") == [("b.log",)]


def test_links_within_and_out_of_the_directory(rig: Rig) -> None:
    outside = rig.base / "secret"
    outside.mkdir()
    (outside / "other.log").write_bytes(b'{"id": "999"}\n')
    rig.append("app.log")
    rig.path("current.log").symlink_to("app.log")
    rig.path("escape.log").symlink_to(outside / "other.log")
    rig.path("escape").symlink_to(outside)
    rig.path("dangling.log").symlink_to("nothing.log")
    rig.path("loop").symlink_to(".")
    rig.drain()
    rig.look()
    rig.check()
    assert rig.occurrences()["symlink_skipped"] == 5  # once each, however many looks


def test_the_target_of_a_link_within_the_directory_rotates(rig: Rig) -> None:
    for number in range(5):
        rig.append(f"app-{number}.log")
        rig.path("current.log").unlink(missing_ok=True)
        rig.path("current.log").symlink_to(f"app-{number}.log")
        rig.look()
    rig.drain()
    rig.check()


def test_a_directory_that_is_replaced_by_a_link_during_the_walk(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = rig.base / "secret"
    outside.mkdir()
    (outside / "other.log").write_bytes(b'{"id": "999"}\n')
    rig.append("sub/app.log")
    real = os.open

    def swapped(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if path == "sub" and kwargs.get("dir_fd") is not None and rig.path("sub").is_dir():
            rig.path("sub").rename(rig.path("moved"))
            rig.path("sub").symlink_to(outside)
        return real(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", swapped)
    rig.look()
    monkeypatch.undo()
    rig.drain()
    rig.check()


def _open_logs(rig: Rig) -> int:
    found = 0
    for link in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            target = os.readlink(f"/proc/self/fd/{link}")  # noqa: PTH115
        except OSError:
            continue
        found += target.startswith(f"{rig.logs}/")
    return found
