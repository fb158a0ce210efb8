"""The raw bytes behind an answer, wherever they still are."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ingest.recall import Content, read_line, read_record
from stormwatch.address import Database
from stormwatch.cli.output import write_bytes
from stormwatch.cli.talk import say
from stormwatch.client import Bounds, Data, Remote, open_data
from stormwatch.errors import DatabaseMissing, QueryError, SourceError
from stormwatch.plain import visible

_FILES: Final = """
SELECT file_id, path, head, state
FROM files
WHERE path = $name OR file_id = try_cast($name AS INTEGER) OR (device = $device AND inode = $inode)
ORDER BY state = 'live' DESC, file_id DESC
"""
_RECORD: Final = """
SELECT byte_offset, byte_length, NULL::BLOB AS raw, NULL AS reason
FROM observations
WHERE file_id = $file_id AND byte_offset <= $offset AND byte_offset + byte_length > $offset
UNION ALL
SELECT byte_offset, byte_length, raw, reason
FROM rejects
WHERE file_id = $file_id AND byte_offset <= $offset AND byte_offset + byte_length > $offset
LIMIT 1
"""


@dataclass(frozen=True)
class Raw:
    """Bytes of a log file."""

    data: bytes
    missing_bytes: int = 0
    """So many more stood there; they are kept nowhere."""


def emit_raw(raw: Raw) -> None:
    """Write the bytes as they are, or for a terminal as text that cannot steer it."""
    if not sys.stdout.isatty():
        write_bytes(raw.data)
    else:
        text = raw.data.decode(errors="backslashreplace").rstrip("\r\n")
        sys.stdout.write(visible(text) + "\n")
    if raw.missing_bytes:
        say(f"{raw.missing_bytes} more bytes stood there; they are kept nowhere")


def find_raw(place: str, directory: Path | None, database: Database) -> Raw:
    """The record at `FILE:OFFSET`.

    Raises:
        QueryError: that is no place, or no record is there.
        SourceError: the file is gone; says where it was looked for.
    """
    name, _, number = place.rpartition(":")
    if not name or not number.isdecimal():
        raise QueryError(f"{place}: expected FILE:OFFSET, for example app.jsonl:1024")
    offset = int(number)
    try:
        with open_data(database) as data:
            return _find_known(data, name, offset, directory)
    except DatabaseMissing:
        return _read_here(Path(name), offset)


def _find_known(data: Data, name: str, offset: int, directory: Path | None) -> Raw:
    device, inode = _inode(Path(name))
    asked = {"name": name, "device": device, "inode": inode}
    files = data.sql(_FILES, asked, Bounds()).table.to_pylist()
    if not files:
        return _read_here(Path(name), offset)
    for file in files:
        found = data.sql(_RECORD, {"file_id": file["file_id"], "offset": offset}, Bounds(1)).table.to_pylist()
        if found:
            root = directory or _watched(data)
            return _record(file, found[0], root)
    raise QueryError(
        f"{name}: no record of it is stored at offset {offset}; "
        "`stormwatch query ingest_health` says how far each file is read"
    )


def _record(file: dict[str, Any], record: dict[str, Any], root: Path) -> Raw:
    if record["reason"] is not None:
        say(f"rejected: {record['reason']}")
    content = Content(root, file["path"], bytes(file["head"]))
    try:
        return Raw(read_record(content, record["byte_offset"], record["byte_length"]))
    except SourceError:
        if record["reason"] is None:
            raise
        kept = bytes(record["raw"])
        return Raw(kept, max(0, record["byte_length"] - len(kept)))


def _watched(data: Data) -> Path:
    """The directory that is watched, when somebody watches; else this one."""
    return Path(data.status()["directory"]) if isinstance(data, Remote) else Path.cwd()


def _inode(path: Path) -> tuple[int, int]:
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return -1, -1
    return found.st_dev, found.st_ino


def _read_here(path: Path, offset: int) -> Raw:
    """The line at an offset of a file on disk that the database does not know."""
    if not path.exists():
        raise SourceError(
            f"{path}: neither a file here nor one the database knows; "
            "`stormwatch query ingest_health` lists those"
        )
    return Raw(read_line(path, offset))
