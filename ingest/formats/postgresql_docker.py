"""PostgreSQL text reports of several lines in docker `json-file`, which puts each line in an object.

Reports of one line are taken out of their envelope as any other text (docker_json.py). Source: Docker
documentation, "JSON File logging driver"; PostgreSQL documentation, "Error Reporting and Logging".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ingest.formats import exact
from ingest.formats.base import Transcoder, continued
from ingest.formats.postgresql_text import MAPPED, PART_START, REPORT_START, report
from ingest.names import ABOUT

_LOG: Final = rb'\{"log":"'
_GOES_ON: Final = _LOG + rb"(?:\\t|%b)" % PART_START


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    lines = [exact.loads(line) for line in record.splitlines() if line.strip()]
    if not all(isinstance(line.get("log"), str) for line in lines):
        raise ValueError('an object without a text "log"')
    text = "".join(line.pop("log") for line in lines)
    first = {name: value for name, value in lines[0].items() if name != "time"}
    yield {
        ABOUT: {"occurred_at": lines[0].get("time")},
        "@docker_json": {**first, "time": [line.get("time") for line in lines]},
        **report(text.rstrip("\r\n")),
    }


FORMAT = Transcoder(
    name="postgresql_docker",
    format=replace(MAPPED, name="postgresql_docker"),
    starts=_LOG + REPORT_START,
    end=continued(_GOES_ON),
    opening=b":  ",
    transcode=_transcode,
)
