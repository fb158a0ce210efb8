"""What records are alike is read the same with templates as without."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ingest import objects, templates
from ingest.formats import transcoders
from ingest.formats.base import Transcoder
from ingest.framing import frames
from ingest.objects import Made, objects_of
from tests.benchmarks.variety import varied

_RECORDS = Path(__file__).parent / "formats"
_WITH_TEMPLATES = [one for one in transcoders() if one.opaque]
_VALUES = (
    '""', '"0"', "0", "null", "true", "[]", "{}", '" "', '"a b"', '"}"', '"{\\"a\\":1}"', '"\\u00e9"', '"é"',
    '"\\/"', '"publish"', '"deliver"', '"process"', "-5", '"-5"', '"007"', '"5"', "5", "5.0", "0.5", "1e3",
    "0.0001", "12.34", "1.2345678901234567", "123456789012345678901", "9" * 4301, f'"{"9" * 4301}"',
    '"9223372036854775808"',
    '"18446744073709551616"', '"1764000000000000001"', "1764000000000000001", '"0000000000000000"',
    '"1234567890123456"', '"eee19b7ec3c1b174"', '"EEE19B7EC3C1B174"', '"5b8efff798038103d269b633813fc60c"',
    '"W47/95gDgQPSabYzgT/GDA=="', '"\\ud800"', '"a","name":"b"',
)  # fmt: skip
"""What may stand in the place of a value, with what comes of it or not."""
_LIST = re.compile(r'("(?:spans|logRecords)":\[)(\{.*\})(\]\}\]\}\]\}\s*)$')


def _records(name: str) -> Iterator[str]:
    """The test records of a format, and lines with one of theirs three times."""
    for path in sorted((_RECORDS / name).iterdir()):
        if ".expected" in path.name:
            continue
        text = path.read_bytes().rstrip(b"\n") + b"\n"
        for start, end in pairwise(frames(text, is_all=True).tolist()):
            record = text[start:end].decode()
            yield record
            # Twice, for what stands around several is known the second time.
            yield from [_LIST.sub(r"\1\2,\2,\2\3", record)] * 2


def _others(record: str, chance: random.Random) -> Iterator[str]:
    """The record with other values: many in each of some places, so that what is learned of one is used."""
    yield from varied(record, 4)
    places = [found.span(1) for found in re.finditer(r':\s*("(?:[^"\\]|\\.)*"|-?[\d.]+)', record)]
    for start, end in chance.sample(places, min(len(places), 8)):
        for other in chance.sample(_VALUES, 12):
            yield from varied(record[:start] + other + record[end:], 3)


def _made(transcoder: Transcoder, records: list[bytes]) -> Made:
    objects._templates.clear()
    return objects_of(transcoder, records)


@pytest.mark.parametrize("transcoder", _WITH_TEMPLATES, ids=lambda one: one.name)
def test_a_template_makes_what_the_transcoder_makes(
    transcoder: Transcoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "_TRIES", 1_000_000)
    chance = random.Random(transcoder.name)
    records = [other.encode() for record in _records(transcoder.name) for other in _others(record, chance)]
    plain = _made(dataclasses.replace(transcoder, opaque=b""), records)
    made = _made(transcoder, records)
    assert (made.lines, made.sources, made.refused) == (plain.lines, plain.sources, plain.refused)
    assert plain.refused
    assert any(objects._templates[transcoder.name]._known.values())


def _spans(*operations: str) -> list[bytes]:
    """Lines with one span each that differ in the operation that an attribute names, and in their ids."""
    return [
        (
            '{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"spans":[{"traceId":'
            f'"5b8efff798038103d269b633813fc6{number:02x}","spanId":"eee19b7ec3c1b1{number:02x}","name":"orders",'
            '"startTimeUnixNano":"1764000000000000001","endTimeUnixNano":"1764000000000000002","attributes":[{'
            f'"key":"messaging.operation.type","value":{{"stringValue":"{operation}"}}}}]}}]}}]}}]}}\n'
        ).encode()
        for number, operation in enumerate(operations, 10)
    ]


@pytest.mark.parametrize("others", [("publish", "deliver"), ("settle", "create")])
def test_what_is_learned_of_one_word_is_not_used_for_one_that_becomes_another(
    others: tuple[str, ...],
) -> None:
    [transcoder] = [one for one in _WITH_TEMPLATES if one.name == "otlp_traces"]
    records = _spans(*["process"] * 4, *others, "process", *others)
    plain = _made(dataclasses.replace(transcoder, opaque=b""), records)
    made = _made(transcoder, records)
    assert (made.lines, made.refused) == (plain.lines, [])
    assert any(objects._templates[transcoder.name]._known.values())


def test_its_number_tells_what_it_makes_whichever_was_learned_first() -> None:
    [transcoder] = [one for one in _WITH_TEMPLATES if one.name == "otlp_traces"]
    one, other = _spans(*["process"] * 4), _spans(*["publish"] * 4)
    numbers = _made(transcoder, one + other).alike
    assert _made(transcoder, other + one).alike == numbers[4:] + numbers[:4]
    assert numbers[3] == numbers[2]
    assert 0 != numbers[3] != numbers[7] != 0


def test_what_is_not_passed_on_as_it_is_makes_no_template() -> None:
    def transcode(record: bytes) -> Iterator[dict[str, str]]:
        yield {"length": str(len(record)), "text": record.decode().replace("a", "b")}

    alike = dataclasses.replace(_WITH_TEMPLATES[0], name="untrue", transcode=transcode, cut=lambda _: None)
    for opaque in (rb'"text":"(?=[0-9a-z]++")([^"]++)', rb'"text":"()'):
        untrue = dataclasses.replace(alike, opaque=opaque)
        records = [b'{"text":"%b"}' % text for text in (b"aaa", b"aba", b"abacus", b"zzz", b"aaa")]
        made = _made(untrue, records)
        assert made.lines == _made(dataclasses.replace(untrue, opaque=b""), records).lines
        objects._templates.clear()
