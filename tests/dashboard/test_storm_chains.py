"""Storms: the chains that went round the picked loop, folded, and when the rule would have said so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from stormwatch.alerts.asking import Pace
from stormwatch.alerts.config import AlertConfig
from stormwatch.alerts.desk import Desk
from stormwatch.alerts.rules import load_rules
from stormwatch.catalog import Catalog
from stormwatch.storage import Store

from .conftest import Statements, asked_of, open_page, read_sample, table, texts, truth

Serve = Callable[..., Statements]
CHAINS = "Chains that go round the loop most, folded into their types"
PLAYED = "When the rule would have fired"
RULES, _ = load_rules()
# The six minutes of the story stand for three hours.
CONFIG = AlertConfig({"storm_ahead": RULES["storm_ahead"]}, {}, Pace(timedelta(seconds=2)))


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The story in which a loop feeds on itself until everything dies."""
    yield from read_sample("storm", tmp_path_factory.mktemp("storm") / "storm.duckdb")


def test_chains_of_the_picked_loop_are_folded_and_the_largest_comes_first(storm: Store, serve: Serve) -> None:
    serve(storm)
    found = table(open_page("storms"), CHAINS)
    assert found["loop_event_count"].is_monotonic_decreasing
    first = found.iloc[0]
    with storm.cursor() as cursor:
        chain = Catalog.load().run(cursor, "causal_chain", event=first["root_id"]).to_pylist()
    assert (first["root_id"], first["event_count"]) == ("orders-api-1.s1.80", len(chain))
    assert first["depth_max"] == max(row["depth"] for row in chain) == 18
    times = [row["occurred_at"] for row in chain]
    assert first["span"] == f"{(max(times) - min(times)).total_seconds():.1f}\u00a0s"
    counts = Counter(row["event_type"] for row in chain)
    folded = dict(part.partition(" × ")[::2] for part in first["folded"].split(" → "))
    assert {name: int(count or 1) for name, count in folded.items()} == counts
    assert next(iter(folded)) == "order.placed"
    most = max(truth("storm")["loops"], key=lambda loop: loop["visits"])
    assert most["root"] in found["root_id"].tolist()


def _played(storm: Store, serve: Serve) -> tuple[AppTest, Statements]:
    statements = serve(storm, alerts=Desk(storm, CONFIG))
    app = open_page("storms", window="all")
    assert PLAYED not in [frame.proto.alt for frame in app.dataframe]
    app.button(key="play").click().run()
    assert not app.exception
    return app, statements


def test_back_test_says_when_the_rule_would_have_fired_and_how_long_before_the_crash(
    storm: Store, serve: Serve
) -> None:
    app, _ = _played(storm, serve)
    [fired] = table(app, PLAYED).to_dict("records")
    [crash] = [
        row["occurred_at"] for row in _changes(storm) if row["kind"] == "crash"
    ][:1]  # fmt: skip
    assert str(fired["fired_at"]) == "2026-03-02 09:03:26"
    assert fired["levels"].startswith("watch 09:03:26")
    lead = (crash - datetime.fromisoformat("2026-03-02T09:03:26")).total_seconds()
    assert fired["lead"] == f"{lead:.0f}\u00a0s"
    said = texts(app)
    assert "`storm_ahead` would have fired 1 time" in said
    assert "It first fired 38\u00a0s before the gain was greatest." in said
    assert "Of the crashes logged in it, none came while it was silent." in said


def _changes(storm: Store) -> list[dict[str, object]]:
    with storm.cursor() as cursor:
        rows: list[dict[str, object]] = Catalog.load().run(cursor, "changes").to_pylist()
        return rows


def test_refresh_does_not_play_again(storm: Store, serve: Serve) -> None:
    app, statements = _played(storm, serve)
    statements.clear()
    app.run()
    assert asked_of(statements) == []
    assert len(table(app, PLAYED)) == 1


def test_rule_that_is_not_evaluated_cannot_be_played(storm: Store, serve: Serve) -> None:
    serve(storm, alerts=Desk(storm, AlertConfig({}, {}, Pace(timedelta(seconds=2)))))
    app = open_page("storms")
    assert "No rule that can be played again is evaluated here." in texts(app)
    assert not [button for button in app.button if button.key == "play"]
