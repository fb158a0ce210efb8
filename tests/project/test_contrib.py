"""What is given to other tools names only what this program has: metrics, relations, columns, options."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest.recall import recaller, surroundings
from stormwatch.catalog import Catalog
from stormwatch.cli.main import cli
from stormwatch.cost import Meter
from stormwatch.metrics import metrics_text
from stormwatch.notes import Notebook
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.retention.service import Retention
from stormwatch.runtime import Runtime
from stormwatch.server import routes
from stormwatch.status import IngestStatus
from stormwatch.storage import Store
from tests.prepared import prepare, read_into

CONTRIB = Path(__file__).parents[2] / "contrib"
ROOT = CONTRIB.parent
GRAFANA = json.loads((CONTRIB / "grafana" / "stormwatch.json").read_text(encoding="utf-8"))
TARGETS = [target for panel in GRAFANA["panels"] for target in panel["targets"]]
PROMQL_WORDS = {"rate", "increase", "time", "sum", "by", "kind", "job", "stormwatch"}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the sample storm, closed."""
    path = tmp_path_factory.mktemp("contrib") / "storm.duckdb"
    with Store(prepare(path)) as store:
        read_into(store, SAMPLE_LOGS / "storm" / "logs")
    return path


def _runtime(store: Store) -> Runtime:
    status = IngestStatus(state="idle", occurrences={"file_renamed": 1})
    return Runtime(
        database=store.path, cursor=store.cursor, catalog=Catalog.load(), status=lambda: status,
        snapshot=store.snapshot, reingest=lambda _: {}, read_record=recaller(store.path.parent, bytes),
        read_context=surroundings(store.path.parent, bytes), meter=Meter(),
        notes=Notebook(store), retention=Retention(store), beside_version=lambda: store.beside_version,
    )  # fmt: skip


def test_grafana_asks_prometheus_for_metrics_that_are_served(stored: Path) -> None:
    with Store(stored) as store:
        text = metrics_text(_runtime(store)).decode()
    served = {
        sample.name for family in text_string_to_metric_families(text) for sample in family.samples
    }  # fmt: skip
    asked = {
        name
        for target in TARGETS
        if "expr" in target
        for name in re.findall(r"[a-z_]{3,}", re.sub(r'"[^"]*"', "", target["expr"]))
    } - PROMQL_WORDS
    assert len(asked) >= 8
    assert asked <= served


def test_grafana_asks_relations_for_columns_they_have(stored: Path) -> None:
    catalog = Catalog.load()
    asked = [target for target in TARGETS if "url" in target]
    assert len(asked) >= 5
    with Store(stored) as store, store.cursor() as cursor:
        for target in asked:
            parts = urlsplit(target["url"])
            query = catalog[parts.path.removeprefix("/api/queries/")]
            given = dict(parse_qsl(parts.query))
            assert given.pop("format") == "csv"
            assert given == {"since": "${__from:date:iso}", "until": "${__to:date:iso}"}
            # What Grafana puts there.
            edges = {"since": "2026-03-02T09:00:00.000Z", "until": "2026-03-02T09:10:00.000Z"}
            answer = catalog.run(cursor, query.name, **edges)
            assert {column["selector"] for column in target["columns"]} <= set(answer.column_names)


def test_panels_of_grafana_do_not_lie_on_each_other() -> None:
    cells: list[tuple[int, int]] = []
    for panel in GRAFANA["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells += [
            (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in GRAFANA["panels"]}) == len(GRAFANA["panels"])


def _check(words: list[str]) -> dict[str, Any]:
    """The parameters of a command line, as the command reads it."""
    name, *arguments = words
    parameters: dict[str, Any] = cli.commands[name].make_context(name, arguments).params
    return parameters


def test_unit_starts_what_the_command_understands() -> None:
    text = (CONTRIB / "stormwatch.service").read_text(encoding="utf-8")
    [start] = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    program, *words = shlex.split(start)
    assert Path(program).name == "stormwatch"
    given = _check(words)
    assert (str(given["directory"]), given["no_browser"], given["host"]) == (
        "/var/log/app",
        True,
        "127.0.0.1",
    )
    [state] = re.findall(r"^StateDirectory=(.*)$", text, re.MULTILINE)
    assert given["db"] == Path("/var/lib") / state / "stormwatch.duckdb"


def test_unit_has_sections_and_settings_only() -> None:
    lines = (CONTRIB / "stormwatch.service").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in kept if line.startswith("[")] == ["[Unit]", "[Service]", "[Install]"]
    assert [line for line in kept if not re.fullmatch(r"\[\w+\]|[A-Z]\w+=.*", line)] == []


def _instructions() -> list[tuple[str, str]]:
    text = (CONTRIB / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_image_runs_what_the_command_understands() -> None:
    said = _instructions()
    [entry] = [json.loads(rest) for word, rest in said if word == "ENTRYPOINT"]
    [words] = [json.loads(rest) for word, rest in said if word == "CMD"]
    assert entry == ["stormwatch"]
    given = _check(words)
    assert (str(given["directory"]), given["host"], given["port"]) == ("/logs", "0.0.0.0", 8501)  # noqa: S104 - not listened on
    assert ("EXPOSE", "8501") in said


def test_image_copies_what_is_there_and_all_that_is_installed() -> None:
    copied = [
        name
        for word, rest in _instructions()
        if word == "COPY" and not rest.startswith("--from")
        for name in rest.split()[:-1]
    ]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"stormwatch", "ingest", "dashboard", "queries", "sample_logs"} <= set(copied)


def test_image_looks_after_itself_where_the_server_answers(stored: Path) -> None:
    [check] = [rest for word, rest in _instructions() if word == "HEALTHCHECK"]
    [path] = re.findall(r"127\.0\.0\.1:8501(/\w+)", check)
    with Store(stored) as store:
        assert path in {getattr(route, "path", None) for route in routes(_runtime(store))}


def test_proxy_keeps_the_live_connection_and_the_name() -> None:
    text = (CONTRIB / "nginx.conf").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\s*proxy_set_header (\S+) (\S+);$", text, re.MULTILINE))
    assert said == {"Host": "$host", "Upgrade": "$http_upgrade", "Connection": "$connection_upgrade"}
    assert text.count("{") == text.count("}")
    [command] = re.findall(r"stormwatch (up .*)$", text, re.MULTILINE)
    [name] = re.findall(r"server_name (\S+);", text)
    assert _check(shlex.split(command))["allowed"] == (name,)


def test_notebook_runs_and_finds_the_planted_change(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMWATCH", str(stored))
    book = json.loads((CONTRIB / "jupyter" / "incident.ipynb").read_text(encoding="utf-8"))
    assert book["nbformat"] == 4
    assert all(not cell["outputs"] for cell in book["cells"] if cell["cell_type"] == "code")
    known: dict[str, Any] = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), known)  # noqa: S102 - the cells are ours
    assert known["differences"][0]["value"].startswith("ordering ordered -> unordered (config)")
    assert "ordering ordered -> unordered" in {row["subject"] for row in known["changes"]}


@pytest.mark.parametrize(
    "path", [*sorted(CONTRIB.rglob("*.*")), CONTRIB / "Dockerfile"], ids=lambda p: p.name
)
def test_every_file_is_named_in_the_documentation(path: Path) -> None:
    said = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert path.is_dir() or f"(../{path.relative_to(ROOT)})" in said
