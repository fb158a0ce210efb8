"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PACKAGES = ("stormwatch", "ingest", "dashboard")
WRITTEN = (".py", ".sql", ".js", ".css", ".toml", ".md", ".sh", "")
MAX_LINES = 400
HOSTS = re.compile(r"\b(?:pypi[.]org|pythonhosted[.]org|npmjs[.](?:com|org)|crates[.]io|anaconda[.]org)\b")
SQL = re.compile(r"\b(?:SELECT [\w*(]|INSERT INTO|DELETE FROM|UPDATE \w+ SET|CREATE \w+|FROM \w+ [A-Z]{4})")
DISTRIBUTION_OF = {"prometheus_client": "prometheus-client", "backports": "backports-zstd", "jwt": "pyjwt"}


def written() -> Iterator[Path]:
    """Every file that somebody wrote."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in sorted(listed.stdout.split("\0")):
        path = ROOT / name
        if name and path.is_file() and path.suffix in WRITTEN and path.name != "LICENSE":
            yield path


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    counts = {path: len(path.read_text().splitlines()) for path in written() if path.suffix != ".md"}
    too_long = {str(path.relative_to(ROOT)): n for path, n in counts.items() if n > MAX_LINES}
    assert len(counts) > len(PACKAGES)
    assert too_long == {}


def test_no_place_to_download_from_is_named() -> None:
    named = [str(path.relative_to(ROOT)) for path in written() if HOSTS.search(path.read_text())]
    assert named == []


def test_every_dependency_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    content = tomllib.loads(text)
    listed = [*content["project"]["dependencies"]]
    for group in content["dependency-groups"].values():
        listed += [entry for entry in group if isinstance(entry, str)]
    without = [entry for entry in listed if not re.search(re.escape(f'"{entry}",') + r" +# [\w.]", text)]
    assert len(listed) > len(content["dependency-groups"])
    assert without == []


def test_every_import_is_a_declared_dependency() -> None:
    """What only some dependency happens to bring may be gone with its next version."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = {Requirement(entry).name for entry in content["project"]["dependencies"]}
    imported: dict[str, Path] = {}
    for package in (*PACKAGES, "sample_logs"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    names.append(node.module)
                imported.update((name.partition(".")[0], path) for name in names)
    siblings = {path.stem for path in (ROOT / "sample_logs").glob("*.py")}
    own = {*PACKAGES, *siblings, *sys.stdlib_module_names, "compression"}  # compression: Python 3.14
    foreign = {DISTRIBUTION_OF.get(name, name): path for name, path in imported.items() if name not in own}
    assert {name: path for name, path in foreign.items() if name not in declared} == {}
    assert declared - set(foreign) == set()


def _texts(path: Path) -> Iterator[str]:
    """The string constants of a module, without its docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_the_dashboard_holds_no_sql() -> None:
    """Two definitions of one figure end in two figures; questions live in queries/."""
    found = {
        str(path.relative_to(ROOT)): text
        for path in (ROOT / "dashboard").rglob("*.py")
        for text in _texts(path)
        if SQL.search(text)
    }
    assert found == {}


def test_pages_draw_no_figures() -> None:
    """Charts are pure functions of a table, tested without a page."""
    pages = list((ROOT / "dashboard" / "app_pages").glob("*.py"))
    plotly = re.compile(r"^\s*(?:import|from) plotly", re.MULTILINE)
    drawing = [page.name for page in pages if plotly.search(page.read_text())]
    assert pages
    assert drawing == []


def test_packages_know_only_whom_they_may() -> None:
    """The contracts of [tool.importlinter] in pyproject.toml."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout)
