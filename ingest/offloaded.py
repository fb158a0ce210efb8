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
from collections.abc import Callable, Sequence
from typing import IO, Final, TypeAlias

import duckdb
import pyarrow as pa

from ingest.engine import Engine
from ingest.formats import transcoders
from ingest.framing import look
from ingest.mapping import FieldMapping
from ingest.offload import PARSE, WALK, Part, receive, receive_rows, send
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

    def answer(self, parts: Sequence[bytes], requests: IO[bytes]) -> _Answer:
        asked: Asked = pickle.loads(parts[0])  # noqa: S301 - of the process that started this one
        lines = receive_rows(requests).read_all()
        engine = self._engine_for(asked)
        try:
            outcome = engine.parse(lines)
            del lines
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


def _walked(parts: Sequence[bytes], _: IO[bytes]) -> _Answer:
    return [bounds.tobytes() for bounds in look(parts[0])], None


def _serve() -> None:
    """Answer until the input ends."""
    # Ctrl-C is for the process that asks, which ends this one when it does not need it any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        transcoders()
        known: Final[dict[bytes, Callable[[Sequence[bytes], IO[bytes]], _Answer]]] = {
            PARSE: _Parsing().answer, WALK: _walked,
        }  # fmt: skip
        send(answers, [])
        while True:
            asked, *parts = receive(requests)
            send(answers, *known[asked](parts, requests))
    except (EOFError, BrokenPipeError):
        os._exit(0)  # nobody is there to flush anything for


if __name__ == "__main__":
    _serve()
