"""A mapping is written that changes nothing as it is, and that can be corrected."""

from __future__ import annotations

import json
import random
import tomllib
from pathlib import Path

import pytest

from stormwatch.errors import ExitCode
from tests.ingest.roles.cascades import DIALECTS, flows, survivors, written

from .harness import Command


@pytest.fixture
def unusual(logs: Path) -> Path:
    """Logs of two kinds, of which one calls the cause by the wrong name."""
    rng = random.Random(1)
    record = DIALECTS["the correlation is the cause"][0]
    (logs / "billing-1.log").write_bytes(written(survivors(rng, flows(rng, 300)), record))
    return logs


def _checked(stormwatch: Command, *arguments: object) -> list[dict[str, object]]:
    return json.loads(stormwatch("check", *arguments, "--format", "json").out)  # type: ignore[no-any-return]


def test_check_says_what_values_tell_and_how_surely(unusual: Path, stormwatch: Command) -> None:
    [billing] = [one for one in _checked(stormwatch, unusual) if one["path"] == "billing-1.log"]
    mapped = {entry["column"]: entry for entry in billing["mapped"]}  # type: ignore[attr-defined]
    cause = mapped["causation_id"]
    assert (cause["fields"], cause["is_override"]) == (["correlationId"], True)
    assert 0.85 < cause["confidence"] < 0.97
    assert mapped["event_id"]["is_override"] is False
    shown = stormwatch("check", unusual).out.decode()
    assert "correlationId  (by its values, not its name, 92%)" in shown
    assert "pointed_at_by correlationId, found 0.9" in shown
    assert "eventIdentifier  (by name and values, 92%)" in shown


def test_the_mapping_changes_nothing_as_it_is(unusual: Path, tmp_path: Path, stormwatch: Command) -> None:
    target = tmp_path / "mapping.toml"
    done = stormwatch("init", unusual, "-o", target)
    assert (done.code, done.out) == (ExitCode.OK, b"")
    text = target.read_text()
    assert [table["paths"] for table in tomllib.loads(text)["mapping"]] == [
        ["billing-*.log*"], ["orders.jsonl*"],
    ]  # fmt: skip
    assert "# 92% by values, its name would say something else" in text
    assert _checked(stormwatch, unusual, "--config", target) == _checked(stormwatch, unusual)


def test_every_line_can_be_taken_for_true(unusual: Path, tmp_path: Path, stormwatch: Command) -> None:
    """Without the marks it says the same, and the user's word goes before the names."""
    lines = stormwatch("init", unusual).out.decode().splitlines()
    said = [line.removeprefix("# ") if " = " in line and '""' not in line else line for line in lines]
    target = tmp_path / "mapping.toml"
    target.write_text("\n".join(said))
    before, after = (
        [entry for report in _checked(stormwatch, unusual, *more) for entry in report["mapped"]]  # type: ignore[attr-defined]
        for more in ((), ("--config", target))
    )
    assert [(one["column"], one["fields"][:1]) for one in after] == [
        (one["column"], one["fields"][:1]) for one in before
    ]


def test_a_file_that_is_there_is_left_alone(unusual: Path, tmp_path: Path, stormwatch: Command) -> None:
    target = tmp_path / "mapping.toml"
    target.write_text("mine")
    refused = stormwatch("init", unusual, "-o", target)
    assert (refused.code, target.read_text()) == (ExitCode.USAGE, "mine")
    assert stormwatch("init", tmp_path / "nowhere").code == ExitCode.USAGE
