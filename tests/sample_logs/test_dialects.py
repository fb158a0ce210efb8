"""Whatever dialect a system writes, what is read of it is the same."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ingest.service import Ingester, Settings
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store
from tests.prepared import prepare

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
from bulk import write_story  # type: ignore[import-not-found]  # a script of sample_logs
from dialects import DIALECTS  # type: ignore[import-not-found]  # a script of sample_logs
from stories import STORIES, in_dialect  # type: ignore[import-not-found]  # a script of sample_logs

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_ROWS = """
SELECT event_id, event_type, causation_id, correlation_id, occurred_at, node, service, operation, stream,
    stream_key, sequence, entity, entity_version, attempt
FROM observations ORDER BY ALL
"""
_FOUND = """
SELECT
    (SELECT count(*) FROM reorderings()) AS reorderings, (SELECT count(*) FROM duplicates()) AS duplicates,
    (SELECT list(members ORDER BY occurred_at) FROM deadlock_evidence()) AS deadlocks,
    (SELECT count(*) FROM causal_loops(row_limit := 1000000)) AS loops, (SELECT count(*) FROM edges) AS edges,
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
            ingester = Ingester(store, Settings(directory / "story" / "logs"))
            ingester.drain()
            ingester.close()
            return cursor.execute(_ROWS).fetchall(), cursor.execute(_FOUND).fetchall()

    return told


def _cases() -> list[Any]:
    # Of a line that a crash tore, JSON gives nothing; these give what is there.
    torn = {"logfmt", "kubernetes"}
    told = [("deadlocks", one) for one in DIALECTS] + [
        ("unordered", one) for one in DIALECTS if one not in torn
    ]
    return [
        one if one == ("deadlocks", "clef") else pytest.param(*one, marks=pytest.mark.slow) for one in told
    ]


@pytest.mark.parametrize(("story", "dialect"), _cases())
def test_every_dialect_says_the_same(story: str, dialect: str, read: Any) -> None:
    rows, found = read(story, "canonical")
    assert len(rows) > 300
    assert found[0][0] or found[0][2]
    assert read(story, dialect)[0] == rows
    assert read(story, dialect)[1] == found
