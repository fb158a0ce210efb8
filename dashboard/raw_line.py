"""Where an answer comes from: the file, the offset, and the line itself."""

from __future__ import annotations

import shlex
from typing import Any, Final

import streamlit as st

from dashboard import data, formatting
from dashboard.hostile import one_line
from stormwatch.errors import StormwatchError

BYTES_AT_MOST: Final = 64 * 1024
_LONG: Final = 1200
"""Characters from which a line gets a box of its own to scroll in."""


def show_place(version: int, file_id: int | None, byte_offset: int | None, *, key: str) -> None:
    """The place as `FILE:OFFSET`, the command that prints it, and the line where it can be read."""
    if file_id is None or byte_offset is None:
        return
    found = data.load("record_place", version, in_file=file_id, at_offset=byte_offset).rows
    if not found:
        return
    place = found[0]
    with st.container(key=f"place_{key}", gap="xsmall"):
        st.caption("The line in the log")
        named = one_line(f"{place['path']}:{byte_offset}")
        st.code(f"stormwatch tail {shlex.quote(named)}", language="bash", wrap_lines=True)
        _show_bytes(place)


def _show_bytes(place: dict[str, Any]) -> None:
    length = place["byte_length"]
    try:
        raw = data.raw_record(
            place["path"], bytes(place["head"]), place["byte_offset"], min(length, BYTES_AT_MOST)
        )
    except StormwatchError as error:
        st.code(one_line(str(error)), language=None, wrap_lines=True)
        return
    shown = one_line(raw.decode("utf-8", errors="backslashreplace").rstrip("\r\n"))
    st.code(shown, language=None, wrap_lines=True, height=180 if len(shown) > _LONG else "content")
    if length > BYTES_AT_MOST:
        st.caption(f"The first {formatting.size(BYTES_AT_MOST)} of {formatting.size(length)}")
