"""From a swapped pair to the ways of its two messages: who sent them when, who received them when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from dashboard.charts import base, crossing
from stormwatch.storage import Store

from .conftest import Statements, all_shown, asked_of, figures, open_page, table, texts
from .story import HOSTILE

PAIRS = "Events that arrived after one with a greater number"
START = datetime(2026, 11, 20, 10)  # noqa: DTZ001


def _row(number: int, role: str, second: float, node: str, **changes: Any) -> dict[str, Any]:
    is_arrival = not node.startswith("shop")
    return {
        "event_id": f"m-{number}", "event_type": "order.created", "sequence": number, "role": role,
        "is_arrival": is_arrival, "service": node.partition("-")[0], "node": node,
        "occurred_at": START + timedelta(seconds=second),
    } | changes  # fmt: skip


# 3 overtakes 2: sent second, it is received first, at a node that sorts before the other.
SWAPPED = [
    _row(2, "late", 1, "shop-1"), _row(3, "overtaking", 2, "shop-1"), _row(4, "around", 3, "shop-1"),
    _row(3, "overtaking", 11, "billing-1"), _row(2, "late", 12, "billing-2"),
    _row(4, "around", 13, "billing-1"),
]  # fmt: skip


def _draw(rows: list[dict[str, Any]], distance: str = "order") -> Any:
    return crossing.draw(pa.Table.from_pylist(rows), distance=distance)[0]


def _ways(figure: Any, role: str) -> list[tuple[Any, ...]]:
    """(from x, from lane, to x, to lane) of the arrows of a role."""
    way = next(trace for trace in figure.data if trace.name == f"way of {crossing.ROLES[role][0]}")
    return [(way.x[n], way.y[n], way.x[n + 1], way.y[n + 1]) for n in range(0, len(way.x), 3)]


def _cross(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two stretches of a line have a point in common, by the side on which their ends lie."""

    def side(line: tuple[float, ...], x: float, y: float) -> float:
        return (line[2] - line[0]) * (y - line[1]) - (line[3] - line[1]) * (x - line[0])

    return all(side(a, b[0], b[1]) * side(a, b[2], b[3]) < 0 for a, b in ((one, other), (other, one)))


def test_arrows_lead_from_senders_above_to_receivers_below() -> None:
    figure = _draw(SWAPPED)
    assert list(figure.layout.yaxis.ticktext) == ["shop-1", "billing-2", "billing-1"]
    assert _ways(figure, "late") == [(0, 0, 4, 1)]
    assert _ways(figure, "overtaking") == [(1, 0, 3, 2)]
    assert _ways(figure, "around") == [(2, 0, 5, 2)]
    assert list(figure.layout.xaxis.ticktext) == ["10:00:01.000", "10:00:13.000"]


@pytest.mark.parametrize(
    "receivers", [("billing-1", "billing-2"), ("billing-2", "billing-1"), ("billing-1",) * 2]
)
def test_arrows_of_the_pair_cross_whichever_nodes_received_it(receivers: tuple[str, str]) -> None:
    rows = [
        row | ({"node": receivers[0]} if row["is_arrival"] and row["role"] == "late" else {})
        for row in SWAPPED
    ]
    rows = [
        row | ({"node": receivers[1]} if row["is_arrival"] and row["role"] != "late" else {}) for row in rows
    ]
    figure = _draw(rows)
    [late], [overtaking] = _ways(figure, "late"), _ways(figure, "overtaking")
    assert _cross(late, overtaking)


def test_what_arrived_in_order_does_not_cross() -> None:
    rows = [row | {"role": {2: "around", 3: "late", 4: "overtaking"}[row["sequence"]]} for row in SWAPPED]
    figure = _draw(rows)
    assert not _cross(*_ways(figure, "late"), *_ways(figure, "overtaking"))


def test_distance_may_be_time() -> None:
    figure = _draw(SWAPPED, "time")
    assert _ways(figure, "late") == [(START + timedelta(seconds=1), 0, START + timedelta(seconds=12), 1)]
    assert figure.layout.xaxis.type == "date"


def test_pair_stands_out_from_what_is_around_it() -> None:
    marks = {trace.name: trace for trace in _draw(SWAPPED).data if trace.mode == "markers+text"}
    assert (marks["late"].marker.color, marks["overtaking"].marker.color) == (base.RED, base.BLUE)
    assert list(marks["late"].text) == ["<b>2</b>", "<b>2</b>"]
    assert list(marks["around them"].text) == ["4", "4"]
    assert marks["late"].marker.size > marks["around them"].marker.size
    assert list(marks["late"].customdata) == ["m-2", "m-2"]


def test_copy_comes_from_the_sending_before_it() -> None:
    again = [_row(2, "late", 20, "shop-1"), _row(2, "late", 21, "billing-1")]
    assert _ways(_draw([*SWAPPED, *again]), "late") == [(0, 0, 4, 1), (6, 0, 7, 2)]


def test_arrival_without_a_sending_has_no_arrow() -> None:
    figure = _draw([row for row in SWAPPED if row["is_arrival"] or row["role"] != "late"])
    assert _ways(figure, "late") == []
    assert len(_ways(figure, "overtaking")) == 1


def test_node_that_sends_to_itself_has_two_lanes() -> None:
    rows = [_row(2, "late", 1, "shop-1"), _row(2, "late", 2, "shop-1", is_arrival=True)]
    assert list(_draw(rows).layout.yaxis.ticktext) == ["shop-1, sending", "shop-1, receiving"]


def test_no_tag_from_a_log_is_drawn() -> None:
    named = dict.fromkeys(("event_id", "event_type", "node", "service"), HOSTILE)
    shown = all_shown(_draw([row | named for row in SWAPPED]))
    assert not [text for text in shown if "<a" in text or "<img" in text or "<script" in text]
    assert [text for text in shown if "![pixel]" in text]


# --- the page -----------------------------------------------------------------------------------


@pytest.fixture
def statements(store: Store, serve: Callable[..., Statements]) -> Statements:
    """What pages ask of the story."""
    return serve(store)


def test_pair_in_the_address_shows_the_ways_of_its_messages(statements: Statements) -> None:
    app = open_page("ordering", pair="o-2", pair_at="billing")
    assert (
        "**Number 2** (`o-2`) arrived 400\u00a0ms after **number 3** (`o-3`), but was sent 1\u00a0s before "
        "it: **their ways cross**."
    ) in texts(app)
    drawn = {trace["name"]: trace for trace in figures(app)["crossing"]["data"]}
    assert drawn["late"]["customdata"] == ["o-2", "o-2"]
    assert drawn["overtaking"]["customdata"] == ["o-3", "o-3"]
    # Of the others four was sent and never arrived, and five arrived twice.
    assert sorted(drawn["around them"]["text"]) == ["1", "1", "5", "5", "5", "6", "6"]
    assert figures(app)["crossing"]["layout"]["yaxis"]["ticktext"] == ["shop-1", "billing-2", "billing-1"]
    assert asked_of(statements).count("crossing_messages") == 1
    assert [mark for mark in table(app, PAIRS)["mark"] if mark] == ["●"]
    assert app.code[1].value.startswith('{"id": "o-2", "op": "receive"')


def test_without_a_pair_no_ways_are_asked_for(statements: Statements) -> None:
    assert "crossing" not in figures(open_page("ordering"))
    assert "crossing_messages" not in asked_of(statements)


def test_distance_stands_in_the_address(statements: Statements) -> None:
    assert statements.texts == []
    app = open_page("ordering", pair="o-2", distance="time")
    assert figures(app)["crossing"]["layout"]["xaxis"]["type"] == "date"


def test_late_message_whose_sending_is_not_logged_says_so(store: Store, statements: Statements) -> None:
    with store.cursor() as cursor:
        cursor.execute("DELETE FROM observations WHERE event_id = 'o-2' AND operation = 'send'")
    statements.clear()
    said = texts(open_page("ordering", pair="o-2"))
    assert "Of one of them no sending is logged, so that its way has no beginning." in said


def test_pair_that_was_sent_in_the_order_it_arrived_in_does_not_cross(
    store: Store, statements: Statements
) -> None:
    with store.cursor() as cursor:
        cursor.execute(
            "UPDATE observations SET occurred_at = occurred_at + INTERVAL 3 SECOND "
            "WHERE event_id = 'o-2' AND operation = 'send'"
        )
    statements.clear()
    said = texts(open_page("ordering", pair="o-2"))
    assert "and was sent 2\u00a0s after it: their ways do not cross, they were sent in this order." in said
