"""What the header says of the picture below it: of which time it is, and how fresh.

The words stand in the header but are written by whoever draws the picture, with the version of the
data it is drawn from, so that header and picture cannot tell of different data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from dashboard import data
from dashboard.freshness import LATE_AFTER, Freshness, Level, judge
from dashboard.questions import StillAsked
from dashboard.sharing import Known

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_PLACES_KEY: Final = "_places_in_header"
_DRAWN_KEY: Final = "_drawn"
_KEPT_SHARE: Final = 0.8
"""Of the time between two refreshes."""
_KEPT_AT_MOST: Final = timedelta(seconds=4)
"""As long as a version is shared by sessions at most."""
_BADGES: Final[dict[Level, tuple[str, str]]] = {
    "fresh": ("green", "check_circle"),
    "late": ("orange", "hourglass_top"),
    "stale": ("red", "error"),
    "past": ("blue", "history"),
    "still": ("blue", "pause_circle"),
    "stopped": ("gray", "stop_circle"),
}


@dataclass(frozen=True)
class Drawn:
    """A picture on the screen: the version of its data, and when that was the newest one (UTC)."""

    version: int
    asked_at: datetime

    def behind(self) -> timedelta:
        """For how long the picture has lacked what is stored; none when it lacks nothing."""
        return data.utc_now() - self.asked_at if data.version() != self.version else timedelta(0)


@dataclass(frozen=True)
class Places:
    """Where the words go."""

    window: DeltaGenerator
    freshness: DeltaGenerator

    def say_window(self, text: str) -> None:
        """Write of which time the picture is; our own Markdown."""
        with self.window:
            st.caption(text)

    def say_freshness(self, drawn: Drawn, *, is_still: bool) -> None:
        """Draw the badge of the picture that is on the screen now."""
        st.session_state[_DRAWN_KEY] = drawn
        with self.freshness:
            try:
                coverage = data.coverage(drawn.version)
            except StillAsked:
                # Streamlit keeps the place for what comes later only if something is in it.
                st.badge("being asked", icon=":material/hourglass_top:", color="gray")
                return
            judged = judge(data.status(), coverage, data.utc_now(), behind=drawn.behind(), is_still=is_still)
            draw_badge(judged)

    def say_if_late(self, refresh_s: float | None) -> None:
        """Draw the badge again before a new picture when the one on the screen is later than promised."""
        drawn = st.session_state.get(_DRAWN_KEY)
        if drawn is None or refresh_s is None:
            return
        if drawn.behind() > timedelta(seconds=refresh_s) + LATE_AFTER:
            self.say_freshness(drawn, is_still=False)


def shown_lately(refresh_s: float | None) -> Known | None:
    """The version on the screen, if it is so new that what a person presses need not ask for another."""
    drawn: Drawn | None = st.session_state.get(_DRAWN_KEY)
    if drawn is None or refresh_s is None:
        return None
    age = data.utc_now() - drawn.asked_at
    is_new = timedelta(0) <= age < min(_KEPT_SHARE * timedelta(seconds=refresh_s), _KEPT_AT_MOST)
    return Known(drawn.version, drawn.asked_at) if is_new else None


def reserve() -> None:
    """Make the places in the header, at the point where this is called."""
    window = st.container(width="stretch", key="shown_window")
    freshness = st.container(width="content", key="freshness")
    st.session_state[_PLACES_KEY] = Places(window, freshness)
    # A run of the whole page shows another picture, of which nothing is promised yet.
    st.session_state.pop(_DRAWN_KEY, None)


def places() -> Places:
    """The places of this run."""
    found: Places = st.session_state[_PLACES_KEY]
    return found


def draw_badge(freshness: Freshness) -> None:
    """The badge; hovering over it says what it means."""
    colour, icon = _BADGES[freshness.level]
    text = " · ".join((freshness.headline, *freshness.details))
    st.badge(text, icon=f":material/{icon}:", color=colour, help=freshness.advice or None)  # type: ignore[arg-type]
