"""Figures say what the tables say."""

import math
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from dashboard.charts import base, conservation, hotspots, quick, timeline, wait_for

from .conftest import all_shown
from .story import HOSTILE

START = datetime(2026, 11, 20, 10)  # noqa: DTZ001
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def test_event_rate_divides_by_the_bucket_and_stacks_errors() -> None:
    table = pa.table({"bucket_start": [START], "event_count": [120], "error_count": [30]})
    figure = timeline.event_rate(table, since=START, until=START + 2 * MINUTE, bucket=MINUTE)
    assert [list(trace.y) for trace in figure.data] == [[1.5, 0], [0.5, 0]]
    assert figure.layout.yaxis.title.text == "events per s"


@pytest.mark.parametrize(("count", "form"), [(6, "~g"), (60_000, "~s")])
def test_rates_below_one_are_not_written_in_thousandths(count: int, form: str) -> None:
    table = pa.table({"bucket_start": [START], "event_count": [count], "error_count": [0]})
    figure = timeline.event_rate(table, since=START, until=START + 2 * MINUTE, bucket=MINUTE)
    assert figure.layout.yaxis.tickformat == form


def test_axis_of_a_window_spans_it_even_without_data() -> None:
    table = pa.table({"bucket_start": [START], "event_count": [1], "error_count": [0]})
    figure = timeline.event_rate(table, since=START, until=START + HOUR, bucket=MINUTE)
    assert list(figure.layout.xaxis.range) == ["2026-11-20T10:00:00", "2026-11-20T11:00:00"]


def _hours(counts: list[int]) -> pa.Table:
    return pa.table({"hour_start": [START + HOUR * n for n in range(len(counts))], "deadlock_count": counts})


def test_hours_without_deadlocks_keep_their_place() -> None:
    figure = timeline.deadlocks_per_hour(_hours([2, 0, 5]), since=START, until=START + 3 * HOUR)
    assert list(figure.data[0].y) == [2, 0, 5]
    assert figure.layout.yaxis.title.text == "deadlocks per hour"


def test_stormy_hours_differ_in_colour_and_have_their_line() -> None:
    figure = timeline.deadlocks_per_hour(_hours([11, 12]), since=START, until=START + 2 * HOUR)
    assert list(figure.data[0].marker.color) == [base.ORANGE, base.RED]
    assert figure.layout.shapes[0].y0 == 12


def test_years_of_hours_are_folded_and_lose_no_deadlock() -> None:
    counts = [1] * (24 * 400)
    figure = timeline.deadlocks_per_hour(_hours(counts), since=START, until=START + len(counts) * HOUR)
    assert len(figure.data[0].y) <= 401
    assert sum(figure.data[0].y) == len(counts)
    assert figure.layout.yaxis.title.text == "deadlocks per 24 hours"


def test_bar_of_many_hours_is_as_stormy_as_its_worst_hour() -> None:
    hours = _hours([1, 12, *[0] * 998])
    bars = timeline.deadlocks_per_hour(hours, since=START, until=START + 1000 * HOUR).data[0]
    assert bars.y[0] == 13
    assert list(bars.marker.color[:2]) == [base.RED, base.ORANGE]
    assert bars.hovertext[0].endswith("13 deadlocks, at most 12 in an hour")


def test_many_hours_in_a_bar_have_no_line_of_one_hour() -> None:
    figure = timeline.deadlocks_per_hour(_hours([50] * 1000), since=START, until=START + 1000 * HOUR)
    assert not figure.layout.shapes


def _minutes(counts: dict[int, int]) -> pa.Table:
    return pa.table(
        {
            "bucket_start": [START + MINUTE * minute for minute in counts],
            "deadlock_count": list(counts.values()),
        }
    )


def test_finer_bars_have_zeros_between_deadlocks() -> None:
    figure = timeline.deadlocks_over_time(
        _minutes({1: 2, 3: 1}), since=START, until=START + 5 * MINUTE, bucket=MINUTE
    )
    assert list(figure.data[0].y) == [0, 2, 0, 1, 0]
    assert figure.layout.yaxis.title.text == "deadlocks per 1\u00a0min"


def test_finer_bars_of_a_stormy_hour_are_red() -> None:
    table = _minutes({1: 6, 30: 6, 61: 1})
    bars = timeline.deadlocks_over_time(table, since=START, until=START + 2 * HOUR, bucket=MINUTE).data[0]
    assert (bars.marker.color[1], bars.marker.color[61]) == (base.RED, base.ORANGE)


def test_time_is_written_as_everywhere_else() -> None:
    stops = base.time_axis(START, START + HOUR)["tickformatstops"]
    assert {"dtickrange": [60_000, 86_399_999], "value": "%H:%M\n%Y-%m-%d"} in stops


def _cells(rows: list[tuple[str, str, int, int, int]]) -> pa.Table:
    return pa.table(
        {
            "consumer": [row[0] for row in rows],
            "stream": [row[1] for row in rows],
            "bucket_start": [START + MINUTE * row[2] for row in rows],
            "arrival_count": [row[3] for row in rows],
            "reordered_count": [row[4] for row in rows],
            "reordered_ratio": [row[4] / row[3] for row in rows],
            "late_time_p99_ms": [35.0 if row[4] else None for row in rows],
            "extent_max": [3 if row[4] else None for row in rows],
        }
    )


def _heat_map(table: pa.Table, **options: Any) -> Any:
    return hotspots.heat_map(
        table, since=START, until=START + 3 * MINUTE, bucket=MINUTE, measure="share", **options
    )


def test_heat_map_puts_the_worst_row_on_top_and_leaves_silence_blank() -> None:
    table = _cells([("billing", "orders", 0, 10, 1), ("audit", "audit", 2, 10, 5)])
    trace = _heat_map(table).data[0]
    assert [list(row) for row in trace.z] == [[None, None, 50], [10, None, None]]


def test_heat_map_tells_in_order_from_no_arrivals() -> None:
    trace = _heat_map(_cells([("billing", "orders", 1, 10, 0)])).data[0]
    assert list(trace.z[0]) == [None, 0, None]


def test_scale_of_a_heat_map_in_order_begins_at_nothing() -> None:
    trace = _heat_map(_cells([("billing", "orders", 1, 10, 0)])).data[0]
    assert (trace.zmin, trace.zmax) == (0, 1)


def test_heat_map_cell_knows_what_was_clicked() -> None:
    trace = _heat_map(_cells([("billing", "orders", 1, 10, 1)])).data[0]
    assert list(trace.customdata[0][1]) == ["billing", "orders", "2026-11-20T10:01:00"]


def test_heat_map_is_bounded() -> None:
    table = _cells([(f"c{n}", "s", 0, 10, 1) for n in range(400)])
    trace = hotspots.heat_map(
        table, since=START, until=START + timedelta(days=9), bucket=MINUTE, measure="count"
    ).data[0]
    assert (len(trace.z), len(trace.z[0])) == (hotspots.ROWS_AT_MOST, hotspots.CELLS_AT_MOST)


def test_picked_cell_has_a_frame() -> None:
    table = _cells([("billing", "orders", 1, 10, 1)])
    figure = _heat_map(table, picked=("billing", "orders", START + MINUTE, 2 * MINUTE))
    assert figure.layout.shapes[0].x1 == START + 3 * MINUTE
    assert (figure.layout.shapes[0].y0, figure.layout.shapes[0].y1) == (-0.5, 0.5)


def _waits(edges: list[tuple[str, str, bool]]) -> pa.Table:
    return pa.table(
        {
            "owner": [edge[0] for edge in edges],
            "blocked_by": [edge[1] for edge in edges],
            "is_victim": [edge[2] for edge in edges],
            "mode": ["ShareLock" for _ in edges],
            "resource": ["row 1" for _ in edges],
            "statement": ["update accounts" for _ in edges],
        }
    )


def test_members_stand_in_the_order_of_waiting() -> None:
    waits = _waits([("1", "3", False), ("2", "1", False), ("3", "2", False)])
    assert wait_for.members(waits) == ["1", "3", "2"]


def test_graph_has_an_arrow_per_wait_and_marks_the_victim() -> None:
    figure = wait_for.graph(_waits([("1", "2", True), ("2", "1", False)]))
    arrows, members = figure.data[:-1], figure.data[-1]
    assert [list(arrow.marker.size).count(0) for arrow in arrows] == [20, 20]
    assert [note.text for note in figure.layout.annotations] == ["ShareLock<br>row 1"] * 2
    assert list(members.text) == ["<b>1</b><br>victim", "<b>2</b>"]
    assert list(members.marker.symbol) == ["x", "circle"]


def test_arrow_runs_from_who_waits_to_who_holds() -> None:
    figure = wait_for.graph(_waits([("1", "2", True), ("2", "1", False)]))
    arrow, members = figure.data[0], figure.data[-1]
    assert (arrow.x[0], arrow.y[0]) == (members.x[0], members.y[0])
    assert (arrow.x[-1], arrow.y[-1]) == (members.x[1], members.y[1])


def _circle_of(count: int, length: int = 3) -> pa.Table:
    names = [f"{number:0{length}}" for number in range(count)]
    return _waits([(name, names[(at + 1) % count], at == 0) for at, name in enumerate(names)])


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 8, 10, 12])
def test_no_name_stands_beside_its_mark_where_a_narrow_screen_would_cut_it(count: int) -> None:
    members = wait_for.graph(_circle_of(count)).data[-1]
    assert set(members.textposition) <= {"top center", "bottom center"}
    assert [math.hypot(x, y) for x, y in zip(members.x, members.y, strict=True)] == pytest.approx([1] * count)


def test_graph_is_as_wide_as_its_names_and_locks_need() -> None:
    assert wait_for.width(_circle_of(4)) < 300, "a phone shows it whole"
    assert wait_for.width(_circle_of(4, length=40)) == wait_for.width(_circle_of(4, length=20)) > 300
    assert wait_for.width(_circle_of(9, length=15)) > wait_for.width(_circle_of(8, length=15))


def test_bytes_of_a_file_are_cut_into_their_parts() -> None:
    row = {"path": "a.log", "size_bytes": 100, "stored_bytes": 60, "quarantined_bytes": 10,
           "pruned_bytes": 0, "blank_bytes": 0, "inherited_bytes": 0, "backlog_bytes": 30}  # fmt: skip
    figure = conservation.by_file(pa.Table.from_pylist([row]))
    assert {trace.name: list(trace.x) for trace in figure.data} == {
        "stored": [60], "quarantined": [10], "not read yet": [30],
    }  # fmt: skip


def test_quick_picture_offers_numbers_as_heights() -> None:
    table = pa.table({"name": ["a"], "n": [1], "share": [0.5], "at": [START]})
    assert quick.measures(table) == ["n", "share"]


def test_quick_picture_lies_along_time_before_names() -> None:
    table = pa.table({"n": [1], "name": ["a"], "at": [START]})
    assert quick.axis_of(table) == "at"
    assert quick.axis_of(table.drop_columns("at")) == "name"
    assert quick.axis_of(table.select(["n"])) == "n"


def test_quick_picture_leaves_out_instants_that_have_no_place() -> None:
    instants = pa.array([0, 2**63 - 1, None], pa.timestamp("us"))
    figure = quick.picture(pa.table({"x": instants, "y": [1, 2, 3]}), x="x", y="y", kind="line")
    assert list(figure.data[0].x) == [datetime(1970, 1, 1), None, None]  # noqa: DTZ001 - naive UTC as stored


def test_quick_picture_is_bounded() -> None:
    table = pa.table({"x": list(range(5000)), "y": list(range(5000))})
    assert len(quick.picture(table, x="x", y="y", kind="line").data[0].x) == base.POINTS_AT_MOST


@pytest.mark.parametrize("name", ["heat map", "wait-for", "bytes", "quick"])
def test_no_figure_carries_a_tag_from_a_log(name: str) -> None:
    row = {"path": HOSTILE, "size_bytes": 9, "stored_bytes": 9, "quarantined_bytes": 0,
           "pruned_bytes": 0, "blank_bytes": 0, "inherited_bytes": 0, "backlog_bytes": 0}  # fmt: skip
    figures = {
        "heat map": lambda: _heat_map(_cells([(HOSTILE, HOSTILE, 0, 10, 1)])),
        "wait-for": lambda: wait_for.graph(
            _waits([(HOSTILE, "2", True)]).set_column(4, "resource", pa.array([HOSTILE]))
        ),
        "bytes": lambda: conservation.by_file(pa.Table.from_pylist([row])),
        "quick": lambda: quick.picture(
            pa.table({HOSTILE: [HOSTILE], "n": [1]}), x=HOSTILE, y="n", kind="bar"
        ),
    }
    shown = all_shown(figures[name]())
    assert not [text for text in shown if "<a" in text or "<img" in text or "<script" in text]
    assert [text for text in shown if "![pixel]" in text or "…" in text]
