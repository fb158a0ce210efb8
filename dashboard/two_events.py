"""Two events side by side: which came first, by which steps that is known, and how their chains differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from dashboard import data, formatting, table
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.panel import panel

_TYPES_SHOWN: Final = 4
_COUNTED: Final = ("first_count", "second_count", "difference")


def draw(version: int, event: str, pick: Callable[[str], None]) -> None:
    """A box for the id of another event, and what is known of the two; `pick` opens an event."""
    other = st.text_input(
        "Another event", key="other", bind="query-params", icon=":material/compare_arrows:",
        placeholder="Id of another event: which came first, and how do their chains differ?",
        label_visibility="collapsed", width=560,
    )  # fmt: skip
    other = (other or "").strip()
    if not other or other == event:
        return
    order = data.load("causal_order", version, first=event, second=other)
    relation = order.rows[0]["causal_order"]
    if relation is None:
        st.markdown(f"No event {safe_md(other)} in this database; write its id as it stands in the log.")
        return
    _order_panel(version, order, event, other, pick)
    _difference_panel(version, event, other)


def _order_panel(version: int, order: Answer, event: str, other: str, pick: Callable[[str], None]) -> None:
    relation, steps = order.rows[0]["causal_order"], order.rows[0]["steps"]
    first, second = (other, event) if relation == "after" else (event, other)
    path = data.load("causal_path", version, first=first, second=second)
    if relation == "concurrent" and not path.table.num_rows:
        first, second = second, first
        path = data.load("causal_path", version, first=first, second=second)
    about = (
        "One event **happened before** another when a way leads from it to the other: along causes, along a "
        "message from who sent it to who received it, along the order in which one node wrote its file "
        "(Lamport 1978). Clocks are not asked. Where no way leads either way the two are **concurrent**: "
        "neither can have caused the other, as far as is logged. **Click** a step for its event."
    )
    with panel("order", "Which came first?", about, order, path):
        if not path.table.num_rows and relation == "concurrent":
            st.markdown(
                f"**Neither:** nothing that was logged leads from {safe_md(event)} to {safe_md(other)} "
                "or back. They are concurrent."
            )
            return
        if relation == "concurrent":
            why = " No chain of causes leads there, but messages and the order in which nodes wrote do."
        else:
            why = (
                f" {formatting.plural(steps, 'step')} from cause to effect lie between them." if steps else ""
            )
        st.markdown(f"**{safe_md(first)} came before {safe_md(second)}.**{why}")
        if not path.table.num_rows:
            return
        ids = path.table.column("event_id").to_pylist()
        table.opening(
            path.table.select(["step", "kind", "event_id", "operation", "node", "occurred_at"]),
            {
                "step": table.name("step", 60),
                "kind": table.text("leads there by", 120),
                "event_id": table.text("event", 260),
                "occurred_at": table.at(to_millisecond=True),
            },
            lambda row: pick(ids[row]),
            key="path", alt="Steps from the first event to the second",
        )  # fmt: skip


def _difference_panel(version: int, event: str, other: str) -> None:
    found = data.load("chain_diff", version, first=event, second=other)
    about = (
        "What each of the two events caused, by the types on the way there. A row is a way that one of them "
        "went more often than the other, those where they part first come first."
    )
    with panel("difference", "How do their effects differ?", about, found):
        rows = sorted(found.rows, key=lambda row: (row["depth"], -abs(row["difference"])))
        if not rows:
            st.markdown(":material/check_circle: They do not: both caused the same types as often.")
            return
        table.show(
            {
                "depth": [row["depth"] for row in rows],
                "path": [_end_of(row["path"]) for row in rows],
                **{name: [row[name] for row in rows] for name in _COUNTED},
            },
            {
                "depth": table.name("step", 60),
                "path": table.text("types on the way", "large"),
                "first_count": table.number("of this event", 110),
                "second_count": table.number("of the other", 110),
                "difference": table.number("difference", 100),
            },
            key="difference", alt="Ways that one of the two chains went more often",
        )  # fmt: skip


def _end_of(path: Sequence[str | None]) -> str:
    """The last types of a way, which tell it from others that begin alike."""
    shown = [name or formatting.NONE for name in path[-_TYPES_SHOWN:]]
    return " → ".join(["…", *shown] if len(path) > _TYPES_SHOWN else shown)
