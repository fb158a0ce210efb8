"""Alerts in the process that owns a database: evaluates rules, keeps episodes, tells routes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import duckdb

from stormwatch.alerts import ledger
from stormwatch.alerts.asking import OWN_TIMEOUT_S, Watch, evaluate, is_ranged, last_instant
from stormwatch.alerts.config import AlertConfig
from stormwatch.alerts.delivery import Delivery
from stormwatch.alerts.engine import Episode, Step
from stormwatch.alerts.evidence import Allowance, Evidence, investigate
from stormwatch.alerts.frontier import FAR, Backlog, Frontier
from stormwatch.alerts.notices import queue_notices
from stormwatch.alerts.rules import SEVERITIES, Rule
from stormwatch.catalog import Catalog
from stormwatch.errors import StormwatchError
from stormwatch.minutes.keeper import Minutes
from stormwatch.readonly import interrupt_all
from stormwatch.status import IngestStatus
from stormwatch.storage import Store

_LOOK_S: Final = 0.5
_REST: Final = 4
"""A rule rests so many times as long as its evaluation took: one that is slow is evaluated less often,
and the others are not."""
_LONG_S: Final = 2.0
_LONG_REST: Final = 3
"""An evaluation that takes this long takes processors from reading: while something is read, all of them
together get a quarter."""
_BACK: Final = 15
"""Where a clock goes back, so many minutes before are evaluated."""
_STEP: Final = timedelta(minutes=2)
"""A wall clock that is further behind than the last evaluation was set."""
_UNWATCHED: Final = timedelta(minutes=8)
"""More than a turn takes, with the rest after a long rule: between two looks that are so far apart this
process slept, or its clock was set."""
_HISTORY: Final = timedelta(days=1)
"""So much of a log that was there before is evaluated when a rule is evaluated for the first time."""
_LATE: Final = timedelta(hours=1)
"""What began and ended so long before the newest instant is not told, only that which still fires."""
_WAITED_MINUTES: Final = 10
"""So many minutes rules wait at most until those of a log that was there before are counted."""
_CATCH_UP: Final = 10
"""Of a rule that is asked once per instant, so many instants are caught up with at most."""
_TRIES: Final = 3
"""A rule that fails is asked so often for the same instants."""
_GRACE: Final = 12
"""Part of a minute for which lines of other files are waited for."""
_RECEIVER_S: Final = 15.0
"""So long a receiver is waited for that has been sent a notice when everything stops."""
_RETRY_S: Final = 5.0
"""A rule that failed is left alone for at least so long."""


class Alerts:
    """Watches one database; one thread evaluates, one per route tells it."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        config: AlertConfig,
        status: Callable[[], IngestStatus],
        now: Callable[[], datetime] = ledger.wall_now,
    ):
        self.config = config
        self._failing: dict[str, str] = {}
        """What fails at this time, and how: a rule or a whole thread."""
        self._store = store
        self._catalog = catalog
        self._status = status
        self._now = now
        self._watch = Watch(config.pace, now())
        minute = config.pace.minute
        self._frontier = Frontier(minute / _GRACE, minute)
        self._backlog = Backlog()
        self._minutes = Minutes(store)
        self._delivery = Delivery(store, config.routes)
        self._base_url = config.base_url
        self._evaluated: dict[str, datetime] = {}
        self._tries: dict[str, int] = {}
        """Rule -> how often in a row it failed at the same instants."""
        self._rests: dict[str, float] = {}
        """Rule -> when it may be evaluated again, by the monotonic clock."""
        self._turns: dict[str, int] = {}
        """Rule -> number of the turn in which it was evaluated last."""
        self._turn = 0
        self._behind_since: float | None = None
        self._watched_from: datetime | None = None
        """To where the log was complete when it was first looked at: what is later is no history."""
        self._looked_at: datetime | None = None
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def problem(self) -> str | None:
        """What keeps rules from being evaluated or routes from being told; None when nothing does."""
        # Copied: the threads change it.
        found = [f"{name}: {text}" for name, text in sorted(dict(self._failing).items())]
        found += [text for text in (self._backlog.problem, self._frontier.problem) if text]
        if not self._stopped.is_set():
            found += [f"{one.name}: its thread ended" for one in self._threads if not one.is_alive()]
        return "; ".join(found) or None

    def start(self, url: str | None = None) -> None:
        """Evaluate and tell until `stop`; `url` is where the dashboard is served."""
        self._base_url = self._base_url or url
        self._watch = replace(self._watch, watching_since=self._now())
        with ledger.written(self._store) as cursor:
            ledger.retire(cursor, [*self.config.rules, *self.config.broken], self._now())
        for name, turn in (("alerts", self.evaluate_due), ("alert delivery", self._deliver)):
            thread = threading.Thread(target=self._run, args=(name, turn), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop: what is being asked is asked again after the next start, what was not sent is sent then."""
        self._stopped.set()
        gives_up_at = time.monotonic() + _RECEIVER_S
        while any(thread.is_alive() for thread in self._threads):
            if time.monotonic() >= gives_up_at and not self._threads[0].is_alive():
                break  # a receiver that hangs, and no query
            # A database that is closed under a running query takes the process with it, so that
            # evaluation is waited for until it ends.
            interrupt_all()
            for thread in self._threads:
                thread.join(_LOOK_S)
        self._threads.clear()
        self._minutes.close()

    def _run(self, name: str, turn: Callable[[], object]) -> None:
        while not self._stopped.is_set():
            started, is_busy = time.monotonic(), False
            try:
                is_busy = bool(turn())
                self._failing.pop(name, None)
            except Exception as error:  # noqa: BLE001 - a watcher that died would look like calm
                # What was not stored is found again the next time.
                self._failing[name] = _said(error)
            passed_s = time.monotonic() - started
            is_reading = self._status().events_per_s > 0
            self._stopped.wait(rest_s(passed_s, is_busy=is_busy, is_reading=is_reading))

    def _deliver(self) -> None:
        self._delivery.run(self._stopped)

    # --- evaluation ------------------------------------------------------------------------

    def evaluate_due(self) -> bool:
        """One turn: evaluate one rule that has something to do; whether there was one."""
        now = self._now()
        self._look(now)
        complete_to = None
        if self._backlog.is_read(self._status(), now):
            with self._store.cursor() as cursor:
                complete_to = self._frontier.advance(cursor, now)
        self._watched_from = self._watched_from or complete_to
        clocks = {"log": complete_to, "wall": now}
        has_more = complete_to is not None and self._keep_minutes(complete_to)
        if self._waits_for_minutes():
            del clocks["log"]
        is_busy = False
        for rule in self._in_order():
            reached = clocks.get(rule.clock)
            if reached is None or self._rests.get(rule.name, 0) > time.monotonic():
                continue
            started = time.monotonic()
            try:
                is_busy = self.evaluate_rule(rule, reached)
                self._failing.pop(rule.name, None)
            except Exception as error:  # noqa: BLE001 - the other rules go on
                self._failing[rule.name] = _said(error)
                self._rests[rule.name] = time.monotonic() + _RETRY_S
            if is_busy:
                self._turn += 1
                self._turns[rule.name] = self._turn
                self._rests[rule.name] = started + (1 + _REST) * (time.monotonic() - started)
                break
        with ledger.written(self._store) as cursor:
            self._queue(cursor)
        return is_busy or has_more

    def _look(self, now: datetime) -> None:
        """Notice where nobody watched, as before the start: it does not count as silence of a log."""
        last = self._looked_at or now
        if now - last >= _UNWATCHED or now < self._watch.watching_since:
            self._watch = replace(self._watch, watching_since=now)
        self._looked_at = now

    def _in_order(self) -> list[Rule]:
        """The rules, every other turn the most urgent first, else the one that was left out for longest.

        By urgency alone two that take long would keep all that are less urgent from ever being asked.
        """
        found = sorted(self.config.rules.values(), key=_urgency)
        return sorted(found, key=lambda rule: self._turns.get(rule.name, 0)) if self._turn % 2 else found

    def _waits_for_minutes(self) -> bool:
        """Whether rules wait until minutes are counted: of a log that was there before, asking the events
        takes longer than counting them.
        """
        if not self._minutes.is_behind:
            self._behind_since = None
            return False
        self._behind_since = self._behind_since or time.monotonic()
        at_most_s = _WAITED_MINUTES * self.config.pace.minute / timedelta(seconds=1)
        return time.monotonic() - self._behind_since < at_most_s

    def _keep_minutes(self, complete_to: datetime) -> bool:
        """Count what loops are judged by; whether more of it is left to do."""
        try:
            is_busy = self._minutes.keep(complete_to, self._stopped.is_set)
        except Exception as error:  # noqa: BLE001 - rules are asked all the same, of the events
            self._failing["minutes"] = _said(error)
            return False
        self._failing.pop("minutes", None)
        return is_busy

    def evaluate_rule(self, rule: Rule, reached: datetime) -> bool:
        """Evaluate a rule at its new instants up to `reached`; whether there are any."""
        until = last_instant(rule, self.config.pace, reached)
        with self._store.cursor() as cursor:
            known = self._evaluated.get(rule.name) or ledger.evaluated_to(cursor, rule.name)
            went_back = known is not None and self._went_back(rule, known, until)
            if known is not None and known >= until and not went_back:
                self._evaluated[rule.name] = known
                return False
            problems = (
                [f"went back from {known} to {until}, and is evaluated from there"] if went_back else []
            )
            if went_back:
                known = until - _BACK * self.config.pace.of(rule).minute
            since = self._since(cursor, rule, known, until)
            if known is not None and since > known:
                problems.append(
                    f"instants after {known} up to {since} are left out; see Every in docs/alerts.md"
                )
            rearm = self.config.pace.policy(rule).rearm
            episodes = tuple(
                # What lies ahead would keep an episode from ever being over.
                replace(one, below_since=None) if one.below_since and one.below_since > until else one
                for one in ledger.episodes_of(cursor, rule.name, since - rearm)
            )
            started, allowance = time.monotonic(), Allowance()
            watch = self._watch if rule.is_shipped else replace(self._watch, timeout_s=OWN_TIMEOUT_S)

            def keep(instant: datetime, after: Step) -> Sequence[Episode]:
                if self._stopped.is_set():
                    raise StormwatchError("stopped while the rule was evaluated")
                if not after.changes:
                    return after.episodes
                # What was over before anybody watched, or long before the newest, is history, and
                # nobody is told; what still fires after it is.
                late = self.config.pace.of(rule).scaled(_LATE)
                watched_from = self._watched_from if rule.clock == "log" else None
                is_history = instant < (watched_from or until if known is None else until - late)
                return self._keep(rule, instant, after, cursor, started, allowance, is_history=is_history)

            try:
                episodes = tuple(
                    evaluate(cursor, rule, watch, (since, until), episodes, keep, problems.append)
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the rule's problem
                if self._stopped.is_set():
                    return False
                problems.insert(0, str(error) or type(error).__name__)
                episodes = ledger.episodes_of(cursor, rule.name, since - rearm)
                until = self._after_failure(cursor, rule.name, known, until)
            else:
                self._tries.pop(rule.name, None)
        with ledger.written(self._store) as writer:
            ledger.save_episodes(writer, rule.name, rule.clock, episodes)
            self._note(writer, rule, until, started, problems[0] if problems else None)
        self._evaluated[rule.name] = until
        return True

    def _after_failure(
        self, cursor: duckdb.DuckDBPyConnection, name: str, known: datetime | None, until: datetime
    ) -> datetime:
        """Up to where a rule that failed counts as evaluated: it is asked again, but not for ever."""
        self._tries[name] = self._tries.get(name, 0) + 1
        kept = ledger.evaluated_to(cursor, name)
        if known is None or kept is None or kept > until or self._tries[name] >= _TRIES:
            del self._tries[name]
            return until
        return kept

    def _went_back(self, rule: Rule, known: datetime, until: datetime) -> bool:
        """Whether a clock was set back, or a log begins anew: what is ahead is not this time."""
        far = FAR * self.config.pace.minute if rule.clock == "log" else _STEP
        return known - until >= far

    def _since(
        self, cursor: duckdb.DuckDBPyConnection, rule: Rule, known: datetime | None, until: datetime
    ) -> datetime:
        pace = self.config.pace.of(rule)
        every = pace.scaled(rule.every)
        if rule.clock == "wall" and known is None:
            return until - every  # before, nobody watched
        if is_ranged(cursor, rule, self._watch):
            return known or until - pace.scaled(_HISTORY)
        furthest = until - _CATCH_UP * every
        return furthest if known is None else max(known, furthest)

    def _keep(
        self,
        rule: Rule,
        instant: datetime,
        after: Step,
        reader: duckdb.DuckDBPyConnection,
        started: float,
        allowance: Allowance,
        *,
        is_history: bool,
    ) -> Sequence[Episode]:
        """Store what changed, and in the same transaction that routes are to be told."""
        evidence: dict[tuple[str, datetime], Evidence] = {}
        for change in after.changes:
            if change.kind == "firing":
                one = change.episode
                evidence[one.key, one.onset_at] = investigate(
                    reader, self._catalog, rule, self._watch, one, instant, allowance
                )
        if self._stopped.is_set():
            raise StormwatchError("stopped while evidence was looked for")
        now = self._now()
        with ledger.written(self._store) as cursor:
            numbers = ledger.save_episodes(cursor, rule.name, rule.clock, after.episodes)
            numbered = [
                replace(one, episode_id=number) for one, number in zip(after.episodes, numbers, strict=True)
            ]
            by_identity = {(one.key, one.onset_at): one.episode_id or 0 for one in numbered}
            for change in after.changes:
                identity = (change.episode.key, change.episode.onset_at)
                ledger.note_change(cursor, by_identity[identity], change, now)
                if identity in evidence:
                    ledger.save_evidence(cursor, by_identity[identity], evidence[identity])
            self._note(cursor, rule, instant, started, None)
            if not is_history:
                self._queue(cursor)
        if after.changes:
            self._store.beside_version += 1
        return numbered

    def _note(
        self,
        cursor: duckdb.DuckDBPyConnection,
        rule: Rule,
        instant: datetime,
        started: float,
        problem: str | None,
    ) -> None:
        duration_ms = (time.monotonic() - started) * 1000
        ledger.note_evaluation(cursor, rule.name, instant, self._now(), duration_ms, problem)

    def _queue(self, cursor: duckdb.DuckDBPyConnection) -> None:
        queue_notices(cursor, self.config, self._base_url, self._now())


def rest_s(passed_s: float, *, is_busy: bool, is_reading: bool) -> float:
    """How long all rules rest after a turn that took so long, in seconds."""
    rest = passed_s * (_LONG_REST if is_reading and passed_s >= _LONG_S else 1)
    return rest if is_busy else max(_LOOK_S, rest)


def _urgency(rule: Rule) -> tuple[int, str]:
    """What may become most serious is evaluated first."""
    return -SEVERITIES.index(rule.policy.severities[-1]), rule.name


def _said(error: Exception) -> str:
    """What an error says, in one line."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
