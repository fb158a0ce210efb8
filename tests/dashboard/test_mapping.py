"""Which field is what and how sure that is, on Health, of logs that were read."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.mapping import judged, sentence
from stormwatch.status import IngestStatus
from stormwatch.storage import Store

from .conftest import Statements, open_page, read_logs, table, texts
from .story import HOSTILE

TABLE = "Fields and what they are taken for"
KNOWN: dict[str, Any] = {
    "scope": "a.log", "format": "json", "role": "id", "fields": '[["id"]]', "source": "name",
    "confidence": None, "evidence": None, "is_dropped": False, "known_count": 9, "event_count": 10,
    "file_count": 1,
}  # fmt: skip


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Payments whose causes are called correlations and are often lost, and a text log without ids."""
    directory = tmp_path / "logs"
    directory.mkdir()
    rng = random.Random(4)
    ids: list[str] = []
    lines = []
    for number in range(900):
        cause = rng.choice(ids[-40:]) if number % 9 else None
        if number % 3 == 1:
            cause = f"lost-{rng.getrandbits(40):x}"
        ids.append(f"ev-{rng.getrandbits(40):x}")
        at = f"2026-11-20T10:{number // 60:02}:{number % 60:02}Z"
        lines.append(
            json.dumps({"ts": at, "eventKey": ids[-1], "correlationId": cause, "kind": "paid"}) + "\n"
        )
    (directory / "pay-1.log").write_text("".join(lines), encoding="utf-8")
    text = "2026-11-20 10:00:00.000 INFO [main] shop - on\n"
    (directory / "app.log").write_text(text, encoding="utf-8")
    return directory


@pytest.fixture
def read(logs: Path, tmp_path: Path) -> Iterator[Store]:
    """A database with these logs."""
    yield from read_logs(logs, tmp_path / "read.duckdb")


def test_fields_and_how_sure_they_are(read: Store, logs: Path, serve: Callable[..., Statements]) -> None:
    serve(read, IngestStatus(state="idle", directory=str(logs), files=2))
    app = open_page("health")
    shown = table(app, TABLE).set_index(["scope", "role"])
    cause = shown.loc["pay-#.log", "cause"]
    assert (cause["certainty"], cause["fields"]) == ("✕ not sure", "correlationId")
    assert cause["how"] == "by values; its name would say something else"
    assert 0.5 < cause["confidence"] < 0.8
    assert cause["evidence"].endswith("key eventKey")
    assert cause["todo"] == "--map cause=FIELD, if another one is it"
    assert shown.loc["pay-#.log", "id"]["fields"] == "eventKey"
    time = shown.loc["pay-#.log", "time"]
    assert (time["certainty"], time["fields"], time["known"]) == ("● sure", "ts", 1)
    assert shown.loc["app.log", "time"]["how"] == "the format says so"
    assert shown.loc["app.log", "id"]["certainty"] == "○ not known"
    assert "correlation" not in shown.loc["pay-#.log"].index
    marks = [certainty[0] for certainty in shown["certainty"]]
    assert marks == sorted(marks, key="✕○◐●".index)
    said = texts(app)
    assert "**not sure: 2** (id in `pay-#.log`, cause in `pay-#.log`)" in said
    assert "**not known: 2** (id in `app.log`, cause in `app.log`)" in said
    assert f"stormwatch init {logs} -o mapping.toml" in "".join(code.value for code in app.code)


def test_what_is_all_sure_asks_for_nothing() -> None:
    roles = ("id", "cause", "time")
    found = judged([KNOWN | {"role": role, "source": "said", "known_count": 10} for role in roles])
    assert {(one.certainty, one.todo) for one in found} == {("sure", "")}
    assert sentence(found) == (
        "**Sure of 3 of 3 roles that fields have** in 1 kind of logs, 0 of them told by their values."
    )


@pytest.mark.parametrize(
    ("row", "certainty", "how"),
    [
        ({}, "by name", "by name; the values do not tell (yet)"),
        ({"confidence": 0.8}, "sure", "by name and values"),
        ({"confidence": 0.79}, "unsure", "by name and values"),
        ({"confidence": 0.9, "source": "values"}, "sure", "by values; its name would say something else"),
        ({"source": "format"}, "sure", "the format says so"),
        ({"source": "said"}, "sure", "you said so"),
        ({"source": "said", "known_count": 0}, "unsure", "you said so, but no record has it"),
        ({"role": "service"}, "sure", "by name, and it can be read"),
        (
            {"role": "parent", "is_dropped": True, "fields": "[]", "source": "values", "confidence": 0.6},
            "sure", "by values: what is called so leads nowhere",
        ),
    ],
)  # fmt: skip
def test_who_says_so_tells_how_sure_it_is(row: dict[str, Any], certainty: str, how: str) -> None:
    one = next(one for one in judged([KNOWN | row]) if one.role == row.get("role", "id") and one.how == how)
    assert one.certainty == certainty


def test_kind_of_which_nothing_was_read_lately_lacks_nothing() -> None:
    found = judged([KNOWN | {"known_count": None, "event_count": 0}])
    assert [(one.role, one.known_ratio) for one in found] == [("id", None)]


def test_many_are_named_by_the_first_few() -> None:
    rows = [KNOWN | {"scope": f"{name}.log", "event_count": 0} for name in "abc"]
    rows += [KNOWN | {"role": role, "event_count": 0} for role in ("key", "entity", "sequence")]
    said = sentence(judged(rows))
    assert (
        "**by their names only: 6** (id in `a.log` and 2 more, key in `a.log`, entity in `a.log` and others)"
        in said
    )


def test_names_of_files_are_only_text() -> None:
    said = sentence(judged([KNOWN | {"scope": HOSTILE}]))
    assert "evil" not in re.sub(r"(`+).*?\1", "", said)
