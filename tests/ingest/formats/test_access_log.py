"""What is no line of an access log is refused with a reason: without one it would count as blank."""

from __future__ import annotations

import pytest

from ingest.formats.access_log import FORMAT
from ingest.objects import objects_of

LINE = b'10.0.0.7 - - [28/Nov/2026:16:04:06 +0100] "GET /orders HTTP/1.1" 200 157\n'


@pytest.mark.parametrize("torn", [LINE[:40], b"\x80" + LINE, b"GET /orders\n"])
def test_a_torn_line_is_refused_with_a_reason(torn: bytes) -> None:
    made = objects_of(FORMAT, [torn, LINE])
    assert made.refused == [(0, "access_log: no line of an access log; a torn line?")]
    assert made.sources == [1]
