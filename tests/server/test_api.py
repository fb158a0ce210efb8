"""Questions over HTTP: answers in every form, always with the version of the data, and refusals."""

import csv
import io
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stormwatch.catalog import Catalog
from stormwatch.readonly import interrupt_all
from stormwatch.server import MAX_ROWS
from stormwatch.storage import open_reader

from .conftest import Served

COUNT = "SELECT count(*) AS n FROM events"


def test_answer_says_which_data_it_is_from(served: Served) -> None:
    response = served.sql(COUNT)
    assert response.status == 200
    assert response.json["rows"] == [{"n": 5}]
    assert response.json["columns"] == [{"name": "n", "type": "int64"}]
    told = {"data_version": 3, "complete_to": "2026-03-02T10:00:04Z", "is_truncated": False}
    assert {name: response.json[name] for name in told} == told
    headers = {name: response.headers[f"x-stormwatch-{name}"] for name in ("data-version", "complete-to")}
    assert headers == {"data-version": "3", "complete-to": "2026-03-02T10:00:04Z"}
    assert response.headers["x-stormwatch-pid"] == str(os.getpid())


@pytest.mark.parametrize("form", ["json", "csv", "arrow"])
def test_every_form_says_that_there_is_more(form: str, served: Served) -> None:
    cut = served.sql("FROM events", format=form, row_limit=2)
    assert cut.headers["x-stormwatch-is-truncated"] == "true"
    assert served.sql("FROM events", format=form, row_limit=5).headers["x-stormwatch-is-truncated"] == "false"


def test_arrow_keeps_types(served: Served) -> None:
    response = served.sql("SELECT event_id, occurred_at FROM events ORDER BY 1", format="arrow", row_limit=2)
    assert response.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(response.body).read_all()
    assert table.schema.types == [pa.string(), pa.timestamp("us")]
    assert table["event_id"].to_pylist() == ["e0", "e1"]


def test_csv_runs_no_formula(served: Served) -> None:
    response = served.sql("SELECT message FROM events LIMIT 1", format="csv")
    assert response.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(io.StringIO(response.body.decode()))) == [
        ["message"], ["'=HYPERLINK(\"http://evil.example\")"],
    ]  # fmt: skip


def test_parameters_are_bound_by_name_and_place(served: Served) -> None:
    named = served.sql("SELECT $a AS a, $b AS b", params={"a": "x'; --", "b": 2})
    assert named.json["rows"] == [{"a": "x'; --", "b": 2}]
    assert served.sql("SELECT ? + ? AS sum", params=[1, 2]).json["rows"] == [{"sum": 3}]


@pytest.mark.parametrize(
    "statement",
    [
        "WITH gone AS (DELETE FROM observations RETURNING *) SELECT count(*) FROM gone",
        "EXPLAIN ANALYZE DELETE FROM observations",
        "INSERT INTO batches SELECT * FROM batches",
        "SELECT 1; SELECT 2",
        "ATTACH '/tmp/x.duckdb'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SET memory_limit = '1GB'",
        "CHECKPOINT",
        "",
    ],
)
def test_what_does_not_only_read_is_refused(statement: str, served: Served) -> None:
    response = served.sql(statement)
    assert (response.status, response.json["kind"]) == (400, "QueryError")
    assert served.sql(COUNT).json["rows"] == [{"n": 5}]


def test_question_that_takes_too_long_is_stopped(served: Served) -> None:
    response = served.sql("SELECT count(*) FROM range(100000000) AS a, range(100000) AS b", timeout=0.2)
    assert (response.status, response.json["kind"]) == (504, "QueryTimeout")


def test_questions_end_when_the_process_wants_to(served: Served) -> None:
    done = threading.Event()

    def stop() -> None:
        while not done.wait(0.05):
            interrupt_all()

    stopper = threading.Thread(target=stop)
    stopper.start()
    # Stopped long before its time-out, which is longer than the patience of the test.
    response = served.sql("SELECT count(*) FROM range(100000000) AS a, range(1000000) AS b", timeout=600)
    done.set()
    stopper.join()
    assert response.status == 400
    assert "nterrupt" in response.json["error"]


def test_health_is_answered_while_as_many_questions_run_as_may(served: Served) -> None:
    long = "SELECT count(*) FROM range(100000000) AS a, range(1000000) AS b"
    askers = [threading.Thread(target=served.sql, args=[long], kwargs={"timeout": 1}) for _ in range(6)]
    for asker in askers:
        asker.start()
    time.sleep(0.2)
    assert served.get("/healthz").status == 200
    assert any(asker.is_alive() for asker in askers)
    for asker in askers:
        asker.join()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "sql is missing"),
        ({"sql": 1}, "sql is missing"),
        ({"sql": "SELECT 1", "format": "xml"}, "expected one of json, csv, arrow"),
        ({"sql": "SELECT 1", "row_limit": 0}, "row limit 0: expected a number above 0"),
        ({"sql": "SELECT 1", "row_limit": MAX_ROWS + 1}, "at most 1e+06"),
        ({"sql": "SELECT 1", "row_limit": "many"}, "row limit 'many'"),
        ({"sql": "SELECT 1", "timeout": 601}, "at most 600"),
        ({"sql": "SELECT 1", "timeout": "nan"}, "timeout 'nan'"),
        ({"sql": "SELECT 1", "params": 3}, "params must be"),
        ({"sql": "SELECT 1", "sqll": "x"}, "not understood: sqll"),
        ({"sql": "SELECT '\ud800'"}, "surrogates not allowed"),
        ([1], "must be a JSON object"),
        (b"{", "is not JSON"),
        (b" " * (2 << 20), "longer than 1048576 bytes"),
    ],
)
def test_wrong_request_is_explained(body: object, told: str, served: Served) -> None:
    response = served.ask("POST", "/api/sql", body)
    assert response.status == 400
    assert told in response.json["error"]


def test_relations_are_described(served: Served) -> None:
    found = {query["name"]: query for query in served.get("/api/queries").json}
    assert set(found) == {name for name, query in Catalog.load().items() if not query.is_internal}
    chain = found["causal_chain"]
    assert [parameter["name"] for parameter in chain["parameters"]] == ["event", "direction", "depth_limit"]
    assert chain["question"].endswith("?")
    assert {"name", "type", "text"} == set(chain["columns"][0])


def test_relation_takes_parameters_from_the_address(served: Served) -> None:
    response = served.get("/api/queries/causal_chain?event=e2&direction=causes&format=json&limit=2&timeout=5")
    assert [row["event_id"] for row in response.json["rows"]] == ["e0", "e1"]
    assert response.json["is_truncated"] is True


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("causal_chian", "did you mean causal_chain?"),
        ("causal_chain", "causal_chain needs event"),
        ("edges?x=1", "edges has no parameter 'x'"),
        ("event_rate?since=noon", "noon"),
        ("reorderings?since=yesterday", "yesterday"),  # nothing is numbered, so nothing is compared with it
        ("deadlocks?until=2026-13-01", "2026-13-01"),
        ("edges?limit=-1", "row limit '-1'"),
    ],
)
def test_wrong_question_to_a_relation_is_explained(path: str, told: str, served: Served) -> None:
    response = served.get(f"/api/queries/{path}")
    assert response.status == 400
    assert told in response.json["error"]


def test_no_relation_has_a_parameter_that_an_address_means_otherwise() -> None:
    taken = {"format", "limit", "timeout", "token"}
    clashes = {
        (name, parameter.name)
        for name, query in Catalog.load().items()
        for parameter in query.parameters
        if parameter.name in taken
    }
    assert clashes == set()


def test_status_is_what_the_ingester_says(served: Served) -> None:
    served.say(state="reading", events=7, occurrences={"file_found": 2})
    status = served.get("/api/status").json
    told = {
        "state": "reading", "events": 7, "occurrences": {"file_found": 2}, "directory": "/var/log/shop",
        "data_version": 3, "pid": os.getpid(), "database": str(served.store.path),
    }  # fmt: skip
    assert {name: status[name] for name in told} == told


@pytest.mark.parametrize(
    ("state", "code"), [("idle", 200), ("reading", 200), ("stopped", 200), ("paused", 503), ("failed", 503)]
)
def test_health_is_a_503_with_the_reason_while_nothing_is_read(state: Any, code: int, served: Served) -> None:
    served.say(state=state, detail="the disk is full")
    response = served.get("/healthz")
    assert response.status == code
    assert (response.json["state"], response.json["reason"]) == (state, "the disk is full")


def test_health_says_why_rules_are_not_evaluated_and_is_a_200_all_the_same(served: Served) -> None:
    """Whoever restarts a process that is a 503 would lose what it reads for the sake of a rule."""
    assert served.get("/healthz").json["alerts_problem"] is None
    served.alerts_problem = "alerts: the clock of the log went back by two hours"
    response = served.get("/healthz")
    assert (response.status, response.json["alerts_problem"]) == (200, served.alerts_problem)


def test_snapshot_is_a_whole_database(served: Served, tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    response = served.ask("POST", "/api/snapshot", {"destination": str(copy)})
    assert response.json == {"destination": str(copy), "size_bytes": copy.stat().st_size}
    with open_reader(copy) as connection:
        assert connection.execute(COUNT).fetchall() == [(5,)]


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        ({}, 400, "absolute path"),
        ({"destination": "copy.duckdb"}, 400, "absolute path"),
        ({"destination": "/etc/hostname"}, 400, "is there already"),
        ({"destination": "/x", "replace": "yes"}, 400, "true or false"),
        ({"destination": "/nowhere/at/all.duckdb"}, 503, "cannot write the snapshot"),
    ],
)
def test_wrong_snapshot_is_refused(body: object, code: int, told: str, served: Served) -> None:
    response = served.ask("POST", "/api/snapshot", body)
    assert response.status == code
    assert told in response.json["error"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "array of paths"),
        ({"paths": []}, "array of paths"),
        ({"paths": [1]}, "array of paths"),
        ({"paths": ["no.log"]}, "no.log: no stored file is called so"),
    ],
)
def test_wrong_reingest_is_refused(body: object, told: str, served: Served) -> None:
    response = served.ask("POST", "/api/reingest", body)
    assert response.status == 400
    assert told in response.json["error"]


def test_json_has_no_numbers_that_json_has_not(served: Served) -> None:
    response = served.sql("SELECT 'nan'::DOUBLE AS a, 'inf'::DOUBLE AS b, '\\xff'::BLOB AS c")
    rows = json.loads(response.body, parse_constant=pytest.fail)["rows"]
    assert rows == [{"a": None, "b": None, "c": "ff"}]
