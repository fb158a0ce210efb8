"""Empties the outbox: tries every route until its receiver has taken every notice."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb

from stormwatch.alerts.config import Route
from stormwatch.alerts.ledger import wall_now, written
from stormwatch.alerts.routes import RESEND, resend, send
from stormwatch.errors import ConfigError, RouteError
from stormwatch.storage import Store

_FIRST_PAUSE: Final = timedelta(seconds=1)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
_MOST_DOUBLINGS: Final = 10
_AT_ONCE: Final = 100
# Only the first of what waits for a route and an episode: a receiver is told in order.
_DUE: Final = """
SELECT notice_id, idempotency_key, notice, attempts
FROM alert_outbox
WHERE route = ? AND delivered_at IS NULL
QUALIFY row_number() OVER (PARTITION BY episode_id ORDER BY notice_id) = 1 AND due_at <= ?
ORDER BY notice_id
LIMIT ?
"""
_FIRING: Final = """
SELECT outbox.notice
FROM alert_outbox AS outbox
INNER JOIN alert_episodes AS episodes ON outbox.episode_id = episodes.episode_id
WHERE outbox.route = ? AND outbox.delivered_at IS NOT NULL AND episodes.state = 'firing'
QUALIFY row_number() OVER (PARTITION BY outbox.episode_id ORDER BY outbox.notice_id DESC) = 1
"""


class Delivery:
    """Sends what waits in the outbox, in a thread of its own or when it is told to."""

    def __init__(self, store: Store, routes: Mapping[str, Route]) -> None:
        self._store = store
        self._routes = routes
        self._pauses: dict[str, tuple[int, datetime]] = {}
        """Route -> failures in a row, and until when it is left alone."""
        self._resent: dict[str, datetime] = {}

    def deliver(self, stopped: threading.Event | None = None) -> int:
        """Try what is due; returns how many notices were taken."""
        return sum(self._deliver(route, stopped or threading.Event()) for route in self._routes.values())

    def _deliver(self, route: Route, stopped: threading.Event) -> int:
        count, now = 0, wall_now()
        if self._pauses.get(route.name, (0, now))[1] > now:
            return 0
        with self._store.cursor() as cursor:
            due = cursor.execute(_DUE, [route.name, now, _AT_ONCE]).fetchall()
        for notice_id, key, notice, attempts in due:
            if stopped.is_set():
                break
            problem, is_down = self._try(route, json.loads(notice), key)
            self._note(notice_id, attempts + 1, problem)
            count += problem is None
            if is_down:
                self._pause(route)
                return count
        if due:
            self._pauses.pop(route.name, None)
        self._resend(route, now)
        return count

    def _try(self, route: Route, notice: dict[str, Any], key: str) -> tuple[str | None, bool]:
        """Why a notice was not taken (None: it was), and whether the others would not be either."""
        try:
            send(route, notice, key)
        except RouteError as error:
            return str(error), not error.is_answered
        except ConfigError as error:
            return str(error), True
        except Exception as error:  # noqa: BLE001 - said below
            # Whatever it is, the other routes go on. Its text may quote the address.
            return f"route {route.name} cannot be told: {type(error).__name__}", False
        return None, False

    def _note(self, notice_id: int, attempts: int, problem: str | None) -> None:
        now = wall_now()
        delivered_at = now if problem is None else None
        with written(self._store) as cursor:
            cursor.execute(
                "UPDATE alert_outbox SET attempts = ?, due_at = ?, delivered_at = ?, problem = ? "
                "WHERE notice_id = ?",
                [attempts, now + pause(attempts), delivered_at, problem, notice_id],
            )

    def _pause(self, route: Route) -> None:
        failures = self._pauses.get(route.name, (0, wall_now()))[0] + 1
        self._pauses[route.name] = (failures, wall_now() + pause(failures))

    def _resend(self, route: Route, now: datetime) -> None:
        if route.kind != "alertmanager" or now - self._resent.get(route.name, datetime.min) < RESEND:  # noqa: DTZ901
            return
        with self._store.cursor() as cursor:
            rows = cursor.execute(_FIRING, [route.name]).fetchall()
        try:
            if rows:
                resend(route, [json.loads(text) for (text,) in rows])
        except RouteError:
            self._pause(route)
        else:
            self._resent[route.name] = now


def pause(attempts: int) -> timedelta:
    """How long to wait after so many failures in a row: doubled each time, up to 5 minutes, with jitter."""
    longest: timedelta = min(_FIRST_PAUSE * 2 ** min(attempts - 1, _MOST_DOUBLINGS), _LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing


def waiting(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, int, str | None]]:
    """Route, how many notices wait for it, and why the last attempt failed."""
    return cursor.execute(
        "SELECT route, count(*), arg_max(problem, attempts) FROM alert_outbox "
        "WHERE delivered_at IS NULL GROUP BY route ORDER BY route"
    ).fetchall()
