"""The page of alerts over the storm of sample_logs: what it says is what the database holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.alert_desk import verdict
from dashboard.differences import label, times
from ingest.service import Ingester, Settings
from stormwatch.alerts import ledger
from stormwatch.alerts.asking import Pace
from stormwatch.alerts.config import AlertConfig, Route
from stormwatch.alerts.desk import Desk
from stormwatch.alerts.rules import load_rules
from stormwatch.alerts.service import Alerts
from stormwatch.catalog import Catalog
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store
from tests.prepared import prepare

from .conftest import Statements, open_page, table, texts

Serve = Callable[..., Statements]
LOOP = "order.confirmed <-> order.item_added <-> order.resubmitted <-> payment.compensated"
EPISODES = "Alerts, the latest onset first"
RULES, _ = load_rules()
CONFIG = AlertConfig(
    {"storm_ahead": RULES["storm_ahead"]},
    {"chat": Route("chat", "webhook", "https://chat.example.org/T0/secret")},
    # The six minutes of the story stand for three hours.
    Pace(timedelta(seconds=2)),
)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The story of the storm, with the rule evaluated to its end."""
    with Store(prepare(tmp_path_factory.mktemp("storm") / "storm.duckdb")) as store:
        catalog = Catalog.load()
        ingester = Ingester(store, Settings(SAMPLE_LOGS / "storm" / "logs"))
        ingester.drain()
        watcher = Alerts(store, catalog, CONFIG, ingester.status)
        # A first time before anything happens: what is found after it is no history.
        for moment in ("09:00:40", "09:05:40"):
            watcher.evaluate_rule(CONFIG.rules["storm_ahead"], datetime.fromisoformat(f"2026-03-02T{moment}"))
        yield store
        ingester.close()


@pytest.fixture
def opened(evaluated: Store, serve: Serve) -> AppTest:
    """The page of that store."""
    serve(evaluated, alerts=Desk(evaluated, CONFIG))
    return open_page("alerts", window="all")


def test_what_fires_is_said_first_with_its_evidence(opened: AppTest) -> None:
    assert "1 alert fires" in opened.subheader[0].value
    assert "now cause 118 more (at least 99); before 100; from 100 on" in opened.subheader[0].value
    row = table(opened, EPISODES).iloc[0]
    assert (row["state"], row["rule"]) == ("firing", "storm_ahead")
    assert str(row["fired_at"]) == "2026-03-02 09:03:26"
    assert "cap retries" in texts(opened)
    assert "secret" not in texts(opened)
    assert "`chat`, webhook at `https://chat.example.org/...`" in texts(opened)
    edges = table(opened, "Strongest edges")
    assert set(edges["cause_type"]) <= set(LOOP.split(" <-> "))
    labels = json.loads(opened.dataframe[1].proto.columns)
    assert labels["effects_per_cause"]["label"] == "effects per cause"
    before = table(opened, "Changed before")
    assert "2026-03-02 09:01:00.000000" in before["occurred_at"].astype(str).tolist()
    assert CONFIG.rules["storm_ahead"].sql.strip() in [block.value.strip() for block in opened.code]


def test_overview_names_what_fires_and_leads_there(evaluated: Store, serve: Serve) -> None:
    serve(evaluated, alerts=Desk(evaluated, CONFIG))
    app = open_page("overview", window="all")
    assert "Alerts that fire:" in texts(app)
    [link] = [link.proto for link in app.get("page_link") if "episode=" in link.proto.query_string]
    assert re.match(r"\w+, began 09:0\d:\d\d `100 events of order\.confirmed", link.label)
    assert link.query_string.endswith("episode=1")


def test_evidence_names_whole_groups_and_leads_to_chains(opened: AppTest, evaluated: Store) -> None:
    with evaluated.cursor() as cursor:
        [(text,)] = cursor.execute("SELECT evidence FROM alert_episodes").fetchall()
    rows = json.loads(text)["explain_difference"]
    groups = table(opened, "What its events have in common")
    assert groups["group"].tolist() == [label(row) for row in rows]
    assert groups["group"].is_unique
    assert groups["times"].tolist() == [times(row) for row in rows]
    leading = {frame.proto.alt for frame in opened.dataframe if frame.proto.selection_mode}
    assert {"Changed before", "Strongest edges"} <= leading


def test_changes_are_named_before_what_followed_from_them(evaluated: Store, serve: Serve) -> None:
    with evaluated.cursor() as cursor:
        [(text,)] = cursor.execute("SELECT evidence FROM alert_episodes").fetchall()
        found = json.loads(text)
        assert found["selection"] == "looping"
        explained = found["explain_difference"][0] | {
            "attribute": "after", "value": "ordering ordered -> unordered (config) at 2026-03-02 09:01:00",
            "support": 1.0, "other_attribute": None,
        }  # fmt: skip
        found["explain_difference"].append(explained)
        change = "UPDATE alert_episodes SET evidence = ?"
        said = {}
        for selection in ("looping", "all"):
            cursor.execute(change, [json.dumps(found | {"selection": selection})])
            serve(evaluated, alerts=Desk(evaluated, CONFIG))
            said[selection] = texts(open_page("alerts", window="all")).replace("\u00a0", " ")
        cursor.execute(change, [text])
    named = "`ordering ordered -> unordered (config) at 2026-03-02 09:01:00 UTC`"
    assert f"**after** {named}: **100 %** of the selected events in loops" in said["looping"]
    assert "**after**" not in said["all"], "of a whole window that says only which change was first"
    last = "last made this change: 09:01:00 `config: ordering ordered -> unordered`"
    assert all(last in one for one in said.values())


def test_alert_says_how_long_before_the_crash_it_fired(opened: AppTest) -> None:
    assert "It fired **34\u00a0s before the crash**:" in texts(opened)
    [label] = [link.proto.label for link in opened.get("page_link") if "at=" in link.proto.query_string]
    assert label.startswith("09:04:00 `broker: 205 messages wait")


def test_alert_that_fired_again_says_how_long_before_the_crash_it_began(
    evaluated: Store, serve: Serve
) -> None:
    again = "UPDATE alert_episodes SET fired_at = $fired_at::TIMESTAMP, fired_count = $count"
    with evaluated.cursor() as cursor:
        cursor.execute(again, {"fired_at": "2026-03-02 09:05:00", "count": 2})
    serve(evaluated, alerts=Desk(evaluated, CONFIG))
    said = texts(open_page("alerts", window="all"))
    with evaluated.cursor() as cursor:
        cursor.execute(again, {"fired_at": "2026-03-02 09:03:26", "count": 1})
    assert re.search(r"It began \*\*\d\d\u00a0s before the crash\*\*:", said)


def test_search_leaves_what_holds_the_text_and_the_verdict(evaluated: Store, serve: Serve) -> None:
    serve(evaluated, alerts=Desk(evaluated, CONFIG))
    found = open_page("alerts", window="all", search="RESUBMITTED <->")
    assert len(table(found, EPISODES)) == 1
    none = open_page("alerts", window="all", search="billing")
    assert "None holds this text: clear the search." in texts(none)
    assert "1 alert fires" in none.subheader[0].value


def test_times_of_alerts_are_those_of_the_zone(evaluated: Store, serve: Serve) -> None:
    serve(evaluated, alerts=Desk(evaluated, CONFIG))
    app = open_page("alerts", window="all", zone="Asia/Kathmandu")
    said = texts(app)
    assert re.search(r"since 2026-03-02 14:\d\d:\d\d Asia/Kathmandu; about", said)
    app.button(key="play").click().run()
    assert re.search(r"of the time from 2026-03-02 14:4\d:\d\d Asia/Kathmandu to ", texts(app))


def test_somebody_takes_care_and_it_is_said(opened: AppTest, evaluated: Store) -> None:
    assert opened.button(key="acknowledge").disabled
    opened.text_input(key="owner").set_value("kim").run()
    opened.button(key="acknowledge").click().run()
    assert opened.success[0].value == "`episode 1 is taken care of by kim`"
    assert table(opened, EPISODES).iloc[0]["acknowledged_by"] == "kim"
    opened.button(key="silence").click().run()
    with evaluated.cursor() as cursor:
        rows = cursor.execute("SELECT rule_pattern, key_pattern, owner FROM alert_silences").fetchall()
    assert rows == [("storm_ahead", LOOP, "kim")]
    assert table(opened, EPISODES).iloc[0]["silenced_until"] is not None


def test_a_window_is_played_again(opened: AppTest) -> None:
    opened.button(key="play").click().run()
    assert not opened.exception
    played = table(opened, "When the rule would have fired").iloc[0]
    assert (str(played["fired_at"]), played["resolved_at"] is None) == ("2026-03-02 09:03:26", True)
    assert "`storm_ahead` would have fired 1 time" in texts(opened)


def test_where_nobody_evaluates_rules_it_says_so(evaluated: Store, serve: Serve) -> None:
    serve(evaluated)
    assert "Nobody evaluates rules in this process" in open_page("alerts").subheader[0].value


def test_where_nothing_fires_it_says_so(store: Store, serve: Serve) -> None:
    serve(store, alerts=Desk(store, CONFIG))
    app = open_page("alerts")
    assert "There has been none so far." in texts(app)


def test_what_no_rule_has_looked_at_is_not_called_calm(store: Store, serve: Serve) -> None:
    serve(store, alerts=Desk(store, CONFIG))
    app = open_page("alerts")
    assert "No alert fires, but 1 of 1 rule has not looked at this log yet" in app.subheader[0].value
    assert ":material/visibility:" in app.subheader[0].value


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (timedelta(seconds=61), "No alert fires, but `storm_ahead` is 1\u00a0min 1\u00a0s behind the log"),
        (timedelta(seconds=60), "No alert fires"),
    ],
)
def test_rules_that_are_behind_the_log_are_named(
    behind: timedelta, said: str, store: Store, serve: Serve
) -> None:
    with store.cursor() as cursor:
        [(last_at,)] = cursor.execute("SELECT last_at FROM log_coverage").fetchall()
        ledger.note_evaluation(cursor, "storm_ahead", last_at - behind, last_at, 1)
    serve(store, alerts=Desk(store, CONFIG))
    assert open_page("alerts").subheader[0].value.endswith(f"] {said}")


def test_what_fires_is_said_before_what_no_rule_has_seen() -> None:
    firing = {"state": "firing", "severity": "page", "sentence": "a loop grows"}
    level, said = verdict([firing], "`storm_ahead` is 5 min behind the log")
    assert level == "trouble"
    assert said.endswith("`a loop grows`. And `storm_ahead` is 5 min behind the log")


def test_without_a_picked_one_the_most_serious_that_fires_is_explained(
    evaluated: Store, serve: Serve
) -> None:
    with evaluated.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alert_episodes SELECT * REPLACE (99 AS episode_id, 'watch' AS severity, "
            "'the newest' AS sentence, onset_at + INTERVAL 1 MINUTE AS onset_at) FROM alert_episodes"
        )
    serve(evaluated, alerts=Desk(evaluated, CONFIG))
    app = open_page("alerts", window="all")
    with evaluated.cursor() as cursor:
        cursor.execute("DELETE FROM alert_episodes WHERE episode_id = 99")
    assert table(app, EPISODES)["sentence"].iloc[0] == "the newest"
    assert table(app, EPISODES)["mark"].tolist() == ["", "●"]
