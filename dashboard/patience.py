"""How long one drawing of a page waits for what it asks, and what it shows meanwhile.

A drawing waits little: then it shows what it showed before, if the page only follows the log, else says in
the place of a panel that its answer is still to come, and goes on. When it comes the page is drawn again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import streamlit as st
from streamlit.runtime import Runtime

from dashboard.questions import Found, Question, Questions, StillAsked
from dashboard.sharing import Known
from stormwatch.readonly import Stopper

WAIT_S = 1.5
"""So long one drawing waits, for all that it asks."""
_FIRST: Final = ("_kept_minutes", "log_coverage", "log_pace", "log_stretches", "read_up_to")
"""No page can show anything without these, which are soon answered."""
_POLL_S: Final = 0.5
_HELD_S: Final = 30.0
"""As long as a question may take."""
_STATE_KEY: Final = "_patience"
_local: Final = threading.local()


def _looks_on(session: str) -> bool:
    """Whether the page of a session is open in a browser; tests draw pages without one."""
    return not Runtime.exists() or Runtime.instance().is_active_session(session)


questions: Final = Questions(is_there=_looks_on)


def _leave(session: str) -> None:
    questions.leave(session)


@st.cache_resource(scope="session", on_release=_leave, show_spinner=False)
def _until_closed(session: str) -> str:
    """Have what a session asks end with it: Streamlit lets go of what it keeps for one that was closed."""
    return session


@dataclass(frozen=True)
class Asked:
    """A relation, its arguments, and the data it is asked of."""

    database: str
    name: str
    arguments: Mapping[str, object]
    version: int
    beside: int

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Equal for equal answers."""
        return self.database, self.name, values(self.arguments), self.version, self.beside

    @property
    def slot(self) -> tuple[Hashable, ...]:
        """Equal for what is asked again when the log has gone on: but for instants, and versions."""
        fixed = {name: value for name, value in self.arguments.items() if not isinstance(value, datetime)}
        return self.database, self.name, values(fixed)

    def follows(self, older: Asked) -> bool:
        """Whether this asks the same, of a window that may have moved with the log."""
        moved = [
            value - before
            for name, value in self.arguments.items()
            if isinstance(value, datetime) and isinstance(before := older.arguments.get(name), datetime)
        ]
        return self.slot == older.slot and all(one >= timedelta(0) for one in moved)


def values(arguments: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Arguments as something that can be a key."""
    return tuple((name, repr(value)) for name, value in sorted(arguments.items()))


@dataclass
class _State:
    """What a session knows of its page."""

    view: Hashable = None
    drawn: dict[Hashable, Asked] = field(default_factory=dict)
    """What this view has shown last."""
    asked: dict[Hashable, tuple[Asked, Question]] = field(default_factory=dict)
    """What is still being answered for it."""
    left: dict[Hashable, Question] = field(default_factory=dict)
    """By their keys, what was being answered for the view before it, until nobody has asked for it here."""
    held: tuple[Known, float] | None = None
    """The version it is drawn from as long as it lacks something, and since when."""


class Drawing:
    """One drawing of a page."""

    def __init__(self, state: _State, session: str, wait_s: float) -> None:
        self._state = state
        self._session = session
        self._left_s = wait_s
        self._numbers: dict[Hashable, list[Hashable]] = {}
        self.lacks: list[Question] = []
        """What stands for nothing on the page yet."""

    def version(self, choose: Callable[[], Known]) -> Known:
        """The version to draw from: as long as the page lacks something, the one that it began with. In a
        log that is written all that is there already would be asked again each time something comes.
        """
        held, now = self._state.held, time.monotonic()
        if held is None or now - held[1] > _HELD_S:
            held = self._state.held = choose(), now
        return held[0]

    def note(self, asked: Asked) -> None:
        """An answer that was known is shown."""
        self._state.drawn[self._place(asked)] = asked

    def wait(
        self, asked: Asked, put: Callable[[Stopper], Found], is_known: Callable[[Asked], bool]
    ) -> tuple[Asked, Found | None]:
        """What to show: this, or what was asked before of the same; without rows when these are known.

        Raises:
            StillAsked: there is nothing to show yet.
            QueryError: it failed, or was stopped.
        """
        place = self._place(asked)
        earlier, question = self._state.asked.get(place, (asked, None))
        if question is None or not asked.follows(earlier) or _may_be_asked_again(question):
            is_first, earlier = asked.name in _FIRST, asked
            question = questions.ask(asked.key, asked.name, put, self._session, is_first=is_first)
        self._state.left.pop(question.key, None)
        started = time.monotonic()
        is_over = question.wait(max(self._left_s, 0))
        self._left_s -= time.monotonic() - started
        if is_over:
            # One that failed stays: a log that is being written has another version at the next refresh.
            self._state.asked[place] = earlier, question
            found = questions.take(question)
            del self._state.asked[place]
            self._state.drawn[place] = earlier
            return earlier, found
        self._state.asked[place] = earlier, question
        shown = self._state.drawn.get(place)
        if shown is not None and asked.follows(shown) and is_known(shown):
            return shown, None
        self.lacks.append(question)
        raise StillAsked(question)

    def follow(self) -> None:
        """Have the page drawn again as soon as it lacks less."""
        if not self.lacks:
            return
        lacks = tuple(self.lacks)

        @st.fragment(run_every=_POLL_S)
        def redraw_when_answered() -> None:
            if any(question.is_over for question in lacks):
                st.rerun()

        redraw_when_answered()

    def _place(self, asked: Asked) -> Hashable:
        """A page may ask the same of several windows: they are told by their turn."""
        keys = self._numbers.setdefault(asked.slot, [])
        if asked.key not in keys:
            keys.append(asked.key)
        return asked.slot, keys.index(asked.key)


def _may_be_asked_again(question: Question) -> bool:
    """Whether it failed, and that is long ago or somebody wants to see whether it does again."""
    return question.has_failed and not questions.keeps(question)


def current() -> Drawing | None:
    """The drawing of this thread; None where somebody else asks."""
    found: Drawing | None = getattr(_local, "drawing", None)
    return found


@contextmanager
def drawing(session: str, view: Hashable) -> Iterator[Drawing]:
    """Draw a page, or what changes of it, with little patience.

    `view` is all that a person chose: what another view showed is not shown in this one.
    """
    state = st.session_state.setdefault(_STATE_KEY, _State())
    if state.view != view:
        state.left.update(
            (question.key, question) for _, question in state.asked.values() if not question.has_failed
        )
        state.view, state.drawn, state.asked, state.held = view, {}, {}, None
    _until_closed(session)
    made = Drawing(state, session, WAIT_S)
    _local.drawing = made
    try:
        yield made
    finally:
        _local.drawing = None
    if not made.lacks:
        state.held = None
    for question in state.left.values():
        questions.give_up(question, session)
    state.left.clear()
