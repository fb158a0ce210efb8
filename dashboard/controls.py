"""The controls above every page: time window, time zone and refresh, kept in the address.

Whatever a person chose stands in the URL, so that reload, back and a pasted link give the same
view. Widgets are bound to query parameters of the same name as their key; what is picked inside a
page is written by `remember`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import (
    copy_link,
    data,
    formatting,
    going_back,
    near,
    pages,
    panel,
    patience,
    picture,
    window,
    zone,
)
from dashboard.hostile import safe_md
from dashboard.questions import StillAsked
from dashboard.sharing import Known
from dashboard.window import Window
from stormwatch.errors import ConfigError, StormwatchError

WINDOW_KEY: Final = "window"
REFRESH_KEY: Final = "refresh"
DRAG_KEY: Final = "drag"
ZONE_KEY: Final = "zone"
REFRESHES: Final = ("2s", "5s", "15s", "60s", "off")
_DEFAULT_REFRESH: Final = "5s"
_DRAGS: Final = ("zoom", "explain")
_RERUN_KEY: Final = "_rerun_page"
_BACK_KEY: Final = "_window_before_zoom"
_RESUME_KEY: Final = "_refresh_before_pause"


def current_window(at_version: int) -> Window:
    """The window of the view in the data of this version; all of the log when it is unreadable."""
    coverage = data.coverage(at_version)
    is_live = coverage.is_live(data.utc_now())
    try:
        shown = window.resolve(_text(), coverage, is_live=is_live)
    except ConfigError:
        shown = window.resolve(window.AUTO, coverage, is_live=is_live)
    return near.cut(at_version, shown)


def _text() -> str:
    return str(st.session_state.get(WINDOW_KEY) or window.AUTO)


def use_zone() -> None:
    """Show times in the zone that was chosen."""
    zone.use(st.session_state.get(ZONE_KEY) or st.query_params.get(ZONE_KEY), st.context.timezone)


def refresh_s() -> float | None:
    """Seconds between two refreshes; None when the view stands still."""
    chosen = str(st.session_state.get(REFRESH_KEY) or _DEFAULT_REFRESH)
    if chosen not in REFRESHES or chosen == "off" or "/" in _text():
        return None
    return float(chosen.removesuffix("s"))


def remember(**picked: str | list[str] | None) -> None:
    """Write what was picked into the address; None, or none of several, takes it out."""
    for name, value in picked.items():
        if value is None or value == []:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = value


def remembered(name: str) -> str | None:
    """What the address says was picked."""
    return st.query_params.get(name)


def all_remembered(name: str) -> list[str]:
    """The same of what several can be picked of."""
    return st.query_params.get_all(name)


def set_window(text: str) -> None:
    """Show another window; for callbacks, as the control above the page changes with it."""
    if "/" in text and "/" not in _text():
        st.session_state[_BACK_KEY] = _text()
    use_zone()
    st.session_state[WINDOW_KEY] = window.in_zone(text)
    st.session_state[_RERUN_KEY] = True


def zoom_to_drag(key: str) -> Callable[[], None]:
    """A callback for a chart over time: the dragged range becomes the window of the page."""

    def zoomed() -> None:
        edges = st.session_state[key].zoom
        if edges:
            since, until = (instant_of(edge) for edge in edges)
            if since < until:
                set_window(window.absolute(since, until))

    return zoomed


def instant_of(edge: str) -> datetime:
    """An instant as Plotly writes it: to a tenth of a microsecond."""
    return datetime.fromisoformat(edge[:26].replace(" ", "T"))


def is_selecting() -> bool:
    """Whether dragging over a chart over time selects what to explain, in place of zooming."""
    return st.session_state.get(DRAG_KEY) == "explain"


def live(body: Callable[[int], None]) -> None:
    """Draw the changing part of a page from a version of the data, again with every refresh.

    The header says with it which window that is and how fresh. A failure is said in its place; the
    frame and the other pages go on.
    """
    header = picture.places()

    @st.fragment(run_every=refresh_s())
    def refreshed() -> None:
        use_zone()
        pages.follow()
        if st.session_state.pop(_RERUN_KEY, False):
            st.rerun()
        try:
            header.say_if_late(refresh_s())
            with patience.drawing(*_view()) as drawing:
                known = drawing.version(lambda: picture.shown_lately(refresh_s()) or data.shared_version())
                _draw(body, header, known)
            drawing.follow()
        except StormwatchError as error:
            st.error("This page could not be drawn.", icon=":material/error:")
            st.code(str(error), language=None, wrap_lines=True)

    refreshed()


def _draw(body: Callable[[int], None], header: picture.Places, known: Known) -> None:
    version = known.version
    try:
        text = ""
        try:
            text = _in_words(current_window(version), version)
        finally:
            header.say_window(text)
        body(version)
    except StillAsked as error:
        panel.say_still_asked(error.question)
    finally:
        header.say_freshness(picture.Drawn(version, known.asked_at), is_still=refresh_s() is None)


def _view() -> tuple[str, Hashable]:
    """The session, and all that a person chose: it stands in the address."""
    context = get_script_run_ctx()
    assert context is not None  # noqa: S101 - pages are drawn by Streamlit
    return context.session_id, (context.page_script_hash, *sorted(st.query_params.items()))


def draw(*ends: Callable[[], None]) -> None:
    """The row of controls, with what `ends` draw behind them."""
    use_zone()
    pages.keep_controls()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="controls"):
        st.selectbox(
            "Time window",
            window.PRESETS,
            key=WINDOW_KEY,
            bind="query-params",
            accept_new_options=True,
            on_change=_window_typed,
            icon=":material/schedule:",
            width=185,
            label_visibility="collapsed",
            help=f"Pick one or type, for example 90m or 2026-11-23T10:00/2026-11-23T11:00 ({zone.name()}). "
            "Relative windows end at the newest event. *auto* of a log that is being written is the last "
            f"hour, or less where that is more than {window.EVENTS_AT_ONCE:,} events; of an old log it is "
            "the stretch with most events. Arrivals and causes up to an hour before the window count, in a "
            "log with more events an hour only as far back as the window is long.",
        )
        _window_buttons()
        st.selectbox(
            "Time zone",
            zone.choices(),
            key=ZONE_KEY,
            bind="query-params",
            on_change=_zone_chosen,
            icon=":material/public:",
            width=132,
            label_visibility="collapsed",
            help="By which clocks times are shown and typed: UTC, those of your browser or of a place, such "
            f"as Europe/Berlin. Now {zone.name()}. Deadlocks are counted by hours of these clocks. What is "
            "stored, asked in SQL and exported stays UTC.",
        )
        st.selectbox(
            "Refresh",
            REFRESHES,
            index=REFRESHES.index(_DEFAULT_REFRESH),
            key=REFRESH_KEY,
            bind="query-params",
            disabled="/" in _text(),
            icon=":material/autorenew:",
            width=100,
            label_visibility="collapsed",
            help="How often the page asks for new data. Absolute windows stand still.",
        )
        _pause_button()
        _drag_control()
        with st.container(horizontal=True, gap=None, width="content", key="address"):
            copy_link.draw()
            going_back.draw()
        for end in ends:
            end()
    _complain_about_text()


def _in_words(shown: Window, at_version: int) -> str:
    coverage = data.coverage(at_version)
    if coverage.last_at is None and not shown.is_absolute:
        return "no event has a time" if coverage.event_count else "no events yet"
    text = f"{formatting.interval(shown.since, shown.until)} {zone.name()}"
    if shown.text == window.AUTO and not coverage.is_live(data.utc_now()) and not shown.covers(coverage):
        return f"{text}, where most events are; *{window.ALL}* shows the whole log"
    return text


def _window_buttons() -> None:
    with st.container(horizontal=True, gap=None, width="content", key="window_buttons"):
        for key, icon, what, pressed, change in (
            ("earlier", "chevron_left", "Earlier by half a window", "Shift+Left", lambda now: now.moved(-1)),
            ("later", "chevron_right", "Later by half a window", "Shift+Right", lambda now: now.moved(1)),
            ("zoom_out", "zoom_out", "Twice as long", "O", Window.zoomed_out),
        ):
            st.button(
                "", icon=f":material/{icon}:", key=key, type="tertiary", shortcut=pressed,
                help=f"{what} ({pressed})", on_click=_change_window, args=(change,),
            )  # fmt: skip
        st.button(
            "", icon=":material/undo:", key="unzoom", type="tertiary", shortcut="Z",
            disabled="/" not in _text(), help="Back to the window before zooming (Z)", on_click=_unzoom,
        )  # fmt: skip


def _window_typed() -> None:
    """What was typed without an offset was read from the clocks of the zone."""
    use_zone()
    st.session_state[WINDOW_KEY] = window.in_zone(_text(), is_local=True)


def _zone_chosen() -> None:
    """The same window, as the clocks of the other zone show it."""
    use_zone()
    st.session_state[WINDOW_KEY] = window.in_zone(_text())


def _change_window(change: Callable[[Window], str]) -> None:
    """Go on from the window as it is at the click: a live one has moved since the button was drawn."""
    set_window(change(current_window(data.version())))


def _unzoom() -> None:
    set_window(st.session_state.get(_BACK_KEY, window.AUTO))


def _pause_button() -> None:
    is_running = refresh_s() is not None
    is_fixed = "/" in _text()
    st.button(
        "",
        icon=":material/pause:" if is_running else ":material/play_arrow:",
        key="pause",
        type="tertiary",
        disabled=is_fixed,
        help=f"{'Pause' if is_running else 'Follow the log again'} (P)",
        shortcut="P",
        on_click=_toggle_refresh,
    )


def _drag_control() -> None:
    st.segmented_control(
        "Dragging", _DRAGS, default="zoom", required=True, key=DRAG_KEY, bind="query-params",
        label_visibility="collapsed",
        help="What dragging over a chart over time does: **zoom** in, or select what to **explain** by what "
        "the selected events have in common that the others have not.",
    )  # fmt: skip


def _toggle_refresh() -> None:
    chosen = str(st.session_state.get(REFRESH_KEY) or _DEFAULT_REFRESH)
    if chosen == "off":
        st.session_state[REFRESH_KEY] = st.session_state.get(_RESUME_KEY, _DEFAULT_REFRESH)
    else:
        st.session_state[_RESUME_KEY] = chosen
        st.session_state[REFRESH_KEY] = "off"


def _complain_about_text() -> None:
    try:
        window.resolve(_text(), window.Coverage(None, None), is_live=False)
    except ConfigError as error:
        st.warning(safe_md(error, 300), icon=":material/schedule:")
