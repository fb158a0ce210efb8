from __future__ import annotations

from pathlib import Path

import pytest

from .fuzz import run


@pytest.mark.slow
@pytest.mark.parametrize(("lines", "seed"), [(1_500, 1), (20_000, 2)], ids=["1500", "20000"])
def test_damaged_records_break_nothing(tmp_path: Path, lines: int, seed: int) -> None:
    result = run(tmp_path, lines, seed)
    print(result)
    assert result.lines >= lines
    assert result.formats > 30
    assert result.rejects > 0
    assert (result.failures, result.samples) == (0, {})
