"""`stormwatch export chain`: what other tools are given says what the database says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import stormwatch as library
from stormwatch.client import Connection

from .harness import Command

pytestmark = pytest.mark.usefixtures("stored")

_CHAIN = (
    ("a", None, "placed", "shop", "n 1"),
    ("b", "a", "charged", "billing", "n2"),
    ("c", "a", 'mail"ed\n]; x', "notify", "n3"),
    ("d", "b", "joined", "shop", "n 1"),
    ("e", "ghost", "other", "shop", "n 1"),
)


@pytest.fixture
def stored(prepared: Path, tmp_path: Path, stormwatch: Command) -> None:
    """d has two causes; e is of another chain, whose cause was never logged."""
    assert prepared.is_file()
    directory = tmp_path / "chain"
    directory.mkdir()
    records = [
        {
            "id": name, "time": f"2026-11-20T10:00:0{second}Z", "type": kind, "service": service,
            "node": node, "causation_id": cause, "links": ["c"] if name == "d" else [], "operation": "send",
        }
        for second, (name, cause, kind, service, node) in enumerate(_CHAIN)
    ]  # fmt: skip
    (directory / "chain.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    assert stormwatch("ingest", directory).code == 0


EDGES = {("a", "b", "causation"), ("a", "c", "causation"), ("b", "d", "causation"), ("c", "d", "causation")}


def _again(exported: bytes, name: str, scratch: Path, stormwatch: Command) -> Connection:
    """The exported text, ingested like any other log."""
    (scratch / "again").mkdir()
    (scratch / "again" / name).write_bytes(exported)
    database = scratch / "again.duckdb"
    assert stormwatch("ingest", scratch / "again", "--db", database).code == 0
    return library.connect(database)


def test_json_has_everything(stormwatch: Command) -> None:
    told = json.loads(stormwatch("export", "chain", "a").out)
    assert [event["event_id"] for event in told["events"]] == ["a", "b", "c", "d"]
    assert {(edge["cause_id"], edge["effect_id"], edge["kind"]) for edge in told["edges"]} == EDGES
    assert told["data_version"] == 1
    assert told["complete_to"] == "2026-11-20T10:00:04Z"


def test_direction_and_file(stormwatch: Command, tmp_path: Path) -> None:
    target = tmp_path / "chain.json"
    stormwatch("export", "chain", "d", "--direction", "causes", "-o", target)
    assert len(json.loads(target.read_text())["edges"]) == 4
    stormwatch("export", "chain", "b", "--direction", "effects", "-o", target)
    assert [event["event_id"] for event in json.loads(target.read_text())["events"]] == ["b", "d"]


def test_dot_is_understood_by_its_rules(stormwatch: Command) -> None:
    text = stormwatch("export", "chain", "a", "--format", "dot").out.decode()
    assert set(re.findall(r'^  "(\w+)" -> "(\w+)" \[label="(\w+)"\];$', text, re.MULTILINE)) == EDGES
    assert text.count("\n") == 2 + 4 + 4 + 1  # hostile text adds no line
    assert 'style="bold"' in text
    if dot := shutil.which("dot"):
        subprocess.run([dot, "-Tdot"], input=text.encode(), check=True, capture_output=True)


def test_a_ghost_is_dashed(stormwatch: Command) -> None:
    assert (
        '"ghost" [label="ghost / not logged", style="dashed"]'
        in stormwatch("export", "chain", "e", "--format", "dot").out.decode()
    )
    assert "class e0 ghost" in stormwatch("export", "chain", "e", "--format", "mermaid").out.decode()


def test_mermaid_names_no_text_of_a_log(stormwatch: Command) -> None:
    lines = stormwatch("export", "chain", "a", "--format", "mermaid").out.decode().splitlines()
    assert lines[0] == "flowchart TD"
    assert all(re.fullmatch(r'  e\d\["[\w ./:#;-]+"\]', line) for line in lines[1:5])
    assert sorted(lines[5:]) == [
        f"  e{cause} -->|causation| e{effect}" for cause, effect in ((0, 1), (0, 2), (1, 3), (2, 3))
    ]


def test_shiviz_clocks_say_what_the_edges_say(stormwatch: Command, tmp_path: Path) -> None:
    text = stormwatch("export", "chain", "a", "--format", "shiviz").out
    with _again(text, "chain.log", tmp_path, stormwatch) as again:
        [counts] = again.query("causal_order_counts").to_pylist()
        order = again.query("causal_order", first="n2:1", second="n3:1").to_pylist()
    # a before all others, b and c before d, b and c concurrent
    assert (counts["event_count"], counts["host_count"], counts["before_pair_count"]) == (4, 3, 5)
    assert order[0]["causal_order"] == "concurrent"


def test_otlp_is_read_again_with_the_same_edges(stormwatch: Command, tmp_path: Path) -> None:
    text = stormwatch("export", "chain", "a", "--format", "otlp").out
    with _again(text, "chain.jsonl", tmp_path, stormwatch) as again:
        rows = again.sql("SELECT kind, count(*) AS n FROM edges GROUP BY ALL ORDER BY kind").to_pylist()
        types = again.sql("SELECT event_type FROM events ORDER BY occurred_at").column(0).to_pylist()
    assert [tuple(row.values()) for row in rows] == [("link", 1), ("parent", 3)]
    assert types == [kind for *_, kind, _, _ in _CHAIN[:4]]


def test_an_event_nobody_named(stormwatch: Command) -> None:
    result = stormwatch("export", "chain", "nobody")
    assert (result.code, result.out) == (2, b"")
    assert "no log names an event 'nobody'" in result.err
