"""Byte order marks: of a file, and of those that were joined to it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest

from ingest.framing import frames

from .rig import Rig
from .test_wide import ENCODINGS, ERRORLOG, MARK

TEXTS = {
    "text": "2024-11-24 09:58:28,101 INFO  [main] shop.Orders - started\n  at shop.Orders.run\n",
    "errorlog": ERRORLOG,
    "document": '{\n  "id": "printed",\n  "type": "tick"\n}\n',
    "array": '[\n{"id": "in an array", "type": "tick"},\n{"id": "too"}\n]\n',
    "postgresql": "2024-11-24 09:58:28 UTC [7] ERROR:  no\n2024-11-24 09:58:28 UTC [7] STATEMENT:  SELECT\n",
}


def read(rig: Rig) -> list[tuple[Any, ...]]:
    rig.drain()
    rig.check_conservation()
    return rig.query(
        "SELECT format, event_id, event_type, message, byte_length FROM observations"
        " ORDER BY byte_offset, record_no"
    )


@pytest.mark.parametrize(
    "encoding", ["utf-8", ENCODINGS[0], *(pytest.param(one, marks=pytest.mark.slow) for one in ENCODINGS[1:])]
)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_mark_does_not_spoil_the_first_record(
    make_rig: Callable[..., Rig], encoding: str, text: str
) -> None:
    marked, bare = make_rig(), make_rig()
    marked.add("app.log", (MARK + text).encode(encoding))
    bare.add("app.log", text.encode())
    assert read(marked) == read(bare)
    assert len(read(bare)) > 0
    assert marked.files("blank_bytes - 3") == bare.files("blank_bytes")
    assert marked.rejects() == bare.rejects()


@pytest.mark.parametrize("is_tailed", [False, True], ids=["at once", "bit by bit"])
def test_marks_of_files_that_were_joined(make_rig: Callable[..., Rig], *, is_tailed: bool) -> None:
    marked, bare = make_rig(), make_rig()
    # Each behind each of another kind, in one order or the other.
    joined = [*TEXTS.values(), *reversed(TEXTS.values())]
    for text in joined:
        marked.add("app.log", (MARK + text).encode())
        bare.add("app.log", text.encode())
        if is_tailed:
            marked.look()
    assert read(marked) == read(bare)
    assert [kind for kind, _ in groupby(row[0] for row in read(bare))] == [
        "timestamped_text", "sqlserver_errorlog", "json", "postgresql_text",
        "json", "sqlserver_errorlog", "timestamped_text",
    ]  # fmt: skip
    assert marked.files(f"blank_bytes - {3 * len(joined)}") == bare.files("blank_bytes")
    assert marked.rejects() == bare.rejects() == []


@pytest.mark.parametrize("before", [MARK * 2, "\0\0" + MARK, MARK + "\0" + MARK, "{}\n" + MARK * 3])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_neither_do_marks_of_empty_files_and_holes(before: str, text: str) -> None:
    data, record, start = (before + text).encode(), text.encode(), len(before.encode())
    alone = [start + bound for bound in frames(record, is_all=True).tolist()]
    assert [bound for bound in frames(data, is_all=True).tolist() if bound >= start] == alone
