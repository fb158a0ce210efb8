"""The back-test: when a rule would have fired in the window, at which level, how long before what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st

from dashboard import alert_desk, formatting, table, zone
from dashboard.hostile import safe_md
from dashboard.panel import panel
from dashboard.window import Window

_BESIDE_PX: Final = 230
_SECONDS_PER_MINUTE: Final = 60


def draw(version: int, shown: Window, rules: Sequence[str], peak: datetime | None = None) -> None:
    """A button, and what it found; `peak` is when the gain was greatest, where that is known."""
    about = (
        "Evaluates a rule at each of its instants in the window, by the code that does it live, each instant "
        "seeing only what was observed before it. *Levels* says when it reached each. *Before the crash* is "
        "the time from firing to the first crash that is logged while it fires. Takes a while for long "
        "windows."
    )
    with panel("backtest", "When would a rule have fired?", about):
        if not rules:
            st.markdown(":material/block: No rule that can be played again is evaluated here.")
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            rule = rules[0]
            if len(rules) > 1:
                rule = st.selectbox("Rule", rules, key="played_rule", width=_BESIDE_PX)
            st.button(
                "Play the window again", icon=":material/history:", key="play",
                on_click=alert_desk.play, args=(version, rule, shown),
            )  # fmt: skip
        found = alert_desk.played()
        if found is None or found["rule"] not in rules:
            return
        if "problem" in found:
            st.warning(safe_md(found["problem"], 400), icon=":material/warning:")
            return
        st.markdown(_in_words(found, peak))
        if found["fired"]:
            _table(found["fired"])


def _in_words(found: Mapping[str, Any], peak: datetime | None) -> str:
    times = formatting.plural(len(found["fired"]), "time")
    said = (
        f"{safe_md(found['rule'])} would have fired {times}, {formatting.percent(found['firing_ratio'])} of "
        f"the time from {_zoned(found['since'])} to {_zoned(found['until'])}."
    )
    first = alert_desk.instant(found["fired"][0]["fired_at"]) if found["fired"] else None
    if first is not None and peak is not None:
        said += f" It first fired {_apart(first, peak)} the gain was greatest."
    if found["false_alarms"] is None:
        return f"{said} No crash is logged in this time."
    missed = len(found["missed"])
    return f"{said} Of the crashes logged in it, {missed or 'none'} came while it was silent."


def _apart(one: datetime, other: datetime) -> str:
    if one == other:
        return "when"
    return f"{formatting.span(abs(other - one))} {'before' if one < other else 'after'}"


def _table(fired: Sequence[Mapping[str, Any]]) -> None:
    names = ("episode_key", "peak_value", "sentence")
    played: dict[str, list[Any]] = {
        "fired_at": [alert_desk.instant(one["fired_at"]) for one in fired],
        "levels": [_levels(one["severities"]) for one in fired],
        "lead": [_lead(one["lead_min"]) for one in fired],
        "resolved_at": [alert_desk.instant(one["resolved_at"]) for one in fired],
        **{name: [one[name] for one in fired] for name in names},
    }
    columns = {
        "fired_at": table.at("fired"),
        "levels": table.text(width=250),
        "lead": table.text("before the crash", 120),
        "resolved_at": table.at("over"),
        "episode_key": table.text("about"),
        "peak_value": st.column_config.NumberColumn("at its peak", format="%.2f"),
    }
    table.show(played, columns, key="played", alt="When the rule would have fired")


def _levels(severities: Mapping[str, str]) -> str:
    """Each level and when it was reached, the first first."""
    reached = sorted((alert_desk.instant(at), name) for name, at in severities.items())
    return ", ".join(f"{name} {formatting.clock(at)}" for at, name in reached if at is not None)


def _lead(minutes: float | None) -> str | None:
    return None if minutes is None else formatting.span(timedelta(seconds=minutes * _SECONDS_PER_MINUTE))


def _zoned(text: str) -> str:
    return f"{formatting.instant(alert_desk.instant(text))} {zone.name()}"
