"""What the user says of fields and zones, and what is made of deadlocks that say little."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from ingest.mapping import NO_MAPPING, FieldMapping, beginning_from, load_mapping, zones_from
from stormwatch.errors import ConfigError
from stormwatch.storage import Store

from .parsing import Parser, Row

LINE = '{"id": "1", "time": "2026-11-23 09:18:26 CST"}'


def row(store: Store, line: str, mapping: FieldMapping = NO_MAPPING) -> Row:
    parser = Parser(store, mapping)
    try:
        return parser.parse(line).the_row()
    finally:
        parser.close()


def test_an_abbreviation_that_means_several_offsets_is_not_guessed(parsing_store: Store) -> None:
    found = row(parsing_store, LINE)
    assert "occurred_at" not in found
    assert found["attributes"] == '{"time":"2026-11-23 09:18:26 CST"}'


@pytest.mark.parametrize(
    ("zone", "hour"), [("CST=+08:00", 1), ("CST=+08", 1), ("CST=-0600", 15), ("CST=Asia/Shanghai", 1)]
)
def test_it_is_read_as_the_user_says(parsing_store: Store, zone: str, hour: int) -> None:
    found = row(parsing_store, LINE, FieldMapping(zones=zones_from([zone])))
    assert found["occurred_at"] == datetime(2026, 11, 23, hour, 18, 26)  # noqa: DTZ001 - naive UTC as stored


def test_zones_stand_in_the_file_as_well(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text('[zones]\nIST = "+05:30"\n')
    assert load_mapping(path).zones == {"IST": "+05:30"}
    path.write_text("zones = 5")
    with pytest.raises(ConfigError, match="zones must be a table"):
        load_mapping(path)


def test_a_day_without_a_year_is_read_as_the_user_says(parsing_store: Store) -> None:
    line = '{"id": "1", "time": "Nov 28 10:00:00"}'
    assert row(parsing_store, line)["attributes"] == '{"time":"Nov 28 10:00:00"}'
    found = row(parsing_store, line, FieldMapping(beginning=beginning_from("2026")))
    assert found["occurred_at"] == datetime(2026, 11, 28, 10)  # noqa: DTZ001 - naive UTC as stored
    assert "attributes" not in found


@pytest.mark.parametrize("written", ["2026", '"2026-11"'])
def test_the_beginning_stands_in_the_file_as_well(tmp_path: Path, written: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(f"year = {written}\n")
    assert load_mapping(path).beginning == beginning_from(written.strip('"'))


@pytest.mark.parametrize("year", ["", "26", "2026-13", "2026-1", "3026", "2026-11-28", "November", "'; DROP"])
def test_what_is_no_beginning_is_refused(tmp_path: Path, year: str) -> None:
    with pytest.raises(ConfigError, match="expected a year, or a year and a month"):
        beginning_from(year)
    path = tmp_path / "mapping.toml"
    path.write_text(f'year = "{year}"\n')
    with pytest.raises(ConfigError, match="year"):
        load_mapping(path)


@pytest.mark.parametrize("zone", ["CST", "CST=", "CST=8", "cst=+08:00", "CST='; DROP", "=+08:00"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ConfigError, match=r"expected for example CST=\+08:00"):
        zones_from([zone])


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "1", "operation": "deadlock"}',
        '{"id": "1", "type": "DeadlockDetected"}',
        '{"id": "1", "event": "deadlock.detected"}',
    ],
)
def test_a_deadlock_needs_not_say_who_took_part(parsing_store: Store, line: str) -> None:
    assert row(parsing_store, line)["operation"] == "deadlock"


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "1", "message": "deadlock detected"}',
        '{"id": "1", "type": "locked"}',
        '{"id": "1", "operation": "wait"}',
    ],
)
def test_a_text_about_one_is_none_and_a_lock_has_a_resource(parsing_store: Store, line: str) -> None:
    assert "operation" not in row(parsing_store, line)
