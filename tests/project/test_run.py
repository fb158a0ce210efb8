"""run.py: what it asks of a machine that has nothing but Python."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "run.py"


@pytest.fixture
def run_py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """run.py as a module that stands in an empty project, with an empty PATH."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        (project / name).write_text(name)
    script = Path(shutil.copy(SCRIPT, project))
    spec = importlib.util.spec_from_file_location("run_py", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return module


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """`program(name, body)`: a shell script on PATH."""

    def create(name: str, body: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return create


def test_old_pythons_can_read_it() -> None:
    """Whoever has only an old Python must be told so, not be shown a syntax error."""
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 4))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Nonlocal, ast.YieldFrom)
    found = [node for node in ast.walk(tree) if isinstance(node, newer)]
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments) and node.kwonlyargs:
            found.append(node)
        if isinstance(node, ast.arg) and node.annotation:
            found.append(node)
        # Python 2 knows a star in the call of a function, as its last argument; nowhere else.
        if isinstance(node, ast.List | ast.Tuple) and any(isinstance(e, ast.Starred) for e in node.elts):
            found.append(node)
        if isinstance(node, ast.Call) and any(isinstance(arg, ast.Starred) for arg in node.args[:-1]):
            found.append(node)
        if isinstance(node, ast.Raise) and node.cause:
            found.append(node)
    assert [ast.unparse(node) for node in found] == []


def test_a_python_that_does_not_run_is_passed_over(
    run_py: ModuleType, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version managers leave commands behind that only print an error."""
    program("python3.14", 'echo "python3.14: command not found" >&2; exit 127')
    program("python3.13", "echo 3.9.18")
    good = program("python3.11", f'exec "{sys.executable}" "$@"')
    started: list[list[str]] = []
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    monkeypatch.setattr(sys, "argv", ["run.py", "up", "logs"])
    monkeypatch.setattr(os, "execv", lambda path, arguments: started.append([path, *arguments]))
    with pytest.raises(SystemExit):  # execv would not have returned
        run_py.use_new_enough_python()
    assert started == [[str(good), str(good), "run.py", "up", "logs"]]


def test_says_what_is_missing_without_a_new_python(
    run_py: ModuleType, program: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program("python3", "echo 3.10.13")
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit) as end:
        run_py.use_new_enough_python()
    assert "Python 3.11 or newer is needed" in str(end.value)
    assert "apt install python3.11" in str(end.value)


def test_an_installation_is_used_until_a_lock_changes(run_py: ModuleType, tmp_path: Path) -> None:
    python = tmp_path / "project" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    stamp = python.parents[1] / ".installed"
    stamp.write_text(f"{run_py.digest(run_py.version_of(sys.executable))} requirements.lock\n")
    assert run_py.installed() == "requirements.lock"
    (tmp_path / "project" / "requirements-dev.lock").write_text("changed")
    assert run_py.installed() is None


def test_an_installation_is_made_anew_when_its_python_is_gone(run_py: ModuleType, tmp_path: Path) -> None:
    python = tmp_path / "project" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(tmp_path / "removed")
    stamp = python.parents[1] / ".installed"
    stamp.write_text(f"{run_py.digest('3.11.2')} requirements.lock\n")
    assert run_py.installed() is None


def test_a_directory_that_is_no_environment_is_left_alone(run_py: ModuleType, tmp_path: Path) -> None:
    notes = tmp_path / "project" / ".venv" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    with pytest.raises(SystemExit, match="is in the way"):
        run_py.make_environment()
    assert notes.read_text() == "mine"


_TINY = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "tiny"
version = "1"

[project.scripts]
stormwatch = "tiny:main"
pytest = "tiny:main"

[tool.setuptools]
py-modules = ["tiny"]
"""
_MAIN = """
import sys
def main():
    print(sys.argv[1:])
    return 7
"""


def _start(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, project / "run.py", *arguments],
        capture_output=True, text=True, check=False, cwd=project.parent,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.slow
def test_installs_once_and_passes_arguments_output_and_exit_code_through(tmp_path: Path) -> None:
    """A real installation of a project with no dependency but its build backend."""
    project = tmp_path / "tiny project"
    project.mkdir()
    shutil.copy(SCRIPT, project)
    (project / "pyproject.toml").write_text(_TINY)
    (project / "tiny.py").write_text(_MAIN)
    locked = (ROOT / "requirements.lock").read_text()
    backend = re.search(r"^setuptools==.*\n(?:    --hash.*\n)+", locked, re.MULTILINE)
    assert backend is not None
    for name in ("requirements.lock", "requirements-dev.lock"):
        (project / name).write_text(backend[0])

    first = _start(project, "up", "some logs", "--port", "0")
    assert (first.returncode, first.stdout) == (7, "['up', 'some logs', '--port', '0']\n"), first.stderr
    assert "Installing the packages of requirements.lock" in first.stderr

    second = _start(project, "status")
    assert (second.returncode, second.stdout, second.stderr) == (7, "['status']\n", "")

    tests = _start(project, "test", "-k", "chain")
    assert (tests.returncode, tests.stdout) == (7, "['-k', 'chain']\n")
    assert "requirements-dev.lock" in tests.stderr
    # What the tests need includes what the commands need.
    assert _start(project, "status").stderr == ""

    (project / "requirements.lock").write_text(backend[0] + "# changed\n")
    assert "Installing" in _start(project, "status").stderr
