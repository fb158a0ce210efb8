"""The page of chains over one of 50,000 events: bounded, filtered, folded, collapsed, all in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stormwatch.storage import Store

from . import big_chain
from .conftest import Statements, asked_of, figures, open_page, table, texts

EVENTS = "Events of the chain"
OPTIONS = {"event": "m-0", "refresh": "off"}


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The database of that chain."""
    with big_chain.write(tmp_path_factory.mktemp("big") / "big.duckdb") as store:
        yield store


@pytest.fixture(autouse=True)
def statements(big: Store, serve: Callable[..., Statements]) -> Statements:
    """What pages ask of it."""
    return serve(big)


def _marks(figure: dict[str, Any]) -> list[str]:
    return [mark for trace in figure["data"] for mark in trace.get("customdata", [])]


@pytest.mark.parametrize("view", ["tree", "icicle", "time"])
def test_chain_of_50_000_is_drawn_bounded(view: str) -> None:
    app = open_page("chains", view=view, **OPTIONS)
    assert "`m-0` has 0 causes and 50\u00a0k effects in 3 services, over 50\u00a0s." in texts(app)
    drawn = figures(app)["chain"]
    assert 500 < len(_marks(drawn)) <= 1200
    assert max(len(trace["y"]) for trace in drawn["data"]) <= 3000
    assert len(str(drawn)) < 400_000
    assert len(table(app, EVENTS)) == 2000


def test_refresh_of_it_asks_nothing_and_draws_nothing_anew(statements: Statements) -> None:
    app = open_page("chains", view="icicle", **OPTIONS)
    statements.clear()
    app.run()
    assert asked_of(statements) == []


def test_icicle_counts_what_is_folded_into_its_cells() -> None:
    app = open_page("chains", view="icicle", fold="types", **OPTIONS)
    drawn = figures(app)["chain"]
    # Ten effects an event, of four types: 3, 3, 2 and 2; m-0 has nine others, of which two are of the first.
    second = [
        text
        for trace in drawn["data"]
        for text, row in zip(trace["text"], trace["y"], strict=True)
        if row == 1
    ]
    assert sorted(second) == [
        "step.booked <b>× 2</b>", "step.checked <b>× 3</b>", "step.taken <b>× 2</b>", "step.told <b>× 2</b>",
    ]  # fmt: skip
    assert [text for trace in drawn["data"] for text in trace["text"] if text.endswith(" more")]
    assert "events are in cells that say **+N more**: click one" in texts(app)
    shown = [row for trace in drawn["data"] for row in trace["x"]]
    assert max(shown) == pytest.approx(1, abs=0.001)


def test_link_to_a_folded_chain_begins_with_its_icicle_which_can_be_left() -> None:
    app = open_page("chains", looks="folded", **OPTIONS)
    assert "step.checked <b>× 3</b>" in str(figures(app)["chain"])
    app.segmented_control(key="view").set_value("tree").run()
    assert "mode" in figures(app)["chain"]["data"][0]


def test_filter_by_text_leaves_the_way_to_what_holds_it() -> None:
    app = open_page("chains", within="M-4321", **OPTIONS)
    found = [f"m-{number}" for number in (4321, *range(43210, 43220))]
    assert table(app, EVENTS)["event_id"].tolist() == found
    assert "11 of 50\u00a0k events asked for" in texts(app)
    assert set(_marks(figures(app)["chain"])) >= {"m-0", "m-4", "m-43", "m-432", "m-4321"}


def test_filter_by_type_stands_in_the_address() -> None:
    app = open_page("chains", types="step.told", **OPTIONS)
    assert set(table(app, EVENTS)["event_type"]) == {"step.told"}
    app.multiselect(key="types").set_value(["step.told", "step.booked"]).run()
    assert set(table(app, EVENTS)["event_type"]) == {"step.told", "step.booked"}


def test_lanes_are_hidden_by_the_address() -> None:
    app = open_page("chains", view="time", hide="ledger", **OPTIONS)
    axis = figures(app)["chain"]["layout"]["yaxis"]
    assert axis["ticktext"] == ["billing", "shop"]
    app.multiselect(key="hide").set_value(["ledger", "shop"]).run()
    assert figures(app)["chain"]["layout"]["yaxis"]["ticktext"] == ["billing"]


def test_nodes_have_lanes_too() -> None:
    app = open_page("chains", view="time", lane="node", hide="node-7", **OPTIONS)
    names = figures(app)["chain"]["layout"]["yaxis"]["ticktext"]
    assert len(names) == 40
    assert "node-7" not in names
    assert "19 lanes with fewer events not drawn" in texts(app)


def test_collapsed_event_is_expanded_again() -> None:
    app = open_page("chains", collapsed="m-3", **OPTIONS)
    [text] = [text for trace in figures(app)["chain"]["data"] for text in trace.get("hovertext", [])
              if "<br>m-3<br>" in text]  # fmt: skip
    # 10 + 100 + 1,000 + 10,000
    assert "11.1\u00a0k events below it not drawn" in text
    app.button(key="expand").click().run()
    assert "collapsed" not in app.query_params
    assert "m-30" in _marks(figures(app)["chain"])


@pytest.mark.parametrize(
    ("direction", "causes", "effects"), [("causes", 4, 0), ("effects", 0, 10), ("both", 4, 10)]
)
def test_each_direction_can_be_looked_at_alone(direction: str, causes: int, effects: int) -> None:
    app = open_page("chains", event="m-4321", direction=direction)
    steps = table(app, EVENTS)["depth"]
    assert ((steps < 0).sum(), (steps > 0).sum()) == (causes, effects)


def test_width_of_no_time_is_said_to_be_none() -> None:
    app = open_page("chains", event="m-0", direction="causes", view="icicle", width="time")
    assert "Nothing has a width: no time passes below the picked event." in texts(app)
