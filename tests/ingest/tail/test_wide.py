"""Files in UTF-16: tailed while they are written, cut anywhere, rotated, and read again."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import wide
from ingest.mapping import NO_MAPPING
from ingest.reader import Limits, Share
from ingest.recall import Content, read_line, read_record
from ingest.requests import ask

from .rig import Rig, line
from .test_rereading import CORRECTED, lines, tables, with_mapping

ERRORLOG = (Path(__file__).parents[1] / "formats" / "sqlserver_errorlog" / "trace_1222.log").read_text(
    encoding="utf-8"
)
MARK = "\ufeff"
ENCODINGS = ("utf-16-le", "utf-16-be")

both = pytest.mark.parametrize("encoding", [ENCODINGS[0], pytest.param(ENCODINGS[1], marks=pytest.mark.slow)])


def written(data: bytes | str, encoding: str, mark: str = MARK) -> bytes:
    """As a program writes it that writes UTF-16."""
    text = data.decode() if isinstance(data, bytes) else data
    return (mark + text).encode(encoding, "surrogatepass")


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide, "_STEP", 64)


# --- what is read ------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("mark", [MARK, ""], ids=["marked", "bare"])
@both
def test_deadlocks_of_an_error_log(make_rig: Callable[..., Rig], encoding: str, mark: str) -> None:
    rig, plain = make_rig(), make_rig()
    text = ERRORLOG.replace("\n", "\r\n")
    raw = written(text, encoding, mark)
    for start in range(0, len(raw), 1001):
        rig.add("ERRORLOG", raw[start : start + 1001])
        rig.look()
        if start % 7 == 0:
            rig.kill()
    plain.add("ERRORLOG", (mark + text).encode())
    for one in (rig, plain):
        one.drain()
        one.check_conservation()
    assert rig.query("SELECT count(*) > 0 FROM locks") == [(True,)]
    assert tables(rig) == tables(plain)
    assert rig.files("committed_offset", "size_bytes", "blank_bytes", "missed_bytes") == [
        (len((mark + text).encode()), len((mark + text).encode()), len(mark.encode()), 0)
    ]


_ACTIONS = st.sampled_from(["look", "kill", "restart", "nothing", "wait"])
_PADS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@both
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    pads=st.lists(_PADS, min_size=1, max_size=8),
    cuts=st.lists(st.integers(0, 900), max_size=8),
    actions=st.lists(_ACTIONS, min_size=9, max_size=9),
    records=st.sampled_from([1, 3, 1000]),
    is_marked=st.booleans(),
)
@pytest.mark.usefixtures("small_steps")
def test_any_text_that_is_tailed_while_it_is_written(
    encoding: str, pads: list[str], cuts: list[int], actions: list[str], records: int, *, is_marked: bool
) -> None:
    texts = [json.dumps({"id": str(n), "pad": pad}, ensure_ascii=False) for n, pad in enumerate(pads)]
    text = "".join(f"{one}\r\n" for one in texts)
    raw = written(text, encoding, MARK if is_marked else "")
    with tempfile.TemporaryDirectory(prefix="wide-") as base:
        rig = Rig(Path(base), batch=Share(bytes=64 << 10, records=records))
        rig.written = list(range(len(pads)))
        done = 0
        for cut, action in zip([*sorted(cuts), len(raw)], actions, strict=False):
            rig.add("app.log", raw[done:cut])
            done = max(done, cut)
            act = {"look": rig.look, "kill": rig.kill, "restart": rig.restart, "wait": rig.drain}
            act.get(action, lambda: None)()
        rig.add("app.log", raw[done:])
        rig.drain()
        rig.check()
        assert rig.rejects() == []
        stored = rig.query("SELECT attributes ->> 'pad' FROM observations ORDER BY event_id::INT")
        assert [pad or "" for (pad,) in stored] == pads
        rig.close()


@both
def test_half_a_pair_goes_to_quarantine_with_its_line(rig: Rig, encoding: str) -> None:
    rig.add("app.log", written(rig.lines(2), encoding))
    rig.add("app.log", written('{"id": "half", "pad": "\ud83d!"}\n', encoding, ""))
    rig.add("app.log", written(rig.lines(2), encoding, ""))
    rig.drain()
    rig.check()
    [(raw, reason)] = rig.rejects()
    assert raw.decode("utf-8", "surrogatepass") == '{"id": "half", "pad": "\ud83d!"}\n'
    assert "not valid UTF-8" in reason


# --- what is no character ----------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\x41", b"\x3d\xd8", b"\x3d\xd8\x00"], ids=["byte", "half", "both"])
def test_an_end_that_is_no_character_is_told_once(rig: Rig, end: bytes) -> None:
    rig.add("app.log", written(rig.lines(2) + b"torn", "utf-16-le") + end)
    rig.drain()
    assert rig.rejects() == []
    rig.clock.pass_time(3601)
    for act in (rig.drain, rig.restart, rig.drain, rig.kill, rig.drain):
        act()
    rig.check()
    told = [(b"torn", "not JSON, and no text format that is known"), (b"", rig.rejects()[-1][1])]
    assert rig.rejects() == told
    assert f"ends within a character after 149 bytes of text: 0x{end.hex()}" in told[1][1]
    # Its writer was not gone, only slow.
    rig.add(
        "app.log", (b"\x00" if len(end) % 2 else b"\x00\xdc") + written(b"\n" + rig.lines(1), "utf-16-le", "")
    )
    rig.drain()
    assert rig.numbers() == rig.written
    rig.check_conservation()


def test_an_end_that_is_no_character_of_a_file_that_is_gone(rig: Rig) -> None:
    rig.add("app.log", written(rig.lines(2), "utf-16-le") + b"\x41")
    rig.look()
    rig.path("app.log").unlink()
    rig.drain()
    for _ in range(2):
        rig.clock.pass_time(10)
        rig.drain()
    rig.check()
    assert [(raw, "0x41" in reason) for raw, reason in rig.rejects()] == [(b"", True)]
    assert rig.files("state", "missed_bytes") == [("gone", 0)]


@pytest.mark.parametrize("start", [b"", b"\xff", b"\xfe", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe{"])
def test_a_file_that_is_hardly_begun(rig: Rig, start: bytes) -> None:
    rig.add("app.log", start)
    rig.look()
    rig.kill()
    rig.look()
    encoding = "utf-16-be" if start.startswith(b"\xfe") else "utf-16-le"
    rig.add("app.log", written(rig.lines(3), encoding)[len(start) :])
    rig.drain()
    rig.check()
    assert rig.rejects() == []
    assert rig.files("state", "missed_bytes") == [("live", 0)]


@pytest.mark.parametrize(
    ("content", "counts"),
    [(b"", None), (b"\xff", (1, 0)), (b"\xff\xfe", (0, 3)), (b"\xfe\xff\x00", (0, 3))],
)
def test_a_file_that_stays_hardly_begun(rig: Rig, content: bytes, counts: tuple[int, int] | None) -> None:
    rig.add("app.log", content)
    rig.drain()
    rig.clock.pass_time(3601)
    rig.drain()
    rig.check()
    assert rig.files("quarantined_bytes", "blank_bytes") == ([counts] if counts else [])


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\xff\xfe"])
def test_a_binary_file_that_begins_with_a_mark(make_rig: Callable[..., Rig], mark: bytes) -> None:
    rig = make_rig(limits=Limits(max_line_bytes=64 << 10))
    content = mark + bytes((7 * number * number >> 3) % 251 for number in range(300_001))
    rig.add("core.log", content)
    rig.append("app.log", 3)
    rig.drain()
    rig.clock.pass_time(3601)
    rig.drain()
    rig.check()
    [(path, quarantined, offset)] = rig.query(
        "SELECT path, quarantined_bytes + blank_bytes, committed_offset FROM files WHERE path = 'core.log'"
    )
    encoding = "utf-16-be" if mark == b"\xfe\xff" else "utf-16-le"
    text = content[:-1].decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    assert (path, quarantined, offset) == ("core.log", len(text), len(text))
    assert (
        f"0x{content[-1:].hex()}" in rig.query("SELECT reason FROM rejects ORDER BY byte_offset DESC")[0][0]
    )


@pytest.mark.usefixtures("small_steps")
@both
def test_a_file_that_was_made_longer_in_advance(rig: Rig, encoding: str) -> None:
    path = rig.path("app.log")
    path.write_bytes(MARK.encode(encoding) + b"\0" * 4000)
    place = 2
    for number in range(20):
        rig.written.append(number)
        pad = "\u6f22" * (number % 3) + "\U0001f600" * (number % 2)
        with path.open("r+b") as file:
            file.seek(place)
            file.write(written(f'{{"id": "{number}", "pad": "{pad}"}}\n', encoding, ""))
            place = file.tell()
        rig.look()
        assert rig.numbers() == rig.written
        rig.check()
    rig.kill()
    rig.drain()
    rig.check()
    assert rig.rejects() == []


# --- rotation, and other contents --------------------------------------------------------------


@both
@pytest.mark.parametrize("end", ["restart", "kill"])
def test_rotation_by_rename(rig: Rig, encoding: str, end: str) -> None:
    rig.add("app.log", written(rig.lines(20), encoding))
    rig.look()
    rig.rename("app.log", "app.log.1")
    rig.add("app.log.1", written(rig.lines(5), encoding, ""))
    getattr(rig, end)()
    rig.add("app.log", written(rig.lines(20), encoding))
    rig.drain()
    rig.check()
    assert rig.rejects() == []
    assert rig.occurrences()["file_renamed"] == 1


@both
@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read"])
def test_copytruncate_under_a_writer_that_goes_on_without_a_mark(
    rig: Rig, encoding: str, *, is_read: bool
) -> None:
    rig.add("app.log", written(rig.lines(40), encoding))
    rig.look()
    rig.add("app.log", written(rig.lines(10), encoding, ""))
    if is_read:
        rig.look()
    rig.copytruncate("app.log", "app.log.1")
    rig.add("app.log", written(rig.lines(20), encoding, ""))
    rig.drain()
    rig.check()
    assert rig.rejects() == []


@both
@pytest.mark.parametrize("end", ["restart", "kill"])
def test_a_rotated_file_that_is_compressed(rig: Rig, encoding: str, end: str) -> None:
    rig.add("app.log", written(rig.lines(40), encoding))
    rig.look()
    rig.add("app.log", written(rig.lines(10), encoding, ""))
    packed = gzip.compress(rig.path("app.log").read_bytes())
    rig.path("app.log").unlink()
    getattr(rig, end)()
    rig.add("app.log.1.gz", packed[:300])
    rig.look()
    rig.add("app.log.1.gz", packed[300:])
    rig.drain()
    rig.check()
    assert rig.rejects() == []
    assert rig.query("SELECT count(*) FROM files WHERE inherited_bytes > 0") == [(1,)]


def test_a_compressed_file_with_an_end_that_is_no_character(rig: Rig) -> None:
    rig.add("app.log.gz", gzip.compress(written(rig.lines(3), "utf-16-le") + b"\x41"))
    rig.drain()
    rig.clock.pass_time(3601)
    for act in (rig.drain, rig.kill, rig.drain):
        act()
    rig.check()
    assert [reason for _, reason in rig.rejects()] == ["gz file, ends early after 216 decompressed bytes"]


def test_the_same_in_utf_8_is_a_copy(rig: Rig) -> None:
    data = MARK.encode() + rig.lines(40)
    rig.add("app.log", written(data[3:], "utf-16-le"))
    rig.drain()
    rig.add("converted.log", data)
    rig.drain()
    rig.check()
    assert rig.occurrences()["copy_skipped"] == 1


@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read"])
def test_a_file_that_is_written_over_in_another_encoding(rig: Rig, *, is_read: bool) -> None:
    encodings = ["utf-8", "utf-16-le", "utf-16-be", "utf-8", "utf-16-le"]
    for encoding in encodings:
        rig.path("app.log").write_bytes(written(rig.lines(30), encoding))
        rig.drain()
        # Of the next one only a part is there when it is looked at.
        if not is_read:
            rig.path("app.log").write_bytes(written("{", encoding))
            rig.look()
    rig.drain()
    if not is_read:
        rig.clock.pass_time(3601)
        rig.drain()
    rig.check()
    assert len(rig.files("path")) >= len(encodings)


def test_utf_16_behind_utf_8_and_the_reverse_are_quarantined(rig: Rig) -> None:
    rig.add("a.log", rig.lines(2) + written(line(998), "utf-16-le", "") + rig.lines(2))
    rig.add("b.log", written(rig.lines(2), "utf-16-le") + line(999) + b"\r\n")
    rig.drain()
    rig.clock.pass_time(3601)
    rig.drain()
    # What is glued to the other encoding is lost to it, but for its bytes.
    found = set(rig.written) - set(rig.numbers())
    assert found <= {2}
    rig.check(missing=found)
    assert any("UTF-16 text in a file that does not begin with it" in reason for _, reason in rig.rejects())


# --- finding it again --------------------------------------------------------------------------


@pytest.mark.usefixtures("small_steps")
@both
def test_a_record_is_found_by_its_offset(rig: Rig, encoding: str) -> None:
    rig.add("app.log", written(rig.lines(30), encoding))
    rig.drain()
    [(head,)] = rig.files("head")
    for number, offset, length in rig.query(
        "SELECT event_id::INT, byte_offset, byte_length FROM observations"
    ):
        content = Content(rig.logs, "app.log", bytes(head))
        assert read_record(content, offset, length) == line(number)
        assert read_line(rig.path("app.log"), offset) == line(number)


@both
def test_it_is_parsed_again(make_rig: Callable[..., Rig], encoding: str) -> None:
    small = Share(bytes=4 << 10, records=20)
    rig, new = make_rig(mapping=NO_MAPPING, batch=small), make_rig(mapping=CORRECTED)
    rig.add("a.log", written(lines(0, 100), encoding))
    new.add("a.log", written(lines(0, 100), encoding))
    new.drain()
    rig.drain()
    with_mapping(rig, CORRECTED)
    ask(rig.store, ["a.log"])
    rig.drain()
    rig.check_conservation()
    assert rig.query("SELECT count(causation_id) FROM observations") == [(90,)]
    assert tables(rig) == tables(new)


def test_what_was_read_is_not_decoded_again_for_what_comes(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(batch=Share(bytes=256 << 10, records=10_000))
    rig.add("app.log", written(rig.lines(40_000), "utf-16-le"))
    size = rig.path("app.log").stat().st_size
    decoded = _count_decoded(monkeypatch)
    rig.drain()
    # To know how much there is, to read it in some twelve batches, and to look whether it still stands.
    assert decoded[0] < 4 * size
    decoded[0] = 0
    for _ in range(10):
        rig.add("app.log", written(rig.lines(1), "utf-16-le", ""))
        rig.look()
    rig.drain()
    assert decoded[0] < 2 * size
    rig.check()
    rig.restart()
    decoded[0] = 0
    rig.drain()
    assert decoded[0] < 1.5 * size
    rig.check()


def _count_decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    decoded = [0]
    as_utf8 = wide.as_utf8

    def counting(units: bytes, encoding: str) -> bytes:
        decoded[0] += len(units)
        return as_utf8(units, encoding)

    monkeypatch.setattr(wide, "as_utf8", counting)
    return decoded
