"""A field may hold anything: what transcodes objects reads it, or says why it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ingest.formats import transcoders
from tests.ingest.mixtures import records

OTHERS: tuple[Any, ...] = (None, True, -1, 1.5, "", "x", [], [[]], [{}], {}, {"": {}})


def variants(value: Any, other: Any) -> Iterator[Any]:
    """The value with `other` in the place of each part of it, one at a time."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {**value, key: other}
            yield from ({**value, key: changed} for changed in variants(inner, other))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            before, behind = value[:number], value[number + 1 :]
            yield [*before, other, *behind]
            yield from ([*before, changed, *behind] for changed in variants(inner, other))


def objects(record: bytes) -> list[Any]:
    """The one that it is, or those of its lines."""
    try:
        return [json.loads(record)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in record.splitlines()]


@pytest.mark.parametrize(
    "transcoder",
    [one for one in transcoders() if one.match_json or one.starts.startswith(rb"\{")],
    ids=lambda one: one.name,
)
def test_no_value_is_more_than_a_transcoder_has_thought_of(transcoder: Any) -> None:
    read = 0
    for content in [objects(one.data) for one in records() if one.format == transcoder.name]:
        for other in OTHERS:
            for variant in variants(content, other):
                if not all(isinstance(one, dict) for one in variant):
                    continue
                record = b"\n".join(json.dumps(one).encode() for one in variant)
                if not transcoder.is_told(record):
                    continue
                try:
                    read += len(list(transcoder.transcode(record)))
                except ValueError as error:  # the reason of a reject; anything else is a defect
                    assert str(error)  # noqa: PT017
    assert read


@pytest.mark.parametrize(
    "transcoder",
    [one for one in transcoders() if one.match_json or one.starts.startswith(rb"\{")],
    ids=lambda one: one.name,
)
def test_a_value_that_is_nested_too_deeply_is_refused_with_its_reason(transcoder: Any) -> None:
    content = next(objects(one.data) for one in records() if one.format == transcoder.name)
    deep = b"[" * 20_000 + b"1e400" + b"]" * 20_000
    record = b"\n".join(json.dumps({**one, "deep": "@"}).encode().replace(b'"@"', deep) for one in content)
    with pytest.raises(ValueError, match=r"."):
        list(transcoder.transcode(record))
