"""The second process of offload.py: python -m ingest.offloaded reads requests and writes answers.

A request begins with what is asked for. `objects`: the name of a transcoder and records; the answer is
what `objects.objects_of` makes of them. `walk`: where lines start, and data; the answer is where
`framing.walk` finds records to start and to end, and the last number where it came to.
"""

from __future__ import annotations

import os
import signal
import sys
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import orjson

from ingest.formats import transcoders
from ingest.formats.base import Transcoder
from ingest.framing import Walk, walk
from ingest.objects import objects_of
from ingest.offload import OBJECTS, WALK, receive, send


@cache
def _transcoders() -> dict[bytes, Transcoder]:
    return {one.name.encode(): one for one in transcoders()}


def _objects(parts: Sequence[bytes]) -> list[bytes]:
    name, *raws = parts
    made = objects_of(_transcoders()[name], raws)
    numbers = (array("q", some).tobytes() for some in (made.sources, made.bare))
    return [*numbers, orjson.dumps(made.refused), *made.lines]


def _walked(parts: Sequence[bytes]) -> list[bytes]:
    starts, data = parts
    found = Walk(len(data))
    walk(data, array("q", starts), found)
    return [array("q", numbers).tobytes() for numbers in (found.starts, found.stops, [found.last])]


_ANSWERS: Final[dict[bytes, Callable[[Sequence[bytes]], list[bytes]]]] = {OBJECTS: _objects, WALK: _walked}


def _serve() -> None:
    """Answer until the input ends."""
    # Ctrl-C is for the process that asks, which ends this one when it does not need it any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        _transcoders()
        send(answers, [])
        while True:
            asked, *parts = receive(requests)
            send(answers, _ANSWERS[asked](parts))
    except (EOFError, BrokenPipeError):
        os._exit(0)  # nobody is there to flush anything for


if __name__ == "__main__":
    _serve()
