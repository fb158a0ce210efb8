"""What begins like a notation costs no more than its length, whatever follows."""

from __future__ import annotations

import pytest

from tests.hostile import within
from tests.ingest.formats.test_timestamped_text import read
from tests.ingest.parsing import Parser

MILLION = 1_000_000
HOSTILE = [
    "{'a': " + "a." * MILLION + "}",
    "{'a': x(" + "\\'" * MILLION + "}",
    "w {'a': x(" + '\\"' * MILLION + "}",
    "[2026-11-28 15:04:05] a.A: b" + " " * MILLION + 'x {"a": "b"}',
    "| offset: 1 CreateTime: 1 " + "headerKeys: [" * 100_000,
    "| offset: 1 CreateTime: 1 " + "a" * MILLION,
    "<trace>" * 200_000,
    "<trace " * 200_000,
    "<log \n" * 50_000,
    "<14>1 2026-11-28T15:04:05Z h a 1 m [" + "[" * MILLION + ' x"y"] text',
]


@pytest.mark.slow
@pytest.mark.parametrize("data", HOSTILE, ids=lambda line: repr(line[:30]))
def test_the_cost_is_that_of_the_length(data: str, parser: Parser) -> None:
    with within(60):
        read(data + "\n", parser)
