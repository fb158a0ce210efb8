"""Messages of FIX that are cut off, and what looks like some."""

from __future__ import annotations

import pytest

from tests.ingest.parsing import Parser

MESSAGE = "8=FIX.4.4|9=96|35=D|49=BUY1|56=EXCH|34=7|52=20261128-10:00:00.012|11=C-7|10=194|"


@pytest.mark.parametrize("end", [MESSAGE.index("|11="), MESSAGE.index("|10=") + 1, len("8=FIX.4.4|9=96|35")])
def test_what_is_cut_off_is_rejected(parser: Parser, end: int) -> None:
    parsed = parser.parse(MESSAGE[:end], MESSAGE)
    assert [row["event_id"] for row in parsed.rows] == ["BUY1->EXCH/20261128/7"]
    assert ["FIX message" in reject.reason for reject in parsed.rejects] == [True]
    parsed.assert_every_byte_accounted()


def test_a_message_that_is_sent_again_is_the_same_event(parser: Parser) -> None:
    again = MESSAGE.replace("|52=", "|43=Y|52=")
    first, second = parser.parse(MESSAGE, again).rows
    assert first["event_id"] == second["event_id"]
    assert [first.get("is_redelivered"), second["is_redelivered"]] == [None, True]


def test_a_text_about_fix_is_no_message(parser: Parser) -> None:
    [row] = parser.parse("2026-11-28 10:00:00 INFO sends 8=FIX.4.4 from now on").rows
    assert row["format"] == "timestamped_text"
