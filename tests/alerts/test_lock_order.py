"""A node begins to take locks the other way round: known before anything deadlocks."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from stormwatch.resources import SAMPLE_LOGS
from tests.evaluation.deadlocks import inverted, judged

from .lock_office import Office
from .planted import at, play

_STORE = """
INSERT INTO {table} BY NAME
SELECT 1 AS file_id, row_no * 100 AS byte_offset, 0 AS record_no, operation, occurred_at, {rest} FROM written
"""
_OBSERVED = "100 AS byte_length, 'canonical' AS format, occurred_at AS ingested_at, 'l' || row_no AS event_id"
_LOCKED = "'l' || row_no AS event_id, owner, resource"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 5, 7])
def test_the_inversion_fires_before_the_first_deadlock(
    seed: int, database: duckdb.DuckDBPyConnection
) -> None:
    office = Office(seed, switch_s=600, length_s=1800)
    office.run()
    assert office.first_deadlock_s is not None
    kept = [row for row in office.rows if 300 <= row[0] < 720]
    written = pa.table(
        {
            "row_no": range(len(kept)),
            "occurred_at": [at(row[0] / 60) for row in kept],
            **{
                name: [row[place] for row in kept]
                for place, name in ((1, "operation"), (2, "owner"), (3, "resource"))
            },
        }
    )
    database.register("written", written)
    database.execute(_STORE.format(table="observations", rest=_OBSERVED))
    database.execute(_STORE.format(table="locks", rest=_LOCKED))
    crash = office.first_deadlock_s / 60
    result = play(database, "lock_order_inverted", (8, 12), min(crash, 11.99))
    [fired] = result.fired
    assert fired.key == "order-# / stock-#"
    assert fired.fired_at == at(11)
    assert fired.fired_at < at(crash)
    assert "node-0/tx-" in fired.sentence


@pytest.mark.slow
def test_of_the_sample_story_it_is_told_ten_minutes_before(tmp_path: Path) -> None:
    logs = SAMPLE_LOGS / "inverted"
    found = judged(logs, tmp_path / "story.duckdb")
    [fired_at] = found.fired_at
    assert found.deadlock_at is not None
    assert found.deployed_at < found.inverted_at < fired_at < found.deadlock_at
    assert found.lead_min is not None
    assert found.lead_min > 9


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(101, 107))
def test_a_contrary_lock_order_is_told_minutes_after_it_was_deployed(seed: int) -> None:
    """Of systems in which nothing deadlocks in the first minutes: else there is nothing to see before."""
    found = inverted(seed, minutes=60)
    assert len(found.fired_at) == 1
    assert found.inverted_at < found.fired_at[0]
    # Asked once a minute, and a transaction that waits for another takes up to a minute.
    assert (found.fired_at[0] - found.inverted_at).total_seconds() < 120
    assert found.lead_min is None or found.lead_min > 0
