"""A log of traces is read trace by trace, however it comes, and a torn one costs no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.tail.rig import Rig

HEAD = b"""<?xml version="1.0" encoding="UTF-8" ?>
<!-- exported -->
<log xes.version="1.0">
\t<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
"""
TAIL = b"</log>\n"
EVENTS = "SELECT correlation_id, event_type FROM observations ORDER BY byte_offset, record_no"


def trace(case: str, *activities: str) -> bytes:
    events = "".join(
        f'\t\t<event>\n\t\t\t<string key="concept:name" value="{name}"/>\n\t\t</event>\n'
        for name in activities
    )
    return f'\t<trace>\n\t\t<string key="concept:name" value="{case}"/>\n{events}\t</trace>\n'.encode()


@pytest.mark.parametrize("piece", [30, 100, 10_000])
def test_a_log_that_grows_is_read_as_if_it_were_whole(tmp_path: Path, piece: int) -> None:
    whole = HEAD + trace("1", "a", "b") + trace("2", "a") + trace("3") + TAIL
    rig = Rig(tmp_path)
    for start in range(0, len(whole), piece):
        rig.add("log.xes", whole[start : start + piece])
        rig.look()
    rig.drain()
    assert rig.query(EVENTS) == [("1", "a"), ("1", "b"), ("2", "a")]
    assert rig.query("SELECT count(*) FROM rejects") == [(0,)]


def test_a_torn_trace_costs_no_other(tmp_path: Path) -> None:
    torn = trace("2", "lost").partition(b"\t</trace>")[0]
    rig = Rig(tmp_path)
    rig.add("log.xes", HEAD + trace("1", "a") + torn + trace("3", "b") + TAIL)
    rig.drain()
    assert rig.query(EVENTS) == [("1", "a"), ("3", "b")]
    assert rig.query("SELECT reason, byte_length FROM rejects") == [("xes: a torn trace", len(torn))]
