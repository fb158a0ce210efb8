"""Messages of FIX that are cut off, glued or odd, and what looks like some."""

from __future__ import annotations

import json

import pytest

from ingest.formats.fix import FORMAT
from tests.hostile import within
from tests.ingest.parsing import Parser

MESSAGE = "8=FIX.4.4|9=96|35=D|49=BUY1|56=EXCH|34=7|52=20261128-10:00:00.012|11=C-7|10=194|"


@pytest.mark.parametrize(
    "end", [MESSAGE.index("|11="), MESSAGE.index("|10=") + 1, MESSAGE.index("|10=") + 6, 18]
)
def test_what_is_cut_off_is_rejected(parser: Parser, end: int) -> None:
    parsed = parser.parse(MESSAGE[:end], MESSAGE)
    assert [row["event_id"] for row in parsed.rows] == ["BUY1->EXCH/20261128/7"]
    assert ["FIX message" in reject.reason for reject in parsed.rejects] == [True]
    parsed.assert_every_byte_accounted()


@pytest.mark.parametrize("torn", [MESSAGE + "\0\0", MESSAGE.replace("C-7", "C\0")])
def test_nul_bytes_are_no_part_of_a_message(parser: Parser, torn: str) -> None:
    parsed = parser.parse(torn, MESSAGE)
    assert (len(parsed.rows), [reject.reason for reject in parsed.rejects]) == (1, ["fix: holds NUL bytes"])
    parsed.assert_every_byte_accounted()


def test_a_message_that_is_sent_again_is_the_same_event(parser: Parser) -> None:
    again = MESSAGE.replace("|52=", "|43=Y|52=")
    first, second = parser.parse(MESSAGE, again).rows
    assert first["event_id"] == second["event_id"]
    assert [first.get("is_redelivered"), second["is_redelivered"]] == [None, True]


def test_a_text_about_fix_is_no_message(parser: Parser) -> None:
    [row] = parser.parse("2026-11-28 10:00:00 INFO sends 8=FIX.4.4 from now on").rows
    assert row["format"] == "timestamped_text"


def test_a_torn_message_does_not_spoil_the_one_behind_it(parser: Parser) -> None:
    torn = MESSAGE[: MESSAGE.index("EXCH")]
    [row] = parser.parse(torn + MESSAGE).rows
    assert (row["event_id"], row["event_type"]) == ("BUY1->EXCH/20261128/7", "NewOrderSingle")
    assert json.loads(row["attributes"])["rest"] == torn


def test_messages_on_one_line_are_several(parser: Parser) -> None:
    parsed = parser.parse(MESSAGE + MESSAGE.replace("|34=7", "|34=8") + " sent")
    assert [row["sequence"] for row in parsed.rows] == [7, 8]
    parsed.assert_every_byte_accounted()


def test_a_separator_in_a_value_is_part_of_it(parser: Parser) -> None:
    row = parser.parse(MESSAGE.replace("|10=", "|58=a|b||10=")).the_row()
    assert row["message"] == "a|b|"


def test_a_tag_that_is_there_twice_counts_once(parser: Parser) -> None:
    row = parser.parse(MESSAGE.replace("|34=7", "|34=7|34=9|35=8")).the_row()
    assert (row["event_id"], row["event_type"]) == ("BUY1->EXCH/20261128/7", "NewOrderSingle")


@pytest.mark.parametrize("part", ["270=1|", "|", "1=", "8=FIX.4.4|9=1|"])
def test_a_hostile_message_costs_no_more_than_its_length(part: str) -> None:
    long = MESSAGE.replace("|10=", f"|{part * (2_000_000 // len(part))}|10=").encode()
    with within(30):
        assert list(FORMAT.transcode(long))
