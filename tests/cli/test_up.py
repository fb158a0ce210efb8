"""The process behind the dashboard: questions, copies and strangers while it reads."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from stormwatch.errors import ExitCode
from stormwatch.storage import open_reader

from .harness import Command, Processes, Running, eventually, order

TOKEN = "a secret of the test"  # noqa: S105 - made up
EVERYWHERE = "0.0.0.0"  # noqa: S104 - not listened on
ACCOUNT = """
SELECT
    (SELECT count(*) FROM observations) AS rows,
    (SELECT sum(event_count) FROM files) AS counted,
    (SELECT sum(event_count) FROM batches) AS committed,
    (SELECT max(sequence) + 1 FROM observations) AS highest,
    (SELECT bool_and(committed_offset = stored_bytes + quarantined_bytes + blank_bytes + inherited_bytes)
     FROM files) AS is_conserved
"""


@pytest.fixture
def up(prepared: Path, logs: Path, start: Processes) -> Running:
    assert prepared.is_file()
    running = start("up", logs, "--no-browser", "--port", 0)
    running.wait_for(10)
    return running


def test_every_verb_that_asks_is_answered_by_it(up: Running, stormwatch: Command) -> None:
    count = ("sql", "SELECT count(*) AS n FROM events", "--format", "json")
    assert stormwatch(*count).rows == [{"n": 10}]
    chain = stormwatch("query", "causal_chain", "-p", "event=order-9", "--format", "json").rows
    assert [row["event_id"] for row in chain] == [f"order-{number}" for number in range(10)]
    assert "order-0" in stormwatch("chain", "order-9").out.decode()
    assert json.loads(stormwatch("status", "--format", "json").out)["pid"] == up.process.pid
    assert stormwatch("deadlocks", "--format", "json").rows == []
    assert json.loads(stormwatch("tail", "orders.jsonl:0").out)["id"] == "order-0"


def test_it_refuses_to_write_for_anybody(up: Running, logs: Path, stormwatch: Command) -> None:
    sneaky = "WITH gone AS (DELETE FROM observations RETURNING *) SELECT count(*) FROM gone"
    assert stormwatch("sql", sneaky).code == ExitCode.USAGE
    assert stormwatch("sql", "SELECT count(*) AS n FROM events", "--format", "json").rows == [{"n": 10}]
    with (logs / "orders.jsonl").open("a", encoding="utf-8") as file:
        file.write(order(10))
    up.wait_for(11)


def test_unknown_address_of_the_interface_is_no_page(up: Running) -> None:
    status, body = up.get("/api/nosuch")
    assert (status, json.loads(body)["kind"]) == (404, "NotFound")


def test_pages_and_health_are_served(up: Running) -> None:
    assert b"<html" in up.get("/")[1]
    status, body = up.get("/healthz")
    assert (status, json.loads(body)["reason"]) == (200, "")


def test_second_owner_is_refused(up: Running, logs: Path, stormwatch: Command) -> None:
    refused = stormwatch("ingest", logs)
    assert refused.code == ExitCode.STORAGE
    assert f"in use by `stormwatch up {logs}` (process {up.process.pid})" in refused.err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_and_leaves_no_owner(up: Running, number: int, stormwatch: Command) -> None:
    code, err = up.stop(number)
    assert code == ExitCode.OK
    assert "Traceback" not in err
    assert not up.database.with_name(up.database.name + ".owner").exists()
    assert stormwatch("sql", "SELECT count(*) AS n FROM events", "--format", "json").rows == [{"n": 10}]


@pytest.mark.slow
def test_it_does_not_wait_for_a_question_that_takes_long(up: Running, start: Processes) -> None:
    endless = "SELECT count(*) FROM range(100000000) AS a, range(1000000) AS b"
    before = _processor_s(up.process.pid)
    asking = start("sql", endless, "--timeout", 600)
    eventually(lambda: _processor_s(up.process.pid) > before + 1)
    # Ends at all: the question alone would take hours, the patience of the test is a minute.
    assert up.stop()[0] == ExitCode.OK
    _, err = asking.process.communicate()
    assert asking.process.returncode in {ExitCode.USAGE, ExitCode.STORAGE}
    assert b"Traceback" not in err


def _processor_s(pid: int) -> float:
    """Processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def busy_up(up: Running, logs: Path) -> Iterator[Running]:
    """As `up`, while events are appended without pause; the file is whole at the end."""
    done = threading.Event()

    def write() -> None:
        number = 10
        with (logs / "orders.jsonl").open("a", encoding="utf-8", buffering=1) as file:
            while not done.wait(0.001):
                file.write("".join(order(number + more) for more in range(20)))
                number += 20

    writer = threading.Thread(target=write)
    writer.start()
    yield up
    done.set()
    writer.join()


@pytest.mark.slow
def test_snapshots_are_consistent_while_it_reads(
    busy_up: Running, tmp_path: Path, stormwatch: Command
) -> None:
    sizes = []
    for number in range(4):
        copy = tmp_path / f"copy-{number}.duckdb"
        taken = stormwatch("snapshot", copy)
        assert taken.code == ExitCode.OK, taken.err
        assert copy.stat().st_mode & 0o077 == 0
        with open_reader(copy) as connection:
            [(rows, counted, committed, highest, is_conserved)] = connection.execute(ACCOUNT).fetchall()
        assert rows == counted == committed == highest
        assert is_conserved
        sizes.append(rows)
        busy_up.wait_for(rows + 1)
    assert sizes == sorted(set(sizes))


@pytest.mark.slow
def test_snapshot_replaces_only_what_it_is_told_to(up: Running, tmp_path: Path, stormwatch: Command) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("keep me", encoding="utf-8")
    refused = stormwatch("snapshot", precious)
    assert (refused.code, precious.read_text(encoding="utf-8")) == (ExitCode.USAGE, "keep me")
    assert "--replace" in refused.err
    itself = stormwatch("snapshot", up.database, "--replace")
    assert itself.code == ExitCode.STORAGE
    assert "is the database itself" in itself.err
    assert stormwatch("snapshot", precious, "--replace").code == ExitCode.OK
    with open_reader(precious) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchall() == [(10,)]


def test_taken_port_is_an_error_only_when_asked_for(logs: Path, stormwatch: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = stormwatch("up", logs, "--no-browser", "--port", port)
    assert refused.code == ExitCode.USAGE
    assert f"port {port} is in use on 127.0.0.1" in refused.err


@pytest.mark.slow
def test_two_dashboards_find_ports_of_their_own(logs: Path, tmp_path: Path, start: Processes) -> None:
    first = start("up", logs, "--no-browser")
    url = first.url
    other = tmp_path / "other.duckdb"
    second = Running(start("up", logs, "--no-browser", "--db", other).process, other)
    assert second.url != url
    assert (first.get("/healthz")[0], second.get("/healthz")[0]) == (200, 200)


def test_others_are_let_in_with_a_token_only(logs: Path, database: Path, stormwatch: Command) -> None:
    refused = stormwatch("up", logs, "--no-browser", "--host", EVERYWHERE)
    assert refused.code == ExitCode.USAGE
    assert "STORMWATCH_TOKEN" in refused.err
    assert not database.exists()


def test_token_guards_questions_pages_and_the_socket(
    logs: Path, start: Processes, stormwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start("up", logs, "--no-browser", "--port", 0, "--host", EVERYWHERE, STORMWATCH_TOKEN=TOKEN)
    url = running.url
    assert running.get("/healthz")[0] == 200
    for path in ("/api/status", "/metrics", "/", "/_stcore/health"):
        assert running.get(path)[0] == 401, path
    with pytest.raises(InvalidStatus):
        connect(url.replace("http", "ws") + "/_stcore/stream")
    refused = stormwatch("sql", "SELECT 1")
    assert refused.code == ExitCode.STORAGE
    assert "--token" in refused.err
    running.token = TOKEN
    for path in ("/api/status", "/metrics", "/", "/_stcore/health"):
        assert running.get(path)[0] == 200, path
    monkeypatch.setenv("STORMWATCH_TOKEN", TOKEN)
    assert stormwatch("sql", "SELECT 1 AS one", "--format", "json").rows == [{"one": 1}]
