"""What stands around a record in its file: lines before and after it, those that were rejected included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from dashboard import controls, data, formatting
from dashboard.context_lines import Kind, Shown, context_lines
from dashboard.data import Answer
from dashboard.hostile import one_line, safe_md, shorten
from dashboard.panel import panel
from stormwatch.context import Around, Context, Line
from stormwatch.errors import StormwatchError
from stormwatch.plain import log_lines

LINES_KEY: Final = "lines"
_PLACE: Final = re.compile(r"(\d{1,9}):(\d{1,18}):(\d{1,9})")
"""As many digits as the columns hold."""
_COUNTS: Final = ("3", "10", "50")
_TEXT_AT_MOST: Final = 8 * 1024
"""Characters of one line that are shown."""
_REASON_AT_MOST: Final = 160


def place(text: str) -> tuple[int, int, int] | None:
    """File, offset and number of a record as the address names it; None for any other text."""
    found = _PLACE.fullmatch(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def ask(version: int, at: str) -> Answer | None:
    """What is known of the bytes around a place in the address; None where nothing begins."""
    asked = place(at)
    if asked is None:
        return None
    file_id, offset, _ = asked
    found = data.load(
        "record_context", version, in_file=file_id, at_offset=offset, row_count=_count(),
    )  # fmt: skip
    return found if found.table.num_rows else None


def _count() -> int:
    chosen = str(st.session_state.get(LINES_KEY) or st.query_params.get(LINES_KEY))
    return int(chosen if chosen in _COUNTS else _COUNTS[0])


def draw(found: Answer, file_id: int) -> None:
    """The panel, of an answer of `ask`."""
    about = (
        "The lines of the file around the picked record, read from the log as it is now, also when it was "
        "rotated or compressed since. Records of several lines are whole; rejected lines, blank ones and "
        "those that were pruned are there as well. **Click** a line to go to its record."
    )
    rows = found.rows
    picked = next(row for row in rows if row["place"] == 0)
    with panel("context", "What stands around it in the file?", about, found):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(safe_md(picked["path"], 120), width="stretch")
            st.segmented_control(
                "Lines", _COUNTS, default=_COUNTS[0], required=True, key=LINES_KEY, bind="query-params",
                label_visibility="collapsed", help="How many lines before and after it",
            )  # fmt: skip
            if picked["reason"] is not None:  # a record has its own place, where it is closed
                st.button(
                    "", icon=":material/close:", key="close_context", type="tertiary", help="Close",
                    on_click=controls.remember, kwargs={"at": None},
                )  # fmt: skip
        known = tuple((row["byte_offset"], row["byte_length"]) for row in rows if row["place"])
        asked = Around(picked["byte_offset"], picked["byte_length"], _count(), known)
        try:
            context = data.raw_context(picked["path"], bytes(picked["head"]), asked)
        except StormwatchError as error:
            st.markdown(":material/error: **The lines cannot be read:** the file is gone, or was rewritten.")
            st.code(one_line(str(error)), language=None, wrap_lines=True)
            return
        by_offset = {row["byte_offset"]: row for row in rows}
        lines = [*context.before, context.record, *context.after]
        context_lines(
            [_shown(line, by_offset.get(line.offset), file_id) for line in lines],
            view=f"{file_id}:{asked.offset}:{asked.count}",
            key="context_lines", alt=f"{len(lines)} lines of the file, the picked one marked",
            on_open=lambda at: controls.remember(at=at),
        )  # fmt: skip
        if said := _said(context, asked):
            st.caption(said)


def _shown(line: Line, row: Mapping[str, Any] | None, file_id: int) -> Shown:
    text = log_lines(line.data)
    notes = []
    kind: Kind = "other"
    if row is not None:
        kind = "record" if row["reason"] is None else "rejected"
    if row is not None and row["reason"] is not None:
        notes.append(f"rejected: {shorten(one_line(row['reason']), _REASON_AT_MOST)}")
    if len(text) > _TEXT_AT_MOST or line.length > len(line.data):
        notes.append(f"the first of {formatting.size(line.length)}")
    return Shown(
        line.offset,
        text[:_TEXT_AT_MOST],
        kind,
        None if row is None else f"{file_id}:{line.offset}:0",
        "; ".join(notes),
        is_picked=row is not None and row["place"] == 0,
    )


def _said(context: Context, asked: Around) -> str:
    """Why there are fewer lines than asked for."""
    said = []
    if context.cut_sides:
        sides = " and ".join(context.cut_sides)
        said.append(f"{sides.capitalize()} it {formatting.size(asked.side_bytes)} are read at most")
    if len(context.before) < asked.count and "before" not in context.cut_sides:
        said.append("the file begins here")
    if len(context.after) < asked.count and "after" not in context.cut_sides:
        said.append("so far it ends here")
    sentence = "; ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}" if sentence else ""
