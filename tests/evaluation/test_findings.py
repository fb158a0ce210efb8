"""What is left out is left out, and what is found is counted rightly."""

from __future__ import annotations

from pathlib import Path

import pytest

from .findings import KINDS, MISSING, Rate, leave_out, rates, watch


def test_recall_and_precision() -> None:
    [rate] = rates({"late": {("a",), ("b",), ("c",), ("d",)}}, {"late": {("a",), ("b",), ("x",)}}).values()
    assert rate == Rate(planted=4, found=3, right=2)
    assert str(rate + Rate(4, 1, 1)).split() == ["0.375", "0.750"]
    assert str(Rate(0, 0, 0)).split() == ["-", "-"]


def test_a_share_of_the_lines_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(b"".join(b"%d\n" % number for number in range(2000)))
    for share in MISSING:
        leave_out(tmp_path / "logs", tmp_path / f"{share}", share, seed=1)
        left = (tmp_path / f"{share}" / "a.log").read_bytes().splitlines()
        assert left == sorted(left, key=int)
        assert abs(len(left) - 2000 * (1 - share)) <= 4 * (2000 * share * (1 - share)) ** 0.5


@pytest.mark.slow
def test_all_of_a_complete_log_is_found_and_nothing_else() -> None:
    told = watch("overwritten", seed=3, minutes=3, offset=200_000)[0.0]
    assert set(told) == set(KINDS)
    assert told["overwriting"].planted > 5
    assert told["edge"].planted > 10
    assert [kind for kind, rate in told.items() if not rate.planted == rate.found == rate.right] == []
