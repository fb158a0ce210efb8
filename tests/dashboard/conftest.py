"""A runtime over a real temporary database, and pages run in it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from dashboard import patience
from ingest.recall import recaller, surroundings
from ingest.requests import ask
from ingest.service import Ingester, Settings
from stormwatch import runtime
from stormwatch.alerts.desk import Desk
from stormwatch.catalog import Catalog
from stormwatch.cost import Meter
from stormwatch.notes import Notebook
from stormwatch.resources import SAMPLE_LOGS
from stormwatch.retention.service import Retention
from stormwatch.runtime import Runtime
from stormwatch.status import IngestStatus
from stormwatch.storage import Store
from tests.prepared import prepare

from . import story

OF_EVERY_PAGE = {"log_coverage", "log_stretches", "log_pace", "data_version"}
APP = Path(__file__).parents[2] / "dashboard" / "app.py"


@dataclass
class Statements:
    """What was asked of the database through the cursors of the runtime."""

    texts: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """Start counting again."""
        self.texts.clear()


@pytest.fixture(scope="session", autouse=True)
def _packages_are_scanned_once() -> Iterator[None]:
    """Each page that is tested would look for components in all packages, which takes half of its time."""
    with pytest.MonkeyPatch.context() as patch:
        found = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


class CountingCursor:
    """A cursor that notes every statement and passes it on."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, statements: Statements) -> None:
        self._cursor = cursor
        self._statements = statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def sql(self, text: str, **options: Any) -> duckdb.DuckDBPyRelation:
        """As the cursor's own."""
        self._statements.texts.append(text)
        return self._cursor.sql(text, **options)

    def execute(self, text: str, *arguments: Any) -> duckdb.DuckDBPyConnection:
        """As the cursor's own."""
        self._statements.texts.append(text)
        return self._cursor.execute(text, *arguments)

    def __enter__(self) -> CountingCursor:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.close()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The databases of the stories with their logs, to be copied: writing them takes much longer."""
    directory = tmp_path_factory.mktemp("written")
    for name, write in (("story", story.write), ("hostile", story.write_hostile)):
        (directory / name).mkdir()
        with write(directory / name / f"{name}.duckdb"):
            pass
    return directory


@pytest.fixture
def store(written: Path, tmp_path: Path) -> Iterator[Store]:
    """A database with the story."""
    shutil.copytree(written / "story", tmp_path, dirs_exist_ok=True)
    with Store(tmp_path / "story.duckdb") as opened:
        yield opened


@pytest.fixture
def hostile_store(written: Path, tmp_path: Path) -> Iterator[Store]:
    """A database with the story told in hostile text."""
    shutil.copytree(written / "hostile", tmp_path, dirs_exist_ok=True)
    with Store(tmp_path / "hostile.duckdb") as opened:
        yield opened


@pytest.fixture
def empty_store(tmp_path: Path) -> Iterator[Store]:
    """A database without any row."""
    with Store(prepare(tmp_path / "empty.duckdb")) as opened:
        yield opened


def read_sample(name: str, database: Path) -> Iterator[Store]:
    """A database with a story of sample_logs, read as `stormwatch ingest` reads it."""
    yield from read_logs(SAMPLE_LOGS / name / "logs", database)


def read_logs(directory: Path, database: Path) -> Iterator[Store]:
    """A database with the logs of a directory."""
    with Store(prepare(database)) as opened:
        ingester = Ingester(opened, Settings(directory))
        ingester.drain()
        yield opened
        ingester.close()


def truth(name: str) -> dict[str, Any]:
    """What really happened in a story of sample_logs, as the simulation kept it."""
    told: dict[str, Any] = json.loads((SAMPLE_LOGS / name / "TRUTH.json").read_text(encoding="utf-8"))
    return told


def asked_of(statements: Statements) -> list[str]:
    """The relations that were asked, but for those of every page."""
    found = [re.search(r"FROM (\w+)", text) for text in statements.texts]
    return sorted(one[1] for one in found if one and one[1] not in OF_EVERY_PAGE)


def install(
    store: Store,
    status: IngestStatus | None = None,
    alerts: Desk | None = None,
    retention: Retention | None = None,
) -> Statements:
    """Install a runtime over a store; returns the list of statements that pages make."""
    statements = Statements()
    known = status or IngestStatus(state="idle", directory="/var/log/shop", files=1, rejects=1)
    runtime.install(
        Runtime(
            database=store.path,
            cursor=lambda: CountingCursor(store.cursor(), statements),  # type: ignore[arg-type,return-value]
            catalog=Catalog.load(),
            status=lambda: known,
            snapshot=store.snapshot,
            reingest=lambda patterns: asdict(ask(store, patterns)),
            read_record=recaller(store.path.parent, bytes),
            read_context=surroundings(store.path.parent, bytes),
            notes=Notebook(store),
            retention=retention or Retention(store),
            beside_version=lambda: store.beside_version,
            meter=Meter(),
            alerts=alerts,
        )
    )
    return statements


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Statements]]:
    """`install`, until the end of the test; pages wait for all that they ask, on slow machines too."""
    st.cache_data.clear()
    monkeypatch.setattr(patience, "WAIT_S", 60.0)
    yield install
    runtime.install(None)


def open_page(name: str, **query: str) -> AppTest:
    """Run the app at a page of it, with the given address."""
    app = AppTest.from_file(str(APP), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    if name != "overview":
        app.switch_page(f"app_pages/{name}.py")
    app.run()
    assert not app.exception, [problem.value for problem in app.exception]
    return app


def texts(app: AppTest) -> str:
    """All headings, Markdown and captions of a page, one a line."""
    return "\n".join(element.value for element in [*app.subheader, *app.markdown, *app.caption])


def figures(app: AppTest) -> dict[str, dict[str, Any]]:
    """The charts of a page as Plotly figures, by their key."""
    return {key: json.loads(sent["figure"]) for key, sent in components(app).items() if "figure" in sent}


def components(app: AppTest) -> dict[str, dict[str, Any]]:
    """What the components of a page are sent, by their key."""
    sent = {one.proto.id.rpartition("-")[2]: one.proto.json for one in app.get("bidi_component")}
    return {key: json.loads(text) for key, text in sent.items() if text}


def table(app: AppTest, alt: str) -> Any:
    """A table of a page, by its alternative text, as a data frame."""
    return next(frame.value for frame in app.dataframe if frame.proto.alt == alt)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, (list, tuple)):
        return [text for part in value for text in _strings(part)]
    return []


def all_shown(figure: Any) -> list[str]:
    """All strings of a figure but customdata, which is never drawn."""
    made = figure.to_plotly_json()
    for trace in made["data"]:
        trace.pop("customdata", None)
    made["layout"].pop("uirevision", None)
    return _strings(made)
