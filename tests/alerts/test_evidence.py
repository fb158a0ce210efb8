"""Evidence of a storm: of changes that come before it that which explains what goes round ranks first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import duckdb

from stormwatch.alerts.asking import Pace, Watch
from stormwatch.alerts.engine import Episode
from stormwatch.alerts.evidence import Allowance, Evidence, investigate
from stormwatch.catalog import Catalog

from .planted import RULES, START, at, store

EARLIER, CAUSE, CONSEQUENCE = "lock_order turned off", "ordering turned off", "no memory left"
_SECOND = timedelta(seconds=1)


def _planted(*, has_entities: bool) -> list[dict[str, object]]:
    """Calm minutes, two changes, retries that go round one order from the second on, and a crash.

    The window of the alert, the last quarter of an hour, begins before all of that.
    """
    calm = [
        _record(f"p-{number}", 5 + number / 10, entity=f"p-{number}" if has_entities else None)
        for number in range(650)
    ]
    loop = [
        _record(
            f"l-{number}", 64 + number / 60, entity="o-1" if has_entities else None,
            causation_id=f"l-{number - 1}" if number else None,
        )
        for number in range(360)
    ]  # fmt: skip
    told = [
        _record(f"c-{message}", minute, operation=operation, service="config", message=message)
        for operation, minute, message in (
            ("change", 54.0, EARLIER), ("change", 63.95, CAUSE), ("crash", 66.0, CONSEQUENCE),
        )
    ]  # fmt: skip
    return [*calm, *loop, *told]


def _record(event_id: str, minute: float, **more: object) -> dict[str, object]:
    record: dict[str, object] = {
        "event_id": event_id, "occurred_at": at(minute), "service": "billing", "operation": "receive",
        "event_type": "retry", "entity": None, "causation_id": None, "message": None,
    }  # fmt: skip
    return record | more


def _evidence(database: duckdb.DuckDBPyConnection, catalog: Catalog, **details: Any) -> Evidence:
    fired = at(70)
    episode = Episode("retry", "firing", fired - 3 * _SECOND, fired, ("retry",), details=details)
    return investigate(
        database, catalog, RULES["storm_ahead"], Watch(Pace(), START), episode, fired, Allowance(600)
    )


def _explaining(found: Evidence) -> list[str]:
    """The changes of the evidence, the best explanation first."""
    rows = [row for row in found["explain_difference"] if row["attribute"] == "after"]
    return [
        change
        for row in rows
        for change in (EARLIER, CAUSE, CONSEQUENCE)
        if row["value"].startswith(change) and row["other_attribute"] is None
    ]


def test_the_change_before_the_loop_ranks_above_one_long_before_and_what_came_of_it(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    store(database, _planted(has_entities=True))
    found = _evidence(database, catalog, fault="looping")
    assert found["selection"] == "looping"
    assert _explaining(found) == [CAUSE, EARLIER, CONSEQUENCE]
    assert found["problems"] == []
    # All of the window begins before both: then what came first explains it best, whatever it did.
    assert _explaining(_evidence(database, catalog))[0] == EARLIER


def test_where_nobody_knows_what_goes_round_all_of_the_window_is_compared(
    database: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    store(database, _planted(has_entities=False))
    found = _evidence(database, catalog, fault="looping")
    assert found["selection"] == "all"
    assert _explaining(found)
