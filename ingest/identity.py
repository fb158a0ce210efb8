"""Whose bytes are these: what tells one file from another that took its name or its inode."""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass
from typing import Final
from zlib import crc32

HEAD_BYTES: Final = 4096
MARK_BYTES: Final = 256
CHECKSUM_BYTES: Final = 4
_FIRST_WAYPOINT_BITS: Final = 9

_AT_EMPTY_PATH = 0x1000
_STATX_BTIME = 0x800
_STATX_SIZE = 256
_BTIME_OFFSET = 80  # of `struct statx`: __s64 tv_sec, __u32 tv_nsec


@dataclass(frozen=True)
class FileKey:
    """Identity of an inode. An inode number is reused at once; its birth time tells."""

    device: int
    inode: int
    birth_ns: int
    """0 where the system or the file system does not tell; then only the content does."""


def file_key(descriptor: int) -> FileKey:
    """The identity of an open file."""
    status = os.fstat(descriptor)
    return FileKey(status.st_dev, status.st_ino, _birth_ns(descriptor))


def _load_statx() -> ctypes._NamedFuncPointer | None:
    try:
        return ctypes.CDLL(None, use_errno=True).statx
    except (OSError, AttributeError, TypeError):
        return None


_statx = _load_statx()


def _birth_ns(descriptor: int) -> int:
    if _statx is None:
        return 0
    buffer = ctypes.create_string_buffer(_STATX_SIZE)
    if _statx(descriptor, b"", _AT_EMPTY_PATH, _STATX_BTIME, buffer) != 0:
        return 0
    (filled,) = struct.unpack_from("=I", buffer, 0)
    if not filled & _STATX_BTIME:
        return 0
    seconds, nanoseconds = struct.unpack_from("=qI", buffer, _BTIME_OFFSET)
    return int(seconds * 1_000_000_000 + nanoseconds)


def extend_head(head: bytes, offset: int, data: bytes) -> bytes:
    """The head after `data` was read at `offset`; built only from bytes as they were read."""
    return (head + data[:HEAD_BYTES])[:HEAD_BYTES] if len(head) == offset < HEAD_BYTES else head


def extend_mark(mark: bytes, data: bytes) -> bytes:
    """The last bytes before the offset after `data` was read."""
    return (mark + data[-MARK_BYTES:])[-MARK_BYTES:]


def waypoint(number: int) -> int:
    """Offset of a waypoint: a place at which the checksum of all before it is remembered.

    From HEAD_BYTES on there are eight until the offset has doubled, so that a file of any size has
    few of them, and any start of it has one near its end.
    """
    return (8 + number % 8) << (_FIRST_WAYPOINT_BITS + number // 8)


def extend_checksum(checksum: int, waypoints: bytes, offset: int, data: bytes) -> tuple[int, bytes]:
    """The checksum of all bytes, and those at the waypoints, after `data` was read at `offset`.

    A CRC, because it is its own state: it goes on after a restart from the number alone.
    """
    view, done = memoryview(data), 0
    while (at := waypoint(len(waypoints) // CHECKSUM_BYTES) - offset) <= len(data):
        checksum = crc32(view[done:at], checksum)
        waypoints += checksum.to_bytes(CHECKSUM_BYTES, "little")
        done = at
    return crc32(view[done:], checksum), waypoints


def checksums(waypoints: bytes) -> list[tuple[int, int]]:
    """Offset and checksum of each waypoint."""
    found = struct.unpack(f"<{len(waypoints) // CHECKSUM_BYTES}I", waypoints)
    return [(waypoint(number), checksum) for number, checksum in enumerate(found)]
