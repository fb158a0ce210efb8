"""Records that make the database itself fail: the others are stored, they are in quarantine."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from ingest.engine import Engine
from ingest.reader import Share

from .rig import Rig, poison, refuse_poison


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return refuse_poison(monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1, 50, 99], ids=["first", "second", "middle", "last"])
def test_one_record_among_many(rig: Rig, poisoned: list[int], place: int) -> None:
    before, after = rig.lines(place), rig.lines(100 - place)
    rig.append("other.log", 100)
    rig.add("app.log", before + poison(999) + after)
    rig.drain()
    rig.check()
    assert rig.rejects() == [(poison(999), "the database cannot take it: a defect of the parser")]
    assert poisoned[0] < 15


@pytest.mark.slow
def test_many_of_them_in_several_files(make_rig: Callable[..., Rig], poisoned: list[int]) -> None:
    rig = make_rig(batch=Share(bytes=1 << 20, records=70))
    for name in ("a.log", "b.log", "c.log"):
        for number in range(4):
            rig.append(name, 17)
            rig.add(name, poison(1000 + number))
    rig.look()
    rig.kill()
    rig.drain()
    rig.check()
    assert len(rig.rejects()) == 12
    assert poisoned[0] >= 12


def test_nothing_but_one_such_record(rig: Rig, poisoned: list[int]) -> None:
    rig.add("app.log", poison(1))
    rig.drain()
    rig.append("app.log", 3)
    rig.drain()
    rig.check_conservation()
    assert len(rig.rejects()) == 1
    assert poisoned[0] == 1


def test_no_memory_for_a_record_is_no_fault_of_the_record(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from stormwatch.errors import StorageError

    def failing(*_: object) -> object:
        raise duckdb.OutOfMemoryException("could not allocate")

    rig.append("app.log", 3)
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "parse", failing)
        with pytest.raises(StorageError, match="not enough memory"):
            rig.drain()
    rig.drain()
    rig.check()
    assert rig.rejects() == []
