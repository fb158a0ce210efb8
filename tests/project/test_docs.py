"""The documentation says what is so: its examples are read, its lists compared, its links followed."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from ingest.formats import envelopes, json_formats, transcoders
from ingest.names import (
    CONTAINERS,
    EVENT_OBJECTS,
    NAMES,
    PAYLOADS,
    SYSTEMS,
    WRAPPERS,
)
from ingest.service import Ingester, Settings
from ingest.words import LOCK_NOUNS, LOCK_WORDS, MESSAGE_NOUNS, OPERATION_PHRASES, OPERATION_WORDS
from stormwatch.catalog import Catalog
from stormwatch.cli.main import cli
from stormwatch.model import EVENT_SCHEMA
from stormwatch.readonly import run_readonly
from stormwatch.storage import Store, open_empty

ROOT = Path(__file__).parents[2]
FORMATS = ROOT / "docs" / "log-formats.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("queries/*.md")])
EXAMPLE = re.compile(
    r"^##? (?P<heading>\S+)$"
    r"|```(?:json|csv|log|xml)\n(?P<record>[^`]+)```\n\nbecomes\n\n```text\n(?P<becomes>[^`]+)```",
    re.MULTILINE,
)
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
CELL_END = re.compile(r"(?<!\\)\|")
SQL = re.compile(r"```sql\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"(?:stormwatch|python3 run\.py) (\w.*)")
PLACE = {"file_id", "byte_offset", "byte_length", "record_no"}
Rows = Callable[[str], list[dict[str, Any]]]


@dataclass(frozen=True)
class Example:
    """A record in the documentation, and the rows it is said to become."""

    format: str
    record: str
    becomes: list[tuple[str, str]]


def examples() -> Iterator[Example]:
    heading = ""
    for path in (FORMATS, *sorted(FORMATS.parent.glob("formats/*.md"))):
        for found in EXAMPLE.finditer(path.read_text()):
            heading = found["heading"] or heading
            if found["record"]:
                lines = [line.split(maxsplit=1) for line in found["becomes"].splitlines()]
                yield Example(heading, found["record"], [(name, value) for name, value in lines])


EXAMPLES = list(examples())


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rows]:
    """The rows that all examples became; file N holds example N."""
    directory = tmp_path_factory.mktemp("examples")
    logs = directory / "logs"
    logs.mkdir()
    for number, example in enumerate(EXAMPLES):
        path = logs / str(number)
        path.write_text(example.record)
        os.utime(path, (path.stat().st_mtime - 60,) * 2)  # a record that may go on has ended
    with Store(directory / "examples.duckdb") as store:
        ingester = Ingester(store, Settings(logs))
        ingester.drain()
        with store.cursor() as cursor:
            yield lambda sql: cursor.sql(sql).to_arrow_table().to_pylist()
        ingester.close()


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=[example.format for example in EXAMPLES])
def test_an_example_becomes_what_is_said(ingested: Rows, number: int) -> None:
    example = EXAMPLES[number]
    said = [(name, _comparable(name, value)) for name, value in example.becomes]
    of_file = f"WHERE file_id = (SELECT file_id FROM files WHERE path = '{number}')"
    assert ingested(f"FROM rejects {of_file}") == []
    [observation] = ingested(f"SELECT * EXCLUDE (ingested_at) FROM observations {of_file}")
    found = [(name, value) for name, value in observation.items() if name not in PLACE and value is not None]
    for table in ("causes", "locks"):
        for row in ingested(f"FROM {table} {of_file} ORDER BY ALL"):
            repeated = {*PLACE, "event_id", "effect_id", "occurred_at"}
            told = {name: value for name, value in row.items() if name not in repeated and value is not None}
            found.append((table, json.dumps(told)))
    assert said == [(name, _comparable(name, str(value))) for name, value in found]
    assert ("format", example.format) in said or f"@{example.format}" in dict(said)["attributes"]


def _comparable(name: str, value: str) -> Any:
    return json.loads(value) if name in {"attributes", "causes", "locks"} else value.removesuffix("000")


def test_every_format_has_an_example() -> None:
    known = {fmt.name for fmt in (*json_formats(), *transcoders(), *envelopes())}
    assert {example.format for example in EXAMPLES} == known


def _listed(heading: str) -> dict[str, tuple[str, ...]]:
    """The table below a heading: what its first column names -> the names in its second."""
    section = FORMATS.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    return {name: tuple(re.findall(r"`([^`]+)`", names)) for name, names in rows}


def test_the_lists_of_names_are_those_that_are_used() -> None:
    assert _listed("Names that are recognised") == NAMES
    assert _listed("Operations") == {**OPERATION_WORDS, **LOCK_WORDS}


def test_the_words_that_tell_an_operation_together_are_named() -> None:
    lines = re.findall(r"^\* `(\w+)` of (\w+): (.*) with (.*)\.$", FORMATS.read_text(), re.MULTILINE)
    words = {
        what: (operation, *(tuple(re.findall(r"`(\w+)`", part)) for part in (nouns, verbs)))
        for operation, what, nouns, verbs in lines
    }
    assert words == OPERATION_PHRASES


def test_the_objects_that_are_looked_into_are_named() -> None:
    listed = dict(re.findall(r"^\* \*\*([\w ]+)\*\*[^:]*: (.*)\.$", FORMATS.read_text(), re.MULTILINE))
    named = {title: set(re.findall(r"`(\w+)`", names)) for title, names in listed.items()}
    assert named == {
        "Wrappers": WRAPPERS,
        "Events": EVENT_OBJECTS,
        "Payloads": PAYLOADS,
        "Parts of a name": CONTAINERS - WRAPPERS - EVENT_OBJECTS - PAYLOADS,
    }


def test_what_may_stand_with_a_name_or_word_is_named() -> None:
    text = FORMATS.read_text()
    [systems] = re.findall(r"stand before them \((.*?)\)", text)
    [nouns] = re.findall(r"may stand with one of (.*?), as\b", text, re.DOTALL)
    assert tuple(re.findall(r"`(\w+)`", systems)) == SYSTEMS
    assert tuple(re.findall(r"`(\w+)`", nouns)) == MESSAGE_NOUNS
    [locks] = re.findall(r"behind one of (.*?)\. A word", text, re.DOTALL)
    assert tuple(re.findall(r"`(\w+)`", locks)) == LOCK_NOUNS


def test_every_canonical_role_is_documented() -> None:
    """A column that a record can fill has a canonical field, and that is a name of the column's role."""
    section = FORMATS.read_text().split("\n## json\n")[1].split("\n### ")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    fields = {field for cell in cells for field in re.findall(r"`(\w+)`", cell)}
    undocumented = {role for role, names in NAMES.items() if not fields.intersection(names)}
    assert undocumented == set()
    unknown = {field for field in fields if not any(field in names for names in NAMES.values())}
    assert unknown == set()
    filled = {name for example in EXAMPLES for name, _ in example.becomes}
    rare = {"expected_version"}
    assert set(EVENT_SCHEMA.names) - PLACE - filled == rare


def _anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        path = document if not name else document.parent / name
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_rows_of_tables_have_the_cells_of_their_heads(document: Path) -> None:
    outside = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n)+", outside, re.MULTILINE):
        head, *rows = (len(CELL_END.findall(line)) for line in table.splitlines())
        assert rows == [head] * len(rows), table


def _commands() -> Iterator[str]:
    """Every call of the command in a block of shell."""
    for document in DOCUMENTS:
        for block in SHELL.findall(document.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                if call := COMMAND.match(line.partition("  #")[0].strip()):
                    yield call[1]


@pytest.mark.parametrize("call", sorted(set(_commands())))
def test_commands_in_the_documentation_exist(call: str) -> None:
    verb, *arguments = shlex.split(call)
    if verb in {"test", "benchmark", "evaluate", "findings"}:
        assert f'"{verb}"' in (ROOT / "run.py").read_text()
        return
    command = cli.commands[verb]
    if isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    options = [param for param in command.params if isinstance(param, click.Option)]
    known = {spelling for option in options for spelling in option.opts}
    assert {word.partition("=")[0] for word in arguments if word.startswith("-")} <= known


def _statements() -> Iterator[str]:
    """Every statement in a block of SQL, and every one in the call of a command."""
    for document in DOCUMENTS:
        yield from SQL.findall(document.read_text())
    for call in _commands():
        words = shlex.split(call)
        if words[0] == "sql":
            yield words[1]


@pytest.mark.parametrize("statement", sorted(set(_statements())))
def test_statements_in_the_documentation_run(statement: str) -> None:
    with open_empty() as connection:
        Catalog.load().install(connection)
        run_readonly(connection, statement)


def test_relations_in_the_documentation_exist() -> None:
    text = "".join(document.read_text() for document in DOCUMENTS)
    named = set(re.findall(r"(?:stormwatch|run\.py) (?:query|queries --show) ([a-z]\w+)", text))
    catalog = Catalog.load()
    assert "gaps" in named
    assert {name for name in named if name not in catalog and name not in catalog.tables} == set()


def test_decisions_that_the_code_refers_to_are_written_down() -> None:
    cited = {
        reference
        for package in ("stormwatch", "ingest", "dashboard")
        for path in (ROOT / package).rglob("*.py")
        for reference in re.findall(r"docs/[\w/.-]+\.md", _documented(path))
    }
    assert "docs/adr/0001-one-process-owns-the-database.md" in cited
    assert [reference for reference in sorted(cited) if not (ROOT / reference).exists()] == []


def _documented(path: Path) -> str:
    return "\n".join(
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    )
