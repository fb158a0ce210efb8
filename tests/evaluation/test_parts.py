"""The parts of the evaluation are found by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import __main__ as parts


@pytest.mark.parametrize("name", parts.PARTS)
def test_each_part_says_what_it_does(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["evaluate", name, "--help"])
    with pytest.raises(SystemExit) as ended:
        parts.main()
    assert ended.value.code == 0
    assert f"usage: python -m tests.evaluation {name}" in capsys.readouterr().out


def test_storms_come_first_and_other_parts_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["evaluate", "--help"])
    with pytest.raises(SystemExit):
        parts.main()
    shown = capsys.readouterr().out
    assert "usage: python -m tests.evaluation storms" in shown
    assert all(f"    {name}" in shown for name in parts.PARTS)
    monkeypatch.setattr("sys.argv", ["evaluate", "weather"])
    with pytest.raises(SystemExit, match="there is no part weather, only storms, told, deadlocks, series"):
        parts.main()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("storms --weeks -1", "--weeks: expected a whole number from 0 on, not -1"),
        ("storms --rate 0", "--rate: expected a number above 0, not 0"),
        ("told --storm-rate nan", "--storm-rate: expected a number above 0, not nan"),
        ("storms --coverage 7", "--coverage: expected a number from 0 to 1, not 7"),
        ("deadlocks --processes 0", "--processes: expected a whole number from 1 on, not 0"),
        ("storms --calm noon", "--calm: expected a whole number from 1 on, not noon"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    given: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["evaluate", *given.split()])
    with pytest.raises(SystemExit) as ended:
        parts.main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_where_the_benchmark_is_not_it_says_what_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["evaluate", "series", "--data", str(tmp_path)])
    with pytest.raises(SystemExit, match="name the folder of the benchmark with --data"):
        parts.main()
