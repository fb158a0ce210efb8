"""Which field of which logs is taken for what, and how sure that is: the panel on Health."""

from __future__ import annotations

import shlex
from typing import Final

import streamlit as st

from dashboard import data, table
from dashboard.mapping import Certainty, Judged, judged, sentence
from dashboard.panel import panel

_FEW: Final = 12
"""Rows up to which the table is as high as its rows."""
_HEIGHT_PX: Final = 460
_MARKS: Final[dict[Certainty, str]] = {
    "unsure": "✕ not sure", "unknown": "○ not known", "by name": "◐ by name", "sure": "● sure",
}  # fmt: skip


def draw(version: int) -> None:
    """The panel; none while nothing was read."""
    answer = data.load("mapped_fields", version)
    found = judged(answer.rows)
    if not found:
        return
    about = (
        "Logs that are written alike are one kind: *#* stands for numbers. What a field is taken for is told "
        "by the format, or by names and **values**: a cause is a field whose values are ids of others. "
        "**Confidence** is the share of causes that were found, of edges along which a correlation stays "
        "the same, or of numbers that are there. What you say with `--map` or `--config` goes before all of "
        "it. **Of records** is about the newest million."
    )
    with panel("mapping", "Which field is what, and how sure is that?", about, answer):
        st.markdown(sentence(found))
        table.show(_rows(found), _COLUMNS, key="mapping", alt="Fields and what they are taken for",
                   height=_HEIGHT_PX if len(found) > _FEW else "auto")  # fmt: skip
        if any(one.certainty != "sure" for one in found):
            _what_to_do()


def _rows(found: list[Judged]) -> dict[str, list[object]]:
    return {
        "certainty": [_MARKS[one.certainty] for one in found],
        "role": [one.role for one in found],
        "fields": [one.fields for one in found],
        "scope": [one.scope for one in found],
        "format": [one.format for one in found],
        "how": [one.how for one in found],
        "confidence": [one.confidence for one in found],
        "known": [one.known_ratio for one in found],
        "evidence": [one.evidence for one in found],
        "todo": [one.todo for one in found],
    }


_COLUMNS: Final = {
    "certainty": table.text("sure?", 105),
    "role": table.text("what", 110),
    "fields": table.text("field", 160),
    "scope": table.text("kind of logs", 170),
    "format": table.text(width=120),
    "how": table.text("how it is known", 250),
    "confidence": table.share("confidence", 95),
    "known": table.share("of records", 95),
    "evidence": table.text("what was counted", 300),
    "todo": table.text("what to do", 280),
}


def _what_to_do() -> None:
    where = shlex.quote(data.status().directory) if data.status().directory else "DIR"
    st.caption(
        "To say it yourself: `init` writes down what is taken for what, to be corrected; `up` with that file "
        "reads new lines so, and `reingest` what is stored."
    )
    st.code(
        f"stormwatch init {where} -o mapping.toml\n"
        f"stormwatch up {where} --config mapping.toml\n"
        "stormwatch reingest '*'",
        language="bash",
    )
