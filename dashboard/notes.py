"""Notes that people add: a form in the frame of every page, and the panel that lists those of a window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import streamlit as st

from dashboard import controls, data, formatting, table, viewer, window, zone
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.panel import panel
from stormwatch.errors import ConfigError, StormwatchError
from stormwatch.notes import LONGEST
from stormwatch.people import signed
from stormwatch.runtime import current

_FIELDS: Final = ("note_text", "note_at", "note_until", "note_service", "note_author")
_SAID_KEY: Final = "_note_said"
_ADDED_KEY: Final = "_note_added"
_LISTED_PX: Final = 240
_FEW: Final = 5
"""Notes up to which the list is as high as its rows."""


def draw_form() -> None:
    """The button that opens the form, with its place in a row."""
    with st.container(width="content", key="note_button"):
        _button()


@st.fragment
def _button() -> None:
    """What came of the last note is said once; opening the form draws nothing else anew."""
    controls.use_zone()
    if st.session_state.pop(_ADDED_KEY, False):
        st.rerun()  # the pages show it, also those that stand still
    with st.popover(
        "", icon=":material/edit_note:", type="tertiary", key="add_note", on_change="rerun",
        help="Add a note: what you did or saw, and when. It stands under the charts of all who look.",
    ) as box:  # fmt: skip
        if box.open:
            _form()
    said = st.session_state.pop(_SAID_KEY, None)
    if said is not None:
        is_done, text = said
        st.toast(safe_md(text, 300), icon=":material/check:" if is_done else ":material/warning:")


def _form() -> None:
    at, until = _proposed()
    with st.form("note", border=False, width=380):
        st.text_area(
            "What happened?", key="note_text", max_chars=LONGEST["text"], height=80, placeholder="deploy 4.2"
        )
        with st.container(horizontal=True):
            st.text_input(f"At, {zone.place()}", at, key="note_at", placeholder="now")
            st.text_input("Until", until, key="note_until", placeholder="an instant")
        with st.container(horizontal=True):
            st.text_input("Service", key="note_service", max_chars=LONGEST["service"], placeholder="all")
            viewer.name_input("Who", key="note_author", max_chars=LONGEST["author"])
        st.form_submit_button("Add the note", icon=":material/edit_note:", on_click=_add)


def _proposed() -> tuple[str, str]:
    """Begin and end to begin with: of what is selected, else the end of the window unless that is now."""
    box = window.edges_of(controls.remembered("box") or "")
    if box is not None:
        return formatting.instant(box[0]), formatting.instant(box[1])
    version = data.version()
    coverage = data.coverage(version)
    if coverage.last_at is None or (controls.refresh_s() and coverage.is_live(data.utc_now())):
        return "", ""
    return formatting.instant(controls.current_window(version).until), ""


def _add() -> None:
    text, at, until, service, author = (str(st.session_state.get(field) or "") for field in _FIELDS)
    controls.use_zone()
    try:
        body = {
            "text": text,
            "author": author,
            "service": service or None,
            "at": _utc(at),
            "until": _utc(until),
        }
        made = current().notes.add(signed(body, "author", viewer.person()))
    except StormwatchError as error:
        st.session_state[_SAID_KEY] = (False, f"Not added: {error}")
        return
    st.session_state[_SAID_KEY] = (True, f"Note {made['note_id']} is added")
    st.session_state["note_text"] = ""
    st.session_state[_ADDED_KEY] = True


def _utc(text: str) -> str | None:
    """An instant as it was typed, by the clocks of the zone unless it has an offset, in UTC."""
    if not text.strip():
        return None
    try:
        typed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(f"{text}: expected a time such as 2026-11-20 10:00") from None
    return (typed.astimezone(UTC) if typed.tzinfo else zone.utc(typed)).isoformat()


def listed(answer: Answer) -> None:
    """The notes of a window, and all of the one that is picked; nothing where there is none."""
    rows = answer.rows
    if not rows:
        return
    about = (
        "What people noted, here, with `stormwatch annotate` or over HTTP: no log says it. **Click** a row "
        "to read all of it or to take it back. The button with the pen above adds one."
    )
    with panel("notes", "What did people note?", about, answer):
        asked = controls.remembered("note")
        picked = next((n for n, row in enumerate(rows) if str(row["note_id"]) == asked), None)
        names = ("noted_at", "until_at", "service", "author", "text")
        table.picking(
            {name: [row[name] for row in rows] for name in names},
            {
                "noted_at": table.at(), "until_at": table.at("until"), "service": table.text(width=120),
                "author": table.text("who", 110), "text": table.text("what", "large"),
            },
            lambda number: controls.remember(note=str(rows[number]["note_id"])),
            picked=picked, key="notes", alt="Notes, the oldest first",
            height="content" if len(rows) <= _FEW else _LISTED_PX,
        )  # fmt: skip
        if picked is not None:
            _one(rows[picked])


def _one(row: dict[str, Any]) -> None:
    st.code(row["text"], language=None, wrap_lines=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        at = f"{formatting.instant(row['created_at'])} {zone.name()}"
        st.caption(f"Added {at} by {safe_md(row['author'], 100)}", width="stretch")
        st.button(
            "Take it back", icon=":material/delete:", type="tertiary", key="remove_note",
            on_click=_remove, args=(row["note_id"],),
        )  # fmt: skip


def _remove(note_id: int) -> None:
    try:
        current().notes.remove(note_id)
    except StormwatchError as error:
        st.session_state[_SAID_KEY] = (False, str(error))
        return
    controls.remember(note=None)
    st.session_state[_SAID_KEY] = (True, f"Note {note_id} is taken back")
