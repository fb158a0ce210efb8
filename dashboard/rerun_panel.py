"""What was done twice: effects of one type that one cause had more than once."""

from __future__ import annotations

from dashboard import data, empty, filters, pages, table
from dashboard.filters import Chosen
from dashboard.panel import panel
from dashboard.window import Window


def draw(version: int, shown: Window, chosen: Chosen) -> None:
    """The effects of causes that arrived more than once."""
    found = data.load("repeated_effects", version, **shown.scope, only_reruns=True).only(
        service=chosen["service"]
    )
    about = (
        "A message that arrives again does its work again where its consumer is not idempotent: it then made "
        "several events of one type, each with an id of its own, that name the same cause. Several effects "
        "of a cause that arrived once are what it asks for, and not listed. **Click** a row for the chain of "
        "the cause."
    )
    with panel("reruns", "What was done more than once because of it?", about, found):
        filters.say_beyond(chosen, "service")
        if not found.table.num_rows:
            empty.none_in_window("effect that was made again", shown, version)
            return
        table.say_how_many(found.table.num_rows)
        listed = found.table.slice(0, table.LISTED)
        causes = listed.column("cause_id").to_pylist()
        table.opening(
            listed.select(
                ["cause_id", "service", "event_type", "arrival_count", "effect_count", "first_at", "last_at"]
            ),
            {
                "cause_id": table.text("cause"),
                "event_type": table.text("made"),
                "arrival_count": table.number("arrivals", 70),
                "effect_count": table.number("effects", 70),
                "first_at": table.at("first", to_millisecond=True),
                "last_at": table.at("last", to_millisecond=True),
            },
            lambda row: pages.go("chains", event=causes[row]),
            key="reruns", alt="Causes whose effects were made more than once",
        )  # fmt: skip
