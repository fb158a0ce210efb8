"""What a sample would be understood as, before anything is stored."""

from pathlib import Path
from typing import Any

import pytest

from ingest.check import SAMPLE_RECORDS
from stormwatch.errors import ExitCode

from .harness import Command, line, order


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A directory with one file whose field names mean nothing to anybody."""
    directory = tmp_path / "odd"
    directory.mkdir()
    records = [
        line(moment=f"2026-03-02T10:00:{number:02}Z", tick=f"evt-{number}", cost=number,
             because=f"evt-{number - 1}" if number else None, deep={"a.b": number})
        for number in range(6)
    ]  # fmt: skip
    (directory / "odd.log").write_text("".join(records), encoding="utf-8")
    return directory


def _reports(stormwatch: Command, *arguments: object) -> dict[str, dict[str, Any]]:
    return {report["path"]: report for report in stormwatch("check", *arguments, "--format", "json").rows}


def _sources(report: dict[str, Any]) -> dict[str, list[str]]:
    return {entry["column"]: entry["fields"] for entry in report["mapped"]}


def test_fields_are_named_with_the_column_they_became(logs: Path, stormwatch: Command) -> None:
    report = _reports(stormwatch, logs)["orders.jsonl"]
    assert report["formats"] == {"json": 10}
    sources = _sources(report)
    assert sources["event_id"] == ["id"]
    assert sources["occurred_at"] == ["time"]
    assert sources["causation_id"] == ["causation_id"]
    counts = {entry["column"]: (entry["count"], entry["example"]) for entry in report["mapped"]}
    assert counts["causation_id"][0] == 9
    assert counts["service"] == (10, "orders")
    assert {entry["field"] for entry in report["kept"]} == {"note", "formula"}
    assert (report["rejected"], report["hints"], report["is_whole"]) == ([], [], True)


def test_nothing_is_stored_and_clean_logs_are_exit_code_0(
    logs: Path, database: Path, stormwatch: Command
) -> None:
    assert stormwatch("check", logs).code == ExitCode.OK
    assert not database.exists()
    assert [path.name for path in logs.iterdir()] == ["orders.jsonl"]


def test_times_that_need_a_word_of_the_user_come_with_the_option(tmp_path: Path, stormwatch: Command) -> None:
    logs = tmp_path / "said"
    logs.mkdir()
    (logs / "year.log").write_text(
        '{"id": "1", "time": "Dec 31 23:59:59", "cause": "0"}\n'
        '{"id": "2", "time": "Jan  1 00:00:00", "cause": "1"}\n'
        '{"id": "3", "time": "2027-01-01T00:00:01Z", "cause": "2"}\n'
    )
    (logs / "zone.log").write_text('{"id": "4", "time": "2026-12-31 23:59:59 CST", "cause": "0"}\n')
    told = _reports(stormwatch, logs)
    [hint] = told["year.log"]["hints"]
    assert hint.startswith("2 times have no year, such as Dec 31 23:59:59,")
    assert "--year YEAR-MONTH" in hint
    assert "--zone CST=+00:00" in told["zone.log"]["hints"][0]
    report = _reports(stormwatch, logs, "--year", "2026-12", "--zone", "CST=+08:00")
    assert [report[name]["hints"] for name in ("year.log", "zone.log")] == [[], []]
    [time] = [one for one in report["year.log"]["mapped"] if one["column"] == "occurred_at"]
    assert (time["count"], time["example"]) == (3, "2026-12-31 23:59:59")


def test_missing_essentials_come_with_the_field_that_may_be_meant(odd: Path, stormwatch: Command) -> None:
    hints = _reports(stormwatch, odd)["odd.log"]["hints"]
    assert ["--map time=moment" in hints[0], "--map id=tick" in hints[1]] == [True, True]
    hints = _reports(stormwatch, odd, "--map", "id=tick", "--map", "time=moment")["odd.log"]["hints"]
    assert len(hints) == 1
    assert "--map cause=because" in hints[0]
    told = _reports(stormwatch, odd, "--map", "id=tick", "--map", "time=moment", "--map", "cause=because")
    assert told["odd.log"]["hints"] == []
    assert _sources(told["odd.log"])["causation_id"] == ["because"]


def test_names_of_fields_can_be_given_back_to_map(odd: Path, stormwatch: Command) -> None:
    kept = {entry["field"] for entry in _reports(stormwatch, odd)["odd.log"]["kept"]}
    assert "/deep/a.b" in kept
    mapped = _reports(stormwatch, odd, "--map", "sequence=/deep/a.b")["odd.log"]
    assert _sources(mapped)["sequence"] == ["/deep/a.b"]


def test_a_field_that_no_record_has_is_told(odd: Path, stormwatch: Command) -> None:
    (odd / "empty.log").touch()
    (odd / "other.log").write_text(line(tick="evt-9", moment="2026-03-02T10:00:00Z"))
    told = _reports(stormwatch, odd, "--map", "id=tikc", "--map", "cause=because")
    nowhere = "no record that was read has the field tikc, so that id=tikc says nothing; did you mean tick?"
    assert [told[name]["hints"][0] for name in ("odd.log", "other.log")] == [nowhere, nowhere]
    # The cause is in one of the files.
    assert not any("because" in hint for report in told.values() for hint in report["hints"])


def test_rejects_are_told_with_reason_and_first_offset(logs: Path, stormwatch: Command) -> None:
    whole = order(50)
    (logs / "bad.jsonl").write_bytes(whole.encode() + b"\x1b[2Jgarbage\n" + b"more garbage\n")
    result = stormwatch("check", logs, "--format", "json")
    assert result.code == ExitCode.FINDINGS
    [rejected] = next(report for report in result.rows if report["path"] == "bad.jsonl")["rejected"]
    assert (rejected["count"], rejected["first_offset"]) == (2, len(whole))
    shown = stormwatch("check", logs).out.decode()
    assert "\\u001b[2Jgarbage" in shown
    assert "\x1b[2J" not in shown


def test_only_a_bounded_sample_is_read(logs: Path, stormwatch: Command) -> None:
    with (logs / "long.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(order(number) for number in range(SAMPLE_RECORDS + 5))
    report = _reports(stormwatch, logs)["long.jsonl"]
    assert report["formats"] == {"json": SAMPLE_RECORDS}
    assert not report["is_whole"]


def test_half_written_last_line_is_no_reject(logs: Path, stormwatch: Command) -> None:
    with (logs / "orders.jsonl").open("a", encoding="utf-8") as file:
        file.write(order(10)[:20])
    report = _reports(stormwatch, logs)["orders.jsonl"]
    assert (report["formats"], report["rejected"]) == ({"json": 10}, [])


def test_file_without_line_ends_is_a_problem_not_a_reject(logs: Path, stormwatch: Command) -> None:
    (logs / "blob.log").write_bytes(b"x" * (5 << 20))
    result = stormwatch("check", logs, "--format", "json")
    assert result.code == ExitCode.FINDINGS
    report = next(report for report in result.rows if report["path"] == "blob.log")
    assert "no line ends" in report["problem"]


def test_rows_are_for_formats_that_have_rows(logs: Path, stormwatch: Command) -> None:
    first, *rows = stormwatch("check", logs, "--format", "csv").out.decode().splitlines()
    assert first == "path,format,column,field,count,example,confidence"
    assert "orders.jsonl,json,event_id,id,10,order-0," in rows
    assert "orders.jsonl,,attributes,formula,1,'=1+1," in rows


def test_empty_directory_is_explained(tmp_path: Path, stormwatch: Command) -> None:
    (tmp_path / "empty").mkdir()
    for place, told in (("empty", "no log files in it"), ("nowhere", "cannot be listed")):
        result = stormwatch("check", tmp_path / place)
        assert result.code == ExitCode.USAGE
        assert told in result.err


def test_secrets_are_masked_in_samples_and_rejects(logs: Path, stormwatch: Command) -> None:
    (logs / "bad.jsonl").write_text(
        '{"id": "1", "password": "hunter2", "message": "login password=hunter2"}\n'
        "garbage password=hunter2 Authorization: Bearer hunter2-hunter2\n"
    )
    for form in ("json", "table", "csv"):
        told = stormwatch("check", logs, "--format", form).out.decode()
        assert "hunter2" not in told
        assert "[redacted]" in told
    assert "hunter2" in stormwatch("check", logs, "--keep-secrets", "--format", "json").out.decode()
