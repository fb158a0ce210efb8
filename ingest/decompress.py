"""Compressed files as a run of plain bytes, also while they are still being written."""

from __future__ import annotations

import bz2
import lzma
import os
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ingest.utf16 import Stream

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAGIC: Final[dict[str, tuple[bytes, ...]]] = {
    "gz": (b"\x1f\x8b\x08",),
    "bz2": tuple(b"BZh%d" % level for level in range(1, 10)),
    "xz": (b"\xfd7zXZ\x00",),
    # A file may start with, or hold, frames for the tools that made it: the skippable ones.
    "zst": (b"\x28\xb5\x2f\xfd", *(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))),
}
"""First bytes of each compression; every one of its members starts with them again."""

_RAW_STEP: Final = 64 << 10
_STEP: Final = 1 << 20
_MAX_DECODER_BYTES: Final = 256 << 20
_MAX_EXPANSION: Final = 1000
_EXPANSION_FROM_BYTES: Final = 64 << 20


class _Decoder(Protocol):
    """One member of a compressed file; the interface of the standard library's decompressors."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib with the interface of the other decompressors."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        found = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # A full buffer may hide more that is decoded already.
        self.needs_input = not self._inner.unconsumed_tail and len(found) < max_length
        return found


@dataclass(frozen=True)
class _Method:
    start: Callable[[], _Decoder]
    errors: tuple[type[Exception], ...]


def _method(compression: str) -> _Method:
    if compression == "zst":
        return _Method(zstd.ZstdDecompressor, (zstd.ZstdError,))
    return {
        "gz": _Method(_Gzip, (zlib.error,)),
        "bz2": _Method(bz2.BZ2Decompressor, (OSError, ValueError)),
        "xz": _Method(
            lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_DECODER_BYTES),
            (lzma.LZMAError,),
        ),
    }[compression]


class CompressedSource:
    """A compressed file; offsets count decompressed bytes, those of UTF-16 in UTF-8. Forward reads are
    cheap, others restart.

    What is there of a file that is still being written is read, and reading goes on from there
    when more comes. Decompression is streamed: a bomb costs time, not memory, and not much time.
    """

    def __init__(self, descriptor: int, compression: str):
        self.descriptor = descriptor
        self.compression = compression
        self._method = _method(compression)
        self.rewind()

    def rewind(self) -> None:
        """Start again at the first byte."""
        self._decoder: _Decoder | None = None
        self._raw_offset = 0
        self._position = 0
        self._recent = b""
        self._text = Stream()
        self._careful_from: int | None = None
        self.defect = ""
        """Why nothing after what was read can ever be read; empty while there is no reason."""

    def twin(self) -> CompressedSource:
        """Another reader of the same open file, for a look elsewhere; not to be closed."""
        return CompressedSource(self.descriptor, self.compression)

    @property
    def position(self) -> int:
        """So many bytes were unpacked so far; reading on from here is cheap."""
        return self._position

    @property
    def consumed(self) -> int:
        """So many bytes of the compressed file were unpacked so far."""
        return self._raw_offset

    @property
    def is_complete(self) -> bool:
        """Whether all that was decoded so far is a whole compressed file, to its last byte."""
        return self._is_at_end and not self._text.rest

    @property
    def _is_at_end(self) -> bool:
        return self._decoder is None and self._raw_offset > 0 and not self._raw(1)

    def read(self, offset: int, count: int) -> bytes:
        # What a reader did not use of the last bytes it asks for again.
        unused = offset - (self._position - len(self._recent))
        if unused < 0:
            self.rewind()
            unused = offset
        self._recent = self._recent[unused:] if offset < self._position else b""
        while self._position < offset:
            part = self._take()
            if not part:
                return b""
            if self._position > offset:
                self._recent = part[offset - self._position :]
        parts, missing = [self._recent], count - len(self._recent)
        while missing > 0 and (part := self._take()):
            parts.append(part)
            missing -= len(part)
        self._recent = b"".join(parts)
        if self._position != offset + len(self._recent):
            self.rewind()  # the file changed under the look back of a damage
        return self._recent[:count]

    def _take(self) -> bytes:
        """The next decompressed bytes; empty at the end of what there is.

        Steps are the same whoever asks, so that a defect is always met at the same place.
        """
        while not self.defect:
            if self._decoder is None and not self._start_member():
                break
            assert self._decoder is not None  # noqa: S101 - a member was started
            raw = self._raw(self._raw_step()) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not raw:
                break
            try:
                found = self._decoder.decompress(raw, _STEP)
            except self._method.errors as error:
                if self._careful_from is None:
                    return self._take_before_damage()
                self._give_up(f"damaged: {error}")
                break
            self._raw_offset += len(raw)
            if self._decoder.eof:
                self._raw_offset -= len(self._decoder.unused_data)
                self._decoder = None
            found = self._text.feed(found)
            self._position += len(found)
            if self._position > max(_EXPANSION_FROM_BYTES, self._raw_offset * _MAX_EXPANSION):
                self._give_up(f"expands more than {_MAX_EXPANSION}-fold; unpack it if it is a log")
            if found:
                return found
        left = self._text.end() if self.defect or self._is_at_end else b""
        self._position += len(left)
        return left

    def _raw_step(self) -> int:
        is_near_damage = self._careful_from is not None and self._raw_offset >= self._careful_from
        return 1 if is_near_damage else _RAW_STEP

    def _take_before_damage(self) -> bytes:
        """What stands before a damage; a decoder that fails throws away what it had decoded."""
        wanted, careful_from = self._position, max(0, self._raw_offset - _RAW_STEP)
        self.rewind()
        self._careful_from = careful_from
        while self._position <= wanted:
            part = self._take()
            if not part:
                return b""
        return part[wanted - self._position :]

    def _start_member(self) -> bool:
        starts = MAGIC[self.compression]
        raw = self._raw(_RAW_STEP)
        while self._raw_offset and raw.startswith(b"\0"):
            # Archives on tapes and blocks are padded.
            self._raw_offset += len(raw) - len(raw.lstrip(b"\0"))
            raw = self._raw(_RAW_STEP)
        start = raw[: max(map(len, starts))]
        if any(start.startswith(magic) for magic in starts):
            self._decoder = self._method.start()
            return True
        if not any(magic.startswith(start) for magic in starts):
            self._give_up(f"what follows is no {self.compression} data")
        return False

    def _give_up(self, why: str) -> None:
        self.defect = f"{self.compression} file, after {self._position} decompressed bytes: {why}"

    def _raw(self, count: int) -> bytes:
        return os.pread(self.descriptor, count, self._raw_offset)

    def close(self) -> None:
        os.close(self.descriptor)
