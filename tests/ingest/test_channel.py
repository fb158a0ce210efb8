"""What one process says is what the other hears, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pyarrow as pa
import pytest

from ingest import channel
from ingest.channel import Channel, new_room


@pytest.fixture(params=["in memory", "in a file"])
def ends(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Channel, Channel]]:
    """Both ends of one."""
    if request.param == "in a file":
        monkeypatch.delattr(channel.os, "memfd_create")
    rooms = new_room(), new_room()
    with ExitStack() as stack:
        ends = [(end, mode) for _ in range(2) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True)]
        heard, saying, hearing, said = (stack.enter_context(os.fdopen(*end)) for end in ends)
        one = Channel(heard, said, rooms)
        other = Channel(hearing, saying, (os.dup(rooms[1]), os.dup(rooms[0])))
        stack.callback(one.close)
        stack.callback(other.close)
        yield one, other


def rows(count: int) -> pa.Table:
    """Of numbers and texts, in several batches."""
    numbers = range(count)
    table = pa.table({"number": pa.array(numbers), "text": [f"text {number}" for number in numbers]})
    return pa.Table.from_batches(table.to_batches(max_chunksize=1000), schema=table.schema)


def test_messages_of_any_size_are_heard_as_they_were_said(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    messages = (
        ([], None), ([b""], None), ([b"a", b"", b"bc" * 100_000], None), ([b"x"], rows(0)), ([], rows(1)),
        ([b"y" * 77, memoryview(b"z")], rows(5000)), ([b"short"], None),
    )  # fmt: skip
    for parts, table in messages:
        for said, heard in ((one, other), (other, one)):
            said.send(parts, table)
            message = heard.receive(60.0)
            assert message.parts == [bytes(part) for part in parts]
            assert message.rows == table
            assert message.seconds >= 0


def test_rows_are_not_copied(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    one.send([b"three"], rows(5000))
    before = pa.total_allocated_bytes()
    message = other.receive(60.0)
    assert message.rows is not None
    assert message.rows.nbytes > 100_000
    assert pa.total_allocated_bytes() - before < 10_000


def test_of_what_cannot_be_said_whole_nothing_is_heard(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    table = rows(5000)

    def failing() -> Iterator[pa.RecordBatch]:
        yield table.to_batches()[0]
        raise MemoryError

    with pytest.raises(MemoryError):
        one.send([b"told"], pa.RecordBatchReader.from_batches(table.schema, failing()))
    assert not other.is_heard(0.0)
    with pytest.raises(EOFError):
        other.receive(0.0)


def test_where_nobody_is_left_nothing_is_waited_for(ends: tuple[Channel, Channel]) -> None:
    one, other = ends
    one._said.close()
    with pytest.raises(EOFError):
        other.receive()
