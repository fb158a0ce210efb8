"""Chains in the languages of other tools: what no log of the tests of the command has."""

import json
from datetime import datetime, timedelta

from stormwatch.chain_export import Chain, otlp_text


def test_a_time_that_otlp_cannot_say_is_0() -> None:
    """Its times are unsigned; a reader refuses a number below 0, and with it the whole chain."""
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC as stored
    times = {"old": epoch - timedelta(days=1), "none": None, "new": epoch + timedelta(microseconds=1)}
    shared = dict.fromkeys(("event_type", "service", "node", "stream"))
    events = [{"event_id": name, "occurred_at": at, **shared} for name, at in times.items()]
    told = json.loads(otlp_text(Chain("old", events, [], 1, None)))
    spans = [span for one in told["resourceSpans"] for span in one["scopeSpans"][0]["spans"]]
    assert [span["startTimeUnixNano"] for span in spans] == ["0", "0", "1000"]
