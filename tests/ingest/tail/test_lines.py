"""Line ends, torn lines, and bytes that are no text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingest.reader import Limits, is_json

from .rig import Rig, line


def test_a_partial_last_line_that_is_completed_later(rig: Rig) -> None:
    rig.append("app.log", 2)
    record = rig.lines(1)
    rig.add("app.log", record[:10])
    rig.drain()
    assert len(rig.numbers()) == 2
    rig.add("app.log", record[10:])
    rig.drain()
    rig.check()
    assert rig.query("SELECT byte_length FROM observations WHERE event_id = '2'") == [(len(record),)]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_partial_line_across_a_restart(rig: Rig, end: str) -> None:
    record = rig.lines(1)
    for place in range(len(record)):
        rig.add("app.log", record[place : place + 1])
        if place % 7 == 0:
            rig.look()
            if end == "stop":
                rig.restart()
            else:
                rig.kill()
    rig.drain()
    rig.check()
    assert rig.rejects() == []


def test_no_line_end_at_the_end_of_a_finished_file(rig: Rig) -> None:
    rig.add("app.log", rig.lines(3).rstrip(b"\n"))
    rig.look()
    assert len(rig.numbers()) == 2
    rig.drain()
    rig.check()
    rig.add("app.log", b"\n" + rig.lines(1))
    rig.drain()
    rig.check()


def test_what_only_begins_and_ends_like_objects_is_not_whole() -> None:
    assert is_json(b'{"a":1}{"b":{}}')
    assert not is_json(b'{"a":1}{"b":[{"c":2}')
    assert not is_json(b'{"a":1}{"b": }')


@pytest.mark.parametrize("before", [b"", b" ", b"\x1e"])
def test_objects_with_no_line_end_at_all(rig: Rig, before: bytes) -> None:
    """As Kinesis Firehose writes them, or with the separator of RFC 7464; what is torn waits."""
    objects = [before + one for one in rig.lines(4).splitlines()]
    rig.add("app.log", b"".join(objects[:3]) + objects[3][:9])
    rig.drain()
    assert rig.numbers() == []
    rig.add("app.log", objects[3][9:])
    rig.drain()
    rig.check()
    assert rig.rejects() == []


def test_a_tail_that_is_no_record_is_given_up_when_its_writer_is_long_gone(rig: Rig) -> None:
    rig.append("app.log", 2)
    rig.add("app.log", b'{"id": "torn')
    rig.drain()
    assert rig.rejects() == []
    rig.restart()  # how long it was quiet is not forgotten, and not imagined
    rig.look()
    assert rig.rejects() == []
    rig.clock.pass_time(3601)
    rig.look()
    assert [raw for raw, _ in rig.rejects()] == [b'{"id": "torn']
    rig.check()


def test_a_torn_line_glued_to_the_next(rig: Rig) -> None:
    torn = line(999)[:-9]
    rig.add("app.log", rig.lines(2) + torn + rig.lines(3))
    rig.drain()
    rig.check()
    assert [raw for raw, _ in rig.rejects()] == [torn]


@pytest.mark.parametrize("cut", [None, 1])
def test_carriage_returns(rig: Rig, cut: int | None) -> None:
    data = rig.lines(3).replace(b"\n", b"\r\n")
    rig.add("app.log", data[: -cut if cut else None])
    rig.look()
    if cut:
        rig.add("app.log", data[-cut:])
    rig.add("app.log", b'{"id": "3", "message": "a bare \r stays"}\n')
    rig.written.append(3)
    rig.drain()
    # A bare carriage return is no line end, and no valid JSON either.
    rig.check(missing=[3])
    assert len(rig.rejects()) == 1


def test_byte_order_marks(rig: Rig) -> None:
    rig.add("utf8.log", b"\xef\xbb\xbf" + rig.lines(2))
    rig.add("utf16.log", rig.lines(2).decode().encode("utf-16"))
    rig.drain()
    rig.check()
    assert rig.files("blank_bytes") == [(3,), (3,)]
    assert rig.rejects() == []


@pytest.mark.parametrize("looks", [1, 3])
def test_holes_of_nul_bytes(rig: Rig, looks: int) -> None:
    parts = [
        b"\0" * 100 + rig.lines(2),
        b"\0" * 1000,
        rig.lines(1) + b"\0" * 5 + b"\n",
        line(999)[:20] + b"\0" * 50 + rig.lines(1),
        b"\0" * 9 + b"no record\n" + rig.lines(1),
    ]
    for number, part in enumerate(parts):
        rig.add("app.log", part)
        if number % looks == 0:
            rig.look()
    rig.drain()
    rig.check()
    assert [raw.rstrip(b"\0") for raw, _ in rig.rejects()] == [line(999)[:20], b"no record\n"]


def test_bytes_that_are_no_text(rig: Rig) -> None:
    broken = b'{"id": "broken", "message": "\xff\xfe"}\n'
    rig.add("app.log", rig.lines(2) + broken + rig.lines(2))
    rig.drain()
    rig.check()
    assert [raw for raw, _ in rig.rejects()] == [broken]


@pytest.mark.parametrize("share", [64 << 10, 1 << 20])
def test_long_lines_below_the_limit(make_rig: Callable[..., Rig], share: int) -> None:
    from ingest.reader import Share

    rig = make_rig(batch=Share(bytes=share, records=1000))
    rig.append("app.log", 3, pad=3 << 20)
    rig.append("app.log", 3)
    rig.append("app.log", 1, pad=9 << 20)
    rig.drain()
    rig.check()
    assert rig.rejects() == []


@pytest.mark.parametrize("over", [0, 1, 100, 5000])
def test_lines_at_and_over_the_limit(make_rig: Callable[..., Rig], over: int) -> None:
    limit = 2000
    rig = make_rig(limits=Limits(max_line_bytes=limit))
    rig.append("app.log", 2)
    long = line(999, pad=limit - len(line(999)) + over)
    rig.add("app.log", long)
    if not over:
        rig.written.append(999)
    rig.append("app.log", 3)
    rig.drain()
    rig.check()
    rejected = rig.rejects()
    assert b"".join(raw for raw, _ in rejected) == (long if over else b"")
    if over:
        assert rejected[0][1] == "a line longer than 2000 bytes"


def test_a_line_over_the_limit_that_is_written_bit_by_bit(make_rig: Callable[..., Rig]) -> None:
    limit = 2000
    rig = make_rig(limits=Limits(max_line_bytes=limit))
    rig.append("app.log", 2)
    long = line(999, pad=3 * limit)
    for start in range(0, len(long), 97):
        rig.add("app.log", long[start : start + 97])
        rig.look()
        if start % 5 == 0:
            rig.kill()
    rig.append("app.log", 3)
    rig.drain()
    rig.check()
    assert b"".join(raw for raw, _ in rig.rejects()) == long
    assert {len(raw) for raw, _ in rig.rejects()[:-1]} == {limit}


def test_a_long_line_that_is_written_slowly_is_not_read_from_its_start_each_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.source import PlainSource

    taken, read = [0], PlainSource.read

    def counted(self: PlainSource, offset: int, count: int) -> bytes:
        data = read(self, offset, count)
        taken[0] += len(data)
        return data

    monkeypatch.setattr(PlainSource, "read", counted)
    record = rig.lines(1, pad=2 << 20)
    for start in range(0, len(record), 20_000):
        rig.add("app.log", record[start : start + 20_000])
        rig.look()
    rig.drain()
    rig.check()
    assert taken[0] < 10 * len(record)


def test_empty_lines_and_nothing_but_empty_lines(rig: Rig) -> None:
    rig.add("empty.log", b"\n\n \t\n\r\n")
    rig.add("app.log", b"\n" + rig.lines(2) + b"\n\n" + rig.lines(2) + b"\n")
    rig.drain()
    rig.restart()
    rig.drain()
    rig.check()
    assert rig.rejects() == []
    assert ("empty.log", 7, 7) in rig.files("path", "committed_offset", "blank_bytes")


def test_empty_and_very_short_files(rig: Rig) -> None:
    rig.path("empty.log").touch()
    rig.add("short.log", b'{"id":"0"}\n')
    rig.written.append(0)
    rig.drain()
    rig.check()
    rig.append("empty.log", 1)
    rig.drain()
    rig.check()


@pytest.mark.slow
def test_offsets_beyond_two_and_four_gigabytes(rig: Rig) -> None:
    path = rig.path("app.log")
    rig.append("app.log", 2)
    for edge in (1 << 31, 1 << 32):
        lines = rig.lines(5)  # the third one over the edge
        with path.open("r+b") as file:
            file.seek(edge - len(lines) // 2)
            file.write(lines)
        rig.drain()
    rig.check()
    assert rig.query("SELECT count(*) FROM observations WHERE byte_offset > 4294967296") == [(2,)]


def test_a_file_with_nothing_but_an_unfinished_line_is_a_backlog(rig: Rig) -> None:
    record = rig.lines(1)
    rig.add("app.log", record[:10])
    rig.drain()
    rows = "SELECT path, size_bytes, committed_offset FROM files"
    assert rig.query(rows) == [("app.log", 10, 0)]
    rig.restart()
    # A copy that is made meanwhile is told as one, though nothing of the original is committed.
    rig.add("app.log.1", record[:10])
    rig.add("app.log", record[10:])
    rig.drain()
    rig.check()
    assert rig.query(rows) == [("app.log", len(record), len(record))]


def test_a_line_before_one_that_is_too_long_and_still_written(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(limits=Limits(max_line_bytes=8000))
    rig.add("app.log", b'not json at all\n{"id": "' + b"x" * 7990)
    rig.look()
    rig.add("app.log", b"x" * 9000)
    rig.look()
    rig.add("app.log", b'"}\n')
    rig.drain()
    assert [len(raw) for raw, _ in rig.rejects()] == [16, 8000, 8000, 1001]
