"""Loop gain against eigenvalues by numpy, on branching processes whose true gain is known."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from stormwatch.catalog import Catalog

from .golden import insert

START = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - as DuckDB gives it
SCALED = {"bucket": "1 second", "span": "20 seconds", "baseline": "10 minutes"}
"""A log whose hours pass in a minute or two."""


def branch(
    seed: int, matrix: np.ndarray, roots: list[float], until_s: float, delay_s: float = 1.0
) -> pa.Table:
    """Events in which an event of type i causes matrix[i, j] events of type j on average; `roots`
    of each type come per second.
    """
    rng = np.random.default_rng(seed)
    born = [np.sort(rng.uniform(0, until_s, rng.poisson(rate * until_s))) for rate in roots]
    times = np.concatenate(born)
    kinds = np.repeat(np.arange(len(roots)), [len(one) for one in born])
    causes = np.full(len(times), -1)
    parts, count = [], 0
    while len(times):
        parts.append((times, kinds, causes))
        ids = np.arange(count, count + len(times))
        count += len(times)
        counts = rng.poisson(matrix[kinds])
        where = np.repeat(np.arange(len(times)), counts.sum(axis=1))
        effects = np.concatenate([np.repeat(np.arange(len(roots)), row) for row in counts])
        later = times[where] + rng.exponential(delay_s, len(where))
        kept = later < until_s
        times, kinds, causes = later[kept], effects[kept].astype(int), ids[where][kept]
    times, kinds, causes = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return pa.table(
        {
            "event_id": [f"e{i}" for i in range(len(times))],
            "occurred_at": [START + timedelta(microseconds=int(t * 1e6)) for t in times],
            "event_type": [f"t{kind}" for kind in kinds],
            "causation_id": [None if cause < 0 else f"e{cause}" for cause in causes],
        }
    )


def gains(database: duckdb.DuckDBPyConnection, catalog: Catalog, **arguments: str) -> list[dict]:
    return catalog.run(database, "loop_gain", **(SCALED | arguments)).to_pylist()


LOOPS = {
    "one type": np.array([[0, 0.5, 0], [0, 0.6, 0.4], [0, 0, 0.0]]),
    "ping-pong": np.array([[0, 0.4, 0.0], [0, 0, 0.9], [0, 0.9, 0]]),
    "three types and two ways": np.array([[0.1, 0.5, 0.2], [0.3, 0, 0.5], [0.6, 0.1, 0]]),
}


@pytest.mark.parametrize("name", LOOPS)
def test_gain_is_the_spectral_radius(
    name: str, database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    true = max(abs(np.linalg.eigvals(LOOPS[name])))
    insert(database, "observations", branch(1, LOOPS[name], [20, 0, 0], 150))
    found = [row for row in gains(database, catalog) if row["bucket_start"] > START + timedelta(seconds=100)]
    assert np.mean([row["gain"] for row in found]) == pytest.approx(true, abs=0.04)
    within = np.mean([row["gain_lower"] < true for row in found])
    assert within > 0.8


def test_a_finished_window_has_exactly_the_spectral_radius_of_its_offspring(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    matrix = LOOPS["three types and two ways"]
    insert(database, "observations", branch(2, matrix, [8, 0, 0], 19, delay_s=0.5))
    insert(
        database,
        "observations",
        pa.table({"event_id": ["end"], "occurred_at": [START + timedelta(seconds=19.5)]}),
    )
    pairs = catalog.run(database, "offspring", bucket="20 seconds").to_pylist()
    counted = np.zeros((3, 3))
    for pair in pairs:
        counted[int(pair["cause_type"][1]), int(pair["effect_type"][1])] = pair["effects_per_cause"]
    last = gains(database, catalog)[-1]
    assert last["bucket_start"] == START + timedelta(seconds=19)
    assert last["gain"] == pytest.approx(max(abs(np.linalg.eigvals(counted))), rel=1e-9)


def test_nothing_later_is_looked_at(database: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    insert(database, "observations", branch(3, LOOPS["ping-pong"], [15, 0, 0], 240))
    known = START + timedelta(seconds=200)
    in_hindsight = [row for row in gains(database, catalog) if row["bucket_start"] < known]
    then = gains(database, catalog, until=str(known))
    assert len(then) > 150
    assert then == in_hindsight
    window = gains(database, catalog, since=str(known - timedelta(seconds=10)), until=str(known))
    assert [row["gain"] for row in window] == pytest.approx([row["gain"] for row in then[-10:]])


def test_fan_out_that_does_not_come_back_has_no_gain(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    insert(database, "observations", branch(4, np.array([[0, 50.0], [0, 0]]), [2, 0], 60))
    assert gains(database, catalog) == []


@pytest.mark.parametrize("has_flows", [False, True])
def test_missing_causes_are_made_up_for(
    has_flows: bool, database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    matrix = np.array([[0, 1.0, 0.5], [0, 0.8, 0], [0, 0, 0]])
    written = branch(5, matrix, [20, 0, 0], 200)
    rng = np.random.default_rng(5)
    causes, flows = written["causation_id"].to_pylist(), []
    for row, cause in enumerate(causes):
        flows.append(flows[int(cause[1:])] if cause else f"f{row}")
    kept = [cause if rng.random() < 0.5 else None for cause in causes]
    rows = written.set_column(3, "causation_id", [kept])
    if has_flows:
        rows = rows.append_column("correlation_id", [flows])
    insert(database, "observations", rows)
    found = [row for row in gains(database, catalog) if row["bucket_start"] > START + timedelta(seconds=120)]
    assert np.mean([row["coverage_ratio"] for row in found]) == pytest.approx(0.5, abs=0.04)
    assert np.mean([row["gain"] for row in found]) == pytest.approx(0.8, abs=0.06)


def test_a_loop_of_customers_requests_is_not_taken_for_one_with_missing_causes(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    insert(database, "observations", branch(6, np.array([[0.4]]), [30], 120))
    found = gains(database, catalog)
    assert {row["coverage_ratio"] for row in found} == {1.0}
    assert found[-1]["gain"] == pytest.approx(0.4, abs=0.1)


def test_timers_are_calm_and_a_loop_that_grows_is_not(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    ticks = [
        (f"tick-{chain}-{n}", f"tick-{chain}-{n - 1}", n + chain / 7)
        for chain in range(7)
        for n in range(200)
    ]
    insert(
        database, "observations",
        pa.table({
            "event_id": [one[0] for one in ticks], "causation_id": [one[1] for one in ticks],
            "occurred_at": [START + timedelta(seconds=one[2]) for one in ticks],
            "event_type": ["timer.due"] * len(ticks),
        }),
    )  # fmt: skip
    insert(database, "observations", branch(7, np.array([[0.3]]), [10], 160))
    insert(database, "observations", later(branch(8, np.array([[1.0]]), [10], 40), 160))
    found = gains(database, catalog)
    assert {row["level"] for row in found if row["loop"] == "timer.due"} <= {None, "calm"}
    before = START + timedelta(seconds=160)
    of_loop = [row for row in found if row["loop"] == "t0"]
    assert {row["level"] for row in of_loop if row["bucket_start"] < before} <= {None, "calm"}
    assert of_loop[-1]["level"] in {"warn", "page", "storm"}
    told = [row for row in found if row["level"] is not None]
    assert [row["level"] for row in told] == [level(row["sustained_gain"]) for row in told]
    assert {row["level"] for row in told} >= {"calm", "warn"}


def test_clocks_that_are_slow_where_a_log_begins_teach_nothing(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    """Each tick causes the next a second later; the first of some are logged as if before all others."""
    turns, chains = np.meshgrid(np.arange(90), np.arange(300), indexing="ij")
    turn, chain = turns.ravel(), chains.ravel()
    seconds = np.where((turn == 0) & (chain % 10 == 0), -0.5, turn + chain / 300)
    is_named = turn > 0
    insert(
        database, "observations",
        pa.table({
            "event_id": [f"tick-{c}-{n}" for c, n in zip(chain, turn, strict=True)],
            "causation_id": [
                f"tick-{c}-{n - 1}" if named else None
                for c, n, named in zip(chain, turn, is_named, strict=True)
            ],
            "occurred_at": [START + timedelta(seconds=float(one)) for one in seconds],
            "event_type": ["timer.due"] * len(turn),
        }),
    )  # fmt: skip
    found = [row for row in gains(database, catalog) if row["loop"] == "timer.due"]
    assert len(found) > 80
    assert {row["level"] for row in found} <= {None, "calm"}
    assert max(row["gain"] for row in found) < 1.02


def later(written: pa.Table, seconds: float) -> pa.Table:
    """The same events so much later, under other ids."""
    renamed = {
        name: [None if one is None else f"late-{one}" for one in written[name].to_pylist()]
        for name in ("event_id", "causation_id")
    }
    shifted = [at + timedelta(seconds=seconds) for at in written["occurred_at"].to_pylist()]
    return pa.table({**renamed, "event_type": written["event_type"], "occurred_at": shifted})


def test_what_flared_up_and_faded_is_no_storm_ahead(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    """For a span the bound is that of the flare; the newest effects say that it is over."""
    insert(database, "observations", branch(10, np.array([[0.1]]), [8], 170, delay_s=0.2))
    insert(database, "observations", later(branch(11, np.array([[0.97]]), [30], 8, delay_s=0.2), 120))
    since, until = START + timedelta(seconds=132), START + timedelta(seconds=139)
    after = [row for row in gains(database, catalog) if since <= row["bucket_start"] < until]
    assert len(after) == 7
    assert min(row["gain_lower"] for row in after) >= 0.8
    assert {row["level"] for row in after} == {"calm"}


def test_effects_that_come_later_than_before_do_not_deny_a_storm(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    insert(database, "observations", branch(14, np.array([[0.2]]), [10], 180, delay_s=0.5))
    slower = later(branch(15, np.array([[1.05]]), [20], 60, delay_s=1.5), 120)
    insert(database, "observations", slower)
    found = [row for row in gains(database, catalog) if row["loop"] == "t0"]
    levels = [row["level"] for row in found[135:175]]
    assert levels.count("calm") <= 2
    assert "storm" in levels or "page" in levels


def test_below_1_it_has_to_be_near_the_level_for_six_buckets(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    insert(database, "observations", branch(12, np.array([[0.3]]), [10], 120))
    insert(database, "observations", later(branch(13, np.array([[0.93]]), [20], 60), 120))
    found = [row for row in gains(database, catalog) if row["judged_gain"] is not None]
    judged = [row["judged_gain"] for row in found]
    for at in range(6, len(found)):
        assert found[at]["sustained_gain"] == pytest.approx(min(judged[at - 2 : at + 1]))
        if judged[at] < 1:
            assert judged[at] <= min(row["gain_lower"] for row in found[at - 3 : at + 1]) + 0.1 + 1e-9
            assert judged[at] <= found[at]["gain_lower"]
    assert any(0.1 < row["judged_gain"] < row["gain_lower"] - 0.05 for row in found)
    assert found[-2]["level"] in {"watch", "warn", "page"}


def level(sustained_gain: float) -> str:
    """The levels as docs/storms.md has them."""
    reached = [
        name for name, least in (("watch", 0.7), ("warn", 0.8), ("page", 0.9), ("storm", 1.0))
        if sustained_gain >= least
    ]  # fmt: skip
    return reached[-1] if reached else "calm"


def test_edges_of_a_loop_share_its_gain(database: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    insert(database, "observations", branch(9, LOOPS["three types and two ways"], [20, 0, 0], 60))
    instant = START + timedelta(seconds=40)
    edges = catalog.run(
        database, "loop_edges", instant=str(instant), bucket="1 second", span="20 seconds"
    ).to_pylist()
    assert {(one["cause_type"], one["effect_type"]) for one in edges} == {
        ("t0", "t0"), ("t0", "t1"), ("t0", "t2"), ("t1", "t0"), ("t1", "t2"), ("t2", "t0"), ("t2", "t1"),
    }  # fmt: skip
    assert sum(one["gain_share"] for one in edges) == pytest.approx(1)
    assert all(instant - timedelta(seconds=20) <= one["first_at"] < instant for one in edges)


def test_edges_are_there_after_a_bucket_without_events(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    events = branch(9, LOOPS["three types and two ways"], [20, 0, 0], 60)
    instant = START + timedelta(seconds=40)
    quiet = [not instant - timedelta(seconds=2) <= at < instant for at in events["occurred_at"].to_pylist()]
    insert(database, "observations", events.filter(pa.array(quiet)))
    edges = catalog.run(
        database, "loop_edges", instant=str(instant), bucket="1 second", span="20 seconds"
    ).to_pylist()
    assert sum(one["gain_share"] for one in edges) == pytest.approx(1)
    assert all(one["first_at"] < instant - timedelta(seconds=2) for one in edges)


def test_a_turn_of_a_ping_pong_has_two_steps(database: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    insert(database, "observations", branch(10, LOOPS["ping-pong"], [20, 0, 0], 100))
    last = gains(database, catalog)[-1]
    assert last["turn_gain"] == pytest.approx(last["gain"] ** 2, rel=1e-6)
    assert 0 < last["turn_gain"] < 1


def queue(seed: int, gain: float, per_s: float, until_s: int, capacity_per_s: float, then: float) -> pa.Table:
    """Messages of one type that wait in a queue: each is sent, and later handled, in order, as fast as
    its consumers are; then it causes `gain` more on average, from half of the time on `then`.
    """
    rng = np.random.default_rng(seed)
    roots = list(np.sort(rng.uniform(0, until_s, rng.poisson(per_s * until_s))))
    sent = [(roots.pop(0), -1)]
    rows: list[tuple[int, float, str, int]] = [(0, sent[0][0], "send", -1)]
    free_at, number = 0.0, 0
    while number < len(sent):
        at, cause = sent[number]
        free_at = max(free_at + rng.exponential(1 / capacity_per_s), at + 0.5)
        if free_at >= until_s:
            break
        rows.append((number, free_at, "process", cause))
        many = rng.poisson(gain if free_at < until_s / 2 else then)
        while roots and roots[0] <= free_at + 0.5:
            rows.append((len(sent), roots[0], "send", -1))
            sent.append((roots.pop(0), -1))
        for _ in range(many):
            rows.append((len(sent), free_at, "send", number))
            sent.append((free_at, number))
        number += 1
    return pa.table(
        {
            "event_id": [f"e{number}" for number, *_ in rows],
            "occurred_at": [START + timedelta(microseconds=int(at * 1e6)) for _, at, *_ in rows],
            "event_type": ["work"] * len(rows),
            "operation": [operation for *_, operation, _ in rows],
            "causation_id": [None if cause < 0 else f"e{cause}" for *_, cause in rows],
        }
    )


def test_what_waits_to_be_handled_does_not_dilute_the_gain(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    """More is sent than can be handled, so that less and less of it has had its effects."""
    insert(database, "observations", queue(5, 0.65, 10, 240, 60, then=1.3))
    [[waiting]] = database.execute(
        "SELECT count(*) - 2 * count(*) FILTER (operation = 'process') FROM observations"
    ).fetchall()
    assert waiting > 1000
    found = {row["bucket_start"]: row for row in gains(database, catalog)}
    late = [row for at, row in found.items() if START + timedelta(seconds=150) <= at]
    assert [row["gain"] for row in late] == pytest.approx([1.3] * len(late), abs=0.15)
    assert np.mean([row["gain"] for row in late]) == pytest.approx(1.3, abs=0.04)
    at_first = [row["level"] for at, row in found.items() if 150 <= (at - START).total_seconds() < 160]
    assert at_first == ["storm"] * 10


def test_of_what_is_passed_over_nobody_waits(database: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Where a third of what was handled is not logged, one causes as many as it does."""
    insert(database, "observations", queue(6, 0.9, 20, 120, 10_000, then=0.9))
    whole = np.mean([row["gain"] for row in gains(database, catalog)][30:50])
    database.execute("DELETE FROM observations WHERE operation = 'process' AND hash(event_id) % 3 = 0")
    partly = np.mean([row["gain"] for row in gains(database, catalog)][30:50])
    assert whole == pytest.approx(0.9, abs=0.1)
    assert partly == pytest.approx(whole, abs=0.06)


def test_handling_that_is_hardly_logged_is_not_waited_for(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    """As where only failures are."""
    work = queue(7, 0.9, 20, 120, 10_000, then=1.02)
    insert(database, "observations", work)
    database.execute("DELETE FROM observations WHERE operation = 'process'")
    without = gains(database, catalog)
    database.execute("DELETE FROM observations")
    insert(database, "observations", work)
    database.execute("DELETE FROM observations WHERE operation = 'process' AND hash(event_id) % 20 > 0")
    assert [row["gain"] for row in gains(database, catalog)] == [row["gain"] for row in without]
