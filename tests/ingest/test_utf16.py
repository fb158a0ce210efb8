"""UTF-16 as UTF-8: any text, read anywhere while its file grows, and bytes that are no text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest import wide
from ingest.utf16 import Stream, encoding_of
from ingest.wide import WideText

ENCODINGS = ("utf-16-le", "utf-16-be")
TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
"""Halves of surrogate pairs too."""


def written(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "surrogatepass")


def expected(raw: bytes, encoding: str) -> bytes:
    """By the codec, of all units there are."""
    return raw[: len(raw) & ~1].decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a text of a few characters has many."""
    monkeypatch.setattr(wide, "_STEP", 8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wide.log"


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=TEXT, cuts=st.lists(st.integers(0, 400)), places=st.lists(st.integers(0, 250), max_size=6))
@example(text="abc\U0001f600\ud83d", cuts=[9], places=[5])
@example(text="ab\ud83d\U0001f600\udc00\n", cuts=[5, 6, 7, 8], places=[0, 12])
def test_a_file_that_grows(path: Path, encoding: str, text: str, cuts: list[int], places: list[int]) -> None:
    raw = written(text, encoding)
    path.write_bytes(b"")
    descriptor = os.open(path, os.O_RDONLY)
    source = WideText(descriptor, encoding)
    done = 0
    for cut in [*sorted(cuts), len(raw)]:
        with path.open("ab") as file:
            file.write(raw[done:cut])
        done = max(done, min(cut, len(raw)))
        so_far = source.read(0, 1000)
        assert expected(raw, encoding).startswith(so_far)
        assert so_far + expected(source.rest[: len(source.rest) & ~1], encoding) == expected(
            raw[:done], encoding
        )
        assert source.size == len(so_far)
        for place in places:
            assert source.read(place, 5) == so_far[place : place + 5]
            assert WideText(descriptor, encoding).read(place, 5) == so_far[place : place + 5]
    os.close(descriptor)


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(before=TEXT, after=TEXT, looked_at=st.integers(0, 200))
def test_a_file_that_is_written_over(
    path: Path, encoding: str, before: str, after: str, looked_at: int
) -> None:
    path.write_bytes(written(before, encoding))
    descriptor = os.open(path, os.O_RDONLY)
    source = WideText(descriptor, encoding)
    source.read(looked_at, 10)
    path.write_bytes(written(after, encoding))
    whole = source.read(0, 1000)
    rest = expected(source.rest, encoding)
    assert whole + rest == expected(written(after, encoding), encoding)
    assert source.read(looked_at, 10) == whole[looked_at : looked_at + 10]
    os.close(descriptor)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXT, cuts=st.lists(st.integers(0, 400)), is_marked=st.booleans())
def test_pieces(encoding: str, text: str, cuts: list[int], *, is_marked: bool) -> None:
    raw = written(("\ufeff" if is_marked else "2026") + text, encoding)
    stream, done, found = Stream(), 0, b""
    for cut in [*sorted(cuts), len(raw)]:
        found += stream.feed(raw[done:cut])
        done = max(done, cut)
    assert found + expected(stream.rest, encoding) == expected(raw, encoding)
    assert stream.end() == b""


@given(data=st.binary(max_size=30), cuts=st.lists(st.integers(0, 30)))
@example(data=b"\xff", cuts=[])
@example(data=b"2\x000\x00", cuts=[1])
def test_pieces_of_anything_else(data: bytes, cuts: list[int]) -> None:
    stream, done, found = Stream(), 0, b""
    for cut in [*sorted(cuts), len(data)]:
        found += stream.feed(data[done:cut])
        done = max(done, cut)
    if encoding_of(data):
        assert found + expected(stream.rest, encoding_of(data)) == expected(data, encoding_of(data))
    else:
        assert found + stream.end() == data
        assert stream.feed(b"more") == b"more"


@pytest.mark.parametrize(
    ("start", "encoding"),
    [
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff\x00\xe9", "utf-16-be"),
        (b"2\x000\x002\x006\x00", "utf-16-le"),
        (b"\0\r\0\n\0{\0 ", "utf-16-be"),
        (b"", ""),
        (b"\xff", ""),
        (b"2\x000\x002\x00", ""),
        (b"2\x000\x002\x00\xe9\x00", ""),
        (b"\0\0\0\0\0\0\0\0", ""),
        (b"\x01\x00\x02\x00\x03\x00\x04\x00", ""),
        (b"\xef\xbb\xbf2026-", ""),
    ],
)
def test_what_tells(start: bytes, encoding: str) -> None:
    assert encoding_of(start) == encoding
