"""Pictures of a chain say what its rows say: tree, icicle and lanes, folded, filtered and collapsed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from dashboard.charts import branches, chain, icicle, tree_layout
from dashboard.charts.branches import Branch, Choice

from .conftest import all_shown
from .story import HOSTILE

START = datetime(2026, 11, 20, 10)  # noqa: DTZ001
ALL = Choice()
Rows = list[tuple[str, str | None, int]]


def _chain(rows: Rows, **changes: Any) -> pa.Table:
    columns = {
        "event_id": [row[0] for row in rows],
        "cause_id": [row[1] for row in rows],
        "depth": [row[2] for row in rows],
        "event_type": ["order.created" for _ in rows],
        "service": ["shop" for _ in rows],
        "node": ["shop-1" for _ in rows],
        "stream": ["orders" for _ in rows],
        "occurred_at": [START + timedelta(seconds=n) for n in range(len(rows))],
        "is_ghost": [False for _ in rows],
    }
    return pa.table(columns | changes)


def _laid_out(table: pa.Table, choice: Choice = ALL) -> tree_layout.Layout:
    return tree_layout.arrange(branches.grow(table, choice))


def _line(count: int) -> pa.Table:
    return _chain([("e0", None, 0), *((f"e{n}", f"e{n - 1}", n) for n in range(1, count))])


# a caused two of type x, each of which caused y and z.
TWO_ALIKE: Rows = [
    ("a", None, 0), ("x1", "a", 1), ("x2", "a", 1),
    ("y1", "x1", 2), ("y2", "x2", 2), ("z1", "x1", 2), ("z2", "x2", 2),
]  # fmt: skip
TYPES = ["a", "x", "x", "y", "y", "z", "z"]


# --- branches -----------------------------------------------------------------------------------


def test_tree_puts_a_cause_in_the_middle_of_its_effects() -> None:
    table = _chain([("a", None, 0), ("b", "a", 1), ("c", "a", 1), ("d", "b", 2), ("e", "b", 2)])
    assert _laid_out(table).rows == {"d": 0, "e": 1, "b": 0.5, "c": 2, "a": 1.25}


def test_alike_leaves_are_folded_into_one() -> None:
    table = _chain([("a", None, 0), *((f"b{n}", "a", 1) for n in range(9))])
    assert [(node.event_id, node.count) for node in _laid_out(table).nodes] == [("a", 1), ("b0", 9)]
    assert len(_laid_out(table, Choice(fold="nothing")).nodes) == 10


def test_few_alike_leaves_are_not_folded() -> None:
    table = _chain([("a", None, 0), *((f"b{n}", "a", 1) for n in range(branches.FOLD_ABOVE))])
    assert len(_laid_out(table).nodes) == 1 + branches.FOLD_ABOVE


def test_folding_types_makes_one_of_alike_effects_and_of_what_these_caused() -> None:
    layout = _laid_out(_chain(TWO_ALIKE, event_type=TYPES), Choice(fold="types"))
    assert [(node.event_id, node.cause_id, node.count) for node in layout.nodes] == [
        ("a", None, 1), ("x1", "a", 2), ("y1", "x1", 2), ("z1", "x1", 2),
    ]  # fmt: skip


def test_picked_event_is_not_folded_into_its_siblings() -> None:
    table = _chain([("r", None, -1), ("p", "r", 0), *((f"e{n}", "p", 1) for n in range(3))])
    nodes = _laid_out(table, Choice(fold="types")).nodes
    assert [(node.event_id, node.count) for node in nodes] == [("r", 1), ("p", 1), ("e0", 3)]


def test_collapsed_event_says_how_many_it_hides() -> None:
    layout = _laid_out(_chain(TWO_ALIKE, event_type=TYPES), Choice(collapsed=("x1",)))
    assert {node.event_id: node.hidden for node in layout.nodes} == {
        "a": 0,
        "x1": 2,
        "x2": 0,
        "y2": 0,
        "z2": 0,
    }


@pytest.mark.parametrize(
    ("choice", "asked"), [(Choice(text="Z2"), {"z2"}), (Choice(types=("y",)), {"y1", "y2"}),
                          (Choice(types=("y",), text="y2"), {"y2"})]
)  # fmt: skip
def test_filter_keeps_what_is_asked_for_and_the_way_to_it(choice: Choice, asked: set[str]) -> None:
    nodes = _laid_out(_chain(TWO_ALIKE, event_type=TYPES), choice).nodes
    assert {node.event_id for node in nodes if node.is_asked} == asked
    way = {"a", *(f"x{event[1]}" for event in asked)}
    assert {node.event_id for node in nodes if not node.is_asked} == way


def test_filter_takes_text_as_it_stands() -> None:
    table = _chain([("a", None, 0), ("b%", "a", 1), ("bc", "a", 1)])
    assert [node.event_id for node in _laid_out(table, Choice(text="b%")).nodes if node.is_asked] == ["b%"]


def test_chain_deeper_than_the_stack_is_laid_out() -> None:
    layout = _laid_out(_line(590))
    assert (layout.row_count, len(layout.nodes)) == (1, 590)


def test_far_events_of_a_large_chain_are_left_out_and_counted() -> None:
    layout = _laid_out(_line(1001))
    assert layout.left_out == 1001 - tree_layout.NODES_AT_MOST
    assert [node.hidden for node in layout.nodes if node.hidden] == [layout.left_out]


def test_events_that_cause_each_other_are_all_drawn() -> None:
    assert sorted(_laid_out(_chain([("a", "b", 0), ("b", "a", 1)])).rows) == ["a", "b"]


# --- tree and lanes -----------------------------------------------------------------------------


def _tree(table: pa.Table, event: str = "a", choice: Choice = ALL) -> Any:
    return chain.tree(table, event=event, choice=choice)


def test_effects_branch_off_a_common_stem() -> None:
    figure, _ = _tree(_chain([("a", None, 0), ("b", "a", 1), ("c", "a", 1)]))
    lines = figure.data[0]
    bends = [x for x, y in zip(lines.x, lines.y, strict=True) if y == 0.5 and x]
    assert bends == [1 - 0.16, 1 - 0.16]


def test_narrow_room_does_not_squeeze_labels_into_each_other() -> None:
    assert _tree(_chain([("a", None, 0), ("b", "a", 1)]))[1]["min_width"] == 300
    # Too deep for labels: it may be as dense as it likes.
    assert _tree(_line(20), "e0")[1]["min_width"] == 0


def test_tree_marks_the_picked_event_the_ghost_and_what_hides_more() -> None:
    table = _chain([("a", None, -1), ("b", "a", 0), ("c", "b", 1)], is_ghost=[True, False, False])
    trace = _tree(table, "b", Choice(collapsed=("b",)))[0].data[1]
    assert list(trace.marker.symbol) == ["circle-open-dot", "circle-cross"]
    assert list(trace.marker.line.width) == [0, 3]
    assert list(trace.customdata) == ["a", "b"]
    assert trace.text[1].endswith("<b>+1</b>")


def _lanes(table: pa.Table, **options: Any) -> Any:
    return chain.lanes(table, event="a", choice=ALL, **options)


def test_lanes_leave_room_at_both_ends() -> None:
    axis = _lanes(_chain([("a", None, 0), ("b", "a", 1)]))[0].layout.xaxis
    assert list(axis.range) == ["2026-11-20T09:59:59.960000", "2026-11-20T10:00:01.040000"]


def test_lanes_connect_a_cause_with_its_effect_over_time() -> None:
    figure, _ = _lanes(_chain([("a", None, 0), ("b", "a", 1)], service=["shop", "billing"]))
    assert list(figure.layout.yaxis.ticktext) == ["billing", "shop"]
    assert list(figure.data[0].y) == [1, 0, None]


def test_arrow_through_a_hidden_lane_is_dotted() -> None:
    table = _chain([("a", None, 0), ("b", "a", 1), ("c", "b", 2)], service=["shop", "billing", "shipping"])
    figure, facts = _lanes(table, hidden=("billing",))
    assert list(figure.layout.yaxis.ticktext) == ["shipping", "shop"]
    assert (list(figure.data[0].y), list(figure.data[1].y)) == ([], [1, 0, None])
    assert figure.data[1].line.dash == "dot"
    assert list(figure.data[2].customdata) == ["a", "c"]
    assert facts["lanes"] == 2


def test_lanes_may_be_nodes_and_are_bounded() -> None:
    rows: Rows = [("a", None, 0), *((f"b{n}", "a", 1) for n in range(99))]
    nodes = ["n-0", *(f"n-{n % 50}" for n in range(99))]
    figure, facts = chain.lanes(
        _chain(rows, node=nodes), event="a", choice=Choice(fold="nothing"), lane="node"
    )
    assert (len(figure.layout.yaxis.ticktext), facts["lanes_left_out"]) == (40, 10)


def test_nothing_is_drawn_where_all_lanes_are_hidden() -> None:
    figure, facts = _lanes(_chain([("a", None, 0)]), hidden=("shop",))
    assert (len(figure.data), facts["lanes"]) == (0, 0)


# --- icicle -------------------------------------------------------------------------------------


def _icicle(table: pa.Table, event: str = "a", choice: Choice = ALL, width: str = "events") -> Any:
    return icicle.draw(table, event=event, choice=choice, width=width)


def _cells(figure: Any) -> dict[str, tuple[int, float, float]]:
    """Event -> row, start and width to a hundredth."""
    return {
        trace.customdata[at]: (trace.y[at], round(trace.base[at], 2), round(trace.x[at], 2))
        for trace in figure.data
        for at in range(len(trace.y))
    }


def test_width_of_a_cell_is_the_share_of_the_events_in_it() -> None:
    table = _chain([("a", None, 0), ("b", "a", 1), ("c", "a", 1), ("d", "b", 2)])
    figure, _ = _icicle(table)
    # Of four events b and d are two, c is one, and a itself leaves one quarter free.
    assert _cells(figure) == {"a": (0, 0, 1), "b": (1, 0, 0.5), "c": (1, 0.5, 0.25), "d": (2, 0, 0.25)}


def test_width_may_be_time_from_causes_to_effects() -> None:
    table = _chain(
        [("a", None, 0), ("b", "a", 1), ("c", "a", 1)],
        occurred_at=[START, START + timedelta(seconds=1), START + timedelta(seconds=3)],
    )
    figure, _ = _icicle(table, width="time")
    assert _cells(figure) == {"a": (0, 0, 1), "c": (1, 0, 0.75), "b": (1, 0.75, 0.25)}


def test_effect_that_seems_to_come_before_its_cause_took_no_time() -> None:
    table = _chain([("a", None, 0), ("b", "a", 1)], occurred_at=[START, START - timedelta(seconds=1)])
    assert _icicle(table, width="time")[1]["cells"] == 0


def test_causes_of_the_picked_event_stand_above_it_and_lead_back() -> None:
    table = _chain([(f"e{n}", f"e{n - 1}" if n else None, n - 9) for n in range(11)])
    figure, _ = _icicle(table, event="e9")
    cells = _cells(figure)
    assert [(name, cells[name][0]) for name in ("e0", "e4", "e5", "e8", "e9", "e10")] == [
        ("e0", 0), ("e4", 1), ("e5", 2), ("e8", 5), ("e9", 6), ("e10", 7),
    ]  # fmt: skip
    assert figure.data[-1].text[0] == "+4 more"
    assert cells["e8"][2] == cells["e9"][2] == 1


def test_cells_too_narrow_to_be_seen_become_one_that_counts_them() -> None:
    table = _chain([("a", None, 0), *((f"b{n}", "a", 1) for n in range(5000))])
    figure, facts = _icicle(table, choice=Choice(fold="nothing"))
    assert list(figure.data[-1].text) == ["+5,000 more"]
    # The picked event itself would lead nowhere.
    assert figure.data[-1].customdata[0] == "b0"
    assert facts["folded"] == 5000


def test_deep_chain_goes_on_behind_a_cell() -> None:
    figure, facts = _icicle(_line(500), "e0")
    assert list(figure.data[-1].text) == [f"+{500 - icicle.ROWS_AT_MOST - 1} more"]
    assert figure.data[-1].customdata[0] == f"e{icicle.ROWS_AT_MOST}"
    assert facts["height"] < 900


def test_icicle_is_bounded() -> None:
    rows: Rows = [("a", None, 0), *((f"b{n}", "a", 1) for n in range(400))]
    rows += [(f"c{n}", f"b{n // 4}", 2) for n in range(1600)]
    figure, _ = _icicle(_chain(rows), choice=Choice(fold="nothing"))
    assert sum(len(trace.y) for trace in figure.data) <= 2 * icicle.CELLS_AT_MOST
    assert max(len(trace.y) for trace in figure.data) <= 2000


def test_each_event_is_in_one_cell_or_in_one_that_counts_it() -> None:
    rows: Rows = [("a", None, 0), *((f"b{n}", "a", 1) for n in range(9))]
    rows += [(f"c{n}", f"b{n % 3}", 2) for n in range(900)]
    types = ["a", *["b"] * 9, *(f"c{n % 89}" for n in range(900))]
    figure, facts = _icicle(_chain(rows, event_type=types), choice=Choice(fold="nothing"))
    counted = [text for trace in figure.data for text in trace.text]
    more = [int(text[1 : -len(" more")]) for text in counted if text.endswith(" more")]
    assert sum(more) == facts["folded"] > 0
    assert len(counted) - len(more) + sum(more) == len(rows)


def test_filter_makes_the_icicle_of_what_is_asked_for() -> None:
    figure, _ = _icicle(_chain(TWO_ALIKE, event_type=TYPES), choice=Choice(types=("y",)))
    assert _cells(figure) == {
        "a": (0, 0, 1), "x1": (1, 0, 0.5), "x2": (1, 0.5, 0.5), "y1": (2, 0, 0.5), "y2": (2, 0.5, 0.5),
    }  # fmt: skip


@pytest.mark.parametrize("make", [_tree, _lanes, _icicle])
def test_no_picture_carries_a_tag_from_a_log(make: Any) -> None:
    rows: Rows = [("a", None, 0), (HOSTILE, "a", 1)]
    names = {name: [HOSTILE, HOSTILE] for name in ("event_type", "service", "node", "stream")}
    shown = all_shown(make(_chain(rows, **names))[0])
    assert not [text for text in shown if "<a" in text or "<img" in text or "<script" in text]
    assert [text for text in shown if "![pixel]" in text or "…" in text]


def test_every_branch_is_walked_before_its_effects() -> None:
    roots: list[Branch] = branches.grow(_chain(TWO_ALIKE), ALL)
    assert [branch.event_id for branch in branches.walk(roots)] == ["a", "x1", "y1", "z1", "x2", "y2", "z2"]
