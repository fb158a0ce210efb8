"""The wheel: what is in it, and that it works where there is no checkout."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_BUILT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", "*.egg-info", "build", "dist", "tests", "docs", ".*_cache", ".hypothesis"
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout, built from a copy: what an earlier build left must not get in."""
    work = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, work / "source", ignore=NOT_BUILT)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", build, work], cwd=work / "source", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [path] = work.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that has the wheel, and the packages of this one.

    Our own are no part of these: an editable installation needs its .pth file to be read, and only
    those in the environment's own directory are.
    """
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=True)
    packages = next(place.glob("lib/python*/site-packages"))
    here = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "dependencies.pth").write_text(here + "\n")
    pip = [place / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", wheel], check=True, cwd=place)
    return place / "bin"


@pytest.fixture
def stormwatch(installed: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command in an empty directory."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        ours = ("PYTHON", "STORMWATCH", "STREAMLIT")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        words = [installed / "stormwatch", *map(str, arguments)]
        return subprocess.run(words, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)

    return run


def test_it_brings_three_packages_and_nothing_else(wheel: Path) -> None:
    top_level = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    [metadata] = [name for name in top_level if name.endswith(".dist-info")]
    assert top_level - {metadata} == {"stormwatch", "ingest", "dashboard"}


def test_all_data_is_in_it(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    data = {
        *(f"stormwatch/queries/{path.name}" for path in (ROOT / "queries").glob("*.sql")),
        *(f"stormwatch/schema/{path.name}" for path in (ROOT / "stormwatch" / "schema").glob("*.sql")),
        *(f"stormwatch/sample_logs/{path.relative_to(ROOT / 'sample_logs')}"
          for suffix in ("jsonl", "json", "py") for path in (ROOT / "sample_logs").rglob(f"*.{suffix}")),
        *(f"dashboard/{path.relative_to(ROOT / 'dashboard')}"
          for suffix in ("py", "js", "css", "svg") for path in (ROOT / "dashboard").rglob(f"*.{suffix}")),
        *(str(path.relative_to(ROOT)) for path in (ROOT / "ingest").rglob("*.py")),
        *(str(path.relative_to(ROOT)) for path in (ROOT / "stormwatch").rglob("*.py")),
        "dashboard/.streamlit/config.toml",
        "stormwatch/py.typed",
    }  # fmt: skip
    assert data - inside == set()
    assert len([name for name in data if name.endswith(".jsonl")]) > 5
    assert [name for name in inside if "/tests/" in name or "__pycache__" in name] == []


def test_its_metadata_says_what_it_is(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    text = archive.read(metadata).decode()
    assert "License-Expression: Apache-2.0" in text
    assert "License-File: LICENSE" in text
    assert "Requires-Python: >=3.11" in text


def test_the_command_works_without_the_checkout(
    stormwatch: Callable[..., subprocess.CompletedProcess[str]], installed: Path
) -> None:
    help_text = stormwatch("--help")
    assert help_text.returncode == 0, help_text.stderr
    assert "Watch the logs in DIR" in help_text.stdout

    [samples] = installed.parent.glob("lib/python*/site-packages/stormwatch/sample_logs")
    truth = json.loads((samples / "unordered" / "TRUTH.json").read_text())
    ingested = stormwatch("ingest", samples / "unordered" / "logs", "--db", "unordered.duckdb")
    assert ingested.returncode == 0, ingested.stderr
    answer = stormwatch(
        "sql", "SELECT count(*) AS n FROM events", "--db", "unordered.duckdb", "--format", "json"
    )
    assert json.loads(answer.stdout) == [{"n": sum(file["events"] for file in truth["files"].values())}]


@pytest.mark.slow
def test_the_demo_works_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    """The simulator is found and writes, and the page and what it loads is served."""
    command = [installed / "stormwatch", "demo", "--no-browser", "--port", "0", "--seconds", "120"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        address = next(found[0] for line in demo.stderr if (found := re.search(r"http://\S+", line)))
        assert "<title>" in _get(address)
        version = importlib.metadata.version("plotly")
        assert "plotly.js" in _get(f"{address}/assets/plotly-{version}.min.js")[:1000]
        while json.loads(_get(f"{address}/api/status"))["events"] == 0:
            assert demo.poll() is None, demo.stderr.read()
            time.sleep(0.2)
        demo.terminate()
        rest = demo.stderr.read()
    assert demo.returncode == 0, rest
    assert "Traceback" not in rest


def _get(address: str) -> str:
    with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own server
        text: str = answer.read().decode()
    return text
