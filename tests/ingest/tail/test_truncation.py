"""Files that are cut, emptied or rewritten in place."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import pytest

from stormwatch.errors import StorageError

from .rig import Rig


@pytest.mark.parametrize("restart", [False, True], ids=["running", "stopped"])
def test_truncated_to_nothing_and_written_less(rig: Rig, *, restart: bool) -> None:
    rig.append("app.log", 50)
    rig.drain()
    if restart:
        rig.close()
    os.truncate(rig.path("app.log"), 0)
    rig.append("app.log", 5)
    if restart:
        rig._open()
    for _ in range(3):
        rig.drain()
        rig.restart()
    rig.check()
    assert rig.files("state") == [("replaced",), ("live",)]


def test_truncated_while_idle(rig: Rig) -> None:
    rig.append("app.log", 50)
    rig.drain()
    rig.clock.pass_time(7200)
    rig.drain()
    os.truncate(rig.path("app.log"), 0)
    rig.drain()
    rig.clock.pass_time(7200)
    rig.append("app.log", 5)
    rig.drain()
    rig.check()


@pytest.mark.slow
def test_twenty_truncations_in_a_row(rig: Rig) -> None:
    for _ in range(20):
        rig.append("app.log", 3)
        rig.look()
        os.truncate(rig.path("app.log"), 0)
    rig.drain()
    rig.check()


@pytest.mark.parametrize("pad", [0, 300], ids=["within the head", "behind the head"])
def test_cut_in_the_middle_of_a_line(rig: Rig, pad: int) -> None:
    content = rig.append("app.log", 30, pad)
    rig.look()
    os.truncate(rig.path("app.log"), len(content) * 2 // 3 + 5)
    rig.look()
    rig.append("app.log", 3)
    rig.drain()
    rig.restart()
    rig.append("app.log", 3)
    rig.drain()
    rig.check()


@pytest.mark.parametrize("restarts", [0, 2])
def test_emptied_and_a_record_half_written_that_begins_like_the_first_one(rig: Rig, restarts: int) -> None:
    rig.append("app.log", 1)
    rig.look()
    rig.copytruncate("app.log", "app.log.1")
    record = rig.lines(1)
    rig.add("app.log", record[:8])
    for _ in range(restarts):
        rig.look()
        rig.restart()
    rig.look()
    rig.add("app.log", record[8:])
    rig.drain()
    rig.check()


def test_cut_behind_the_offset(rig: Rig) -> None:
    rig.append("app.log", 30)
    rig.look()
    size = rig.path("app.log").stat().st_size
    rig.append("app.log", 3)
    rig.ingester._tailer.scan()
    os.truncate(rig.path("app.log"), size)
    rig.look()
    rig.append("app.log", 3)
    rig.drain()
    rig.check(missing=range(30, 33))
    assert rig.files("state") == [("live",)]


def test_truncated_while_the_database_refuses(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.append("app.log", 30)
    rig.look()
    rig.append("app.log", 5)

    def refuse(*_: object) -> object:
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(rig.ingester._writer, "_write", refuse)
        with pytest.raises(StorageError, match="Nothing is lost"):
            rig.look()
        rig.copytruncate("app.log", "app.log.1")
        rig.append("app.log", 5)
        with suppress(StorageError):
            rig.look()
    rig.drain()
    rig.check()


def test_rewritten_in_place_to_the_same_size(rig: Rig) -> None:
    before = rig.append("app.log", 10)
    rig.look()
    after = rig.lines(10)
    assert len(after) == len(before) + 10  # two digits instead of one
    with rig.path("app.log").open("r+b") as file:
        file.write(after[: len(before)])
    rig.drain()
    assert rig.files("state") == [("replaced",), ("live",)]
    # The last line is cut short by what was asked for here, so it is rejected.
    rig.check(missing=[19])


def test_truncated_while_it_is_read(make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before, and what is read after, a truncation are never mixed in one batch."""
    from ingest import tailer

    rig = make_rig()
    read_chunk, turns = tailer.read_chunk, iter(range(100))

    def disturbed(*args: object, **kwargs: object) -> object:
        chunk = read_chunk(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        if next(turns) == 1:
            rig.copytruncate("app.log", "app.log.1")
            rig.append("app.log", 40)
        return chunk

    monkeypatch.setattr(tailer, "read_chunk", disturbed)
    rig.append("app.log", 20)
    rig.look()
    rig.append("app.log", 20)
    rig.look()
    rig.drain()
    rig.check()
    assert rig.occurrences()["read_raced"] == 1


def test_truncated_while_its_first_bytes_are_read(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest import tailer

    read_chunk, turns = tailer.read_chunk, iter(range(100))

    def disturbed(*args: object, **kwargs: object) -> object:
        chunk = read_chunk(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        if next(turns) == 0:
            rig.copytruncate("app.log", "app.log.1")
            rig.append("app.log", 40)
        return chunk

    monkeypatch.setattr(tailer, "read_chunk", disturbed)
    rig.append("app.log", 20)
    rig.look()
    rig.drain()
    rig.check()
    assert rig.occurrences()["read_raced"] == 1
