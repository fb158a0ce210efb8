"""Bytes that were read once, found again: under the name they had, or wherever they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ingest.decompress import CompressedSource
from ingest.discovery import Filter, walk
from ingest.source import PlainSource, open_source
from stormwatch.context import Around, Context, cut
from stormwatch.errors import SourceError

_STEP: Final = 64 << 10
_LONGEST: Final = 1 << 20
"""So far back the start of a line is looked for."""


@dataclass(frozen=True)
class Content:
    """A content of a file, as the table `files` knows it."""

    root: Path
    """Where to look: the watched directory."""
    path: str
    """Below the root, when it was last seen."""
    head: bytes
    """Its first bytes; what tells it from others."""


def read_record(content: Content, offset: int, length: int) -> bytes:
    """The bytes of a record, from whatever file below the root holds the content now.

    Raises:
        SourceError: none does, or it is shorter now; says where it was looked for.
    """
    with opened(content, offset + length) as source:
        return source.read(offset, length)


def read_context(content: Content, asked: Around) -> Context:
    """A record with what stands around it, from whatever file below the root holds the content now.

    Raises:
        SourceError: none does, or it is shorter now; says where it was looked for.
    """
    with opened(content, asked.end) as source:
        return _around(source, asked)


def _around(source: PlainSource | CompressedSource, asked: Around) -> Context:
    start = max(0, asked.offset - asked.side_bytes)
    before = source.read(start, asked.offset - start)
    record = source.read(asked.offset, min(asked.length, asked.record_bytes))
    return cut(before, record, source.read(asked.end, asked.side_bytes), asked)


@contextmanager
def opened(content: Content, length: int) -> Iterator[PlainSource | CompressedSource]:
    """The file below the root that holds the first `length` bytes of the content now.

    Raises:
        SourceError: none does; says where it was looked for.
    """
    for path in _candidates(content):
        with _opened(path) as source:
            if source is None or source.read(0, len(content.head)) != content.head:
                continue
            if not length or source.read(length - 1, 1):
                yield source
                return
    raise SourceError(
        f"{content.path}: its content is neither at {content.root / content.path} nor in any other "
        f"file below {content.root}; say with --dir where the log files are"
    )


def recaller(root: Path, shown: Callable[[bytes], bytes]) -> Callable[[str, bytes, int, int], bytes]:
    """`read_record` below `root`, with path, head, offset and length as plain arguments.

    `shown` is what may be shown of the bytes: they may hold secrets.
    """
    return lambda path, head, offset, length: shown(read_record(Content(root, path, head), offset, length))


def surroundings(root: Path, shown: Callable[[bytes], bytes]) -> Callable[[str, bytes, Around], Context]:
    """`read_context` below `root`, with path and head as plain arguments; `shown` as above."""

    def read(path: str, head: bytes, asked: Around) -> Context:
        found = read_context(Content(root, path, head), asked)
        before, after = (
            [replace(line, data=shown(line.data)) for line in lines] for lines in (found.before, found.after)
        )
        record = replace(found.record, data=shown(found.record.data))
        return replace(found, before=before, record=record, after=after)

    return read


def read_line_context(path: Path, offset: int, asked: Callable[[int, int], Around]) -> Context:
    """The line of a file that holds the byte at an offset, with what stands around it.

    `asked` makes of its place and length what is asked for.

    Raises:
        SourceError: there is no such regular file, or it ends before.
    """
    rest = len(read_line(path, offset))
    with _opened(path) as source:
        if source is None:
            raise SourceError(f"{path}: no such file, or not one that can be read")
        start = max(0, offset - _LONGEST)
        start += source.read(start, offset - start).rfind(b"\n") + 1
        return _around(source, asked(start, offset + rest - start))


def read_line(path: Path, offset: int) -> bytes:
    """The bytes of a file from an offset on to the end of the line.

    Raises:
        SourceError: there is no such regular file, or it ends before.
    """
    with _opened(path) as source:
        if source is None:
            raise SourceError(f"{path}: no such file, or not one that can be read")
        line = bytearray()
        while b"\n" not in line:
            data = source.read(offset + len(line), _STEP)
            if not data:
                break
            line += data
    if not line:
        raise SourceError(f"{path}: ends before offset {offset}")
    return bytes(line[: line.find(b"\n") + 1 or len(line)])


def _candidates(content: Content) -> Iterator[Path]:
    """The place it was at, then every other file: a rotation renames, and may compress."""
    known = content.root / content.path
    yield known
    try:
        for found in walk(content.root, Filter()):
            if (path := content.root / found.path) != known:
                yield path
    except OSError:
        return


@contextmanager
def _opened(path: Path) -> Iterator[PlainSource | CompressedSource | None]:
    try:
        source = open_source(path)
    except OSError:
        source = None
    try:
        yield source
    finally:
        if source is not None:
            source.close()
