"""What happens before any verb does its work."""

import subprocess
import sys

import pytest

from stormwatch.catalog import Catalog
from stormwatch.cli.main import cli
from stormwatch.errors import ExitCode

from .harness import ROOT, Command

HEAVY = (
    "dashboard", "duckdb", "ingest", "numpy", "plotly", "pyarrow", "rich", "starlette", "streamlit",
    "uvicorn",
)  # fmt: skip


@pytest.mark.parametrize("verb", ["", *cli.commands])
def test_help_is_given_without_anything_heavy(verb: str) -> None:
    script = (
        "import sys\n"
        "from stormwatch.cli.main import main\n"
        f"code = main([*{[verb] if verb else []!r}, '--help'])\n"
        f"print('LOADED', code, *sorted(set(sys.modules) & set({HEAVY!r})))\n"
    )
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("Usage: stormwatch")
    assert last == "LOADED 0"


def test_every_verb_says_what_it_does_in_one_line() -> None:
    shown = {name: command.get_short_help_str(limit=72) for name, command in cli.commands.items()}
    assert [name for name, text in shown.items() if not text or text.endswith("...")] == []


@pytest.mark.parametrize("arguments", [["nosuchverb"], ["sql"], ["sql", "SELECT 1", "--format", "xml"]])
def test_wrong_arguments_are_exit_code_2(arguments: list[str], stormwatch: Command) -> None:
    result = stormwatch(*arguments)
    assert (result.code, result.out) == (ExitCode.USAGE, b"")
    assert "Usage: stormwatch" in result.err


def test_relations_are_listed_without_a_database(stormwatch: Command) -> None:
    rows = {row["name"]: row for row in stormwatch("queries", "--format", "json").rows}
    catalog = Catalog.load()
    public = {name for name, query in catalog.items() if not query.is_internal}
    assert set(rows) == public | set(catalog.tables)
    assert rows["causal_chain"]["parameters"] == "event, direction, depth_limit"
    internal = {row["name"] for row in stormwatch("queries", "--internal", "--format", "json").rows}
    assert internal == set(catalog) | set(catalog.tables)


def test_definitions_and_columns_are_shown(stormwatch: Command) -> None:
    assert stormwatch("queries", "--show", "edges").out.decode() == Catalog.load()["edges"].sql
    columns = stormwatch("queries", "--show", "files", "--format", "json").rows
    assert {"name", "type", "text"} == set(columns[0])
    assert "did you mean edges?" in stormwatch("queries", "--show", "edgse").err
