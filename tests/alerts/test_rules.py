"""Headers of rules are checked, and what is wrong with one is said without stopping the others."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from stormwatch.alerts.asking import Pace, Watch, ask, is_ranged
from stormwatch.alerts.config import load_config
from stormwatch.alerts.rules import PAGES, SHIPPED, load_rules, parse_rule
from stormwatch.catalog import Catalog
from stormwatch.errors import ConfigError, QueryError

GOOD = """\
-- late_orders: are orders late?
--
-- One row per region.
--
-- Threshold: 5, 10
-- Severity: watch, page
-- Window: 15 minutes
-- For: 3
-- Runbook: Call
--   somebody.
-- Reads: events
SELECT service AS episode_key, count(*) AS value FROM events WHERE occurred_at < $until GROUP BY ALL
"""


def rule(path: Path, text: str = GOOD) -> Path:
    path.write_text(text)
    return path


def test_a_header_is_read_in_full(tmp_path: Path) -> None:
    found = parse_rule(rule(tmp_path / "late_orders.sql"))
    assert (found.question, found.description) == ("are orders late?", "One row per region.")
    assert (found.policy.thresholds, found.policy.severities) == ((5, 10), ("watch", "page"))
    assert (found.window, found.policy.for_count) == (timedelta(minutes=15), 3)
    assert (found.runbook, found.reads, found.parameters) == ("Call somebody.", ("events",), {"until"})
    # what a rule need not say: checked once a minute, over 10 minutes below 0.9, re-armed in an hour
    assert (found.every, found.clock) == (timedelta(minutes=1), "log")
    assert (found.policy.clear_ratio, found.policy.clear_after) == (0.9, timedelta(minutes=10))
    assert (found.policy.rearm, found.policy.absence_is_calm) == (timedelta(hours=1), False)


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("late_orders: are", "late: are", r":1: the first line must be '-- late_orders: <question>\?'"),
        ("-- Window: 15 minutes\n", "", "the header needs '-- Window: ...'"),
        ("-- Window: 15 minutes\n", "-- Window: 15 apples\n", "Window: expected a length such as"),
        ("-- For: 3", "-- For: often", "For: expected a number of evaluations"),
        ("5, 10", "10, 5", "Threshold: expected rising numbers"),
        ("watch, page", "page, watch", "Severity: expected some of watch, warn, page, storm"),
        ("watch, page", "watch", "Severity: expected one per threshold"),
        ("-- For: 3", "-- For: 3\n-- Colour: red", ":9: Colour is no part of a header"),
        ("-- For: 3", "-- For: 3\n-- For: 30", ":9: For is there twice"),
        ("$until", "$now", r"asks for \$now; a rule may ask for \$since, \$until"),
        ("< $until", "< now()", r"does not ask for \$until"),
        ("SELECT service", "SELEKT service", "[Ss]yntax error"),
        ("GROUP BY ALL", "GROUP BY ALL; DROP TABLE files", "needs exactly one SELECT"),
        ("SELECT service", "DELETE FROM files RETURNING 1 AS service; SELECT service", "exactly one SELECT"),
        ("-- For: 3", "-- For: 3\n-- Clear: soon", "Clear: expected for example '0.9 for 10 minutes'"),
        ("-- For: 3", "-- For: 3\n-- Every: 0 minutes", r"sql:9: Every: expected a length .* from 1 seconds"),
        (
            "-- Window: 15",
            "-- Window: 99999999999 days\n-- Rearm: 15",
            ":7: Window: expected a length such as",
        ),
        ("5, 10", "nan, 10", ":5: Threshold: expected rising numbers above 0"),
        ("5, 10", "5, inf", "Threshold: expected rising numbers above 0"),
        ("5, 10", "-5, 10", "Threshold: expected rising numbers above 0"),
        ("-- For: 3", "-- For: 3\n-- Page: nowhere", "Page: expected one of overview, storms"),
        ("-- For: 3", "-- For: 3\n-- Evidence: gaps", "Evidence: expected some of loop_edges"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(tmp_path: Path, good: str, bad: str, message: str) -> None:
    assert good in GOOD
    path = rule(tmp_path / "late_orders.sql", GOOD.replace(good, bad))
    with pytest.raises(ConfigError, match=message) as told:
        parse_rule(path)
    assert str(path) in str(told.value)


def test_a_broken_rule_stops_no_other(tmp_path: Path) -> None:
    rule(tmp_path / "late_orders.sql")
    rule(tmp_path / "broken.sql", "SELECT 1")
    found, problems = load_rules(tmp_path)
    assert {"late_orders", "storm_ahead"} < set(found)
    assert problems.keys() == {"broken"}
    assert str(tmp_path / "broken.sql") in str(problems["broken"])


def test_a_broken_rule_does_not_switch_off_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    rule(tmp_path / "storm_ahead.sql", "SELECT 1")
    found, problems = load_rules(tmp_path)
    assert found["storm_ahead"].is_shipped
    assert "the shipped rule is used" in str(problems["storm_ahead"])


def test_a_folder_that_cannot_be_read_is_no_folder_without_rules(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere: the rules there cannot be read"):
        load_rules(tmp_path / "nowhere")


def test_pages_are_those_of_the_dashboard() -> None:
    folder = Path(__file__).parents[2] / "dashboard" / "app_pages"
    assert set(PAGES) == {path.stem for path in folder.glob("*.py")} - {"__init__"}


UNTIL = datetime(2026, 3, 2, 10, 1)  # noqa: DTZ001 - as DuckDB gives it


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("'a' AS episode_key, 'many' AS value", "value is string; expected a number"),
        ("'a' AS episode_key, 1 AS value, now() AS evaluated_at", "expected TIMESTAMP, UTC without a zone"),
        ("'a' AS episode_key, 1 AS value, 'a' AS members", r"members is string; expected VARCHAR\[\]"),
    ],
)
def test_a_column_of_the_wrong_type_is_said(
    tmp_path: Path, installed: duckdb.DuckDBPyConnection, columns: str, expected: str
) -> None:
    text = GOOD.partition("SELECT")[0] + f"SELECT {columns}, $until AS u"
    found = parse_rule(rule(tmp_path / "late_orders.sql", text))
    with pytest.raises(QueryError, match=expected):
        ask(installed, found, Watch(Pace(), UNTIL), (), UNTIL - timedelta(minutes=1), UNTIL)


def test_rows_that_say_nothing_are_said(tmp_path: Path, installed: duckdb.DuckDBPyConnection) -> None:
    text = GOOD.partition("SELECT")[0] + (
        "SELECT unnest(['a', NULL, 'c']) AS episode_key, unnest([1, 2, 'nan'::DOUBLE]) AS value, $until AS u"
    )
    found = parse_rule(rule(tmp_path / "late_orders.sql", text))
    wrong: list[str] = []
    watch, before = Watch(Pace(), UNTIL), UNTIL - timedelta(minutes=1)
    asked = ask(installed, found, watch, (), before, UNTIL, wrong.append)
    late = UNTIL + timedelta(seconds=7)
    assert list(ask(installed, found, watch, (), UNTIL, late, wrong.append)) == [late]
    with pytest.raises(QueryError, match="episode_key is NULL"):
        ask(installed, found, watch, (), before, UNTIL)
    assert [(one.key, one.value) for one in asked[UNTIL]] == [("a", 1), ("c", None)]
    assert "in 1 rows episode_key is NULL; in 1 rows value is NaN" in str(wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD, False),
        (GOOD.replace("One row per region.", "evaluated_at"), False),
        (GOOD.replace("SELECT", "SELECT /* evaluated_at */\n"), False),
        (GOOD.replace("SELECT", "SELECT $until::TIMESTAMP\nAS evaluated_at,"), True),
    ],
)
def test_its_columns_say_whether_it_answers_for_many_instants(
    tmp_path: Path, installed: duckdb.DuckDBPyConnection, text: str, *, expected: bool
) -> None:
    found = parse_rule(rule(tmp_path / "late_orders.sql", text))
    assert is_ranged(installed, found, Watch(Pace(), UNTIL)) == expected


def test_a_rule_of_ones_own_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    shipped, _ = load_rules()
    text = shipped["storm_ahead"].sql.replace("0.7, 0.8, 0.9, 1", "0.5, 0.6, 0.7, 0.8")
    rule(tmp_path / "storm_ahead.sql", text)
    found, _ = load_rules(tmp_path)
    assert found["storm_ahead"].policy.thresholds[0] == 0.5
    assert not found["storm_ahead"].is_shipped
    assert shipped["storm_ahead"].is_shipped


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.sql")), ids=lambda path: path.stem)
def test_a_shipped_rule_reads_what_it_says_and_nothing_internal(
    path: Path, catalog: Catalog, installed: duckdb.DuckDBPyConnection
) -> None:
    found = parse_rule(path)
    body = "\n".join(line.partition("--")[0] for line in found.sql.splitlines())
    named = {name for name in {*catalog, *catalog.tables} if re.search(rf"(FROM|JOIN)\s+{name}\b", body)}
    assert named == set(found.reads)
    assert not any(name.startswith("_") for name in named)
    installed.execute(f"PREPARE asked AS {found.sql}")
    assert len(found.runbook) > 80


def test_settings_are_found_beside_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "stormwatch.duckdb"
    folder = tmp_path / "mine"
    folder.mkdir()
    rule(folder / "late_orders.sql")
    monkeypatch.setenv("ONCALL", "https://hooks.example.org/T0/secret")
    (tmp_path / "alerts.toml").write_text(
        'minute = "2 seconds"\nrules = "mine"\ndisabled = ["work_*"]\n'
        '[routes.oncall]\nkind = "webhook"\nurl_env = "ONCALL"\nleast = "warn"\n'
    )
    config = load_config(database)
    assert config.pace.minute == timedelta(seconds=2)
    assert "late_orders" in config.rules
    assert "work_repeated" not in config.rules
    route = config.routes["oncall"]
    assert route.place == "https://hooks.example.org/..."
    assert "secret" not in repr(config)
    assert [route.takes("storm_ahead", one) for one in ("watch", "warn", "storm")] == [False, True, True]


def test_a_pattern_that_no_rule_fits_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()
    rule(tmp_path / "alerts" / "late_orders.sql", "SELECT 1")
    (tmp_path / "alerts.toml").write_text(
        'disabled = ["stormahead"]\n[routes.a]\nkind = "stdout"\nrules = ["storm_*", "late_*", "order_*"]\n'
    )
    left_out, *idle = load_config(tmp_path / "stormwatch.duckdb").problems
    assert "late_orders" in left_out
    assert [one.partition(": ")[2] for one in idle] == [
        "disabled: no rule is called 'stormahead'", "routes.a.rules: no rule is called 'order_*'"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("minute = 5", "minute: expected a text"),
        ('minute = "7 seconds"', "a day must be a whole number of them"),
        ('colour = "red"', "colour is not understood; known are minute"),
        ("[routes.a]\nkind = 'pigeon'", "routes.a.kind: expected one of alertmanager, webhook"),
        ("[routes.a]\nkind = 'webhook'", "routes.a.url: expected an address"),
        ("[routes.a]\nkind = 'webhook'\nurl_env = 'NOT_SET_AT_ALL'", r"\$NOT_SET_AT_ALL is not set"),
        ("[routes.a]\nkind = 'webhook'\nurl = 'ftp://x'", "expected http:// or https://"),
        ("[routes.a]\nkind = 'stdout'\nleast = 'all'", "least: expected one of watch"),
        ("rules = 'nowhere'", "no such folder"),
        ("= 1", "cannot be read as settings of alerts"),
    ],
)
def test_what_is_wrong_with_settings_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path / "stormwatch.duckdb", path)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cr3t/x@host/",
        "http://user:s3cr3t",
        "http://user:s3cr3t#x@host/",
        "http://user:31337/s3cr3t@host/",
        "http://s3cr3t/x@host/",
        "http://user:s3cr3t@host:99999/",
        "http://user:s3cr3t@/x",
        "http://[s3cr3t/x",
        "http://user:s3cr3t@host name/",
        "ftp://user:s3cr3t@host/",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_nothing_of_it_is_shown(
    tmp_path: Path, url: str
) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text(f"[routes.oncall]\nkind = 'webhook'\nurl = '{url}'")
    with pytest.raises(ConfigError, match=r"routes\.oncall\.url: ") as told:
        load_config(tmp_path / "stormwatch.duckdb", path)
    for part in ("s3cr3t", "31337", "99999"):
        assert part not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_a_secret_in_place_of_the_name_of_its_variable_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text("[routes.a]\nkind = 'webhook'\nurl_env = 'https://user:s3cr3t@host/'")
    with pytest.raises(ConfigError, match=r"routes\.a\.url_env: this variable is not set"):
        load_config(tmp_path / "stormwatch.duckdb", path)


@pytest.mark.parametrize(
    ("url", "place", "sent_to"),
    [
        ("http://h\u00fctte.example/\u00fcber uns?x=\u00e4", "http://xn--htte-0ra.example/...",
         "http://xn--htte-0ra.example/%C3%BCber%20uns?x=%C3%A4"),
        ("https://h:8443/a%20b/?c=d%26e", "https://h:8443/...", "https://h:8443/a%20b/?c=d%26e"),
        ("http://[::1]:80/x", "http://[::1]:80/...", "http://[::1]:80/x"),
        ("http://kim:p%2Fw\u00fc@h/x", "http://h/...", "http://kim:p%2Fw%C3%BC@h/x"),
    ],
)  # fmt: skip
def test_an_address_is_kept_in_characters_that_can_be_sent(
    tmp_path: Path, url: str, place: str, sent_to: str
) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text(f"[routes.a]\nkind = 'webhook'\nurl = '{url}'", encoding="utf-8")
    route = load_config(tmp_path / "stormwatch.duckdb", path).routes["a"]
    assert (route.place, route.url) == (place, sent_to)
