"""CEF and LEEF whose header is cut off are rejected, and nothing around them is."""

from __future__ import annotations

import json

import pytest

from tests.ingest.parsing import Parser

LINE = "CEF:0|Shop|orders|1.0|100|order placed|3|externalId=e1 rt=1795860000123 msg=a b"


@pytest.mark.parametrize("line", ["CEF:0|Shop|orders|1.0", "LEEF:1.0|Shop|billing\\|x"])
def test_a_header_that_is_cut_off_is_rejected(parser: Parser, line: str) -> None:
    [reject] = parser.parse(line).rejects
    assert "a header of" in reject.reason


def test_lines_are_the_same_in_envelopes(parser: Parser) -> None:
    known = parser.parse(LINE).the_row()
    docker = json.dumps({"log": LINE + "\n", "stream": "stdout", "time": "2026-11-28T10:00:05Z"})
    lines = [docker, f"2026-11-28T10:00:05Z stdout F {LINE}", f"{LINE}\r"]
    for line in lines:
        row = parser.parse(line).the_row()
        assert {name: row[name] for name in known if name != "attributes"} == {
            name: value for name, value in known.items() if name != "attributes"
        }
