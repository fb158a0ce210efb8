"""The benchmark of the relations asks every relation, and none fails or is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from stormwatch.catalog import Catalog
from tests.benchmarks import relations


@pytest.mark.slow
def test_every_relation_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    relations.report(tmp_path, [30_000], window_s=1, limit_s=120)
    *_, last = capsys.readouterr().out.split("30,000\n")
    told = {line.split()[0] for line in last.splitlines() if line.strip()}
    assert told == {name for name, query in Catalog.load().items() if not query.is_internal}
    assert "stopped" not in last
