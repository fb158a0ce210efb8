"""An alert's life with a real process, a real database and real receivers."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stormwatch.errors import ExitCode

from .harness import Command, Processes, Running, eventually, line
from .receiver import Receiver

SECRET = "a secret of the test"  # noqa: S105 - made up
TOKEN = "T0PSECRETPATH"  # noqa: S105 - made up
RULE = """\
-- too_many_failures: do too many events fail?
--
-- Threshold: 3, 6
-- Severity: warn, page
-- Window: 1 minute
-- For: 2
-- Clear: 0.9 for 2 minutes
-- Evidence: changes_before
-- Runbook: Look at the service.
-- Reads: events
SELECT
    service AS episode_key,
    count(*) FILTER (severity = 'error')::DOUBLE AS value,
    format('{} failures of {}', count(*) FILTER (severity = 'error'), service) AS sentence
FROM events
WHERE occurred_at >= $until::TIMESTAMP - $minute::INTERVAL AND occurred_at < $until AND service IS NOT NULL
GROUP BY service
"""
SETTINGS = """\
disabled = ["storm_*", "work_*", "backlog_*", "delivery_*", "deadlock_*", "lock_*", "log_*", "quarantine_*"]
[routes.hook]
kind = "webhook"
url_env = "TEST_HOOK"
secret_env = "TEST_SECRET"
[routes.manager]
kind = "alertmanager"
url = "{manager}"
"""


class Shop:
    """A service that writes its log, minute after minute."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "shop.jsonl"
        self.minute = 0

    def minutes(self, *failures: int) -> None:
        """Write a minute with so many failures, then the next."""
        with self.path.open("a", encoding="utf-8") as file:
            for count in failures:
                hour, minute = divmod(self.minute, 60)
                for second in range(10):
                    file.write(
                        line(
                            time=f"2026-03-02T{10 + hour}:{minute:02}:{second * 6:02}Z",
                            service="shop", type="order", id=f"{self.minute}-{second}",
                            severity="error" if second < count else "info",
                        )
                    )  # fmt: skip
                self.minute += 1


@pytest.fixture
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    """A webhook and an Alertmanager that listen."""
    both = (Receiver(), Receiver())
    for one in both:
        one.up()
    yield both
    for one in both:
        one.down()


class Rig:
    """`ingest --follow` over the log of a shop, with a rule and two routes."""

    def __init__(self, place: Path, start: Processes, hook: Receiver, manager: Receiver) -> None:
        self.logs = place / "shop"
        self.logs.mkdir()
        self.shop = Shop(self.logs)
        self.hook, self.manager, self.start = hook, manager, start
        folder = place / "alerts"
        folder.mkdir()
        (folder / "too_many_failures.sql").write_text(RULE)
        (place / "alerts.toml").write_text(SETTINGS.replace("{manager}", manager.url))
        self.running: Running | None = None

    def go(self, *verb: str) -> Running:
        environment = {"TEST_HOOK": f"{self.hook.url}/in/{TOKEN}", "TEST_SECRET": SECRET}
        self.running = self.start(*(verb or ("ingest", self.logs, "--follow")), **environment)
        return self.running

    def rows(self, sql: str) -> list[dict[str, Any]]:
        assert self.running is not None
        from http.client import HTTPConnection
        from urllib.parse import urlsplit

        address = urlsplit(self.running.url)
        connection = HTTPConnection(str(address.hostname), address.port, timeout=30)
        connection.request("POST", "/api/sql", json.dumps({"sql": sql}), {"Content-Type": "application/json"})
        found = json.loads(connection.getresponse().read())
        connection.close()
        rows: list[dict[str, Any]] = found["rows"]
        return rows

    def evaluated(self) -> bool:
        """Whether everything that was written is evaluated; the last 5 seconds may still grow."""
        minute = self.shop.minute - 1
        expected = f"2026-03-02T{10 + minute // 60}:{minute % 60:02}"
        found = self.rows("SELECT evaluated_to FROM alert_evaluations")
        return bool(found) and found[0]["evaluated_to"] >= expected

    def write(self, *failures: int) -> None:
        """Have the shop write, and wait until that is evaluated."""
        self.shop.minutes(*failures)
        eventually(self.evaluated)


@pytest.fixture
def rig(tmp_path: Path, start: Processes, receivers: tuple[Receiver, Receiver]) -> Rig:
    return Rig(tmp_path, start, *receivers)


FIRED, WORSE, OVER = (
    ("too_many_failures", "firing", "warn"),
    ("too_many_failures", "firing", "page"),
    ("too_many_failures", "resolved", "page"),
)


@pytest.mark.slow
def test_each_change_of_state_is_told_once(rig: Rig, stormwatch: Command) -> None:
    rig.go()
    rig.write(0, 0, 0)
    rig.write(4, 4, 4, 4)
    eventually(lambda: rig.hook.told() == [FIRED])
    rig.write(8, 8, 8)
    eventually(lambda: rig.hook.told() == [FIRED, WORSE])
    rig.write(0, 0, 0, 0, 0)
    eventually(lambda: rig.hook.told() == [FIRED, WORSE, OVER])
    first = rig.hook.got[0]
    stamp = first.headers["x-stormwatch-timestamp"]
    signed = hmac.new(SECRET.encode(), stamp.encode() + b"." + first.raw, hashlib.sha256).hexdigest()
    assert first.headers["x-stormwatch-signature"] == f"sha256={signed}"
    evidence = first.body["evidence"]
    assert evidence["sql"] == RULE
    assert evidence["parameters"] == {"minute": "0:01:00", "until": "2026-03-02 10:05:00"}
    assert first.body["sentence"] == "4 failures of shop"
    assert first.body["link"].endswith("window=2026-03-02T10%3A04%3A00.000%2F2026-03-02T10%3A05%3A00.000")
    [worse] = [
        one for one in rig.manager.got if len(one.body) == 2 and one.body[0]["labels"]["severity"] == "page"
    ]
    assert [(one["labels"]["severity"], one["endsAt"] > one["startsAt"]) for one in worse.body] == [
        ("page", True), ("warn", True),
    ]  # fmt: skip
    assert {one.path for one in rig.manager.got} == {"/api/v2/alerts"}
    keys = [one.key for one in rig.hook.got]
    assert len(set(keys)) == len(keys) == 3
    listed = stormwatch("alerts", "list", "--all", "--format", "json")
    assert [(row["state"], row["severity"], row["peak_value"]) for row in listed.rows] == [
        ("resolved", "page", 8)
    ]


@pytest.mark.slow
def test_nothing_is_lost_while_receivers_are_down_and_the_process_is_killed(rig: Rig) -> None:
    running = rig.go()
    rig.write(0, 0, 0)
    rig.hook.down()
    rig.manager.status = 503
    rig.write(4, 4, 4, 4)
    eventually(lambda: rig.rows("FROM alert_outbox WHERE attempts > 0 AND route = 'hook'"))
    eventually(lambda: rig.manager.refused)
    assert rig.rows("SELECT count(*) AS n FROM alert_outbox WHERE delivered_at IS NOT NULL")[0]["n"] == 0
    shown = json.dumps(rig.rows("FROM alert_outbox"))
    assert TOKEN not in shown
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    rig.shop.minutes(8, 8, 8)
    again = rig.go()
    eventually(rig.evaluated)
    again.process.send_signal(signal.SIGKILL)
    again.process.wait()
    rig.hook.up()
    rig.manager.status = 200
    last = rig.go()
    rig.write(0, 0, 0, 0, 0)
    eventually(lambda: not rig.rows("FROM alert_outbox WHERE delivered_at IS NULL"))
    assert rig.hook.told() == [FIRED, WORSE, OVER]
    told = [one for one in rig.manager.got if one.key]
    assert [one.key for one in told] == [one.key for one in rig.hook.got]
    code, err = last.stop()
    assert (code, "Traceback" in err, TOKEN in err, SECRET in err) == (ExitCode.OK, False, False, False)


@pytest.mark.slow
def test_a_restart_tells_nothing_again(rig: Rig) -> None:
    running = rig.go()
    rig.write(0, 0, 4, 4, 4, 4)
    eventually(lambda: rig.hook.told() == [FIRED])
    assert running.stop()[0] == ExitCode.OK
    rig.go()
    rig.write(4, 4, 4)
    episodes = rig.rows("SELECT state, evaluated_at FROM alert_episodes")
    assert [row["state"] for row in episodes] == ["firing"]
    assert rig.hook.told() == [FIRED]
    assert len(rig.rows("FROM alert_changes")) == 1


@pytest.mark.slow
def test_what_is_silenced_is_told_when_the_silence_is_over(rig: Rig, stormwatch: Command) -> None:
    rig.go()
    rig.write(0, 0)
    refused = stormwatch("alerts", "silence", "no_such_rule", "--owner", "kim")
    assert (refused.code, "no rule is called 'no_such_rule'" in refused.err) == (ExitCode.USAGE, True)
    made = stormwatch("alerts", "silence", "too_*", "--key", "sh?p", "--owner", "kim", "--for", "5 seconds")
    assert (made.code, "for kim" in made.err) == (ExitCode.OK, True)
    rig.write(4, 4, 4, 4)
    listed = stormwatch("alerts", "list", "--format", "json")
    assert (listed.code, [row["state"] for row in listed.rows]) == (ExitCode.FINDINGS, ["firing"])
    assert rig.hook.told() == []
    eventually(lambda: rig.hook.told() == [FIRED])
    acknowledged = stormwatch("alerts", "ack", listed.rows[0]["episode_id"], "--owner", "kim")
    assert acknowledged.code == ExitCode.OK
    [row] = stormwatch("alerts", "list", "--format", "json").rows
    assert row["acknowledged_by"] == "kim"
    assert stormwatch("alerts", "ack", 77, "--owner", "kim").code == ExitCode.USAGE


@pytest.mark.slow
def test_a_route_is_tried_and_its_secrets_are_not_shown(rig: Rig, stormwatch: Command) -> None:
    running = rig.go()
    rig.write(0)
    taken = stormwatch("alerts", "test", "hook")
    assert (taken.code, rig.hook.got[-1].body["rule"]) == (ExitCode.OK, "test")
    assert f"hook: taken by http://127.0.0.1:{rig.hook.port}/..." in taken.err
    rig.hook.down()
    refused = stormwatch("alerts", "test", "hook")
    unknown = stormwatch("alerts", "test", "pigeon")
    assert "does not answer" in refused.err
    assert "there is no route 'pigeon'; there are: hook, manager" in unknown.err
    known = stormwatch("alerts", "rules", "--format", "json")
    shown = "".join((taken.err, refused.err, known.out.decode(), running.get("/api/alerts")[1].decode()))
    assert (TOKEN in shown, SECRET in shown) == (False, False)
    assert [one["rule"] for one in json.loads(known.out)["rules"]] == ["too_many_failures"]


@pytest.mark.slow
def test_a_past_that_was_there_before_tells_only_of_what_still_fires(rig: Rig) -> None:
    rig.shop.minutes(0, 0, 5, 5, 5, 0, 0, 0, 0, *[0] * 70, 0, 5, 5, 5)
    rig.go()
    eventually(rig.evaluated)
    eventually(lambda: rig.hook.got)
    assert rig.hook.told() == [FIRED]


@pytest.mark.slow
def test_health_says_which_records_do_not_count_while_they_do_not(rig: Rig) -> None:
    running = rig.go()
    rig.write(0, 0, 0)

    def problem() -> str | None:
        status, body = running.get("/healthz")
        assert status == 200
        found: str | None = json.loads(body)["alerts_problem"]
        return found

    assert problem() is None
    odd = rig.logs / "odd.jsonl"
    odd.write_text(line(time="2099-01-01T00:00:00Z", service="odd", type="order", id="odd-0"))
    assert "2099-01-01 00:00:00, which counts once" in str(eventually(problem))
    # Of each file the newest 15 lines say how far it is.
    with odd.open("a", encoding="utf-8") as file:
        for number in range(1, 16):
            file.write(line(time="2026-03-02T10:02:00Z", service="odd", type="order", id=f"odd-{number}"))
    eventually(lambda: problem() is None)


def test_without_an_episode_the_list_is_empty(tmp_path: Path, stormwatch: Command) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.jsonl").write_text(line(time="2026-03-02T10:00:00Z", id="1", type="order"))
    stormwatch("ingest", tmp_path / "logs")
    listed = stormwatch("alerts", "list", "--format", "json")
    assert (listed.code, listed.rows) == (ExitCode.OK, [])
