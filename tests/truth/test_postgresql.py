"""48 hours of a real PostgreSQL 15: its own counter says how many deadlocks there were."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from .conftest import Ingest, Ingested

NOTATIONS = ("postgresql-*.json", "postgresql-*.csv")
TEXT = "postgresql-*.log"


@pytest.fixture(params=[*NOTATIONS, TEXT], ids=["jsonlog", "csvlog", "text"])
def server(request: pytest.FixtureRequest, ingest: Ingest) -> Ingested:
    return ingest("made_pg_dev", request.param)


@pytest.fixture
def text(ingest: Ingest) -> Ingested:
    return ingest("made_pg_dev", TEXT)


@pytest.fixture
def both(ingest: Ingest) -> Ingested:
    return ingest("made_pg_dev", *NOTATIONS)


def _hours(server: Ingested) -> dict[str, int]:
    rows = server.rows(
        "SELECT strftime(hour_start, '%Y-%m-%dT%H:00Z'), deadlock_count FROM deadlocks_per_hour()"
    )
    assert len(rows) == len(dict(rows)), "an hour is there twice"
    return dict(rows)


def test_every_record_is_read(server: Ingested) -> None:
    truth = server.truth["log_check"]
    assert truth["json_records"] == truth["csv_records"]
    assert server.one("SELECT count(*) FROM events") == truth["json_records"]
    assert server.one("SELECT count(*) FROM rejects") == 0
    assert server.one("SELECT count(*) FROM events WHERE occurred_at IS NULL OR node IS NULL") == 0
    server.assert_every_byte_accounted()


def test_deadlocks_are_those_the_server_counted(server: Ingested) -> None:
    assert server.one("SELECT count(*) FROM deadlocks()") == server.truth["pg_stat_database_deadlocks"]


def test_deadlocks_per_hour(server: Ingested) -> None:
    hours = _hours(server)
    with_some = {hour: count for hour, count in hours.items() if count}
    assert with_some == server.truth["log_check"]["per_utc_hour"]
    # Hours without a deadlock are rows as well, those at the end of the log too. The server was
    # stopped with the clock of the machine, months later: a break, not months of zeros.
    hour, until = (datetime.fromisoformat(server.truth[name]) for name in ("started", "ended"))
    lasted = []
    while hour.replace(minute=0) <= until:
        lasted.append(f"{hour:%Y-%m-%dT%H:00Z}")
        hour += timedelta(hours=1)
    *during, stopped = hours
    assert during == lasted
    assert hours[stopped] == 0


def test_both_notations_of_one_log_are_one_log(both: Ingested) -> None:
    truth = both.truth
    records = truth["log_check"]["json_records"] + truth["log_check"]["csv_records"]
    assert both.one("SELECT count(*) FROM events") == records
    assert both.one("SELECT count(*) FROM deadlocks()") == truth["pg_stat_database_deadlocks"]
    hours = {hour: count for hour, count in _hours(both).items() if count}
    assert hours == truth["log_check"]["per_utc_hour"]
    lengths = both.counts("SELECT member_count, count(*) FROM deadlocks() GROUP BY ALL")
    assert lengths == {int(length): count for length, count in truth["log_check"]["cycle_length"].items()}


def test_the_text_beside_the_others_adds_no_deadlock(ingest: Ingest) -> None:
    all_three = ingest("made_pg_dev", *NOTATIONS, TEXT)
    assert all_three.one("SELECT count(*) FROM deadlocks()") == all_three.truth["pg_stat_database_deadlocks"]
    hours = {hour: count for hour, count in _hours(all_three).items() if count}
    assert hours == all_three.truth["log_check"]["per_utc_hour"]


def test_waits_tell_of_no_deadlock_that_the_server_did_not_count(server: Ingested) -> None:
    found = server.counts("SELECT evidence, count(*) FROM deadlock_evidence() GROUP BY ALL")
    assert found.keys() == {"reported", "both"}
    assert sum(found.values()) == server.truth["pg_stat_database_deadlocks"]


def test_cycles_have_their_members(server: Ingested) -> None:
    kinds = server.truth["by_kind"]
    lengths = Counter[int]()
    for kind, count in kinds.items():
        lengths[int(kind[-1])] += count
    assert server.counts("SELECT member_count, count(*) FROM deadlocks() GROUP BY ALL") == lengths
    unfinished = server.rows(
        "SELECT deadlock_id FROM deadlocks()"
        " WHERE len(statements) <> member_count OR list_contains(statements, NULL)"
        " OR NOT list_contains(members, victim) OR shape NOT LIKE 'cycle of %'"
    )
    assert unfinished == []


def test_victims_by_application(server: Ingested) -> None:
    victims = server.counts("SELECT service, count(*) FROM deadlocks() GROUP BY ALL")
    assert victims == {name: count for name, count in server.truth["by_victim_app"].items() if count}


def test_waits_timeouts_and_decoys_are_no_deadlocks(server: Ingested) -> None:
    other = server.truth["other"]
    message = "SELECT count(*) FROM events WHERE message LIKE '{}%' AND severity = 'ERROR'"
    assert server.one(message.format("canceling statement due to lock timeout")) == other["lock_timeout"]
    assert server.one(message.format("could not serialize access")) == other["serialization"]
    naive = "SELECT count(*) FROM events WHERE message ILIKE '%deadlock detected%'"
    decoys = server.truth["log_check"]["warning_decoys"]
    assert server.one(naive) == server.truth["pg_stat_database_deadlocks"] + decoys


def test_deadlocks_have_their_sqlstate(both: Ingested) -> None:
    other = both.truth["other"]
    state = "SELECT count(*) FROM events WHERE attributes->>'state_code' = '{}' AND severity = 'ERROR'"
    assert both.one(state.format("55P03")) == 2 * other["lock_timeout"]
    assert both.one(state.format("40001")) == 2 * other["serialization"]
    other_states = (
        "SELECT count(*) FROM events"
        " WHERE operation = 'deadlock' AND attributes->>'state_code' IS DISTINCT FROM '40P01'"
    )
    assert both.one(other_states) == 0


def test_waits_name_who_waits_for_what(server: Ingested) -> None:
    waits = "SELECT count(*) FROM events WHERE message LIKE 'process % still waiting for %'"
    facts = (
        "SELECT count(*) FROM locks WHERE operation = 'lock_wait' AND owner IS NOT NULL"
        " AND mode IS NOT NULL AND resource IS NOT NULL"
    )
    detected = "SELECT count(*) FROM events WHERE message LIKE 'process % detected deadlock while %'"
    assert server.one(facts) == server.one(waits) + server.one(detected)
    # The server says who holds the lock with every wait that it reports.
    assert server.one(facts + " AND blocked_by IS NULL") == 0


def test_both_notations_give_the_same_rows(ingest: Ingest) -> None:
    columns = (
        "event_id, occurred_at, node, service, operation, event_type, entity, severity, message,"
        " attributes->>'detail', attributes->>'statement', attributes->>'backend_type'"
    )
    json_rows, csv_rows = (
        ingest("made_pg_dev", pattern).rows(f"SELECT {columns} FROM events ORDER BY event_id")
        for pattern in NOTATIONS
    )
    assert json_rows == csv_rows


def test_the_text_gives_the_same_rows(ingest: Ingest, text: Ingested) -> None:
    """All but session, line number and SQLSTATE, which that prefix does not have."""
    columns = (
        "occurred_at, node, operation, entity, severity, message, attributes->>'detail' AS detail,"
        " attributes->>'hint', attributes->>'context', attributes->>'statement'"
    )
    ordered = f"SELECT {columns} FROM events ORDER BY occurred_at, node, message, detail"
    assert text.rows(ordered) == ingest("made_pg_dev", NOTATIONS[0]).rows(ordered)


def test_the_text_gives_the_same_deadlocks(ingest: Ingest, text: Ingested) -> None:
    columns = "occurred_at, service, victim, member_count, members, resources, modes, statements, shape"
    ordered = f"SELECT {columns} FROM deadlocks() ORDER BY ALL"
    assert text.rows(ordered) == ingest("made_pg_dev", NOTATIONS[0]).rows(ordered)
