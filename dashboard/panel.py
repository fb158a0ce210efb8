"""The panel: a titled box that can say what it shows and which SQL it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dashboard import data, formatting, pages
from dashboard.data import Answer


@contextmanager
def panel(key: str, title: str, about: str, *answers: Answer) -> Iterator[None]:
    """A box for one picture or table.

    `title` and `about` are our own words, never text from logs. `answers` are what it shows; the
    SQL of each can be read and opened on the SQL page.
    """
    with st.container(border=True, key=f"panel_{key}", height="stretch", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", key=f"head_{key}"):
            st.subheader(title, anchor=False, width="stretch")
            _about(key, about)
            if answers:
                _sql(key, answers)
        yield


def _about(key: str, about: str) -> None:
    with st.popover(
        "", icon=":material/help:", type="tertiary", help="What is this?",
        key=f"about_{key}", on_change="rerun",
    ) as box:  # fmt: skip
        if box.open:
            st.markdown(about, width=420)


def _sql(key: str, answers: tuple[Answer, ...]) -> None:
    with st.popover(
        "", icon=":material/code:", type="tertiary", help="Show SQL",
        key=f"sql_{key}", on_change="rerun",
    ) as box:  # fmt: skip
        if box.open:
            with st.container(width=640):
                for answer in answers:
                    show_sql(answer)


def show_sql(answer: Answer) -> None:
    """The call that was made, ready to run, and the text of the relation it asked."""
    call = data.statement(answer)
    st.code(call, language="sql")
    took = formatting.milliseconds(answer.elapsed_ms)
    st.caption(f"{formatting.plural(answer.table.num_rows, 'row')} in {took}, data version {answer.version}")
    pages.link("sql", "Open in SQL page", icon="terminal", sql=call)
    st.caption(f"queries/{answer.name}.sql")
    st.code(data.relation(answer.name).sql, language="sql", height=320)
