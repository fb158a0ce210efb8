"""The picture of a chain: as a tree, as an icicle or over time, and what of it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboard import controls, data, formatting, pages
from dashboard.charts import branches, chain, icicle
from dashboard.charts.branches import Choice
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.panel import panel

VIEWS: Final = ("tree", "icicle", "time")
DIRECTIONS: Final = ("both", "causes", "effects")
_CLICKS: Final = ("pick", "collapse")
_NAMES_OFFERED: Final = 500
_KEY: Final = "chain"
_COLLAPSED: Final = "collapsed"
_LOOKS: Final = "looks"
_FOLDED: Final = ("icicle", "types")
"""View and fold to begin with where a page has led here to see a chain folded."""
_ABOUT: Final = (
    "Each line leads from a cause to its effect, as the events themselves say (causation ids, "
    "parent spans, links). Negative steps are causes of the picked event, positive ones effects. "
    "**Fold** *leaves* makes one of many siblings of one type without effects (**× 12**), *types* of all "
    "siblings of one type and service, with what they caused. A hollow mark was named as a cause but not "
    "found: never logged, or pruned. In the **icicle** what an event caused lies below it, the wider the "
    "more it is, in events or in time from causes to effects, added up. Over **time** each lane is a service "
    "or a node; a dotted arrow leads through lanes that are hidden. **Click** a mark to pick that event, "
    "which also zooms the icicle, or to *collapse* what it caused; **+N** says how many events are not "
    "drawn there."
)


@dataclass(frozen=True)
class _Looks:
    """How the chain is looked at."""

    view: str
    choice: Choice
    width: str
    lane: str
    hidden: tuple[str, ...]


def direction() -> str:
    """Which way from the event, from a control that stands above what it changes."""
    return _segments("Direction", DIRECTIONS, "direction", label_visibility="collapsed")


def draw(answer: Answer, event: str) -> Choice:
    """The panel; returns what of the chain is asked for, which is true of its table too."""
    with panel(_KEY, "Chain", _ABOUT, answer):
        _summary(answer.table, event)
        looks = _looks(answer.table)
        _say_matches(answer.table, looks.choice)
        if looks.view == "time":
            _over_time(answer, event, looks)
        elif looks.view == "icicle":
            _icicle(answer, event, looks)
        else:
            _tree(answer, event, looks)
    return looks.choice


def open_folded(event: str) -> None:
    """Go to the chain of an event, as an icicle in which what is alike is one; for callbacks of other pages.

    What is bound to a widget cannot be named in the address of another page, but what it begins with can.
    """
    pages.go("chains", event=event, looks="folded")


def shown(table: pa.Table, choice: Choice) -> pa.Table:
    """The events of the chain that are asked for."""
    wanted = branches.asked(table, choice)
    return table if wanted is None else table.filter(wanted)


def _segments(label: str, options: tuple[str, ...], key: str, first: str = "", **more: Any) -> str:
    first = first or options[0]
    chosen = st.segmented_control(
        label, options, default=first, required=True, key=key, bind="query-params", **more
    )
    return chosen or first


def _several(label: str, names: list[str], key: str) -> tuple[str, ...]:
    chosen = st.multiselect(
        label, names[:_NAMES_OFFERED], key=key, bind="query-params", accept_new_options=True, width=260,
        placeholder="none" if key == "hide" else "any",
    )  # fmt: skip
    return tuple(sorted(chosen))


def _looks(table: pa.Table) -> _Looks:
    width, lane, hidden = icicle.WIDTHS[0], chain.LANES[0], tuple[str, ...]()
    view_first, fold_first = (
        _FOLDED if controls.remembered(_LOOKS) == "folded" else (VIEWS[0], branches.FOLDS[0])
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="chain_looks"):
        view = _segments("View", VIEWS, "view", view_first)
        fold = _segments("Fold alike", branches.FOLDS, "fold", fold_first)
        if view == "icicle":
            width = _segments("Width", icicle.WIDTHS, "width")
        if view == "time":
            lane = _segments("A lane is a", chain.LANES, "lane")
        _segments("A click is to", _CLICKS, "click")
    with st.container(horizontal=True, vertical_alignment="bottom", key="chain_filters"):
        text = st.text_input(
            "Only with", key="within", bind="query-params", icon=":material/filter_alt:", width=260,
            placeholder="type, id, service, node, stream",
        )  # fmt: skip
        types = _several("Only types", _names(table, "event_type"), "types")
        if view == "time":
            hidden = _several("Hide lanes", _names(table, lane), "hide")
        collapsed = tuple(sorted(controls.all_remembered(_COLLAPSED)))
        if collapsed:
            st.button(
                f"Expand {formatting.count(len(collapsed))}", icon=":material/unfold_more:", key="expand",
                type="tertiary", on_click=controls.remember, kwargs={_COLLAPSED: None},
            )  # fmt: skip
    choice = Choice(fold, collapsed, (text or "").strip(), types)
    return _Looks(view, choice, width, lane, hidden)


def _names(table: pa.Table, column: str) -> list[str]:
    """The values of a column, those of most events first."""
    counts = pc.value_counts(table.column(column).drop_null()).to_pylist()
    return [row["values"] for row in sorted(counts, key=lambda row: (-row["counts"], row["values"]))]


def _summary(table: pa.Table, event: str) -> None:
    depths = table.column("depth")
    causes, effects = (pc.sum(compare(depths, 0)).as_py() or 0 for compare in (pc.less, pc.greater))
    ghosts = pc.sum(table.column("is_ghost")).as_py() or 0
    ends = pc.min_max(table.column("occurred_at")).as_py()
    has_length = ends["min"] is not None and len(table.column("occurred_at").drop_null()) > 1
    lasted = f", over {formatting.span(ends['max'] - ends['min'])}" if has_length else ""
    services = len(pc.unique(table.column("service").drop_null()))
    text = (
        f"{safe_md(event)} has {formatting.plural(causes, 'cause')} and "
        f"{formatting.plural(effects, 'effect')} in {formatting.plural(services, 'service')}{lasted}."
    )
    if ghosts:
        text += f" {formatting.plural(ghosts, 'event')} of these were named but not found."
    st.markdown(text)


def _say_matches(table: pa.Table, choice: Choice) -> None:
    if choice.is_filtered:
        found = shown(table, choice).num_rows
        st.caption(
            f"{formatting.count(found)} of {formatting.plural(table.num_rows, 'event')} asked for; "
            "faint are those that connect them"
        )


def _tree(answer: Answer, event: str, looks: _Looks) -> None:
    figure, facts = data.figure_and_facts(chain.tree, answer, event=event, choice=looks.choice)
    _chart(figure, facts, "Causes and effects of the picked event")
    _say_left_out(facts["left_out"], "further away")


def _icicle(answer: Answer, event: str, looks: _Looks) -> None:
    given = {"event": event, "choice": looks.choice, "width": looks.width}
    figure, facts = data.figure_and_facts(icicle.draw, answer, **given)
    if not facts["cells"]:
        what = "no time passes below the picked event" if looks.width == "time" else "no event is asked for"
        st.markdown(f"Nothing has a width: {what}.")
        return
    _chart(figure, facts, "Icicle of what the picked event caused")
    _say_left_out(facts["folded"], "are in cells that say **+N more**: click one; they")


def _over_time(answer: Answer, event: str, looks: _Looks) -> None:
    given = {"event": event, "choice": looks.choice, "lane": looks.lane, "hidden": looks.hidden}
    figure, facts = data.figure_and_facts(chain.lanes, answer, **given)
    if not facts["lanes"]:
        st.markdown(
            "All lanes are hidden." if looks.hidden else "No event of this chain that is drawn has a time."
        )
        return
    _chart(figure, facts, f"Events of the chain by {looks.lane} and time")
    if facts["lanes_left_out"]:
        st.caption(f"{formatting.plural(facts['lanes_left_out'], 'lane')} with fewer events not drawn")
    _say_left_out(facts["left_out"], "further away")


def _chart(figure: str, facts: chain.Facts, alt: str) -> None:
    live_plotly(
        figure, key=_KEY, alt=alt, height=facts["height"], min_width=facts["min_width"], on_click=_clicked
    )


def _say_left_out(count: int, which: str) -> None:
    if count:
        st.caption(f"{formatting.plural(count, 'event')} {which} are not drawn singly; the table has them")


def _clicked() -> None:
    point = st.session_state[_KEY].click
    if not point or not isinstance(point["customdata"], str):
        return
    target = point["customdata"]
    if st.session_state.get("click") == "collapse":
        collapsed = controls.all_remembered(_COLLAPSED)
        changed = [one for one in collapsed if one != target]
        controls.remember(**{_COLLAPSED: changed if len(changed) < len(collapsed) else [*collapsed, target]})
    else:
        controls.remember(event=target, record=None)
