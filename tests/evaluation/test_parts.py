"""The parts of the evaluation are found by their names."""

from __future__ import annotations

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
