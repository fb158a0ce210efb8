"""The second process of offload.py: python -m ingest.offloaded reads requests and writes answers.

A request begins with what is asked for. `parse`: what an engine must know, and lines; the answer is what
is told of them, and the rows that they are, or nothing where the database could not parse them. `walk`: data;
the answer is what `framing.look` finds there.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from typing import Final, TypeAlias

import duckdb
import pyarrow as pa

from ingest.channel import Channel, Message, Part
from ingest.engine import Engine
from ingest.formats import transcoders
from ingest.framing import look
from ingest.mapping import FieldMapping
from ingest.offload import PARSE, WALK
from ingest.records import ROWS_PER_BATCH
from ingest.sharing import Asked, Told
from stormwatch.storage import open_scratch

_Answer: TypeAlias = tuple[list[Part], pa.RecordBatchReader | None]


class _Parsing:
    """Parses with one engine as long as it may be the same."""

    def __init__(self) -> None:
        self._connection = open_scratch()
        self._mapping: FieldMapping | None = None
        self._engine: Engine | None = None

    def answer(self, request: Message) -> _Answer:
        asked: Asked = pickle.loads(request.parts[1])  # noqa: S301 - of the process that started this one
        engine = self._engine_for(asked)
        try:
            outcome = engine.parse(request.rows, cores=1)
        except (duckdb.Error, MemoryError):
            self._engine = None  # the process that asks finds out which record it is
            return [], None
        rows = self._connection.sql("FROM parsed").to_arrow_reader(ROWS_PER_BATCH)
        return [pickle.dumps(Told.by(engine, outcome))], rows

    def _engine_for(self, asked: Asked) -> Engine:
        engine = self._engine
        if engine is None or self._mapping != asked.mapping or not engine.know(asked.mappings):
            engine = self._engine = Engine(self._connection, asked.mapping)
            engine.know(asked.mappings)
            self._mapping = asked.mapping
        return engine


def _walked(request: Message) -> _Answer:
    return [bounds.tobytes() for bounds in look(request.parts[1])], None


def _serve() -> None:
    """Answer until the input ends."""
    # Ctrl-C is for the process that asks, which ends this one when it does not need it any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers, requests = map(int, sys.argv[1:])
    channel = Channel(sys.stdin.buffer, sys.stdout.buffer, (requests, answers))
    try:
        transcoders()
        known: Final[dict[bytes, Callable[[Message], _Answer]]] = {PARSE: _Parsing().answer, WALK: _walked}
        channel.send([])
        while True:
            request = channel.receive()
            channel.send(*known[request.parts[0]](request))
    except (EOFError, BrokenPipeError):
        os._exit(0)  # nobody is there to flush anything for


if __name__ == "__main__":
    _serve()
