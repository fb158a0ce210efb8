"""Of a window with very many events, panels that read events show the newest part and say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dashboard import data, near
from dashboard import window as windows
from dashboard.window import Window
from ingest.inserts import COVER_FILE
from stormwatch.minutes.keeper import Minutes
from stormwatch.storage import Store
from tests.prepared import prepare

from .conftest import Statements, asked_of, figures, open_page, read_sample, table, texts

Serve = Callable[..., Statements]
SINCE = datetime(2026, 3, 2, 10)  # noqa: DTZ001
MINUTE = timedelta(minutes=1)
WINDOW = Window("all", SINCE, SINCE + 10 * MINUTE, is_absolute=False)
RANKED = "What sets the selected events apart, the best explanation first"
PAIRS = "Events that arrived after one with a greater number"


@pytest.fixture(autouse=True)
def little_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 1,000 events are too many, 400 are not."""
    monkeypatch.setattr(near, "_EVENTS_READ", 1_000)
    monkeypatch.setattr(near, "EVENTS_AT_ONCE", 400)


@pytest.fixture
def still_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """The story has 850 records: too many by far."""
    monkeypatch.setattr(near, "_EVENTS_READ", 400)
    monkeypatch.setattr(near, "EVENTS_AT_ONCE", 300)


@pytest.fixture(scope="module")
def unordered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A story in which events come late."""
    yield from read_sample("unordered", tmp_path_factory.mktemp("unordered") / "unordered.duckdb")


def logged(path: Path, *pieces: tuple[float, float, int]) -> Store:
    """A database of events numbered by one producer: (minute, minutes, events) of each piece."""
    store = Store(prepare(path))
    with store.cursor() as cursor:
        before = 0
        for begin, length, count in pieces:
            cursor.execute(
                "INSERT INTO observations BY NAME SELECT 1 AS file_id, n * 100 AS byte_offset,"
                " 100 AS byte_length, 0 AS record_no, 'canonical' AS format, now()::TIMESTAMP AS ingested_at,"
                " 'e' || n AS event_id, 'billing' AS service, 'orders' AS stream, 'receive' AS operation,"
                " 'producer' AS sequence_source,"
                " n + CASE n % 10 WHEN 0 THEN 1 WHEN 1 THEN -1 ELSE 0 END AS sequence,"
                " $since::TIMESTAMP + to_microseconds(((n - $before) * $us // $count)::BIGINT) AS occurred_at"
                " FROM range($before, $before + $count) AS made(n)",
                {
                    "since": SINCE + begin * MINUTE,
                    "us": length * 60_000_000,
                    "count": count,
                    "before": before,
                },
            )
            before += count
        cursor.execute(
            "INSERT INTO files BY NAME SELECT 1 AS file_id, 'a.jsonl' AS path, 0 AS device, 1 AS inode,"
            " 0 AS birth_ns, 'none' AS compression, ''::BLOB AS head, ''::BLOB AS mark, 0 AS checksum,"
            " ''::BLOB AS waypoints, $n * 100 AS committed_offset, $n * 100 AS stored_bytes,"
            " 0 AS quarantined_bytes, 0 AS blank_bytes, 0 AS inherited_bytes, 0 AS missed_bytes,"
            " $n AS event_count, 0 AS reject_count, $n * 100 AS size_bytes, 0 AS finished_bytes,"
            " FALSE AS skipping, 'gone' AS state, now()::TIMESTAMP AS first_seen_at,"
            " now()::TIMESTAMP AS last_read_at",
            {"n": before},
        )
        for statement in COVER_FILE:
            cursor.execute(statement, [1])
    return store


@pytest.mark.parametrize(
    ("pieces", "minute", "count"),
    [
        ([(0, 10, 1000)], None, 0),
        ([(0, 1, 900), (2, 8, 300)], 1, 375),
        ([(0, 10, 2000)], 8, 400),
        # All in a piece of a bucket: buckets are made shorter until it is found.
        ([(0, 1, 500), (60 * 24 * 170, 10, 4000)], 60 * 24 * 170 + 9, 400),
        # All within a second: a part of a second is not taken.
        ([(0, 1, 500), (5, 0, 1600)], 5, 1600),
        # A burst, and hardly anything since.
        ([(0, 1, 500), (60, 10, 2000), (60 * 24 * 6, 1, 10)], 68.5, 310),
    ],
)  # fmt: skip
def test_newest_part_holds_as_many_as_are_read_at_once(
    pieces: list[tuple[float, float, int]], minute: float | None, count: int, serve: Serve, tmp_path: Path
) -> None:
    with logged(tmp_path / "logged.duckdb", *pieces) as store:
        serve(store)
        version = data.version()
        shown = near.cut(version, windows.resolve("all", data.coverage(version), is_live=False))
        if minute is None:
            assert shown.near is shown
            return
        assert shown.near_since is not None
        assert abs(shown.near_since - (SINCE + minute * MINUTE)) <= MINUTE / 2
        assert abs(shown.near_count - count) <= count / 4
        held = data.load("event_rate", version, **shown.near.edges).rows
        assert sum(row["event_count"] for row in held) == shown.near_count


def test_part_looks_back_as_far_as_it_is_long() -> None:
    part = replace(WINDOW, near_since=SINCE + 8 * MINUTE).near
    assert (part.since, part.until, part.lookback) == (SINCE + 8 * MINUTE, WINDOW.until, 2 * MINUTE)
    assert part.scope == {"since": part.since, "until": part.until}
    assert part.near is part


@pytest.mark.usefixtures("still_less")
def test_ordering_shows_the_newest_part_until_all_is_asked_for(unordered: Store, serve: Serve) -> None:
    statements = serve(unordered)
    app = open_page("ordering")
    assert "are those of **" in texts(app)
    some = table(app, PAIRS)
    statements.clear()
    app.button(key="near_all").click().run()
    everything = table(app, PAIRS)
    assert len(everything) > len(some) > 0
    assert everything["occurred_at"].min() < some["occurred_at"].min()
    assert "which may take long" in texts(app)
    assert app.query_params["read"] == "all"
    assert {"swapped_pairs", "order_loss", "gaps"} <= set(asked_of(statements))
    app.button(key="near_all").click().run()
    assert len(table(app, PAIRS)) == len(some)


@pytest.mark.usefixtures("still_less")
def test_heat_map_shows_all_of_the_window_where_it_is_counted(unordered: Store, serve: Serve) -> None:
    minutes = Minutes(unordered)
    with unordered.cursor() as cursor:
        [(newest,)] = cursor.execute("SELECT max(occurred_at) FROM events").fetchall()
    while minutes.keep(newest + timedelta(hours=1)):
        minutes.rest_no_more()
    minutes.close()
    statements = serve(unordered)
    app = open_page("ordering")
    assert "reorder_history" in asked_of(statements)
    drawn = figures(app)["hotspots"]
    assert "one cell is 5\u00a0min" in texts(app)
    assert drawn["data"][0]["type"] == "heatmap"


@pytest.mark.usefixtures("still_less")
def test_other_pages_read_the_newest_part_too(unordered: Store, serve: Serve) -> None:
    serve(unordered)
    for page, more in (("overview", {}), ("chains", {}), ("versions", {}), ("deadlocks", {"look": "Loops"})):
        assert "are those of **" in texts(open_page(page, **more)), page


QUIET_SINCE: list[tuple[float, float, int]] = [(0, 1, 500), (60, 10, 2000), (60 * 24 * 6, 300, 300)]


def test_what_only_the_newest_part_tells_is_said_to_be_of_it(serve: Serve, tmp_path: Path) -> None:
    # All that is out of order lies before the newest 400 events, which are in order.
    with logged(tmp_path / "logged.duckdb", *QUIET_SINCE) as store:
        with store.cursor() as cursor:
            cursor.execute(
                "UPDATE observations SET sequence = byte_offset // 100 WHERE byte_offset >= 210000"
            )
        serve(store)
        overview = texts(open_page("overview", window="all"))
        assert "only the newest part of this window was looked at" in overview
        assert "in the newest part of this window" in texts(open_page("ordering", window="all"))
        everything = texts(open_page("overview", window="all", read="all"))
        assert "of arrivals are out of order" in everything
        assert "newest part of this window" not in everything


def test_a_cell_with_too_many_events_says_which_of_them_are_shown(serve: Serve, tmp_path: Path) -> None:
    with logged(tmp_path / "logged.duckdb", *QUIET_SINCE) as store:
        serve(store)
        app = open_page(
            "ordering", window="all", cell=f"billing|orders|{(SINCE + 60 * MINUTE).isoformat()}|600"
        )
        assert "events of what is picked" in texts(app)
        shown = table(app, PAIRS)["occurred_at"]
        assert shown.min() >= SINCE + 68 * MINUTE
        assert shown.max() < SINCE + 70 * MINUTE


@pytest.mark.parametrize("against", ["rest of the window", "time before"])
def test_a_selection_is_compared_with_nothing_of_itself(against: str, serve: Serve, tmp_path: Path) -> None:
    with logged(tmp_path / "logged.duckdb", (0, 60, 600), (60, 10, 2000), (70, 60, 600)) as store:
        with store.cursor() as cursor:
            cursor.execute("UPDATE observations SET node = 'bad' WHERE byte_offset BETWEEN 60000 AND 259900")
        serve(store)
        box = f"{(SINCE + 60 * MINUTE).isoformat()}/{(SINCE + 70 * MINUTE).isoformat()}"
        app = open_page("why", window="all", box=box, against=against)
        ranked = table(app, RANKED)
        [bad] = ranked[ranked["group"] == "node bad"].to_dict("records")
        assert bad["share"] == 100
        assert bad["selected_count"] == bad["group_count"] > 0


def test_a_small_log_is_read_as_a_whole(
    unordered: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "_EVENTS_READ", 10_000_000)
    serve(unordered)
    assert "are those of **" not in texts(open_page("ordering"))
