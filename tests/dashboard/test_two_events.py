"""Two events of the story: which came first, by which steps, and what one caused that the other did not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stormwatch.storage import Store

from .conftest import Statements, asked_of, open_page, table, texts

PATH = "Steps from the first event to the second"
WAYS = "Ways that one of the two chains went more often"


@pytest.fixture(autouse=True)
def statements(store: Store, serve: Callable[..., Statements]) -> Statements:
    """What pages ask of the story."""
    return serve(store)


def test_effect_comes_after_its_cause_by_the_steps_that_prove_it() -> None:
    app = open_page("chains", event="s-1", other="o-1")
    assert "**`o-1` came before `s-1`.** 2 steps from cause to effect lie between them." in texts(app)
    assert table(app, PATH)["event_id"].tolist()[0] == "o-1"
    assert table(app, PATH)["event_id"].tolist()[-1] == "s-1"
    ways = table(app, WAYS).to_dict("records")
    assert [way["depth"] for way in ways] == sorted(way["depth"] for way in ways)
    assert [(way["first_count"], way["second_count"]) for way in ways if "order.created" in way["path"]] == [
        (0, 1), (0, 1), (0, 1),
    ]  # fmt: skip


def test_cause_comes_before_its_effect() -> None:
    assert "**`o-1` came before `s-1`.**" in texts(open_page("chains", event="o-1", other="s-1"))


def test_what_nothing_leads_between_is_concurrent() -> None:
    said = texts(open_page("chains", event="s-1", other="d-1"))
    assert "**Neither:** nothing that was logged leads from `s-1` to `d-1` or back." in said


def test_unknown_other_event_is_said_to_be_unknown() -> None:
    assert "No event `x-9` in this database" in texts(open_page("chains", event="o-1", other="x-9"))


def test_without_another_event_nothing_is_asked(statements: Statements) -> None:
    open_page("chains", event="o-1")
    assert not {"causal_order", "causal_path", "chain_diff"} & set(asked_of(statements))
