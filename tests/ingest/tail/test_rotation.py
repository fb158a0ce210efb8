"""Rotation by renaming and by copying, however it meets the reader."""

from __future__ import annotations

import os
import shutil

import pytest

from .rig import Rig


def test_rename_with_a_new_file(rig: Rig) -> None:
    rig.append("app.log")
    rig.look()
    rig.append("app.log")
    rig.rename("app.log", "app.log.1")
    rig.append("app.log")
    rig.drain()
    rig.check()
    assert rig.files("path") == [("app.log.1",), ("app.log",)]


def test_a_late_writer_keeps_writing_to_the_renamed_file(rig: Rig) -> None:
    with rig.path("app.log").open("ab", buffering=0) as late:
        late.write(rig.lines(5))
        rig.look()
        rig.rename("app.log", "app.log.1")
        rig.append("app.log")
        rig.look()
        rig.clock.pass_time(3600)
        rig.look()
        late.write(rig.lines(5))
        rig.look()
        rig.restart()
        late.write(rig.lines(5))
        rig.drain()
    rig.check()


def test_several_renames_in_a_row(rig: Rig) -> None:
    rig.append("app.log")
    rig.look()
    for _ in range(5):
        _shift(rig, "app.log", keep=9)
        rig.append("app.log")
    rig.drain()
    rig.check()
    assert len(rig.files("path")) == 6


def test_three_files_rotate_between_looks(rig: Rig) -> None:
    for turn in range(8):
        for name in ("a.log", "b.log", "c.log"):
            _shift(rig, name, keep=20)
            rig.append(name, 7)
        if turn % 3 == 0:
            rig.look()
    rig.drain()
    rig.check()


def test_what_is_deleted_before_it_is_read_is_reported(rig: Rig) -> None:
    kept = rig.append("app.log", 3)
    rig.look()
    rig.append("app.log", 3)
    held = rig.files("committed_offset")
    # The file was seen, so it is held open and read to its end although it has no name any more.
    rig.path("app.log").unlink()
    rig.look()
    rig.check()
    assert held == [(len(kept),)]
    rig.restart()
    rig.append("app.log", 3)
    size = rig.path("app.log").stat().st_size
    rig.look()
    unread = rig.lines(4)
    rig.close()
    rig.add("app.log", unread)
    rig._open()
    rig.path("app.log").unlink()
    rig.drain()
    rig.check(missing=rig.written[-4:])
    # Nobody saw the last lines, so their size is not known; the file itself is known to be gone.
    assert rig.files("state", "committed_offset")[-1] == ("gone", size)


def test_missed_bytes_of_a_file_that_was_seen_longer(rig: Rig) -> None:
    rig.append("app.log", 3)
    rig.look()
    unread = rig.append("app.log", 4)
    rig.ingester._tailer.scan()  # seen, and not read
    os.truncate(rig.path("app.log"), 0)
    rig.drain()
    rig.check(missing=rig.written[-4:])
    assert rig.files("state", "missed_bytes") == [("replaced", len(unread))]


def test_moved_out_of_the_directory_and_appended_to(rig: Rig) -> None:
    rig.append("app.log")
    rig.look()
    outside = rig.base / "elsewhere.log"
    rig.path("app.log").rename(outside)
    rig.look()
    with outside.open("ab", buffering=0) as late:
        late.write(rig.lines(5))
    rig.look()
    rig.clock.pass_time(30)
    with outside.open("ab", buffering=0) as late:
        late.write(rig.lines(5))
    rig.look()
    rig.check()
    rig.clock.pass_time(61)
    rig.look()
    rig.look()
    assert rig.files("state") == [("gone",)]


def test_moved_within_the_directory_is_not_read_again(rig: Rig) -> None:
    rig.append("app.log")
    rig.look()
    rig.path("old").mkdir()
    rig.rename("app.log", "old/app.log")
    rig.drain()
    rig.restart()
    rig.drain()
    rig.check()
    assert rig.files("path") == [("old/app.log",)]


def test_renamed_while_stopped_and_appended_to(rig: Rig) -> None:
    rig.append("app.log")
    rig.drain()
    rig.close()
    rig.rename("app.log", "app.log.1")
    rig.append("app.log.1")
    rig._open()
    rig.drain()
    rig.check()


def test_rotated_and_started_anew_while_stopped(rig: Rig) -> None:
    rig.append("app.log")
    rig.drain()
    rig.append("app.log")
    rig.close()
    rig.rename("app.log", "app.log.1")
    rig.append("app.log")
    rig._open()
    rig.drain()
    rig.check()


@pytest.mark.parametrize("copy", ["app.log.1", "a-copy.log"], ids=["sorts behind", "sorts before"])
@pytest.mark.parametrize("seen", [True, False], ids=["seen before", "not seen before"])
@pytest.mark.parametrize("pad", [0, 500], ids=["small", "large"])
def test_copytruncate_with_an_unread_tail_in_the_copy(rig: Rig, copy: str, pad: int, *, seen: bool) -> None:
    rig.append("app.log", 20, pad)
    if seen:
        rig.look()
    rig.append("app.log", 20, pad)
    rig.copytruncate("app.log", copy)
    rig.append("app.log", 5, pad)
    rig.drain()
    rig.check()
    rig.restart()
    rig.append("app.log", 5, pad)
    rig.drain()
    rig.check()


@pytest.mark.slow
@pytest.mark.parametrize("copy", ["app.log.1", "a-copy.log"], ids=["sorts behind", "sorts before"])
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarting"])
def test_copytruncate_with_a_copy_that_grows_slowly(rig: Rig, copy: str, *, restart: bool) -> None:
    rig.append("app.log", 40, 200)
    rig.look()
    content = rig.path("app.log").read_bytes()
    for start in range(0, len(content), 777):
        rig.add(copy, content[start : start + 777])
        rig.look()
        rig.clock.pass_time(60)
        if restart:
            rig.kill()
    os.truncate(rig.path("app.log"), 0)
    rig.look()
    rig.append("app.log", 3)
    rig.drain()
    rig.check()


def test_the_original_grows_while_it_is_copied_and_is_read_further_than_the_copy_reaches(rig: Rig) -> None:
    rig.append("app.log", 40, 200)
    rig.look()
    shutil.copyfile(rig.path("app.log"), rig.path("app.log.1"))
    rig.append("app.log", 3, 200)
    rig.look()
    os.truncate(rig.path("app.log"), 0)
    for _ in range(3):
        rig.look()
        rig.clock.pass_time(60)
    rig.kill()
    rig.drain()
    rig.check()


def test_the_same_when_the_copy_is_first_seen_after_the_truncation(rig: Rig) -> None:
    rig.append("app.log", 40, 200)
    copied = rig.path("app.log").read_bytes()
    rig.append("app.log", 3, 200)
    rig.look()
    rig.add("app.log.1", copied)
    os.truncate(rig.path("app.log"), 0)
    rig.append("app.log", 2, 200)
    for _ in range(3):
        rig.look()
        rig.clock.pass_time(60)
    rig.drain()
    rig.check()


def test_a_copy_of_a_file_that_is_gone_and_was_read_in_part(rig: Rig) -> None:
    rig.append("app.log", 40, 200)
    rig.look()
    rig.append("app.log", 10, 200)
    content = rig.path("app.log").read_bytes()
    rig.close()
    rig.path("app.log").unlink()
    rig._open()
    for start in range(0, len(content), 1234):
        rig.add("late-copy.log", content[start : start + 1234])
        rig.look()
        rig.clock.pass_time(60)
    rig.drain()
    rig.check()


def test_copytruncate_of_a_file_that_held_a_torn_line_and_was_replaced_by_another(rig: Rig) -> None:
    """Nothing of it is committed, so its start is all there is to tell copies by."""
    first = rig.lines(1)
    rig.add("zeta.log", first[:20])
    rig.look()
    rig.add("zeta.log", first[20:])
    rig.copytruncate("zeta.log", "0-zeta.1.log")
    second = rig.lines(1)
    rig.add("zeta.log", second[:20])
    rig.look()
    rig.add("zeta.log", second[20:])
    shutil.copyfile(rig.path("zeta.log"), rig.path("0-zeta.2.log"))
    rig.look()
    os.truncate(rig.path("zeta.log"), 0)
    rig.drain()
    rig.check()


def test_copytruncate_while_stopped(rig: Rig) -> None:
    rig.append("app.log", 100)
    rig.drain()
    rig.append("app.log", 100)
    rig.close()
    rig.copytruncate("app.log", "app.log.1")
    rig.append("app.log", 50)
    rig._open()
    rig.drain()
    rig.check()


def test_copytruncate_with_equal_first_1000_bytes(rig: Rig) -> None:
    def record(number: int) -> bytes:
        return b'{"resource":"%s","id":"%d"}\n' % (b"r" * 1100, number)

    rig.written = list(range(40))
    rig.add("app.log", b"".join(map(record, range(20))))
    rig.look()
    rig.copytruncate("app.log", "app.log.1")
    rig.add("app.log", b"".join(map(record, range(20, 30))))
    rig.look()
    os.truncate(rig.path("app.log"), 0)
    # Torn within the part that is the same as ever.
    rig.add("app.log", record(30)[:700])
    rig.look()
    rig.add("app.log", record(30)[700:] + b"".join(map(record, range(31, 40))))
    rig.drain()
    rig.check()


def test_copytruncate_regrown_past_the_offset_between_looks(rig: Rig) -> None:
    rig.append("app.log", 30)
    rig.look()
    rig.copytruncate("app.log", "app.log.1")
    rig.append("app.log", 90)
    rig.drain()
    rig.check()


def test_copytruncate_under_a_writer_that_does_not_append(rig: Rig) -> None:
    descriptor = os.open(rig.path("app.log"), os.O_WRONLY | os.O_CREAT)
    try:
        os.write(descriptor, rig.lines(50))
        rig.look()
        rig.copytruncate("app.log", "app.log.1")
        os.write(descriptor, rig.lines(50))
        rig.look()
        os.write(descriptor, rig.lines(5))
    finally:
        os.close(descriptor)
    rig.drain()
    rig.check()
    assert rig.rejects() == []
    holes = rig.query("SELECT sum(blank_bytes) FROM files")
    assert holes == [(len(rig.path("app.log.1").read_bytes()),)]


def test_a_hole_longer_than_the_longest_line(make_rig: object) -> None:
    from ingest.reader import Limits

    rig: Rig = make_rig(limits=Limits(max_line_bytes=4096))  # type: ignore[operator]
    descriptor = os.open(rig.path("app.log"), os.O_WRONLY | os.O_CREAT)
    try:
        os.write(descriptor, rig.lines(500))
        rig.look()
        os.truncate(rig.path("app.log"), 0)
        os.write(descriptor, rig.lines(5))
    finally:
        os.close(descriptor)
    rig.drain()
    rig.check()
    assert rig.rejects() == []


def test_copytruncate_with_a_copy_outside_the_directory(rig: Rig) -> None:
    rig.append("app.log", 30)
    rig.look()
    lost = rig.append("app.log", 3)
    rig.ingester._tailer.scan()
    os.truncate(rig.path("app.log"), 0)
    rig.append("app.log", 3)
    rig.drain()
    rig.check(missing=range(30, 33))
    assert rig.query("SELECT sum(missed_bytes) FROM files") == [(len(lost),)]


def test_a_file_copied_before_the_first_look_and_written_on(rig: Rig) -> None:
    rig.append("app.log", 40, 200)
    shutil.copyfile(rig.path("app.log"), rig.path("a-backup.log"))
    rig.append("app.log", 40, 200)
    rig.drain()
    rig.append("app.log", 40, 200)
    rig.drain()
    rig.check()


def test_a_backup_that_is_overwritten_in_place_day_by_day(rig: Rig) -> None:
    rig.append("app.log", 40, 200)
    for _ in range(3):
        shutil.copyfile(rig.path("app.log"), rig.path("a-backup.log"))
        rig.drain()
        rig.append("app.log", 40, 200)
        rig.look()
    rig.drain()
    rig.check()


def _shift(rig: Rig, name: str, keep: int) -> None:
    for number in range(keep - 1, 0, -1):
        if rig.path(f"{name}.{number}").exists():
            rig.rename(f"{name}.{number}", f"{name}.{number + 1}")
    if rig.path(name).exists():
        rig.rename(name, f"{name}.1")
