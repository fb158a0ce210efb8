"""Thread dumps of a JVM in a field of a JSON record, as applications and agents log them.

The record is the first deadlock that the JVM found, each further one an event beside it, with the time, the
service and whatever else the record says of its writer: a dump has neither zone nor fraction of a second.
What is put around records on their way holds dumps like any other record.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from ingest.formats import envelopes, exact, java_thread_dump
from ingest.formats.base import JsonFormat, Shape, Transcoder

_MARK: Final = r"\n============================="
"""The line below the title of a deadlock. A line of JSON has few backslashes, so looking costs little."""
_SAID: Final = {
    "id": "event_id", "type": "event_type", "message": "message", "operation": "operation",
    "lock_edges": "lock_edges",
}  # fmt: skip
"""Key of what is said of a deadlock -> role."""
_MADE: Final = {role: ((f"@{key}",),) for key, role in _SAID.items()}


def _is_one(shape: Shape) -> bool:
    return _MARK in shape.marks and not any(around.match(shape) for around in envelopes())


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    content = exact.loads(record)
    around, found = content, 0
    for name, value in list(content.items()):
        for deadlock in (one for dump in _dumps(value) for one in _deadlocks(dump)):
            said = {f"@{key}" if key in _SAID else key: part for key, part in deadlock.items()}
            yield {**around, **said}
            around = {key: other for key, other in content.items() if key != name}
            found += 1
    if not found:
        yield content


def _dumps(value: object) -> Iterator[str]:
    if isinstance(value, str) and java_thread_dump.FOUND in value:
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _dumps(inner)


def _deadlocks(dump: str) -> Iterator[dict[str, Any]]:
    # What carries records cuts off long texts: the record is whole.
    with suppress(ValueError):
        yield from java_thread_dump.deadlocks(dump)


FORMAT = Transcoder(
    name="java_thread_dump_held",
    format=JsonFormat(
        name="java_thread_dump_held",
        priority=0,
        match=lambda _: None,
        mark=_MARK,
        fields=_MADE,
        named=_MADE,
        made=("@operation", "@lock_edges"),
    ),
    match_json=_is_one,
    holds=java_thread_dump.FOUND.encode(),
    transcode=_transcode,
)
