"""Records at and beyond the limits of what reads them: stored whole or quarantined, and nothing else suffers.

Files by the thousand: test_many.py.
"""

from __future__ import annotations

import json
import resource
import time
from typing import Any

import pytest

from .rig import Rig

KEYS = 100_000
LONG = 10 << 20
MOST_S = 60
MOST_BYTES = 2 << 30


def record(text: str, *values: str) -> str:
    """An object with an id, and these values for each `@` in its text."""
    first, *behind = text.split("@")
    return (
        '{"id":"x",' + first + "".join(value + part for value, part in zip(values, behind, strict=True)) + "}"
    )


def nested(opening: str, closing: str, depth: int) -> str:
    return opening * depth + "1" + closing * depth


def members(count: int) -> str:
    return ",".join(f'"k{number}":{number}' for number in range(count))


def span(attribute: str) -> str:
    fields = f'"traceId":"{"ab" * 16}","spanId":"{"ab" * 8}","name":"n","startTimeUnixNano":"1"'
    return '{"resourceSpans":[{"scopeSpans":[{"spans":[{' + fields + ',"x":' + attribute + "}]}]}]}"


KEPT = {
    "equal keys": '{"id":"x","a":1,"a":2,"time":"2026-01-01","time":"2027-01-01","n":{"b":1,"b":2}}',
    "100,000 equal keys": record('@', ",".join(f'"k":{number}' for number in range(KEYS))),
    "integers beyond 64 bits": record('"seq":9223372036854775808,"attempt":2147483648,"n":@', str(1 << 64)),
    "integers of 5,000 digits": record('"seq":@,"n":-@', "9" * 5000, "1" * 5000),
    "a time of 5,000 digits": record('"time":@,"ts":"@"', "9" * 5000, "1" * 5000),
    "a fraction of 5,000 digits": record('"n":0.@', "3" * 5000),
    "numbers beyond a double": '{"id":"x","seq":1e999,"time":1e400,"n":-1e999}',
    "no numbers": '{"id":"x","v":NaN,"w":[-Infinity,Infinity],"seq":NaN}',
    "lists of 1,000 levels": record('"a":@', nested("[", "]", 1000)),
    "lists of 100,000 levels": record('"a":@', nested("[", "]", 100_000)),
    "objects of 100,000 levels": record('"a":@', nested('{"a":', "}", 100_000)),
    "events of 100,000 levels": record('"event":@', nested('{"event":', "}", 100_000)),
    "causes of 100,000 levels": record('"links":@', nested("[", "]", 100_000)),
    "a value of 10 MiB": record('"pad":"@"', "x" * LONG),
    "100,000 keys": record('@', members(KEYS)),
    "100,000 keys in an object": record('"data":{@}', members(KEYS)),
    "100,000 objects": record('@', ",".join(f'"k{number}":{{"data":{{"id":1}}}}' for number in range(KEYS))),
    "a key of 1 MiB": record('"@":1', "k" * (1 << 20)),
    "a key of 1 MiB in an object": record('"data":{"@":{"id":1}}', "k" * (1 << 20)),
    "300,000 causes": record('"links":[@]', ",".join(f'"{number}"' for number in range(300_000))),
}  # fmt: skip
"""What is stored: event_id is x, and attributes keep the rest."""

ARRAY = "a JSON array; one object per line is expected"
OPEN = "not valid JSON (Expecting property name enclosed in double quotes, character 1); a torn line?"
TAKES_SECONDS = {"100,000 keys in an object", "100,000 objects"}
AT = span("@").index("@")
QUARANTINED = {
    "a line that is open 1,000,000 times": ('{"a":' * 1_000_000, "nested too deeply"),
    "lists alone of 100,000 levels": (nested("[", "]", 100_000), ARRAY),
    "text of 10 MiB": ("x" * LONG, "not JSON, and no text format that is known"),
    "quotes of 10 MiB": ('"' * (LONG - 1), "not JSON, and no text format that is known"),
    "braces of 10 MiB": ("{" * LONG, OPEN),
    "a span of 1,000 levels": (span(nested("[", "]", 1000)), "otlp_traces: nested too deeply"),
    "a span with a number that is none": (
        span("NaN"),
        ("otlp_traces: unexpected character, expected a JSON value: "
        f"line 1 column {AT + 1} (char {AT})"),
    ),
    "a span with equal keys": (
        span('1,"x":2'), 'otlp_traces: "x" is there more than once in an object',
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def bounded() -> Any:
    """Minutes and gigabytes are too much for any of them."""
    before = time.process_time()
    yield
    assert time.process_time() - before < MOST_S
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10 < MOST_BYTES


def between_others(rig: Rig, record: str) -> None:
    """Read a record with others before and behind it, and some in another file of the batch."""
    rig.append("other.log", 3)
    rig.append("app.log", 3)
    rig.add("app.log", record.encode() + b"\n")
    rig.append("app.log", 3)
    rig.drain()


def others(rig: Rig) -> list[int]:
    found = rig.query(
        "SELECT event_id FROM observations WHERE event_id <> 'x' AND NOT contains(event_id, 'ab')"
    )
    return sorted(int(number) for (number,) in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "record",
    [
        pytest.param(text, id=name, marks=[pytest.mark.slow] if name in TAKES_SECONDS else [])
        for name, text in KEPT.items()
    ],
)
def test_a_record_that_is_stored_whole(rig: Rig, record: str) -> None:
    between_others(rig, record)
    rig.check_conservation()
    assert rig.rejects() == []
    assert others(rig) == rig.written
    [(attributes,)] = rig.query("SELECT attributes::VARCHAR FROM observations WHERE event_id = 'x'")
    without_id = "{" + record.removeprefix('{"id":"x",')
    assert attributes in (record, without_id)


@pytest.mark.slow
@pytest.mark.parametrize(("record", "reason"), QUARANTINED.values(), ids=QUARANTINED)
def test_a_record_that_is_quarantined(rig: Rig, record: str, reason: str) -> None:
    between_others(rig, record)
    rig.check_conservation()
    assert others(rig) == rig.written
    [(raw, why)] = rig.rejects()
    assert why == reason
    assert record.encode().startswith(raw.rstrip(b"\n"))


def test_an_id_and_a_message_of_ten_mebibytes(rig: Rig) -> None:
    long = "y" * LONG
    between_others(rig, json.dumps({"id": "x" + long, "message": long}))
    rig.check_conservation()
    assert rig.query(
        "SELECT length(event_id), length(message) FROM observations ORDER BY 1 DESC LIMIT 1"
    ) == [(LONG + 1, LONG)]


@pytest.mark.slow
def test_an_array_of_300_000_records_on_a_line(rig: Rig) -> None:
    rig.written.extend(range(300_000))
    rig.add("app.log", b"[" + b",".join(b'{"id":"%d"}' % number for number in range(300_000)) + b"]\n")
    rig.append("app.log", 3)
    rig.drain()
    rig.check()
    assert rig.rejects() == []


def test_numbers_that_python_would_round_are_kept_as_they_are_written(rig: Rig) -> None:
    exact = "18446744073709551616", "0.33333333333333333333333", "1" * 5000
    between_others(rig, span(record('"a":@,"b":@,"c":@,"d":1.5', *exact)))
    [(attributes,)] = rig.query(
        "SELECT attributes::VARCHAR FROM observations WHERE event_id = 'abababababababab'"
    )
    assert json.loads(attributes)["x"] == {"id": "x", "a": exact[0], "b": exact[1], "c": exact[2], "d": 1.5}


@pytest.mark.slow
def test_shapes_of_many_keys_one_after_the_other(rig: Rig) -> None:
    for number in range(20):
        keys = ",".join(f'"k{number}_{key}":1' for key in range(5_000))
        rig.add("app.log", b'{"id":"x",%s}\n' % keys.encode())
    rig.append("app.log", 3)
    rig.drain()
    rig.check_conservation()
    assert rig.query("SELECT count(*) FROM observations") == [(23,)]
