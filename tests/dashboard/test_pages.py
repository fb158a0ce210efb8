"""Every page says what the story says, from whatever address it is opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from stormwatch.status import IngestStatus
from stormwatch.storage import Store

from . import story
from .conftest import Statements, figures, open_page, table, texts

PAGES = (
    "overview", "storms", "alerts", "ordering", "chains", "deadlocks", "versions", "why", "events", "sql",
    "health",
)  # fmt: skip
Serve = Callable[..., Statements]
PAIRS = "Events that arrived after one with a greater number"


def _tiles(app: Any) -> list[str]:
    """The numbers on the tiles: what stands in bold and alone."""
    alone = re.compile(r"\*\*([^*]+)\*\*")
    return [found[1] for element in app.markdown if (found := alone.fullmatch(element.value))]


@pytest.fixture(autouse=True)
def story_is_served(request: pytest.FixtureRequest, serve: Serve) -> None:
    """The story, unless a test asks for another database."""
    if not {"empty_store", "hostile_store"} & set(request.fixturenames):
        serve(request.getfixturevalue("store"))


# --- overview ---------------------------------------------------------------------------------------


def test_overview_says_the_worst_first_and_all_of_it() -> None:
    said = texts(open_page("overview"))
    sentence = (
        "**20\u00a0% of arrivals are out of order**, most at `orders → billing`. **2 deadlocks**, 1 of "
        "them in the hour from 2026-11-20 10:00 UTC. **1 event** arrived more than once at one consumer. "
        "**1 line** could not be understood."
    )
    assert sentence in said


def test_overview_counts() -> None:
    app = open_page("overview")
    assert _tiles(app) == ["16", "no loop", "20\u00a0%", "0", "1", "2", "1"]
    said = texts(app)
    assert "1 of 5 arrivals" in said
    assert "1 gap may still close" in said


def test_overview_draws_every_record_once() -> None:
    figure = figures(open_page("overview", window="2026-11-20T10:00/2026-11-20T10:01"))["rate"]
    assert sum(sum(trace["y"]) for trace in figure["data"]) == 14  # a bar is a second, a record counts 1/s


def test_overview_without_deadlocks_has_no_chart_of_them() -> None:
    app = open_page("overview", window="2026-11-20T10:00/2026-11-20T10:01")
    assert "deadlock_hours" not in figures(app)
    assert _tiles(app)[5] == "0"


def test_numbers_that_cannot_be_known_are_dashes_not_zeros() -> None:
    app = open_page("overview", window="2026-11-20T12:00/2026-11-20T13:00")
    assert _tiles(app) == ["1", "–", "–", "–", "0", "1", "1"]
    assert "Order cannot be measured here" in texts(app)


def test_largest_chain_is_listed() -> None:
    chains = table(open_page("overview"), "Largest chains")
    assert chains.iloc[0].tolist()[:4] == ["o-1", "order.created", 3, 2]


# --- ordering ---------------------------------------------------------------------------------------


def test_heat_map_has_the_share_of_late_arrivals() -> None:
    figure = figures(open_page("ordering", window="2026-11-20T10:00/2026-11-20T10:01"))["hotspots"]
    heat = figure["data"][0]
    filled = {
        cell[2]: value
        for row, values in zip(heat["customdata"], heat["z"], strict=True)
        for cell, value in zip(row, values, strict=True)
        if value is not None
    }
    assert filled["2026-11-20T10:00:12"] == 50  # 3 in order, 2 after it
    assert filled["2026-11-20T10:00:11"] == 0
    assert "2026-11-20T10:00:13" not in filled  # nothing arrived


def test_measure_in_the_address_is_drawn() -> None:
    figure = figures(open_page("ordering", window="2026-11-20T10:00/2026-11-20T10:01", measure="lateness"))[
        "hotspots"
    ]
    assert figure["data"][0]["colorbar"]["title"]["text"] == "ms (p99)"
    assert max(value for row in figure["data"][0]["z"] for value in row if value) == 400


def test_pairs_name_both_events() -> None:
    pairs = table(open_page("ordering"), PAIRS)
    late = pairs.iloc[0]
    assert (len(pairs), late["sequence"], late["overtaken_by_sequence"]) == (1, 2, 3)
    assert (late["node"], late["overtaken_by_node"], late["late_time_ms"]) == ("billing-2", "billing-1", 400)


def test_cell_in_the_address_picks_its_pairs_and_frames_it() -> None:
    app = open_page("ordering", cell="billing|orders|2026-11-20T10:00:00|120")
    assert "`orders → billing` from 2026-11-20 10:00:00 UTC for 2\u00a0min" in texts(app)
    assert len(table(app, PAIRS)) == 1
    assert len(figures(app)["hotspots"]["layout"]["shapes"]) == 1


def test_cell_in_order_says_so() -> None:
    app = open_page("ordering", cell="billing|orders|2026-11-20T10:02:00|120")
    assert "Everything here arrived in order" in texts(app)


def test_leaving_the_cell_shows_the_window_again() -> None:
    app = open_page("ordering", cell="billing|orders|2026-11-20T10:02:00|120")
    app.button(key="forget_cell").click().run()
    assert len(table(app, PAIRS)) == 1
    assert "cell" not in app.query_params


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["", "a|b", "a|b|noon|60", "a|b|2026-11-20T10:00|inf"])
def test_unreadable_cell_is_no_cell(cell: str) -> None:
    assert len(table(open_page("ordering", cell=cell), PAIRS)) == 1


def test_pair_in_the_address_shows_its_line() -> None:
    app = open_page("ordering", pair="o-2")
    assert app.code[0].value == "stormwatch tail shop.jsonl:800"
    assert app.code[1].value.startswith('{"id": "o-2", "op": "receive"')


def test_missing_number_is_listed_as_open() -> None:
    gap = table(open_page("ordering"), "Missing sequence numbers").iloc[0]
    assert gap["state"] == "open"
    assert (gap["first_missing"], gap["last_missing"], gap["missing_count"]) == (4, 4, 1)


def test_duplicates_are_a_tab_of_the_address() -> None:
    copy = table(open_page("ordering", list="Duplicates"), "Events received more than once").iloc[0]
    assert (copy["event_id"], copy["copy_count"]) == ("o-5", 2)


# --- chains -----------------------------------------------------------------------------------------


def test_search_by_exact_id_shows_chain_and_line() -> None:
    app = open_page("chains", search="p-1")
    assert "`p-1` has 1 cause and 1 effect in 3 services" in texts(app)
    assert table(app, "Events of the chain")["event_id"].tolist() == ["o-1", "p-1", "s-1"]
    assert app.code[0].value == "stormwatch tail shop.jsonl:1200"
    assert '"id": "p-1"' in app.code[1].value


def test_search_by_type_lists_the_events() -> None:
    found = table(open_page("chains", search="payment"), "Events that match the search")
    assert found["event_id"].tolist() == ["p-1"]


def test_search_without_a_match_says_so() -> None:
    assert "No event matches `nothing-like-it`" in texts(open_page("chains", search="nothing-like-it"))


def test_without_a_search_the_largest_chains_are_offered() -> None:
    assert table(open_page("chains"), "Largest chains")["root_id"].tolist() == ["o-1"]


def test_direction_and_view_are_in_the_address() -> None:
    app = open_page("chains", event="p-1", direction="causes", view="time")
    assert table(app, "Events of the chain")["event_id"].tolist() == ["o-1", "p-1"]
    assert figures(app)["chain"]["layout"]["xaxis"]["type"] == "date"


def test_each_record_of_an_event_leads_to_its_line() -> None:
    app = open_page("chains", event="o-5", record="1:1000:0")
    records = table(app, "Records about the picked event")
    assert records["operation"].tolist() == ["send", "receive", "receive"]
    assert app.code[0].value == "stormwatch tail shop.jsonl:1000"


def test_new_search_leaves_the_picked_event() -> None:
    app = open_page("chains", event="p-1")
    app.text_input(key="search").set_value("order").run()
    assert "o-1" in table(app, "Events that match the search")["event_id"].tolist()


def test_way_back_from_an_event_to_the_largest_chains() -> None:
    app = open_page("chains", event="p-1")
    app.button(key="forget_event").click().run()
    assert table(app, "Largest chains")["root_id"].tolist() == ["o-1"]


def test_unknown_event_is_said_to_be_unknown() -> None:
    assert "No event `x-9` in this database" in texts(open_page("chains", event="x-9"))


# --- deadlocks --------------------------------------------------------------------------------------


def test_deadlocks_are_counted_by_the_hour_with_hours_of_none() -> None:
    app = open_page("deadlocks", window="2026-11-20T08:00/2026-11-20T16:00")
    assert "2 deadlocks in 3 clock hours; 1 hour had none" in texts(app)
    bars = figures(app)["bars"]["data"][0]
    assert bars["y"] == [1, 0, 1]


def test_short_window_has_finer_bars_that_lose_no_deadlock() -> None:
    bars = figures(open_page("deadlocks"))["bars"]
    assert sum(bars["data"][0]["y"]) == 2
    assert bars["layout"]["yaxis"]["title"]["text"] == "deadlocks per 2\u00a0min"


def test_newest_deadlock_is_shown_first() -> None:
    app = open_page("deadlocks")
    assert "2026-11-20 12:30:00.000 UTC, reported by `ledger`" in texts(app)
    members = table(app, "Who waits for what, held by whom")
    assert members["statement"].tolist() == ["update accounts 7", "update accounts 9"]


def test_deadlock_in_the_address_is_shown() -> None:
    app = open_page("deadlocks", deadlock="d-1")
    assert "2026-11-20 10:05:00.000 UTC, reported by `ledger`" in texts(app)
    assert app.code[0].value == "stormwatch tail shop.jsonl:1400"


def test_bar_in_the_address_picks_its_deadlocks() -> None:
    app = open_page("deadlocks", bar="2026-11-20T10:00:00|3600")
    assert table(app, "Deadlocks, newest first")["occurred_at"].dt.minute.tolist() == [5]


def test_no_deadlock_leads_to_the_last_one(store: Store) -> None:
    with store.cursor() as cursor:
        later = "occurred_at + INTERVAL 3 HOUR"
        moved = f"SELECT * REPLACE ({later} AS occurred_at, {later} AS ingested_at) FROM observations"
        cursor.execute(f"INSERT INTO observations {moved} WHERE event_id = 's-1'")
    app = open_page("deadlocks", window="15m")
    assert "**No deadlock** in this window" in texts(app)
    app.button(key="look_at_last_deadlock").click().run()
    assert "2026-11-20 12:30:00.000 UTC, reported by `ledger`" in texts(app)


# --- events -----------------------------------------------------------------------------------------


def test_events_are_listed_newest_first() -> None:
    listed = table(open_page("events"), "Event records, newest first")
    assert len(listed) == 16
    assert listed["event_id"].tolist()[:3] == ["d-2", "d-1", "s-1"]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"service": "shipping"}, ["s-1"]),
        ({"stream": "orders", "operation": "receive"}, ["o-6", "o-5", "o-5", "o-2", "o-3", "o-1"]),
        ({"event_type": "payment.captured"}, ["p-1"]),
        ({"search": "deadlock detected"}, ["d-2", "d-1"]),
    ],
)
def test_filters_in_the_address_narrow_the_list(filters: dict[str, str], ids: list[str]) -> None:
    assert table(open_page("events", **filters), "Event records, newest first")["event_id"].tolist() == ids


def test_filters_that_leave_nothing_say_so() -> None:
    assert "None with these filters: clear some of them" in texts(open_page("events", service="nobody"))


def test_record_in_the_address_shows_all_its_fields_and_its_line() -> None:
    app = open_page("events", at="1:1200:0")
    fields = dict(table(app, "Fields of the record").itertuples(index=False))
    assert (fields["event_id"], fields["causation_id"], fields["stream"]) == ("p-1", "o-1", "effects")
    assert app.json[0].value == '{"region": "eu"}'
    assert '"id": "p-1"' in app.code[1].value


def test_record_is_shown_though_the_window_leaves_it_out() -> None:
    app = open_page("events", at="1:1200:0", window="2026-11-20T12:00/2026-11-20T13:00")
    assert dict(table(app, "Fields of the record").itertuples(index=False))["event_id"] == "p-1"


# --- health -----------------------------------------------------------------------------------------


def test_health_accounts_for_every_byte() -> None:
    app = open_page("health")
    assert _tiles(app)[1] == "1"
    assert _tiles(app)[6] == "1 of 1"
    parts = {trace["name"]: trace["x"] for trace in figures(app)["conservation"]["data"]}
    assert parts == {"stored": [1600], "quarantined": [9], "not read yet": [50]}


def test_health_shows_rejected_lines_with_their_reason() -> None:
    sample = table(open_page("health"), "Latest rejected lines").iloc[0]
    assert (sample["path"], sample["byte_offset"], sample["raw_text"]) == ("shop.jsonl", 1600, '{"torn": ')
    assert sample["reason"] == "not a JSON object"


def test_health_says_why_reading_stands_still(store: Store, serve: Serve) -> None:
    serve(store, IngestStatus(state="paused", detail="the disk is full; free space on it"))
    assert "`the disk is full; free space on it`" in open_page("health").warning[0].value


# --- every page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_empty_database_says_what_helps(page: str, empty_store: Store, serve: Serve) -> None:
    serve(empty_store, IngestStatus(state="idle", directory="/var/log/shop", files=3))
    app = open_page(page)
    if page != "sql":
        assert "No events yet" in texts(app)
        assert "`/var/log/shop`: 3 files found" in texts(app)
        assert "stormwatch demo" in app.code[0].value


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_unreadable_window_is_said_and_the_page_stands(page: str) -> None:
    app = open_page(page, window="soon")
    assert "is not understood; write for example 90m" in app.warning[0].value
    assert app.subheader


@pytest.mark.parametrize("page", [page for page in PAGES if page not in {"sql", "alerts"}])
def test_refresh_without_new_data_asks_for_the_version_only(page: str, store: Store, serve: Serve) -> None:
    statements = serve(store)
    app = open_page(page, window="all")
    statements.clear()
    app.run()
    assert statements.texts
    assert {text for text in statements.texts if "data_version" not in text} == set()


def test_new_batch_is_seen_with_the_next_refresh(store: Store) -> None:
    app = open_page("overview")
    with store.cursor() as cursor:
        cursor.execute("INSERT INTO observations SELECT * FROM observations WHERE event_id = 's-1'")
        cursor.execute("INSERT INTO batches VALUES (2, ?, 1, 0, 0, ?, 1.0)", [story.at(9002), story.at(9000)])
    app.run()
    assert _tiles(app)[0] == "17"


@pytest.mark.parametrize("page", [page for page in PAGES if page != "alerts"])
def test_every_panel_shows_its_sql(page: str) -> None:
    asked = {"chains": {"search": "p-1"}, "sql": {"sql": "SELECT 1 AS one"}}
    app = open_page(page, **asked.get(page, {}))
    popovers = [block.proto.popover.help for block in app.get("popover")]
    has_sql = popovers.count("Show SQL")
    panels = popovers.count("What is this?")
    without = {"sql": 1, "health": 2}.get(page, 0)  # the answer on the SQL page, the reader's own counts
    assert has_sql == panels - without
    assert panels
