"""Empties the outbox: tries every route until its receiver has taken every notice."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import duckdb

from stormwatch.alerts.config import Route
from stormwatch.alerts.ledger import silences_at, wall_now, written
from stormwatch.alerts.notices import forget_notices
from stormwatch.alerts.posting import hang_up
from stormwatch.alerts.routes import RESEND, resend, send
from stormwatch.errors import ConfigError, RouteError
from stormwatch.storage import Store

_FIRST_PAUSE: Final = timedelta(seconds=1)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
_MOST_DOUBLINGS: Final = 10
_AT_ONCE: Final = 100
_LOOK_S: Final = 0.5
_TIDY_S: Final = 3600.0
_HANG_UP_S: Final = 1.0
"""Connections end at once; a host that is looked up or does not take a connection is not waited for."""
# Only the first of what waits for a route and an episode: a receiver is told in order. What is due
# later than the longest pause was noted before the clock was set back, and waits no longer.
_DUE: Final = """
SELECT notice_id, idempotency_key, notice, attempts
FROM alert_outbox
WHERE route = $route AND delivered_at IS NULL
QUALIFY
    row_number() OVER (PARTITION BY episode_id ORDER BY notice_id) = 1
    AND due_at NOT BETWEEN $now + INTERVAL 1 MICROSECOND AND $now + $longest
ORDER BY notice_id
LIMIT $at_once
"""
_FIRING: Final = """
SELECT outbox.notice_id, outbox.notice, episodes.rule, episodes.episode_key
FROM alert_outbox AS outbox
INNER JOIN alert_episodes AS episodes ON outbox.episode_id = episodes.episode_id
WHERE outbox.route = ? AND outbox.delivered_at IS NOT NULL AND episodes.state = 'firing'
QUALIFY row_number() OVER (PARTITION BY outbox.episode_id ORDER BY outbox.notice_id DESC) = 1
"""

_NOT_RESENT: Final = """
UPDATE alert_outbox SET problem = CASE WHEN list_contains(?::BIGINT[], notice_id) THEN ?::VARCHAR END
WHERE route = ? AND delivered_at IS NOT NULL AND (problem IS NOT NULL OR ?::VARCHAR IS NOT NULL)
"""


class Delivery:
    """Sends what waits in the outbox, in a thread per route or when it is told to."""

    def __init__(self, store: Store, routes: Mapping[str, Route]) -> None:
        self._store = store
        self._routes = routes
        self._pauses: dict[str, tuple[int, datetime]] = {}
        """Route -> failures in a row, and until when it is left alone."""
        self._resent: dict[str, datetime] = {}
        self._stopped = threading.Event()
        self._guard = threading.Lock()
        self._calling: set[str] = set()
        """Routes whose receiver is being told at this moment."""
        self._abandoned: set[str] = set()
        """Routes that nobody waits for any more: the database may be closed already."""

    def run(self, stopped: threading.Event) -> None:
        """Send what is due until it is told to stop; no route waits for another.

        What is being sent then is given up, and sent again after the next start.
        """
        self._stopped = stopped
        threads = {
            route.name: threading.Thread(
                target=self._watch, args=(route,), name=f"route {route.name}", daemon=True
            )
            for route in self._routes.values()
        }
        for thread in threads.values():
            thread.start()
        self.tidy()
        while not stopped.wait(_TIDY_S):
            self.tidy()
        ends_at = time.monotonic() + _HANG_UP_S
        while self._calling and time.monotonic() < ends_at:
            hang_up()
            time.sleep(_HANG_UP_S / 20)
        with self._guard:
            self._abandoned.update(self._calling)
        for name, thread in threads.items():
            if name not in self._abandoned:
                thread.join()

    def deliver(self) -> int:
        """Try what is due; returns how many notices were taken."""
        return sum(self._deliver(route) for route in self._routes.values())

    def tidy(self) -> None:
        """Delete notices that nobody needs any more."""
        # What fails is done the next time.
        with suppress(duckdb.Error), written(self._store) as cursor:
            forget_notices(cursor, list(self._routes), wall_now())

    def _watch(self, route: Route) -> None:
        rest_s = 0.0
        while not self._stopped.wait(rest_s):
            rest_s = _LOOK_S
            try:
                if self._deliver(route):
                    rest_s = 0.0
            except Exception:  # noqa: BLE001 - of the database: evaluation fails as well, and tells of it
                self._pause(route)

    def _deliver(self, route: Route) -> int:
        count, now = 0, wall_now()
        if self._is_left_alone(route, now):
            return 0
        asked = {"route": route.name, "now": now, "longest": _LONGEST_PAUSE, "at_once": _AT_ONCE}
        with self._store.cursor() as cursor:
            due = cursor.execute(_DUE, asked).fetchall()
        for notice_id, key, notice, attempts in due:
            problem, is_down = self._try(route, partial(send, route, json.loads(notice), key))
            if self._is_given_up(route, problem):
                return count
            self._note(notice_id, attempts + 1, problem)
            count += problem is None
            if is_down:
                self._pause(route)
                return count
        if due:
            self._pauses.pop(route.name, None)
        self._resend(route, now)
        return count

    def _try(self, route: Route, call: Callable[[], None]) -> tuple[str | None, bool]:
        """Why a receiver was not told (None: it was), and whether it would not be told of others either."""
        with self._guard:
            if self._stopped.is_set():
                return "stopped", True
            self._calling.add(route.name)
        try:
            call()
        except RouteError as error:
            return str(error), not error.is_answered
        except ConfigError as error:
            return str(error), True
        except Exception as error:  # noqa: BLE001 - whatever it is; its text may quote the address
            return f"route {route.name} cannot be told: {type(error).__name__}", False
        finally:
            with self._guard:
                self._calling.discard(route.name)
        return None, False

    def _is_given_up(self, route: Route, problem: str | None) -> bool:
        """Whether it does not count what came of an attempt."""
        return route.name in self._abandoned or (problem is not None and self._stopped.is_set())

    def _note(self, notice_id: int, attempts: int, problem: str | None) -> None:
        now = wall_now()
        delivered_at = now if problem is None else None
        with written(self._store) as cursor:
            cursor.execute(
                "UPDATE alert_outbox SET attempts = ?, due_at = ?, delivered_at = ?, problem = ? "
                "WHERE notice_id = ?",
                [attempts, now + pause(attempts), delivered_at, problem, notice_id],
            )

    def _is_left_alone(self, route: Route, now: datetime) -> bool:
        until = self._pauses.get(route.name, (0, now))[1]
        # A pause that is longer than any was begun before the clock was set back.
        return now < until <= now + _LONGEST_PAUSE

    def _pause(self, route: Route) -> None:
        failures = self._pauses.get(route.name, (0, wall_now()))[0] + 1
        self._pauses[route.name] = (failures, wall_now() + pause(failures))

    def _resend(self, route: Route, now: datetime) -> None:
        last = self._resent.get(route.name)
        is_recent = last is not None and timedelta(0) <= now - last < RESEND
        if route.kind != "alertmanager" or is_recent:
            return
        with self._store.cursor() as cursor:
            rows = cursor.execute(_FIRING, [route.name]).fetchall()
            silences = silences_at(cursor, now)
        told = {
            notice_id: json.loads(notice)
            for notice_id, notice, rule, key in rows
            if not any(one.covers(rule, key) for one in silences)
        }
        problem = None
        if told:
            problem, _ = self._try(route, partial(resend, route, list(told.values())))
            if self._is_given_up(route, problem):
                return
        with written(self._store) as cursor:
            cursor.execute(_NOT_RESENT, [list(told), problem, route.name, problem])
        if problem is None:
            self._resent[route.name] = now
        else:
            self._pause(route)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many failures in a row: doubled each time, up to 5 minutes, with jitter."""
    longest: timedelta = min(_FIRST_PAUSE * 2 ** min(attempts - 1, _MOST_DOUBLINGS), _LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing


def waiting(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, int, str | None]]:
    """Route, how many notices wait for it, and why the last attempt failed, also to tell it again."""
    return cursor.execute(
        "SELECT route, count(*) FILTER (delivered_at IS NULL), "
        "coalesce(arg_max(problem, attempts) FILTER (delivered_at IS NULL), max(problem)) "
        "FROM alert_outbox WHERE delivered_at IS NULL OR problem IS NOT NULL GROUP BY route ORDER BY route"
    ).fetchall()
