"""What was done twice: effects of one type that one cause had more than once."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboard import data, empty, filters, formatting, pages, table
from dashboard.filters import Chosen
from dashboard.panel import panel
from dashboard.window import Window

_SHOWN: Final = 500


def draw(version: int, shown: Window, chosen: Chosen) -> None:
    """The effects of causes that arrived more than once, and how many others had several of a type."""
    found = data.load("repeated_effects", version, **shown.scope).only(service=chosen["service"])
    about = (
        "A message that arrives again does its work again where its consumer is not idempotent: it then made "
        "several events of one type, each with an id of its own, that name the same cause. **Click** a row "
        "for the chain of the cause."
    )
    with panel("reruns", "What was done more than once because of it?", about, found):
        filters.say_beyond(chosen, "service")
        rows = [row for row in found.rows if row["is_rerun"]]
        if others := len(found.rows) - len(rows):
            several = formatting.plural(others, "other cause has", "other causes have")
            st.caption(
                f"{several} several effects of one type as well, after one arrival or none that is logged: "
                "mostly that is what it asks for"
            )
        if not rows:
            empty.none_in_window("effect that was made again", shown, version)
            return
        if len(rows) > _SHOWN:
            st.caption(f"The first {_SHOWN} of {formatting.count(len(rows))}; zoom in for the others")
        names = (
            "cause_id", "service", "event_type", "arrival_count", "effect_count", "first_at", "last_at",
        )  # fmt: skip
        table.opening(
            {name: [row[name] for row in rows[:_SHOWN]] for name in names},
            {
                "cause_id": table.text("cause"),
                "event_type": table.text("made"),
                "arrival_count": table.number("arrivals", 70),
                "effect_count": table.number("effects", 70),
                "first_at": table.at("first", to_millisecond=True),
                "last_at": table.at("last", to_millisecond=True),
            },
            lambda row: pages.go("chains", event=rows[row]["cause_id"]),
            key="reruns", alt="Causes whose effects were made more than once",
        )  # fmt: skip
