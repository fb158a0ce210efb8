"""What sets selected events apart, in words: rows of `explain_difference`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from dashboard import formatting, zone
from dashboard.hostile import safe_md

Row = Mapping[str, Any]

SELECTIONS: Final = {
    "records": "all", "late arrivals": "reordered", "duplicates": "duplicate", "errors": "error",
    "deadlocks": "deadlock", "events in loops": "looping",
}  # fmt: skip
"""What can be selected -> the selection of `explain_difference`."""
_FILTERED_BY: Final = {
    "consumer": "service", "stream": "stream", "event_type": "event_type", "operation": "operation",
}  # fmt: skip
"""Attribute -> filter of the page Events with its meaning."""
_ALL: Final = "all"
AFTER: Final = "after"
_INSTANT: Final = "%Y-%m-%d %H:%M:%S"
_INSTANT_LENGTH: Final = 19


def at_fault(selection: str | None) -> str | None:
    """What a selection of `explain_difference` holds that something is wrong with, in words."""
    return next((what for what, of in SELECTIONS.items() if of == selection and of != _ALL), None)


def sentence(row: Row, what: str) -> str:
    """What a row says: Markdown, in which text from logs stands as code."""
    share = formatting.percent(row["support"])
    inside, outside = formatting.percent(row["selected_ratio"]), formatting.percent(row["rest_ratio"])
    text = (
        f"{_group(row)}: **{share}** of the selected {what}. There {inside} of all are selected, "
        f"elsewhere {outside}: {_ratio(row)}."
    )
    return f"{text} As many as {formatting.percent(row['attributable_fraction'])} may be due to it."


def label(row: Row) -> str:
    """A row's group in a few words, as plain text from the log."""
    parts = [_plain(row["attribute"], row["value"])]
    if row["other_attribute"] is not None:
        parts.append(_plain(row["other_attribute"], row["other_value"]))
    return " and ".join(parts)


def _plain(name: str, value: str) -> str:
    return f"{name} {_in_zone(value) if name == AFTER else value}"


def _in_zone(value: str) -> str:
    """The value of `after`, with the time at its end as it is shown."""
    return f"{value[:-_INSTANT_LENGTH]}{formatting.instant(_read(value))} {zone.name()}"


def _group(row: Row) -> str:
    parts = [_attribute(row["attribute"], row["value"])]
    if row["other_attribute"] is not None:
        parts.append(_attribute(row["other_attribute"], row["other_value"]))
    return " and ".join(parts)


def _attribute(name: str, value: str) -> str:
    if name == AFTER:
        return f"**after** {safe_md(_in_zone(value), 100)}"
    return f"{safe_md(name, 40)} is {safe_md(value, 60)}"


def times(row: Row) -> str:
    """How many times as likely an event of a row's group is selected as one outside."""
    low = _times(row["risk_ratio_low"])
    return f"at least {low}, none is outside" if row["risk_ratio"] is None else _times(row["risk_ratio"])


def _ratio(row: Row) -> str:
    low = _times(row["risk_ratio_low"])
    if row["risk_ratio"] is None:
        return f"at least {low} times as likely (99 %), as none is outside"
    return f"{_times(row['risk_ratio'])} times as likely ({low} to {_times(row['risk_ratio_high'])}, 99 %)"


def _times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 100 else formatting.count(round(ratio))  # noqa: PLR2004 - as many digits as help


def changed_at(row: Row) -> datetime | None:
    """When that was changed which the group of a row comes after, to the second; None for other groups."""
    for name, value in (
        (row["attribute"], row["value"]), (row["other_attribute"], row["other_value"]),
    ):  # fmt: skip
        if name == AFTER:
            return _read(value)
    return None


def _read(value: str) -> datetime:
    """The instant at the end of what the value of `after` says, UTC."""
    return datetime.strptime(value[-_INSTANT_LENGTH:], _INSTANT)  # noqa: DTZ007 - naive UTC


def event_filters(row: Row) -> dict[str, str]:
    """The filters of the page Events that come nearest to the group of a row; none for a change."""
    if changed_at(row) is not None:
        return {}
    found = {}
    for name, value in (
        (row["attribute"], row["value"]), (row["other_attribute"], row["other_value"]),
    ):  # fmt: skip
        if name in _FILTERED_BY:
            found[_FILTERED_BY[name]] = value
        elif name is not None:
            found["search"] = value
    return found
