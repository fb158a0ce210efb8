"""The same files give the same tables, however they are cut into batches and whenever it restarts."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from ingest.reader import Limits, Share
from ingest.tailer import Patience
from tests.chaos.mutations import damaged

from .rig import Rig, line

_CSV = (
    '2026-11-01 00:00:{0:02}.000 UTC,"app","db",{0},"10.0.0.1:5",5f.{0},{0},"SELECT",'
    '2026-11-01 00:00:00 UTC,3/7,0,ERROR,40P01,"{1}","{2}",,,,,"SELECT\n1",,,"psql","client backend",,0\n'
)
_DETAIL = (
    "Process 1 waits for ShareLock on transaction 7; blocked by process 2.\n"
    "Process 2 waits for ShareLock on transaction 8; blocked by process 1.\n"
    "Process 1: UPDATE a\nProcess 2: UPDATE b"
)


def _json_log(chance: random.Random, count: int) -> bytes:
    """Everything a log may hold: several shapes, torn and glued lines, holes, bytes that are no text."""
    parts = []
    for number in range(count):
        record: dict[str, Any] = {"id": str(number), "type": "tick", "pad": "x" * chance.randrange(300)}
        if chance.random() < 0.3:
            record = {"event_id": str(number), "causation_id": str(number - 1), "data": {"a": [1, {}]}}
            record["links"] = [{"id": str(number - 2)}, {"id": str(number - 3)}]
        if chance.random() < 0.1:
            record["when"] = {"nested": {"deeper": number}}
        text = json.dumps(record).encode()
        parts.append(
            chance.choices(
                [
                    text + b"\n",
                    text + b"\r\n",
                    text[: chance.randrange(1, len(text))] + text + b"\n",
                    text + text + b"\n",
                    b"\0" * chance.randrange(1, 90) + text + b"\n",
                    b"\n" * chance.randrange(1, 4),
                    text.replace(b"tick", b"\xff") + b"\n",
                    b"not json at all\n",
                    text[:20] + b"x" * 9000 + b"\n",
                    b"[1, 2]\n",
                ],
                [60, 10, 4, 4, 2, 2, 2, 2, 1, 1],
            )[0]
        )
    return b"".join(parts)


def _csv_log(chance: random.Random, count: int) -> bytes:
    parts = []
    for number in range(count):
        message = chance.choice(["ok", "two\nlines", 'a ""quoted"" word', "deadlock detected"])
        text = _CSV.format(number % 60, message, _DETAIL if message.startswith("dead") else "").encode()
        parts.append(text if chance.random() > 0.05 else text[: chance.randrange(1, len(text))])
    return b"".join(parts)


def _table(chance: random.Random, count: int) -> bytes:
    parts = [b"id,time,type,note\n"]
    for number in range(count):
        note = chance.choice(["ok", '"two\nlines"', '"a ""quoted"" word"', "", 'an inch"', "\xff"])
        row = f"{number},2026-11-20T10:00:{number % 60:02}Z,tick,{note}\n".encode("latin-1")
        parts.append(row if chance.random() > 0.1 else row[: chance.randrange(1, len(row))])
    return b"".join(parts)


def _directed_log(chance: random.Random, count: int) -> bytes:
    columns = [["date", "time", "id", "type"], ["date", "time", "type", "node", "id"]]
    parts, names = [], columns[0]
    for number in range(count):
        if not number or chance.random() < 0.1:
            names = chance.choice(columns)
            parts.append(f"#Version: 1.0\n#Fields: {' '.join(names)}\n")
        row = {"date": "2026-11-20", "time": "10:00:00", "id": str(number), "type": "tick", "node": "-"}
        text = " ".join(row[name] for name in names) + "\n"
        parts.append(text if chance.random() > 0.1 else text[: chance.randrange(1, len(text))])
    return "".join(parts).encode()


def _chance(seed: int) -> random.Random:
    return random.Random(seed)


def _files(seed: int) -> dict[str, bytes]:
    chance = _chance(seed)
    return {
        "a.jsonl": _json_log(chance, 250),
        "b.jsonl": _json_log(chance, 90),
        "c.csv": _csv_log(chance, 100),
        "named.csv": _table(chance, 150),
        "named.log": _directed_log(chance, 150),
        "d.log": b"\0" * 5000 + _json_log(chance, 40),
        "e.log": b"".join(damaged(chance)[:20_000] for _ in range(80)),
    }


def _tables(rig: Rig) -> dict[str, list[tuple[Any, ...]]]:
    """All that was made of the files, by where it stands in them."""
    result = {}
    own = {"observations": "ingested_at", "rejects": "rejected_at", "causes": "", "locks": ""}
    for table, ours in own.items():
        excluded = ", ".join(["file_id", *([ours] if ours else [])])
        result[table] = rig.query(
            f"SELECT path, {table}.* EXCLUDE ({excluded}) FROM {table} JOIN files USING (file_id)"
            " ORDER BY ALL"
        )
    result["files"] = rig.query(
        "SELECT path, committed_offset, stored_bytes, quarantined_bytes, blank_bytes, event_count,"
        " reject_count, head, mark, checksum, waypoints FROM files ORDER BY path"
    )
    return result


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "records", "step"),
    [(1, 1000, 900), (2, 31, 900), (3, 1, 5000), (4, 7, 1500), (5, 1000, 300), (6, 7, 5000)],
)
def test_batches_interleavings_and_restarts_change_nothing(
    make_rig: Callable[..., Rig], seed: int, records: int, step: int
) -> None:
    limits = Limits(max_line_bytes=8000)
    files = _files(seed)
    at_once = make_rig(limits=limits)
    for name, data in files.items():
        at_once.add(name, data)
    at_once.drain()
    at_once.check_conservation()
    expected = _tables(at_once)
    assert [table for table, rows in expected.items() if not rows] == []
    # However slow the machine is: no silence of the writer.
    patience = Patience(tail_s=30)
    rig = make_rig(limits=limits, patience=patience, batch=Share(bytes=64 << 10, records=records))
    _grow(rig, files, step, _chance(seed))
    rig.drain()
    rig.check_conservation()
    found = _tables(rig)
    for table, rows in expected.items():
        assert found[table] == rows, table


def _grow(rig: Rig, files: dict[str, bytes], step: int, chance: random.Random) -> None:
    """Write the files piece by piece, in any order, with looks and restarts in between."""
    written = dict.fromkeys(files, 0)
    while unfinished := [name for name, data in files.items() if written[name] < len(data)]:
        name = chance.choice(unfinished)
        end = written[name] + chance.randrange(1, 20 * step)
        rig.add(name, files[name][written[name] : end])
        written[name] = end
        event = chance.random()
        if event < 0.7:
            rig.ingester._scan()
            for _ in range(chance.randrange(4)):
                rig.ingester._step()
        if event < 0.1:
            rig.restart()
        elif event < 0.2:
            rig.kill()


@pytest.mark.slow
def test_a_rotation_by_renaming_changes_nothing(make_rig: Callable[..., Rig]) -> None:
    data = line(1) * 3 + _json_log(_chance(9), 300)
    still = make_rig()
    still.add("app.log", data)
    still.drain()
    moved = make_rig()
    for number, start in enumerate(range(0, len(data), 5000)):
        name = "app.log" if not number else f"app.log.{number}"
        moved.add(name, data[start : start + 5000])
        moved.look()
        moved.rename(name, f"app.log.{number + 1}")
    moved.drain()
    without_path = [
        [row[1:] for row in _tables(rig)[table]]
        for table in ("observations", "rejects")
        for rig in (still, moved)
    ]
    assert without_path[0] == without_path[1]
    assert without_path[2] == without_path[3]
