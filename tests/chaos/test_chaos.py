from __future__ import annotations

from pathlib import Path

import pytest

from .rig import run


@pytest.mark.parametrize(
    ("kills", "seed"), [(2, 1), pytest.param(50, 2, marks=pytest.mark.slow)], ids=["2 kills", "50 kills"]
)
def test_kills_lose_and_repeat_nothing(tmp_path: Path, kills: int, seed: int) -> None:
    result = run(tmp_path, kills, seed)
    print(result)
    assert result.kills == kills
    assert result.written > 100 * kills
    assert result.rotations > kills
    assert (result.lost, result.duplicated) == (0, 0)
    # A torn line is rejected once, or twice where it was cut short by a rotation as well.
    assert result.torn <= result.rejects <= 2 * result.torn
