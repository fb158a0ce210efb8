"""The page Events: what there is to filter by, and a record as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from stormwatch.storage import Store

from .conftest import Statements, asked_of, open_page, table, texts


@pytest.fixture(autouse=True)
def statements(store: Store, serve: Callable[..., Statements]) -> Statements:
    """What is asked of the story."""
    return serve(store)


def test_values_to_filter_by_are_counted_whatever_is_filtered_by() -> None:
    app = open_page("events", service="billing")
    services = table(app, "Records by service")
    assert services.values.tolist() == [
        ["●", "billing", 7], ["", "shop", 6], ["", "ledger", 2], ["", "shipping", 1],
    ]  # fmt: skip
    operations = dict(table(app, "Records by operation")[["value", "event_count"]].itertuples(index=False))
    assert operations == {"send": 8, "receive": 6, "deadlock": 2}
    assert table(app, "Records by stream")["value"].tolist() == ["orders", "effects"]


def test_values_are_of_the_window() -> None:
    app = open_page("events", window="2026-11-20T12:00/2026-11-20T13:00")
    assert table(app, "Records by service").values.tolist() == [["", "ledger", 1]]


def test_record_takes_the_place_of_the_values_and_asks_for_no_more(statements: Statements) -> None:
    app = open_page("events", at="1:1200:0")
    assert not [frame for frame in app.dataframe if frame.proto.alt.startswith("Records by")]
    assert asked_of(statements) == [
        "event_facets", "event_records", "observation_at", "record_context", "record_place",
    ]  # fmt: skip


def test_record_that_is_not_in_the_list_is_a_click_away_from_it() -> None:
    app = open_page("events", at="1:1200:0", window="15m")
    listed = "Event records, newest first"
    assert table(app, listed)["mark"].tolist() == [""]
    assert "The picked record is not among them" in texts(app)
    app.button(key="around_picked").click().run()
    assert "●" in table(app, listed)["mark"].tolist()
    assert "The picked record is not among them" not in texts(app)


def test_record_as_json_is_all_that_is_stored_of_it() -> None:
    app = open_page("events", at="1:1200:0", form="JSON")
    assert json.loads(app.json[0].value) == {
        "event_id": "p-1", "event_type": "payment.captured", "operation": "send", "service": "billing",
        "node": "billing-1", "stream": "effects", "causation_id": "o-1", "cause_kind": "causation",
        "correlation_id": "flow-1", "severity": "INFO", "format": "json", "attributes": {"region": "eu"},
        "occurred_at": "2026-11-20T10:00:20Z", "ingested_at": "2026-11-20T12:30:01Z",
        "file_id": 1, "byte_offset": 1200, "record_no": 0,
    }  # fmt: skip
    app.segmented_control(key="form").set_value("fields").run()
    fields = dict(table(app, "Fields of the record").itertuples(index=False))
    assert fields["event_id"] == "p-1"
