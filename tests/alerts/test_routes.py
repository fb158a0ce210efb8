"""Routes and the outbox: what is sent, how often, and what becomes of it when nobody takes it."""

from __future__ import annotations

import base64
import json
import math
import re
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from stormwatch.alerts import delivery, ledger, routes
from stormwatch.alerts.config import AlertConfig, Route
from stormwatch.alerts.delivery import Delivery, pause, waiting
from stormwatch.alerts.desk import Desk
from stormwatch.alerts.desk import test_route as try_route
from stormwatch.alerts.engine import Episode
from stormwatch.errors import ConfigError, RouteError
from stormwatch.storage import Store
from tests.cli.receiver import Receiver

from .outbox import FIRING, NOW, database_id, outbox, put, queue


def test_a_change_is_queued_once_for_each_route_that_takes_it(store: Store, receiver: Receiver) -> None:
    every, pages = (
        Route("every", "webhook", receiver.url),
        Route("pages", "webhook", receiver.url, least="page"),
    )
    assert queue(store, every, pages) == 1
    assert queue(store, every, pages) == 0
    with store.cursor() as cursor:
        [known] = ledger.episodes_of(cursor, "storm_ahead", NOW)
    put(store, Episode(**{**vars(known), "severity": "storm"}))
    assert queue(store, every, pages) == 2
    database = database_id(store)
    assert [(row["route"], row["idempotency_key"]) for row in outbox(store)] == [
        ("every", f"{database}-1-1-warn"),
        ("every", f"{database}-1-1-storm"),
        ("pages", f"{database}-1-1-storm"),
    ]


def test_receivers_can_tell_databases_apart(store: Store, receiver: Receiver, tmp_path: Path) -> None:
    to = [Route("manager", "alertmanager", receiver.url), Route("hook", "webhook", receiver.url)]
    with Store(tmp_path / "another.duckdb") as another:
        put(another, FIRING)
        for each in (store, another):
            queue(each, *to)
            Delivery(each, {one.name: one for one in to}).deliver()
        assert database_id(store) != database_id(another)
    assert len({one.key for one in receiver.got if one.key}) == 2
    labels = [one.body[0]["labels"] for one in receiver.got if isinstance(one.body, list)]
    assert len({one["database"] for one in labels}) == 2


def test_what_fired_of_a_rule_that_is_gone_is_told_to_be_over(store: Store, receiver: Receiver) -> None:
    route = Route("hook", "webhook", receiver.url)
    queue(store, route)
    with ledger.written(store) as cursor:
        ledger.retire(cursor, ["storm_ahead"], NOW)
    assert queue(store, route) == 0
    with ledger.written(store) as cursor:
        ledger.retire(cursor, ["another"], NOW)
    assert queue(store, route) == 1
    Delivery(store, {"hook": route}).deliver()
    Delivery(store, {"hook": route}).deliver()
    assert [status for _, status, _ in receiver.told()] == ["firing", "resolved"]


def test_of_a_rule_that_is_gone_nothing_stays_open_and_its_history_says_so(store: Store) -> None:
    again = replace(FIRING, key="c", members=(), state="pending", resolved_at=NOW)
    with ledger.written(store) as cursor:
        ledger.save_episodes(cursor, "storm_ahead", "log", [again, Episode("d", "pending", NOW, NOW)])
        ledger.retire(cursor, ["another"], NOW)
        told = cursor.sql("SELECT episode_key, state, sentence FROM alert_episodes ORDER BY ALL").fetchall()
        history = cursor.sql("SELECT kind, sentence FROM alert_changes WHERE kind = 'resolved'").fetchall()
    over = "it grows; its rule was taken away"
    assert told == [("a <-> b", "resolved", over), ("c", "resolved", "it grows")]
    assert history == [("resolved", over)]


def test_what_is_taken_but_not_noted_comes_again_with_the_same_key(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process is killed between the answer and noting it."""
    route = Route("hook", "webhook", receiver.url)
    queue(store, route)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Delivery, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            Delivery(store, {"hook": route}).deliver()
    assert Delivery(store, {"hook": route}).deliver() == 1
    assert Delivery(store, {"hook": route}).deliver() == 0
    assert [one.key for one in receiver.got] == [f"{database_id(store)}-1-1-warn"] * 2


def test_a_receiver_that_is_down_is_left_alone_for_ever_longer(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = Route("hook", "webhook", receiver.url)
    receiver.down()
    queue(store, route)
    sender = Delivery(store, {"hook": route})
    assert [sender.deliver() for _ in range(5)] == [0] * 5
    [row] = outbox(store)
    assert (row["attempts"], row["delivered_at"]) == (1, None)
    assert row["problem"].startswith("http://127.0.0.1:")
    with store.cursor() as cursor:
        assert [one[:2] for one in waiting(cursor)] == [("hook", 1)]
    receiver.up()
    later = ledger.wall_now() + timedelta(hours=1)
    monkeypatch.setattr(delivery, "wall_now", lambda: later)
    assert sender.deliver() == 1


def test_pauses_double_up_to_five_minutes_and_are_never_the_same() -> None:
    for attempts, longest_s in ((1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (1000, 300)):
        pauses = {pause(attempts) for _ in range(50)}
        assert all(longest_s / 2 <= one.total_seconds() <= longest_s for one in pauses)
        assert len(pauses) > 1


def test_one_that_refuses_an_episode_gets_the_others(store: Store, receiver: Receiver) -> None:
    put(store, Episode(**{**vars(FIRING), "key": "c", "members": ("c",)}))
    route = Route("hook", "webhook", receiver.url)
    queue(store, route)
    receiver.status = 400
    assert Delivery(store, {"hook": route}).deliver() == 0
    assert receiver.refused == 2
    assert {row["problem"] for row in outbox(store)} == {f"{route.place} answered 400"}


def test_an_alertmanager_is_told_again_and_again_of_what_fires(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = Route("manager", "alertmanager", f"{receiver.url}/prefix/")
    queue(store, route)
    sender = Delivery(store, {"manager": route})
    sender.deliver()
    sender.deliver()
    told = [one for one in receiver.got if one.key]
    assert ([one.path for one in told], len(receiver.got)) == (["/prefix/api/v2/alerts"], 2)
    later = ledger.wall_now() + routes.RESEND
    monkeypatch.setattr(delivery, "wall_now", lambda: later)
    sender.deliver()
    again = receiver.got[-1]
    assert (len(receiver.got), again.key) == (3, "")
    [alert] = again.body
    assert alert["labels"] == {
        "alertname": "storm_ahead", "severity": "warn", "episode": "a <-> b", "group": "loop",
        "database": database_id(store),
    }  # fmt: skip
    assert alert["annotations"]["summary"] == "it grows"
    assert alert["startsAt"] == "2026-11-20T10:00:00.000Z"
    ends = datetime.fromisoformat(alert["endsAt"]).replace(tzinfo=None)
    assert ends > ledger.wall_now() + 3 * routes.RESEND


def test_an_alertmanager_that_cannot_be_told_again_is_a_problem_until_it_can(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = Route("manager", "alertmanager", receiver.url)
    queue(store, route)
    sender = Delivery(store, {"manager": route})
    found = []
    for minutes, status in enumerate((200, 500, 200)):
        receiver.status = status
        monkeypatch.setattr(
            delivery, "wall_now", partial(ledger.wall_now().__add__, 2 * minutes * routes.RESEND)
        )
        sender.deliver()
        with store.cursor() as cursor:
            found.append(waiting(cursor))
    assert found == [[], [("manager", 0, f"{route.place} answered 500")], []]


def test_an_alertmanager_is_not_told_again_of_what_is_silenced(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, Episode(**{**vars(FIRING), "key": "c", "members": ("c",)}))
    route = Route("manager", "alertmanager", receiver.url)
    queue(store, route)
    sender = Delivery(store, {"manager": route})
    sender.deliver()
    now = ledger.wall_now()
    with ledger.written(store) as cursor:
        ledger.add_silence(cursor, ledger.Silence("storm_*", "a*", "kim", "", now, now + 2 * routes.RESEND))
    told = []
    for minutes in (1, 2):
        monkeypatch.setattr(delivery, "wall_now", partial(ledger.wall_now().__add__, minutes * routes.RESEND))
        sender.deliver()
        told.append({one["labels"]["episode"] for one in receiver.got[-1].body})
    assert told == [{"c"}, {"a <-> b", "c"}]


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_value_that_is_no_number_is_told_without_it(store: Store, receiver: Receiver, value: float) -> None:
    put(store, Episode(**{**vars(FIRING), "key": "c", "members": ("c",), "value": value}))
    to = [Route("manager", "alertmanager", receiver.url), Route("hook", "webhook", receiver.url)]
    queue(store, *to)
    assert Delivery(store, {one.name: one for one in to}).deliver() == 4
    assert [one.body["value"] for one in receiver.got if isinstance(one.body, dict)] == [0.85, None]
    values = [one.body[0]["annotations"].get("value") for one in receiver.got if isinstance(one.body, list)]
    assert values[:2] == ["0.85", None]


def test_whatever_goes_wrong_with_a_route_the_others_are_told(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Teller:
        def add(self, _: str) -> bool:
            raise ZeroDivisionError("s3cr3t")

    monkeypatch.setitem(sys.modules, "apprise", SimpleNamespace(Apprise=Teller))
    to = [
        Route("chat", "apprise", "slack://s3cr3t"),
        Route("port", "webhook", "http://user:s3cr3t/x@host/"),
        Route("path", "webhook", f"{receiver.url}/\u00fc"),
        Route("hook", "webhook", receiver.url),
    ]
    queue(store, *to)
    assert Delivery(store, {one.name: one for one in to}).deliver() == 1
    assert [row["problem"] for row in outbox(store)] == [
        "route chat cannot be told: ZeroDivisionError", "route port cannot be told: ValueError",
        "route path cannot be told: UnicodeEncodeError", None,
    ]  # fmt: skip


def test_user_and_password_of_an_address_are_sent_as_basic_authorization(receiver: Receiver) -> None:
    url = receiver.url.replace("://", "://kim:p%2Fw%C3%BC@")
    route = Route("hook", "webhook", url)
    assert try_route(AlertConfig({}, {"hook": route}), "hook") == f"{receiver.url}/..."
    [got] = receiver.got
    login = base64.b64decode(got.headers["authorization"].removeprefix("Basic ")).decode()
    assert login == "kim:p/w\u00fc"


def test_without_apprise_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    config = AlertConfig({}, {"chat": Route("chat", "apprise", "slack://T0/secret")})
    with pytest.raises(ConfigError, match="Apprise is not installed; install it beside") as told:
        try_route(config, "chat")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("is_taken", [True, False])
def test_apprise_gets_title_and_text(is_taken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its interface, by its documentation: add(url), then notify(body, title, notify_type, body_format)."""
    said: list[dict[str, str]] = []

    class Teller:
        def add(self, url: str) -> bool:
            return url == "slack://T0/secret"

        def notify(self, **given: str) -> bool:
            said.append(given)
            return is_taken

    monkeypatch.setitem(sys.modules, "apprise", SimpleNamespace(Apprise=Teller))
    config = AlertConfig({}, {"chat": Route("chat", "apprise", "slack://T0/secret")})
    if is_taken:
        assert try_route(config, "chat") == "slack://..."
    else:
        with pytest.raises(RouteError, match=r"slack://\.\.\. was not told"):
            try_route(config, "chat")
    [notice] = said
    assert (notice["title"], notice["notify_type"]) == ("watch: test", "failure")
    # Else a key that looks like markup would be markup.
    assert notice["body_format"] == "text"
    assert notice["body"].startswith("a test: alerts of Stormwatch arrive here")


def test_stdout_gets_a_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert try_route(AlertConfig({}, {"log": Route("log", "stdout")}), "log") == "standard output"
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["rule"] == "test"


def test_stdout_gets_no_character_that_steers_a_terminal(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "a\u009b2J\x7f\u202e\x1b[2J\u00fc"
    put(store, Episode(**{**vars(FIRING), "key": key}))
    route = Route("log", "stdout")
    queue(store, route)
    Delivery(store, {"log": route}).deliver()
    line = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(line)["episode_key"] == key
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", line)
    assert "\u00fc" in line


def test_what_was_sent_is_deleted_a_week_after_but_not_while_it_fires(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = {**vars(FIRING), "key": "c", "members": ("c",)}
    put(store, Episode(**over))
    route = Route("hook", "webhook", receiver.url)
    queue(store, route)
    sender = Delivery(store, {"hook": route})
    sender.deliver()
    put(store, Episode(**{**over, "episode_id": 2, "state": "resolved", "resolved_at": NOW}))
    queue(store, route)
    kept = []
    now = ledger.wall_now()
    for days in (0, 6, 8):
        monkeypatch.setattr(delivery, "wall_now", partial(now.__add__, timedelta(days=days)))
        sender.tidy()
        kept.append([(row["episode_id"], row["attempts"]) for row in outbox(store)])
    # The last of the second episode was not taken yet.
    assert kept == [[(1, 1), (2, 1), (2, 0)]] * 2 + [[(1, 1), (2, 0)]]


def test_notices_of_a_route_that_is_gone_are_a_problem_for_a_week(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(store, Route("gone", "webhook", "http://127.0.0.1:1"))
    known = Desk(store, AlertConfig({}, {})).overview()
    assert known["problems"] == [
        "route gone is not in the settings any more: 1 notices wait for it, each for at most 7 days"
    ]
    later = ledger.wall_now() + timedelta(days=8)
    monkeypatch.setattr(delivery, "wall_now", lambda: later)
    Delivery(store, {}).tidy()
    assert outbox(store) == []
    assert Desk(store, AlertConfig({}, {})).overview()["problems"] == []
