"""What relations of one window begin with is worked out once, and changes no answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stormwatch.catalog import Catalog
from stormwatch.errors import QueryError
from stormwatch.groundwork import Groundwork
from stormwatch.storage import Store
from tests.benchmarks.relations import START, make
from tests.dashboard.conftest import CountingCursor, Statements, asked_of

CATALOG = Catalog.load()
EVENTS = 60_000
LOOKBACK = timedelta(seconds=1)
WINDOW: dict[str, Any] = {
    "since": START + timedelta(seconds=1), "until": START + timedelta(seconds=2.5), "lookback": LOOKBACK,
}  # fmt: skip
BEGIN_ALIKE = sorted(
    name
    for name, query in CATALOG.items()
    if not query.is_internal
    and "_numbered_arrivals" in CATALOG.stands_on(name)
    and {"since", "until", "lookback"} <= {one.name for one in query.parameters}
)
NEEDED: dict[str, dict[str, object]] = {
    "explain_difference": {"selection": "reordered"}, "changes_before": {"onset": WINDOW["until"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A database in which a fiftieth of all messages is late."""
    path: Path = tmp_path_factory.mktemp("groundwork") / "made.duckdb"
    make(path, EVENTS)
    with Store(path) as store:
        yield store


def ask(store: Store, groundwork: Groundwork, name: str, version: int = 1, **more: object) -> tuple[Any, Any]:
    """The rows of a relation, and what was asked of the database."""
    statements = Statements()
    with CountingCursor(store.cursor(), statements) as cursor:
        arguments = {**WINDOW, **NEEDED.get(name, {}), **more}
        found = groundwork.ask(CATALOG, cursor, name, arguments, (str(store.path), version))  # type: ignore[arg-type]
    return found.to_pylist(), asked_of(statements)


@pytest.mark.slow
@pytest.mark.parametrize("name", BEGIN_ALIKE)
def test_every_relation_answers_the_same(made: Store, name: str) -> None:
    groundwork = Groundwork(range(1, EVENTS))
    with made.cursor() as cursor:
        plain = CATALOG.run(cursor, name, **WINDOW, **NEEDED.get(name, {})).to_pylist()
    assert plain or name in {"numbering_restarts", "loss_periods"}
    for _ in range(2):
        rows, _ = ask(made, groundwork, name)
        assert sorted(map(repr, rows)) == sorted(map(repr, plain))


def test_only_the_first_of_a_window_and_version_works_it_out(made: Store) -> None:
    groundwork = Groundwork(range(1, EVENTS))
    worked_out = ["_arrivals_behind", "_numbered_arrivals"]
    assert set(worked_out) < set(ask(made, groundwork, "reorder_hotspots")[1])
    assert not set(worked_out) & set(ask(made, groundwork, "swapped_pairs")[1])
    assert set(worked_out) < set(ask(made, groundwork, "swapped_pairs", version=2)[1])
    assert set(worked_out) < set(ask(made, groundwork, "swapped_pairs", lookback=LOOKBACK / 2)[1])


def test_what_was_worked_out_is_what_is_read(made: Store) -> None:
    groundwork = Groundwork(range(1, EVENTS))
    before, _ = ask(made, groundwork, "reorderings")
    with made.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("DELETE FROM observations")
        arguments = {**WINDOW}
        kept = groundwork.ask(CATALOG, cursor, "reorderings", arguments, (str(made.path), 1)).num_rows
        anew = groundwork.ask(CATALOG, cursor, "reorderings", arguments, (str(made.path), 2)).num_rows
        cursor.execute("ROLLBACK")
    assert (kept, anew) == (len(before), 0)


@pytest.mark.parametrize("name", ["explain_difference", "gaps", "gap_states", "delivery", "overview"])
def test_some_are_asked_as_they_are(made: Store, name: str) -> None:
    groundwork = Groundwork(range(1, EVENTS))
    ask(made, groundwork, "swapped_pairs")
    assert ask(made, groundwork, name)[1] == [name]


def test_what_goes_wrong_is_an_error_that_pages_show(made: Store) -> None:
    broken = made.cursor()
    broken.close()
    with pytest.raises(QueryError):
        Groundwork(range(1, EVENTS)).ask(CATALOG, broken, "swapped_pairs", WINDOW, (str(made.path), 1))


def test_the_first_instants_there_are_can_be_asked_about(made: Store) -> None:
    first = datetime.min  # noqa: DTZ901 - naive UTC as stored
    assert ask(made, Groundwork(range(1, EVENTS)), "swapped_pairs", since=first)[0]


@pytest.mark.parametrize("events", [range(EVENTS, 2 * EVENTS), range(10)])
def test_windows_of_too_few_or_too_many_are_not_kept(made: Store, events: range) -> None:
    groundwork = Groundwork(events)
    assert ask(made, groundwork, "swapped_pairs")[1] == ["events", "swapped_pairs"]
    assert ask(made, groundwork, "swapped_pairs")[1] == ["swapped_pairs"]


def test_a_connection_forgets_it_afterwards(made: Store) -> None:
    groundwork = Groundwork(range(1, EVENTS))
    with made.cursor() as cursor:
        for _ in range(2):
            groundwork.ask(CATALOG, cursor, "swapped_pairs", dict(WINDOW), (str(made.path), 1))
        wider = {"since": START, "until": START + timedelta(seconds=3)}
        assert CATALOG.run(cursor, "_arrivals_behind", **wider).num_rows > 0


def test_two_windows_are_kept(made: Store) -> None:
    groundwork = Groundwork(range(1, EVENTS))
    edges = [START + timedelta(seconds=1 + tenth / 10) for tenth in range(3)]
    for since in edges:
        ask(made, groundwork, "swapped_pairs", since=since)
    assert "_arrivals_behind" not in ask(made, groundwork, "swapped_pairs", since=edges[1])[1]
    assert "_arrivals_behind" in ask(made, groundwork, "swapped_pairs", since=edges[0])[1]
