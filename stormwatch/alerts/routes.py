"""Tells a receiver: Prometheus Alertmanager, a signed webhook, Apprise, standard output."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import importlib
import json
import math
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from stormwatch.alerts.config import Route
from stormwatch.alerts.ledger import wall_now
from stormwatch.alerts.posting import post
from stormwatch.errors import ConfigError, RouteError
from stormwatch.plain import visible

RESEND: Final = timedelta(minutes=1)
"""So often an Alertmanager is told what still fires."""
_FORGET: Final = 4 * RESEND
"""So long after the last word of us an Alertmanager takes an alert for over."""
_AGENT: Final = "stormwatch"
_OUTPUT = threading.Lock()

Notice = Mapping[str, Any]


def send(route: Route, notice: Notice, key: str) -> None:
    """Tell the receiver of a route; returns when it has taken the notice.

    Raises:
        RouteError: it has not; the text holds no secret.
        ConfigError: Apprise is not installed.
    """
    _SENDERS[route.kind](route, notice, key)


def resend(route: Route, notices: Sequence[Notice]) -> None:
    """Tell an Alertmanager again of all that fires, as it forgets what it hears no more of.

    Raises:
        RouteError: it did not take it.
    """
    now = wall_now()
    _post(route, [_alert(notice, now) for notice in notices], {}, path="/api/v2/alerts")


def _alertmanager(route: Route, notice: Notice, key: str) -> None:
    now = wall_now()
    alerts = [_alert(notice, now)]
    before = notice.get("told_severity")
    if before is not None and before != notice["severity"]:
        # Its labels are its identity: with another severity it is another alert, and the old one ends.
        alerts.append(_alert({**notice, "severity": before, "status": "resolved"}, now))
    _post(route, alerts, {"Idempotency-Key": key}, path="/api/v2/alerts")


def _alert(notice: Notice, now: datetime) -> dict[str, object]:
    is_over = notice["status"] == "resolved"
    started = min(datetime.fromisoformat(notice["fired_at"]).replace(tzinfo=None), now)
    annotations = {
        "summary": notice["sentence"],
        "description": notice["question"],
        "runbook": notice["runbook"],
        "value": _number(notice["value"]),
        "acknowledged_by": notice["acknowledged_by"],
        "changed_before": "; ".join(_changes(notice)),
    }
    return {
        "labels": {
            "alertname": notice["rule"],
            "severity": notice["severity"],
            "episode": notice["episode_key"],
            "group": notice["group"],
            "database": notice["database"],
        },
        "annotations": {name: str(text) for name, text in annotations.items() if text},
        "startsAt": f"{started.isoformat(timespec='milliseconds')}Z",
        "endsAt": f"{(now if is_over else now + _FORGET).isoformat(timespec='milliseconds')}Z",
        "generatorURL": notice["link"] or "",
    }


def _number(value: float | None) -> str | None:
    """A number as people read it; None where there is none, or none that JSON has."""
    return None if value is None or not math.isfinite(value) else f"{value:.4g}"


def _changes(notice: Notice) -> list[str]:
    changes = notice["evidence"].get("changes_before", [])
    return [f"{one['occurred_at']} {one['kind']} {one['subject']}" for one in changes]


def _webhook(route: Route, notice: Notice, key: str) -> None:
    _post(route, notice, {"Idempotency-Key": key})


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What a webhook is signed with: HMAC-SHA256 of the time, a dot and the body, hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _post(route: Route, content: object, headers: Mapping[str, str], path: str = "") -> None:
    body = json.dumps(content, ensure_ascii=False).encode()
    sent = {"Content-Type": "application/json", "User-Agent": _AGENT, **headers}
    if route.secret:
        timestamp = str(int(datetime.now().astimezone().timestamp()))
        sent["X-Stormwatch-Timestamp"] = timestamp
        sent["X-Stormwatch-Signature"] = f"sha256={signature(route.secret, timestamp, body)}"
    try:
        status = post(route.url, path, body, sent, route.timeout_s)
    except TimeoutError:
        raise RouteError(f"{route.place} does not answer within {route.timeout_s:g} s") from None
    except (OSError, http.client.HTTPException) as error:
        raise RouteError(f"{route.place} does not answer: {_reason(error)}") from None
    if not 200 <= status < 300:  # noqa: PLR2004 - the class of success
        raise RouteError(f"{route.place} answered {status}", is_answered=True)


def _reason(error: Exception) -> str:
    """Why a connection failed, without anything of its address."""
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _apprise(route: Route, notice: Notice, _key: str) -> None:
    try:
        apprise = importlib.import_module("apprise")
    except ImportError as error:
        raise ConfigError(
            f"route {route.name}: Apprise is not installed; install it beside stormwatch: the extra [notify]"
        ) from error
    teller = apprise.Apprise()
    title = f"{notice['severity']}: {notice['rule']}"
    kind = "failure"
    if notice["status"] == "resolved":
        title, kind = f"over: {notice['rule']}", "success"
    body = "\n".join(str(part) for part in (notice["sentence"], notice["runbook"], notice["link"]) if part)
    said = {"body": body, "title": title, "notify_type": kind, "body_format": "text"}
    if not (teller.add(route.url) and teller.notify(**said)):
        raise RouteError(f"{route.place} was not told by Apprise")


def _stdout(_route: Route, notice: Notice, key: str) -> None:
    line = visible(json.dumps({"idempotency_key": key, **notice}, ensure_ascii=False))
    with _OUTPUT:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


_SENDERS: Final[Mapping[str, Callable[[Route, Notice, str], None]]] = {
    "alertmanager": _alertmanager,
    "webhook": _webhook,
    "apprise": _apprise,
    "stdout": _stdout,
}
