"""Questions on the command line: what comes out, in which form, and what is refused."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stormwatch.errors import ExitCode

from .harness import HOSTILE, ROOT, Command, command

pytestmark = pytest.mark.usefixtures("stored_orders")


def test_json_keeps_types(stormwatch: Command) -> None:
    rows = stormwatch(
        "sql",
        "SELECT 1 AS i, NULL AS n, 'nan'::DOUBLE AS x, TIMESTAMP '2026-01-02 03:04:05.5' AS t, "
        "'\\xff'::BLOB AS b, [1, 2] AS l, {'k': DATE '2026-01-02'} AS s, MAP {'m': 3} AS m, "
        "12345678901234567890::HUGEINT AS h, "
        "INTERVAL 1500 milliseconds AS v, 2.5::DECIMAL(9, 2) AS d",
        "--format", "json",
    ).rows  # fmt: skip
    assert rows == [
        {
            "i": 1, "n": None, "x": None, "t": "2026-01-02T03:04:05.500000Z", "b": "ff", "l": [1, 2],
            "s": {"k": "2026-01-02"}, "m": {"m": 3}, "h": 12345678901234567890,
            "v": "P0M0DT1.500000000S", "d": 2.5,
        }
    ]  # fmt: skip


def test_csv_is_exact_but_for_formulas(stormwatch: Command) -> None:
    result = stormwatch(
        "sql",
        "SELECT attributes->>'formula' AS \"=f\", -1 AS n, attributes->>'note' AS note FROM events "
        "WHERE event_id = 'order-2'",
        "--format", "csv",
    )  # fmt: skip
    rows = list(csv.reader(io.StringIO(result.out.decode())))
    assert rows == [["'=f", "n", "note"], ["'=1+1", "-1", HOSTILE]]


def test_parquet_goes_to_a_file(tmp_path: Path, stormwatch: Command) -> None:
    target = tmp_path / "answer.parquet"
    result = stormwatch("sql", "FROM events", "--format", "parquet", "-o", target)
    assert (result.code, result.out) == (ExitCode.OK, b"")
    assert pq.read_table(target).num_rows == 10


def test_file_that_cannot_be_written_is_said(tmp_path: Path, stormwatch: Command) -> None:
    result = stormwatch("sql", "SELECT 1", "-o", tmp_path / "no" / "such" / "place.csv", "--format", "csv")
    assert result.code == ExitCode.USAGE
    assert "place.csv: cannot be written" in result.err


def test_table_for_people_says_how_new_it_is(stormwatch: Command) -> None:
    result = stormwatch("sql", "SELECT event_id, sequence FROM events ORDER BY ALL LIMIT 2")
    assert result.out.decode().splitlines() == [
        "event_id   sequence",
        "───────────────────",
        "order-0           0",
        "order-1           1",
    ]
    assert result.err == "2 rows; data version 1, newest event: 2026-03-02 10:00:09\n"


def test_rows_beyond_the_limit_are_announced(stormwatch: Command) -> None:
    result = stormwatch("sql", "FROM events", "--limit", 3, "--format", "json")
    assert len(result.rows) == 3
    assert "only the first 3 rows" in result.err
    whole = stormwatch("sql", "FROM events", "--limit", 10, "--format", "json")
    assert whole.err == "10 rows; data version 1, newest event: 2026-03-02 10:00:09\n"


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_a_file_says_itself_how_new_it_is(form: str, stormwatch: Command) -> None:
    source = pa.BufferReader(stormwatch("sql", "FROM events", "--limit", 3, "--format", form).out)
    table = pa.ipc.open_stream(source).read_all() if form == "arrow" else pq.read_table(source)
    stamp = {
        name: table.schema.metadata[f"stormwatch.{name}".encode()] for name in ("complete_to", "is_truncated")
    }
    assert (table.num_rows, stamp) == (
        3, {"complete_to": b"2026-03-02T10:00:09Z", "is_truncated": b"true"},
    )  # fmt: skip


def test_values_are_bound_never_written_into_the_statement(stormwatch: Command) -> None:
    rows = stormwatch("sql", "SELECT $a AS a", "-p", "a=x' OR 1=1; --", "--format", "json").rows
    assert rows == [{"a": "x' OR 1=1; --"}]


def test_statement_comes_from_stdin(stormwatch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 7 AS seven"))
    assert stormwatch("sql", "-", "--format", "json").rows == [{"seven": 7}]


@pytest.mark.parametrize(
    "statement",
    [
        "WITH gone AS (DELETE FROM observations RETURNING *) SELECT count(*) FROM gone",
        "EXPLAIN ANALYZE DELETE FROM observations",
        "DELETE FROM observations",
        "SELECT 1; DELETE FROM observations",
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY observations TO '/tmp/x.csv'",
        "SELECT FROM nowhere",
    ],
)
def test_what_does_not_only_read_is_refused(statement: str, stormwatch: Command) -> None:
    result = stormwatch("sql", statement)
    assert (result.code, result.out) == (ExitCode.USAGE, b"")
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    assert stormwatch("sql", "SELECT count(*) AS n FROM events", "--format", "json").rows == [{"n": 10}]


def test_query_that_takes_too_long_is_stopped(stormwatch: Command) -> None:
    endless = "SELECT count(*) FROM range(100000000) AS a, range(100000) AS b"
    result = stormwatch("sql", endless, "--timeout", 0.2)
    assert result.code == ExitCode.USAGE
    assert "stopped after 0.2 s" in result.err


def test_missing_database_says_how_to_make_one(tmp_path: Path, stormwatch: Command) -> None:
    result = stormwatch("sql", "SELECT 1", "--db", tmp_path / "none.duckdb")
    assert result.code == ExitCode.STORAGE
    assert "none.duckdb: no such database; make one with `stormwatch ingest DIR" in result.err


def test_relation_takes_parameters_as_text(stormwatch: Command) -> None:
    rows = stormwatch(
        "query", "causal_chain", "-p", "event=order-5", "-p", "direction=causes", "-p", "depth_limit=2",
        "--format", "json",
    ).rows  # fmt: skip
    found = [(row["event_id"], row["depth"]) for row in rows]
    assert found == [("order-3", -2), ("order-4", -1), ("order-5", 0)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["causal_chian"], "did you mean causal_chain?"),
        (["causal_chain"], "causal_chain needs event"),
        (["edges", "-p", "x=1"], "edges has no parameter 'x'"),
        (["edges", "-p", "x"], "expected NAME=VALUE"),
    ],
)
def test_wrong_question_is_explained(arguments: list[str], told: str, stormwatch: Command) -> None:
    result = stormwatch("query", *arguments)
    assert result.code == ExitCode.USAGE
    assert told in result.err


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_reader_that_has_seen_enough_ends_the_command_quietly(
    unbuffered: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    words = command(
        "sql", "SELECT range FROM range(300000)", "--limit", 300_000, "--format", "csv", "--db", database
    )
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"range\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == ExitCode.PIPE_CLOSED


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_log_text_cannot_steer_the_terminal(form: str, database: Path) -> None:
    shown = on_terminal("sql", "SELECT attributes->>'note' AS note FROM events WHERE event_id = 'order-2'",
                        "--format", form, "--db", database)  # fmt: skip
    assert "\\u001b" in shown
    assert "\\u202e" in shown
    # Only what rich itself writes (bold, colours) may be an escape sequence.
    for steering in ("\x1b[31m", "\x9b", "\u202e", "\x07", "\x7f"):
        assert steering not in shown


def test_json_on_a_terminal_is_still_json(database: Path) -> None:
    shown = on_terminal("sql", "SELECT attributes->>'note' AS note FROM events WHERE event_id = 'order-2'",
                        "--format", "json", "--db", database)  # fmt: skip
    rows, end = json.JSONDecoder().raw_decode(shown)
    assert rows == [{"note": HOSTILE}]
    assert shown[end:].strip() == "1 rows; data version 1, newest event: 2026-03-02 10:00:09"


def test_parquet_is_not_written_to_a_terminal(database: Path) -> None:
    shown = on_terminal("sql", "SELECT 1", "--format", "parquet", "--db", database)
    assert shown.startswith("error: Parquet is nothing for a terminal")


def on_terminal(*arguments: object) -> str:
    """What a command writes to a terminal."""
    ours, its = pty.openpty()
    with subprocess.Popen(command(*arguments), cwd=ROOT, stdout=its, stderr=its) as process:
        os.close(its)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:
            pass  # how Linux says that nobody has the other end any more
        finally:
            os.close(ours)
        process.wait()
    return shown.decode()
