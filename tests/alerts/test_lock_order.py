"""One of six nodes begins to take locks the other way round: known before anything deadlocks."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

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
