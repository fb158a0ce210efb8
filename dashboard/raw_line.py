"""Where an answer comes from: the file, the offset, and the line itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

import streamlit as st

from dashboard import data
from dashboard.hostile import one_line

_BYTES_AT_MOST: Final = 64 * 1024


def read_line(directory: Path, path: str, byte_offset: int) -> str | None:
    """The line at an offset of an uncompressed log file; None when it cannot be read there any more.

    At most 64 KiB of it. Only regular files are opened, and no symbolic link is followed.
    """
    try:
        handle = os.open(directory / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        file.seek(byte_offset)
        return file.readline(_BYTES_AT_MOST).decode("utf-8", errors="backslashreplace")


def show_place(version: int, file_id: int | None, byte_offset: int | None, *, key: str) -> None:
    """The place as `FILE:OFFSET`, the command that prints it, and the line where it can be read."""
    files = {row["file_id"]: row for row in data.load("ingest_health", version).rows}
    file = files.get(file_id)
    if file is None or byte_offset is None:
        return
    place = f"{file['path']}:{byte_offset}"
    with st.container(key=f"place_{key}", gap="xsmall"):
        st.caption("The line in the log")
        st.code(f"stormwatch tail {_quoted(place)}", language="bash", wrap_lines=True)
        directory = data.status().directory
        line = read_line(Path(directory), file["path"], byte_offset) if directory else None
        if line:
            st.code(one_line(line.rstrip("\r\n")), language=None, wrap_lines=True, height=140)


def _quoted(text: str) -> str:
    """One word for a shell, whatever the file is called."""
    if all(character.isalnum() or character in "._-/:+@" for character in text):
        return text
    return "'" + one_line(text).replace("'", "'\\''") + "'"
