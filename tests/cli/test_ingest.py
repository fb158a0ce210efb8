"""Reading a directory: to its end, on and on, and only once."""

import json
import signal
from pathlib import Path

import pytest

from stormwatch.errors import ExitCode

from .harness import Command, Processes, eventually, order


def _ids(stormwatch: Command) -> list[str]:
    rows = stormwatch("sql", "SELECT event_id FROM events ORDER BY sequence", "--format", "json").rows
    return [row["event_id"] for row in rows]


def test_all_that_is_there_is_read_once(logs: Path, stormwatch: Command) -> None:
    first = stormwatch("ingest", logs)
    assert (first.code, first.out) == (ExitCode.OK, b"")
    assert first.err.startswith("10 events from ")
    assert stormwatch("ingest", logs).err.startswith("0 events from 0 bytes")
    assert _ids(stormwatch) == [f"order-{number}" for number in range(10)]


def test_fields_are_mapped_by_option_and_file(tmp_path: Path, stormwatch: Command) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.log").write_text('{"key_one": "x", "ref": "y"}\n', encoding="utf-8")
    rules = tmp_path / "rules.toml"
    rules.write_text('[[mapping]]\npaths = ["*.log"]\ncause = "ref"\nid = "other"\n', encoding="utf-8")
    stormwatch("ingest", logs, "--map", "id=key_one", "--config", rules)
    rows = stormwatch("sql", "SELECT event_id, causation_id FROM events", "--format", "json").rows
    assert rows == [{"event_id": "x", "causation_id": "y"}]


def test_a_field_that_is_mapped_and_in_no_record_is_told(logs: Path, stormwatch: Command) -> None:
    told = stormwatch("ingest", logs, "--map", "cause=nosuch", "--map", "id=id").err.splitlines()
    assert told[0] == "no record that was read has the field nosuch, so that cause=nosuch says nothing"
    assert told[1].startswith("10 events from ")


def test_files_are_chosen_by_name(logs: Path, stormwatch: Command) -> None:
    (logs / "other.jsonl").write_text(order(99), encoding="utf-8")
    stormwatch("ingest", logs, "--include", "*.jsonl", "--exclude", "orders*")
    assert _ids(stormwatch) == ["order-99"]


def test_missing_directory_is_refused_before_a_database_is_made(
    tmp_path: Path, database: Path, stormwatch: Command
) -> None:
    result = stormwatch("ingest", tmp_path / "nowhere")
    assert result.code == ExitCode.USAGE
    assert "nowhere: no such directory" in result.err
    assert not database.exists()


def test_database_in_the_watched_directory_is_refused(logs: Path, stormwatch: Command) -> None:
    result = stormwatch("ingest", logs, "--db", logs / "in.duckdb")
    assert result.code == ExitCode.USAGE
    assert "--db" in result.err
    assert [path.name for path in logs.iterdir()] == ["orders.jsonl"]


def test_wrong_mapping_is_one_line_without_traceback(logs: Path, stormwatch: Command) -> None:
    result = stormwatch("ingest", logs, "--map", "idd=x")
    assert result.code == ExitCode.USAGE
    assert result.err.startswith("error: --map: there is nothing called 'idd'")
    assert "Traceback" not in result.err


def test_interrupted_reading_says_so(logs: Path, start: Processes) -> None:
    # So much that it cannot be done between two looks of ours.
    lines = "".join(map(order, range(150_000)))
    (logs / "orders.jsonl").write_text(lines, encoding="utf-8")
    running = start("ingest", logs)
    eventually(lambda: running.database.with_name(running.database.name + ".owner").exists() or None)
    code, err = running.stop(signal.SIGINT)
    assert code == ExitCode.INTERRUPTED, err
    assert "Traceback" not in err


def test_follower_stops_in_order_and_the_next_goes_on(
    logs: Path, start: Processes, stormwatch: Command
) -> None:
    running = start("ingest", logs, "--follow")
    running.wait_for(10)
    with (logs / "orders.jsonl").open("a", encoding="utf-8") as file:
        for number in range(10, 5000):
            file.write(order(number))
            if number == 2500:
                file.flush()
                running.process.send_signal(signal.SIGTERM)
    code, _ = running.stop()
    assert code == ExitCode.OK
    assert stormwatch("ingest", logs).code == ExitCode.OK
    assert _ids(stormwatch) == [f"order-{number}" for number in range(5000)]


def test_killed_follower_leaves_no_owner_behind(logs: Path, start: Processes, stormwatch: Command) -> None:
    running = start("ingest", logs, "--follow")
    running.wait_for(10)
    running.process.kill()
    running.process.communicate()
    assert running.database.with_name(running.database.name + ".owner").exists()
    assert len(_ids(stormwatch)) == 10


@pytest.mark.slow
def test_second_ingester_is_refused(logs: Path, start: Processes, stormwatch: Command) -> None:
    running = start("ingest", logs, "--follow")
    assert running.url
    for verb in (("ingest", logs), ("ingest", logs, "--follow"), ("up", logs, "--no-browser")):
        refused = stormwatch(*verb)
        assert refused.code == ExitCode.STORAGE
        assert f"in use by `stormwatch ingest {logs} --follow` (process {running.process.pid})" in refused.err
    assert running.stop()[0] == ExitCode.OK


def test_questions_are_answered_while_it_follows(logs: Path, start: Processes, stormwatch: Command) -> None:
    running = start("ingest", logs, "--follow")
    running.wait_for(10)
    assert len(_ids(stormwatch)) == 10
    status = json.loads(stormwatch("status", "--format", "json").out)
    assert (status["pid"], status["events"]) == (running.process.pid, 10)


def test_what_waits_for_its_line_end_and_what_was_masked_is_told(logs: Path, stormwatch: Command) -> None:
    (logs / "orders.jsonl").write_text('{"id": "1", "password": "hunter2"}\n{"id": "torn', encoding="utf-8")
    (logs / "torn.log").write_text('{"id": "torn', encoding="utf-8")
    told = stormwatch("ingest", logs).err
    assert "secrets masked in 1 records" in told
    assert "24 bytes in 2 files wait for their line end" in told
    rows = stormwatch("sql", "SELECT path, backlog_bytes FROM ingest_health", "--format", "json").rows
    assert rows == [{"path": name, "backlog_bytes": 12} for name in ("orders.jsonl", "torn.log")]
    assert json.loads(stormwatch("status", "--format", "json").out)["backlog_bytes"] == 24
    for report in stormwatch("check", logs, "--format", "json").rows:
        assert report["hints"][0].startswith("the last 12 bytes have no line end")
