"""The raw bytes behind an answer, wherever they still are."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ingest.recall import Content, read_context, read_line, read_line_context, read_record
from stormwatch.address import Database
from stormwatch.cli.output import write_bytes
from stormwatch.cli.talk import say
from stormwatch.client import Bounds, Data, Remote, open_data
from stormwatch.context import Around, Context
from stormwatch.errors import DatabaseMissing, QueryError, SourceError
from stormwatch.plain import log_lines, visible

_SIDE_BYTES: Final = 16 << 20
"""Read on each side of a record at most."""
_LONGEST: Final = 64 << 20
"""Read of the record itself at most; none that is stored is so long."""

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


def emit_context(context: Context) -> None:
    """Write the bytes as they are, or for a terminal with offsets, as `grep -b` does."""
    record = context.record
    lines = [*context.before, record, *context.after]
    if sys.stdout.isatty():
        for line in lines:
            mark = ":" if line is record else "-"
            sys.stdout.write(f"{line.offset}{mark}{log_lines(line.data)}\n")
    else:
        write_bytes(b"".join(line.data for line in lines))
    if context.cut_sides:
        sides = " and ".join(context.cut_sides)
        say(f"fewer lines than asked for {sides} it: {_SIDE_BYTES >> 20} MiB are read on each side at most")


def find_raw(place: str, directory: Path | None, database: Database) -> Raw:
    """The record at `FILE:OFFSET`.

    Raises:
        QueryError: that is no place, or no record is there.
        SourceError: the file is gone; says where it was looked for.
    """
    name, offset = _place(place)
    try:
        with open_data(database) as data:
            known = _find_known(data, name, offset)
            return Raw(read_line(_here(name), offset)) if known is None else _record(*known, directory, data)
    except DatabaseMissing:
        return Raw(read_line(_here(name), offset))


def find_context(place: str, count: int, directory: Path | None, database: Database) -> Context:
    """The record at `FILE:OFFSET` with so many lines before and after it.

    Raises:
        QueryError: that is no place, or no record is there.
        SourceError: the file is gone; says where it was looked for.
    """
    name, offset = _place(place)

    def asked(start: int, length: int, known: tuple[tuple[int, int], ...] = ()) -> Around:
        return Around(start, length, count, known, _SIDE_BYTES, _LONGEST)

    try:
        with open_data(database) as data:
            known = _find_known(data, name, offset)
            if known is None:
                return read_line_context(_here(name), offset, asked)
            file, record = known
            if record["reason"] is not None:
                say(f"rejected: {record['reason']}")
            where = {"in_file": str(file["file_id"]), "at_offset": str(record["byte_offset"])}
            near = data.query(
                "record_context",
                {**where, "row_count": str(count), "reach": str(_SIDE_BYTES)},
                Bounds(2 * count + 1),
            ).table.to_pylist()
            content = Content(directory or _watched(data), file["path"], bytes(file["head"]))
    except DatabaseMissing:
        return read_line_context(_here(name), offset, asked)
    ranges = tuple((row["byte_offset"], row["byte_length"]) for row in near if row["place"])
    return read_context(content, asked(record["byte_offset"], record["byte_length"], ranges))


def _place(text: str) -> tuple[str, int]:
    name, _, number = text.rpartition(":")
    if not name or not number.isdecimal():
        raise QueryError(f"{text}: expected FILE:OFFSET, for example app.jsonl:1024")
    return name, int(number)


def _find_known(data: Data, name: str, offset: int) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The file and the record in it, as the database knows them; None of a file that it does not know."""
    device, inode = _inode(Path(name))
    asked = {"name": name, "device": device, "inode": inode}
    files = data.sql(_FILES, asked, Bounds()).table.to_pylist()
    if not files:
        return None
    for file in files:
        found = data.sql(_RECORD, {"file_id": file["file_id"], "offset": offset}, Bounds(1)).table.to_pylist()
        if found:
            return file, found[0]
    raise QueryError(
        f"{name}: no record of it is stored at offset {offset}; "
        "`stormwatch query ingest_health` says how far each file is read"
    )


def _record(file: dict[str, Any], record: dict[str, Any], directory: Path | None, data: Data) -> Raw:
    if record["reason"] is not None:
        say(f"rejected: {record['reason']}")
    content = Content(directory or _watched(data), file["path"], bytes(file["head"]))
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


def _here(name: str) -> Path:
    """A file on disk that the database does not know.

    Raises:
        SourceError: there is none.
    """
    if not Path(name).exists():
        raise SourceError(
            f"{name}: neither a file here nor one the database knows; "
            "`stormwatch query ingest_health` lists those"
        )
    return Path(name)
