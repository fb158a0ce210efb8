"""Whatever dialect a system writes, what is read of it is the same."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ingest.formats import envelopes, json_formats, transcoders
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store
from tests.prepared import prepare, read_into

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
from bulk import write_story  # type: ignore[import-not-found]  # a script of sample_logs
from dialects import DIALECTS  # type: ignore[import-not-found]  # a script of sample_logs
from stories import STORIES, in_dialect  # type: ignore[import-not-found]  # a script of sample_logs

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_ROWS = """
SELECT event_id, event_type, causation_id, correlation_id, occurred_at, node, service, operation, stream,
    stream_key, epoch, sequence, entity, entity_version, expected_version, schema_version, attempt,
    is_redelivered
FROM observations ORDER BY ALL
"""
_FOUND = """
SELECT
    (SELECT count(*) FROM reorderings()) AS reorderings, (SELECT count(*) FROM duplicates()) AS duplicates,
    (SELECT list(members ORDER BY occurred_at) FROM deadlock_evidence()) AS deadlocks,
    (SELECT count(*) FROM causal_loops(row_limit := 1000000)) AS loops, (SELECT count(*) FROM edges) AS edges,
    (SELECT list_sort(list((kind, service, subject))) FROM changes()) AS changes,
    (SELECT list_sort(list((operation, owner, resource, blocked_by))) FROM locks) AS locks,
    (SELECT list_sort(list((cause_id, kind))) FROM causes) AS further_causes,
    (SELECT count(*) FROM rejects) AS rejects
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Any:
    @cache
    def told(story: str, dialect: str) -> tuple[list[Any], list[Any]]:
        directory: Path = tmp_path_factory.mktemp(f"{story}-{dialect}")
        made = in_dialect(STORIES[story], dialect)
        write_story(directory / "story", made, made.seed, made.minutes, START)
        with Store(prepare(directory / "log.duckdb")) as store, store.cursor() as cursor:
            read_into(store, directory / "story" / "logs")
            return cursor.execute(_ROWS).fetchall(), cursor.execute(_FOUND).fetchall()

    return told


def _cases() -> list[Any]:
    # Of a line that a crash tore, JSON gives nothing; these give what is there.
    torn = {"logfmt", "compose", "kubernetes", "syslog", "prefixed", "kafka_console"}
    told = [("deadlocks", one) for one in DIALECTS] + [
        ("unordered", one) for one in DIALECTS if one not in torn
    ]
    return [
        one if one == ("deadlocks", "clef") else pytest.param(*one, marks=pytest.mark.slow) for one in told
    ]


def test_the_readme_has_every_dialect_and_every_format() -> None:
    readme = (SAMPLE_LOGS / "README.md").read_text().partition("## Dialects")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in readme.splitlines() if line.startswith("| ")]
    dialects, read_as, others = (
        [name for cells in listed for name in re.findall(r"`(\w+)`", cells)]
        for listed in (
            [row[0] for row in rows if len(row) == 3],
            [row[2] for row in rows if len(row) == 3],
            [row[0] for row in rows if len(row) == 2],
        )
    )
    assert sorted(dialects) == sorted(DIALECTS)
    formats = {fmt.name for fmt in (*json_formats(), *transcoders(), *envelopes())}
    assert sorted(set(read_as) | set(others)) == sorted(formats)
    assert not set(read_as) & set(others)


@pytest.mark.parametrize(("story", "dialect"), _cases())
def test_every_dialect_says_the_same(story: str, dialect: str, read: Any) -> None:
    rows, found = read(story, "canonical")
    assert len(rows) > 300
    assert found[0][0] or found[0][2]
    assert read(story, dialect)[0] == rows
    assert read(story, dialect)[1] == found
