"""The panel: a titled box that can say what it shows and which SQL it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeVar

import streamlit as st

from dashboard import calls, data, formatting, pages, patience, viewer
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.questions import Question, StillAsked
from stormwatch import export
from stormwatch.errors import QueryError

Drawn = TypeVar("Drawn")
_MEDIA_TYPES: Final = {"CSV": "text/csv", "Parquet": "application/vnd.apache.parquet"}


@contextmanager
def panel(key: str, title: str, about: str, *answers: Answer, anchor: str | None = None) -> Iterator[None]:
    """A box for one picture or table.

    `title` and `about` are our own words, never text from logs. `answers` are what it shows; the
    SQL of each can be read and opened on the SQL page. By its `anchor` tiles lead to it.
    """
    with st.container(border=True, key=f"panel_{key}", height="stretch", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", key=f"head_{key}"):
            st.subheader(title, anchor=anchor or False, width="stretch")
            if answers:
                _say_complete(answers)
            _about(key, about, answers)
            if answers:
                _sql(key, answers)
        yield


def attempt(draw: Callable[..., Drawn], *arguments: object, **options: object) -> Drawn | None:
    """Draw panels whose questions may take too long or too much; the others of the page go on.

    Returns what they do; None as long as they are not there.
    """
    try:
        return draw(*arguments, **options)
    except StillAsked as error:
        say_still_asked(error.question)
    except QueryError as error:
        st.markdown(":material/error: **This could not be asked.** A shorter window asks for less.")
        st.code(str(error), language=None, wrap_lines=True)
        st.button(
            "Ask again", icon=":material/replay:", type="tertiary", key=f"again_{draw.__name__}",
            on_click=patience.questions.forget_failures,
        )  # fmt: skip
    return None


def say_still_asked(question: Question) -> None:
    """In the place of what is not known yet: what is asked, and a way to stop that."""
    drawing = patience.current()
    number = len(drawing.lacks) if drawing else 0
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"still_asked_{number}"):
        st.markdown(
            f":material/hourglass_top: **Still being answered:** {data.relation(question.name).question}",
            width="stretch",
        )
        st.button(
            "Stop", icon=":material/stop_circle:", type="tertiary", key=f"stop_{number}",
            on_click=question.stop, help="The database is asked no further; the rest of the page goes on",
        )  # fmt: skip


def _say_complete(answers: tuple[Answer, ...]) -> None:
    """Up to when there is everything in a panel: no further than its window and what is read."""
    reached = [data.complete_to(answer.version) for answer in answers]
    if None in reached:
        st.caption("not complete yet", width="content")
        return
    ends = [one for answer in answers if isinstance(one := answer.arguments.get("until"), datetime)]
    st.caption(f"complete to {formatting.clock(min([*filter(None, reached), *ends]))}", width="content")


def _about(key: str, about: str, answers: tuple[Answer, ...]) -> None:
    with st.popover(
        "", icon=":material/help:", type="tertiary", help="What is this?",
        key=f"about_{key}", on_change="rerun",
    ) as box:  # fmt: skip
        if box.open:
            st.markdown(about, width=420)
            for name in dict.fromkeys(answer.name for answer in answers):
                after = calls.source(data.relation(name))
                st.caption(
                    f"Defined in queries/{name}.sql" + (f", after {after}" if after else ""), width=420
                )


def _sql(key: str, answers: tuple[Answer, ...]) -> None:
    with st.popover(
        "", icon=":material/code:", type="tertiary", help="Show SQL",
        key=f"sql_{key}", on_change="rerun",
    ) as box:  # fmt: skip
        if box.open:
            with st.container(width=640):
                for number, answer in enumerate(answers):
                    show_sql(answer, key=f"{key}_{number}")


def show_sql(answer: Answer, *, key: str) -> None:
    """The call that was made, ready to run or to take away, and the text of the relation it asked."""
    call = data.statement(answer)
    st.code(call, language="sql")
    if answer.kept:
        values = " and ".join(f"{safe_md(name)} is {safe_md(value)}" for name, value in answer.kept)
        st.caption(f"Of its rows those are shown where {values}")
    took = formatting.milliseconds(answer.elapsed_ms)
    st.caption(f"{formatting.plural(answer.table.num_rows, 'row')} in {took}, data version {answer.version}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"take_{key}"):
        if viewer.person().may_ask_sql:
            pages.link("sql", "Open in SQL page", icon="terminal", sql=call)
        _take("CSV", key, answer, lambda: export.csv_of(answer.table))
        _take("Parquet", key, answer, lambda: export.parquet_of(answer.table))
        st.link_button(
            "Link", data.api_path(answer), icon=":material/link:", type="tertiary", key=f"link_{key}",
            help="The rows as JSON over HTTP, from the data as it is when somebody asks",
        )  # fmt: skip
    st.caption(f"queries/{answer.name}.sql")
    st.code(data.relation(answer.name).sql, language="sql", height=320)


def _take(form: str, key: str, answer: Answer, make: Callable[[], str | bytes]) -> None:
    """A button for all rows of an answer as a file, which is made when somebody clicks."""
    st.download_button(
        form, make, f"{answer.name}.{form.lower()}", _MEDIA_TYPES[form], icon=":material/download:",
        key=f"{form.lower()}_{key}", type="tertiary", on_click="ignore",
    )  # fmt: skip
