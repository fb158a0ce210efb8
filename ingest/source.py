"""Bytes of one open file at an offset: plain, of a text in UTF-16, or decompressed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Protocol

from ingest.decompress import MAGIC, CompressedSource
from ingest.utf16 import LOOKED_AT, encoding_of
from ingest.wide import WideText

_STEP = 1 << 20


def _compression(descriptor: int, name: str) -> str:
    """none, gz, bz2, xz or zst: by the first bytes, for a name may promise what is not so."""
    start = os.pread(descriptor, 8, 0)
    for compression, magics in MAGIC.items():
        named = name.lower().endswith("." + compression)
        if any(start.startswith(magic) or (named and magic.startswith(start)) for magic in magics):
            return compression
    return "none"


class Source(Protocol):
    """Read access to one open file."""

    descriptor: int
    compression: str

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes at `offset`; fewer at the end of what there is.

        Raises:
            OSError: the disk or the network file system failed.
        """

    def close(self) -> None:
        """Release the descriptor."""


class PlainSource:
    """A file as it is on disk; of one in UTF-16 the text in UTF-8, whose bytes are what counts."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor
        self.compression = "none"
        self.encoding = self._told()
        """Of what is UTF-16; else empty."""
        self._text = WideText(descriptor, self.encoding) if self.encoding else None

    def _told(self) -> str:
        return encoding_of(os.pread(self.descriptor, LOOKED_AT, 0))

    @property
    def is_mistaken(self) -> bool:
        """Whether it was opened before the bytes were there that tell how it is encoded."""
        return self._told() != self.encoding

    @property
    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self.descriptor).st_size if self._text is None else self._text.size

    @property
    def rest(self) -> bytes:
        """What stands at its end and is no character, as found by the last look at it."""
        return b"" if self._text is None else self._text.rest

    def read(self, offset: int, count: int) -> bytes:
        if self._text is not None:
            return self._text.read(offset, count)
        return os.pread(self.descriptor, count, offset)

    def close(self) -> None:
        os.close(self.descriptor)


def data_start(source: Source, offset: int) -> int | None:
    """Where the first byte from `offset` on stands that is not NUL; None when there is none.

    A file that was cut under a writer that does not append has such a hole before its data; one
    that was made longer in advance has nothing but NUL bytes behind it.
    """
    while True:
        if isinstance(source, PlainSource) and not source.encoding:
            try:
                offset = os.lseek(source.descriptor, offset, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return None
        data = source.read(offset, _STEP)
        rest = data.lstrip(b"\0")
        if rest:
            return offset + len(data) - len(rest)
        if not data:
            return None
        offset += len(data)


def open_source(path: Path) -> PlainSource | CompressedSource | None:
    """Open a regular file for reading, never a link and never blocking; None for anything else.

    Raises:
        OSError: it is gone, a link, or may not be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        compression = _compression(descriptor, path.name)
        if compression == "none":
            return PlainSource(descriptor)
        return CompressedSource(descriptor, compression)
    except OSError:
        os.close(descriptor)
        raise
