"""What the page of alerts asks of the process that evaluates rules, and what it has done there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import streamlit as st

from dashboard import data, formatting, pages, viewer
from dashboard.hostile import safe_md
from dashboard.verdict import Level
from dashboard.window import Window
from stormwatch.alerts.desk import Desk
from stormwatch.alerts.requests import change_alerts
from stormwatch.errors import StormwatchError
from stormwatch.people import signed
from stormwatch.runtime import current

Row = dict[str, Any]
SEVERE: Final = ("storm", "page", "warn", "watch")
"""The most serious first."""
SILENCES: Final = ("1 hour", "2 hours", "8 hours", "1 day", "7 days")
_NAMED: Final = 3
_TURNS: Final = 5
_LAG: Final = timedelta(minutes=1)
"""A rule that is so many of its turns behind the log, and so long, does not tell of now."""
_SAID_KEY: Final = "_alert_said"
_PLAYED_KEY: Final = "_alert_played"


def desk() -> Desk | None:
    """Who evaluates rules in this process; None when nobody does."""
    return current().alerts


def verdict(rows: Sequence[Row], unseen: str = "") -> tuple[Level, str]:
    """How bad it is, and the sentence, our own Markdown; `unseen`: what rules have not looked at."""
    first = worst(rows)
    if first is None:
        return ("watch", f"No alert fires, but {unseen}") if unseen else ("calm", "No alert fires")
    firing = sum(1 for row in rows if row["state"] == "firing")
    count = formatting.plural(firing, "alert fires", "alerts fire")
    level: Level = "watch" if first["severity"] == "watch" else "trouble"
    more = f". And {unseen}" if unseen else ""
    return level, f"{count}; the most serious, {first['severity']}: {safe_md(first['sentence'], 300)}{more}"


def worst(rows: Sequence[Row]) -> Row | None:
    """The first of the most serious that fire; None when none does."""
    firing = (row for row in rows if row["state"] == "firing")
    return min(firing, key=lambda row: SEVERE.index(row["severity"]), default=None)


def blind(found: Desk, rules: Sequence[Row], last_at: datetime | None) -> str:
    """Which rules that go by the log have not looked at the newest of it, our own Markdown; "" when all have.

    `last_at` is when the newest event was. That nothing fires says nothing of what no rule has seen.
    """
    if last_at is None:
        return ""
    never, behind = 0, {}
    for row in rules:
        rule, to = found.config.rules[row["rule"]], instant(row["evaluated_to"])
        if rule.clock != "log":
            continue
        if to is None:
            never += 1
        elif last_at - to > max(_TURNS * found.config.pace.of(rule).scaled(rule.every), _LAG):
            behind[rule.name] = last_at - to
    said = []
    if never:
        have = "has" if never == 1 else "have"
        said.append(f"{never} of {formatting.plural(len(rules), 'rule')} {have} not looked at this log yet")
    if behind:
        last = max(behind, key=lambda name: behind[name])
        others = f" and {formatting.plural(len(behind) - 1, 'more rule')} are" if len(behind) > 1 else " is"
        said.append(f"{safe_md(last)}{others} {formatting.span(behind[last])} behind the log")
    return ", ".join(said)


def name_firing(version: int) -> None:
    """The alerts that fire, the most serious first, each leading to what is behind it."""
    if desk() is None:
        return
    firing = data.load("alerts", version, of_state="firing").rows
    if not firing:
        return
    firing.sort(key=lambda row: SEVERE.index(row["severity"]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="firing_alerts"):
        more = f", the worst {_NAMED} of {formatting.count(len(firing))}" if len(firing) > _NAMED else ""
        st.caption(f"Alerts that fire{more}:", width="content")
        for row in firing[:_NAMED]:
            # The severity is the highest it has reached: it was not so from the beginning.
            began = formatting.clock(row["onset_at"])
            said = f"{row['severity']}, began {began} {safe_md(row['sentence'])}"
            pages.link("alerts", said, icon="notifications_active", episode=str(row["episode_id"]))
        if more:
            pages.link("alerts", f"All {formatting.count(len(firing))}", icon="list")


def evidence(row: Row) -> Mapping[str, Any]:
    """What was found out when an episode fired; empty before."""
    found: dict[str, Any] = json.loads(row["evidence"])
    return found


def target(row: Row) -> tuple[str, str] | None:
    """Page and window that show what an episode is about; None before it fired."""
    if not row["link"]:
        return None
    address = urlsplit(row["link"])
    return address.path.strip("/") or "overview", parse_qs(address.query)["window"][0]


def playable(found: Desk) -> list[str]:
    """Rules that can be played again: the past of a log does not say when its lines were read."""
    return [name for name, rule in found.config.rules.items() if rule.clock == "log"]


def instant(text: str | None) -> datetime | None:
    """An instant as the desk writes it."""
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=None)


def change(action: str, done: str, **body: object) -> None:
    """Have something done, and remember what to say of it; for callbacks."""
    at = desk()
    if at is None:
        return
    try:
        change_alerts(at, action, signed(body, "owner", viewer.person()))
    except StormwatchError as error:
        st.session_state[_SAID_KEY] = (False, str(error))
    else:
        st.session_state[_SAID_KEY] = (True, done)


def say_what_was_done() -> None:
    """Say once what came of the last change."""
    said = st.session_state.pop(_SAID_KEY, None)
    if said is not None:
        is_done, text = said
        if is_done:
            st.success(safe_md(text), icon=":material/check:")
        else:
            st.warning(safe_md(text, 400), icon=":material/warning:")


def play(version: int, rule: str, shown: Window) -> None:
    """Have a rule play a window again, and remember what it said; for callbacks.

    The crashes that are logged in it are what the rule should have fired before.
    """
    at = desk()
    if at is None:
        return
    try:
        changes = data.load("changes", version, **shown.edges).rows
        crashes = [row["occurred_at"].isoformat() for row in changes if row["kind"] == "crash"]
        body = {"since": shown.since.isoformat(), "until": shown.until.isoformat(), "crashes": crashes}
        st.session_state[_PLAYED_KEY] = change_alerts(at, "backtest", {"rule": rule, **body})
    except StormwatchError as error:
        st.session_state[_PLAYED_KEY] = {"rule": rule, "problem": str(error)}


def played() -> Mapping[str, Any] | None:
    """What the last rule that was played again said; None before."""
    found: Mapping[str, Any] | None = st.session_state.get(_PLAYED_KEY)
    return found
