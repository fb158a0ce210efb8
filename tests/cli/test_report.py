"""`stormwatch report`: one page about a window, from whoever owns the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from .harness import Command, line


@pytest.fixture
def stored(prepared: Path, tmp_path: Path, stormwatch: Command) -> None:
    """Two events, and a change before them."""
    assert prepared.is_file()
    directory = tmp_path / "logs"
    directory.mkdir()
    (directory / "shop.jsonl").write_text(
        line(id="c", time="2026-11-20T10:00:00Z", operation="change", type="deployed", message="shop 4.2")
        + line(id="a", time="2026-11-20T10:00:01Z", operation="send", type="placed", service="shop")
        + line(id="b", time="2026-11-20T10:00:02Z", operation="send", type="charged", causation_id="a")
    )
    assert stormwatch("ingest", directory).code == 0


@pytest.mark.usefixtures("stored")
def test_report_is_a_page_on_stdout(stormwatch: Command) -> None:
    told = stormwatch("report")
    assert told.code == 0
    page = told.out.decode()
    assert page.startswith("<!doctype html>")
    assert "shop 4.2" in page
    assert told.err == ""


@pytest.mark.usefixtures("stored")
def test_markdown_goes_into_a_file(stormwatch: Command, tmp_path: Path) -> None:
    target = tmp_path / "report.md"
    told = stormwatch(
        "report", "--from", "2026-11-20T10:00:01", "--to", "2026-11-20T10:01", "--format", "markdown",
        "-o", target,
    )  # fmt: skip
    assert told.code == 0
    assert target.read_text().startswith("# Incident report\n\n2026-11-20 10:00:01 – 10:01:00 UTC, 59\u00a0s")
    assert "- Records: **2**" in target.read_text()
    assert "In the 30\u00a0min before the window:" in target.read_text()


@pytest.mark.usefixtures("stored")
def test_window_that_ends_before_it_starts_is_refused(stormwatch: Command) -> None:
    told = stormwatch("report", "--from", "2026-11-20T11:00", "--to", "2026-11-20T10:00")
    assert (told.code, told.out) == (2, b"")
    assert "ends before it starts" in told.err


def test_nothing_with_a_time_is_no_report(tmp_path: Path, stormwatch: Command) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    (directory / "empty.jsonl").write_text("")
    stormwatch("ingest", directory)
    told = stormwatch("report")
    assert told.code == 2
    assert "no event in this database has a time" in told.err
