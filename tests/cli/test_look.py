"""One thing at a time: a chain, the deadlocks, the state, a raw record."""

import gzip
import json
import shutil
import sys
from pathlib import Path

import pytest

from stormwatch.errors import ExitCode

from .harness import HOSTILE, Command, line, order

pytestmark = pytest.mark.usefixtures("prepared")


def _write(logs: Path, *records: str) -> None:
    (logs / "orders.jsonl").write_text("".join(records), encoding="utf-8")


def _event(event: str, cause: str | None, kind: str = "order.created") -> str:
    return line(time="2026-03-02T10:00:00Z", service="orders", type=kind, id=event, causation_id=cause)


def test_chain_is_a_tree_with_the_asked_event_marked(logs: Path, stormwatch: Command) -> None:
    _write(logs, _event("b", "ghost"), _event("c", "b", "paid"), _event("d", "b", "sent"), _event("e", "c"))
    stormwatch("ingest", logs)
    shown = stormwatch("chain", "c").out.decode().splitlines()
    assert shown == [
        "chain of c: 4 events",
        "└── event  ghost  named as a cause, not found",
        "    └── order.created  b  orders  2026-03-02 10:00:00",
        "        └── paid  c  orders  2026-03-02 10:00:00  <- asked for",
        "            └── order.created  e  orders  2026-03-02 10:00:00",
    ]


def test_effects_that_are_alike_are_counted_unless_all_are_wanted(logs: Path, stormwatch: Command) -> None:
    _write(logs, _event("a", None), *(_event(f"x{number}", "a", "retry") for number in range(9)))
    stormwatch("ingest", logs)
    folded = stormwatch("chain", "a").out.decode()
    assert folded.count("retry  x") == 3
    assert "... 6 more retry orders" in folded
    whole = stormwatch("chain", "a", "--all").out.decode()
    assert (whole.count("retry  x"), "more" in whole) == (9, False)


def test_chain_that_is_a_circle_is_shown_once(logs: Path, stormwatch: Command) -> None:
    _write(logs, _event("a", "c"), _event("b", "a"), _event("c", "b"))
    stormwatch("ingest", logs)
    shown = stormwatch("chain", "a").out.decode()
    assert [shown.count(f"created  {event}") for event in "abc"] == [1, 1, 1]


def test_unknown_event_says_how_to_find_one(logs: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    result = stormwatch("chain", "nope")
    assert result.code == ExitCode.USAGE
    assert "no log names an event 'nope'" in result.err
    assert "event_search" in result.err


def test_event_ids_cannot_steer_the_terminal(logs: Path, stormwatch: Command) -> None:
    _write(logs, _event(HOSTILE, None, HOSTILE))
    stormwatch("ingest", logs)
    for result in (stormwatch("chain", HOSTILE), stormwatch("chain", "\x1b]0;x\x07")):
        text = result.out.decode() + result.err
        assert not any(steering in text for steering in ("\x1b", "\x9b", "\u202e", "\x07"))
        assert "\\u001b" in text


def test_deadlocks_are_listed_and_counted_per_hour(logs: Path, stormwatch: Command) -> None:
    cycle = [{"owner": "a", "blocked_by": "b", "resource": "row 1"}, {"owner": "b", "blocked_by": "a"}]
    lock = {"service": "db", "operation": "deadlock", "resource": "row 1", "cycle": cycle}
    _write(logs, *(line(time=f"2026-03-02T{hour}:30:00Z", id=f"d{hour}", **lock) for hour in (10, 12)))
    stormwatch("ingest", logs)
    assert [row["deadlock_id"] for row in stormwatch("deadlocks", "--format", "json").rows] == ["d10", "d12"]
    late = stormwatch("deadlocks", "--since", "2026-03-02T11:00", "--format", "json").rows
    assert [row["deadlock_id"] for row in late] == ["d12"]
    hours = stormwatch("deadlocks", "--per-hour", "--format", "json").rows
    assert [row["deadlock_count"] for row in hours] == [1, 0, 1]


def test_status_without_a_process_is_what_is_stored(logs: Path, database: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    result = stormwatch("status", "--format", "json")
    status = json.loads(result.out)
    assert (result.code, status["state"], status["events"]) == (ExitCode.OK, "stopped", 10)
    assert status["database"] == str(database)
    assert "state           stopped" in stormwatch("status").out.decode()


def _second(logs: Path) -> tuple[int, bytes]:
    """Offset and bytes of the second record."""
    records = (logs / "orders.jsonl").read_bytes().splitlines(keepends=True)
    return len(records[0]), records[1]


@pytest.mark.parametrize("name", ["orders.jsonl", "1"])
def test_raw_record_is_exactly_the_bytes_of_the_file(name: str, logs: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    offset, record = _second(logs)
    assert stormwatch("tail", f"{name}:{offset}", "--dir", logs).out == record
    # Any offset within the record leads to it.
    assert stormwatch("tail", f"{name}:{offset + 9}", "--dir", logs).out == record


def test_raw_record_is_found_by_a_path_on_disk(
    logs: Path, stormwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    stormwatch("ingest", logs)
    offset, record = _second(logs)
    monkeypatch.chdir(logs)
    assert stormwatch("tail", f"{logs / 'orders.jsonl'}:{offset}").out == record


def test_raw_record_needs_no_database(logs: Path, stormwatch: Command) -> None:
    offset, record = _second(logs)
    assert stormwatch("tail", f"{logs / 'orders.jsonl'}:{offset}").out == record


def test_raw_record_is_found_after_rotation_and_compression(logs: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    offset, record = _second(logs)
    plain = logs / "orders.jsonl"
    with plain.open("rb") as source, gzip.open(logs / "orders.jsonl.1.gz", "wb") as target:
        shutil.copyfileobj(source, target)
    plain.write_text(order(99), encoding="utf-8")
    assert stormwatch("tail", f"orders.jsonl:{offset}", "--dir", logs).out == record


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_raw_record_of_a_file_in_utf_16_is_its_text(encoding: str, logs: Path, stormwatch: Command) -> None:
    path = logs / "orders.jsonl"
    records = [b"\xef\xbb\xbf", *path.read_bytes().splitlines(keepends=True)]
    path.write_bytes(b"".join(records).decode().encode(encoding))
    offset, there = len(b"".join(records[:3])), path.read_bytes()
    assert stormwatch("tail", f"{path}:{offset}").out == records[3]
    stormwatch("ingest", logs)
    place = ("tail", f"orders.jsonl:{offset + 7}", "--dir", logs)
    assert stormwatch(*place).out == records[3]
    assert stormwatch(*place, "-C", 1).out == b"".join(records[2:5])
    path.unlink()
    (logs / "orders.jsonl.1.gz").write_bytes(gzip.compress(there))
    assert stormwatch(*place).out == records[3]


def test_raw_record_of_a_lost_file_says_where_it_was_looked_for(logs: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    (logs / "orders.jsonl").unlink()
    result = stormwatch("tail", "orders.jsonl:0", "--dir", logs)
    assert (result.code, result.out) == (ExitCode.USAGE, b"")
    assert f"neither at {logs / 'orders.jsonl'} nor in any other file below {logs}" in result.err


def test_rejected_bytes_are_shown_although_the_file_is_lost(logs: Path, stormwatch: Command) -> None:
    torn = b'{"time": "2026-03-02T10:\xff\n'
    (logs / "torn.jsonl").write_bytes(torn)
    stormwatch("ingest", logs)
    (logs / "torn.jsonl").unlink()
    result = stormwatch("tail", "torn.jsonl:0", "--dir", logs)
    assert result.out == torn
    assert result.err.startswith("rejected: ")


def test_raw_record_cannot_steer_the_terminal(
    logs: Path, stormwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (logs / "evil.jsonl").write_bytes(b'{"id": "x", "message": "\x9b2J\xc2\x9b2J\xe2\x80\xae"}\n')
    stormwatch("ingest", logs)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = stormwatch("tail", "evil.jsonl:0", "--dir", logs).out.decode()
    assert shown == '{"id": "x", "message": "\\x9b2J\\u009b2J\\u202e"}\n'


def test_context_is_exactly_the_bytes_of_the_file(logs: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    records = (logs / "orders.jsonl").read_bytes().splitlines(keepends=True)
    offset = len(b"".join(records[:4]))
    place = ("tail", f"orders.jsonl:{offset + 5}", "--dir", logs)
    assert stormwatch(*place, "--context", 2).out == b"".join(records[2:7])
    assert stormwatch(*place, "-C", 0).out == records[4]
    assert stormwatch(*place, "-C", 99).out == b"".join(records)


def test_context_needs_no_database(logs: Path, stormwatch: Command) -> None:
    records = (logs / "orders.jsonl").read_bytes().splitlines(keepends=True)
    offset = len(b"".join(records[:4])) + 5
    assert stormwatch("tail", f"{logs / 'orders.jsonl'}:{offset}", "-C", 1).out == b"".join(records[3:6])


@pytest.mark.parametrize("is_rotated", [False, True])
def test_context_has_whole_records_and_rejected_lines(
    is_rotated: bool, logs: Path, stormwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = (
        "2026-03-02 10:00:00.100 ERROR [main] shop - boom\njava.lang.Error: no\n\tat Shop.run(Shop.java:1)\n"
    )
    parts = [trace, "2026-03-02 10:00:00.200 INFO [main] shop - on\n", "\x1b[2J{torn\n", "\n", trace]
    (logs / "app.log").write_text("".join(parts) + order(1), encoding="utf-8")
    stormwatch("ingest", logs)
    if is_rotated:
        (logs / "app.log.1.gz").write_bytes(gzip.compress((logs / "app.log").read_bytes()))
        (logs / "app.log").unlink()
    place = ("tail", f"app.log:{len(trace)}", "--dir", logs, "-C")
    assert stormwatch(*place, 1).out.decode() == "".join(parts[:3])
    assert stormwatch(*place, 3).out.decode() == "".join(parts)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = stormwatch(*place, 1).out.decode().splitlines()
    assert shown[0] == "0-2026-03-02 10:00:00.100 ERROR [main] shop - boom"
    assert shown[2:] == [
        "    at Shop.run(Shop.java:1)",
        f"{len(trace)}:2026-03-02 10:00:00.200 INFO [main] shop - on",
        f"{len(trace) + len(parts[1])}-\\u001b[2J{{torn",
    ]


def test_context_of_a_lost_file_says_where_it_was_looked_for(logs: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    (logs / "orders.jsonl").unlink()
    result = stormwatch("tail", "orders.jsonl:0", "--dir", logs, "-C", 3)
    assert (result.code, result.out) == (ExitCode.USAGE, b"")
    assert f"neither at {logs / 'orders.jsonl'} nor in any other file below {logs}" in result.err


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("orders.jsonl", "expected FILE:OFFSET"),
        ("orders.jsonl:x", "expected FILE:OFFSET"),
        ("orders.jsonl:999999", "no record of it is stored at offset 999999"),
        ("nowhere.jsonl:0", "neither a file here nor one the database knows"),
    ],
)
def test_wrong_place_is_explained(place: str, told: str, logs: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    result = stormwatch("tail", place)
    assert result.code == ExitCode.USAGE
    assert told in result.err
