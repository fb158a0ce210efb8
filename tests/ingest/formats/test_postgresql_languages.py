"""A server that speaks another language (`lc_messages`) is read as one that speaks English."""

from __future__ import annotations

import gettext
import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contrib.postgresql_messages import FILE, write
from ingest.formats.postgresql_labels import KEYS
from tests.ingest.formats.test_postgresql_text import read
from tests.ingest.parsing import Parser

CATALOGUES: dict[str, dict[str, str]] = json.loads(FILE.read_text(encoding="utf-8"))["catalogues"]
RESOURCES = {
    "transaction %u": (771,), "relation %u of database %u": (16385, 5), "virtual transaction %d/%u": (3, 12),
    "tuple (%u,%u) of relation %u of database %u": (7, 8, 16385, 5),
    "advisory lock [%u,%u,%u,%u]": (16384, 0, 178, 1), "object %u of class %u of database %u": (9, 10, 11),
}  # fmt: skip
MODES = ("ShareLock", "AccessExclusiveLock")
SAME = ("occurred_at", "node", "service", "operation", "event_type", "entity", "severity", "lock_owner",
        "lock_mode", "lock_resource", "lock_blocked_by", "lock_detail")  # fmt: skip
LOCK_WAITS = (
    "process %d still waiting for %s on %s after %ld.%03d ms",
    "process %d detected deadlock while waiting for %s on %s after %ld.%03d ms",
    "process %d acquired %s on %s after %ld.%03d ms",
)


def formatted(message: str, catalogue: Mapping[str, str], *arguments: object) -> str:
    """What printf makes of the translation of a message."""
    places = iter(range(len(arguments)))

    def filled(one: re.Match[str]) -> str:
        argument = arguments[int(one[1]) - 1 if one[1] else next(places)]
        return f"{argument:{one[2]}}" if one[2] else str(argument)

    return re.sub(r"%(?:(\d+)\$)?(0\d+)?l?[dsu]", filled, catalogue.get(message, message))


def reports(catalogue: Mapping[str, str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Severity, message and parts of reports about locks."""
    for number, (resource, numbers) in enumerate(RESOURCES.items()):
        what, mode = formatted(resource, catalogue, *numbers), MODES[number % 2]
        for message in LOCK_WAITS:
            yield "LOG", formatted(message, catalogue, 211, mode, what, 1000, 7), {"STATEMENT": "UPDATE a"}
        waits = "Process %d waits for %s on %s; blocked by process %d."
        detail = [
            formatted(waits, catalogue, 211, mode, what, 212),
            formatted(waits, catalogue, 212, mode, what, 211),
            formatted("Process %d: %s", catalogue, 211, "UPDATE a;\nSELECT 'Process 5 waits'"),
            formatted("Process %d: %s", catalogue, 212, "UPDATE b"),
        ]
        place = formatted(" at character %d", catalogue, 15) if number % 2 else ""
        hint = catalogue.get("See server log for query details.", "See server log for query details.")
        message = formatted("deadlock detected", catalogue) + place
        yield "ERROR", message, {"DETAIL": "\n".join(detail), "HINT": hint, "STATEMENT": "UPDATE a"}
    yield "FATAL", "x", {"QUERY": "SELECT 1", "CONTEXT": "y\nz"}


def as_text(catalogue: Mapping[str, str], prefix: str) -> str:
    written = []
    for severity, message, parts in reports(catalogue):
        labelled = [
            f"{catalogue.get(severity, severity)}:  {message}",
            *(f"{catalogue.get(f'{part}:  ', f'{part}:  ')}{text}" for part, text in parts.items()),
        ]
        written += [f"{prefix}{one}".replace("\n", "\n\t") + "\n" for one in labelled]
    return "".join(written)


def as_jsonlog(catalogue: Mapping[str, str], _: str) -> str:
    written = []
    for number, (severity, message, parts) in enumerate(reports(catalogue)):
        said = {
            "timestamp": "2026-03-10 00:00:06.123 UTC", "pid": 211, "session_id": "6743a1b2.d3",
            "line_num": number, "error_severity": catalogue.get(severity, severity), "message": message,
            "state_code": "40P01" if severity == "ERROR" else "00000", "backend_type": "client backend",
            **{part.lower(): text for part, text in parts.items()},
        }  # fmt: skip
        written.append(json.dumps(said, ensure_ascii=False) + "\n")
    return "".join(written)


def facts(text: str, parser: Parser) -> list[dict[str, Any]]:
    parsed = read(text, parser)
    assert not parsed.rejects
    kept = ("statement", "context", "internal_query")
    return [
        {name: row.get(name) for name in SAME}
        | {name: json.loads(row["attributes"]).get(name) for name in kept}
        for row in parsed.rows
    ]


@pytest.mark.parametrize("notation", [as_text, as_jsonlog])
@pytest.mark.parametrize("language", CATALOGUES)
@pytest.mark.parametrize(
    "prefix",
    ["2026-03-10 00:00:06.123 UTC [211] shop@orders/web ", pytest.param("", marks=pytest.mark.slow)],
)
def test_what_is_read_does_not_depend_on_the_language(
    language: str, prefix: str, notation: Any, parser: Parser
) -> None:
    english = facts(notation({}, prefix), parser)
    assert [row["operation"] for row in english][:4] == ["lock_wait", "lock_wait", "lock_acquire", "deadlock"]
    assert facts(notation(CATALOGUES[language], prefix), parser) == english


@pytest.mark.parametrize(
    "line",
    [
        "ATTENTION:  la file est pleine", "注意:  text", "ORT:  Berlin", "ПОЛОЖЕНИЕ: x", "FEHLER: etwas",
        "2026-03-10 00:00:06 FEHLER etwas", "2026-03-10 00:00:06,123 [main] INFO FEHLER: etwas",
        "2026-03-10 00:00:06 UTC KEINFEHLER:  etwas", "2026-03-10 00:00:06 UTC 不错误:  etwas",
        "2026-03-10 00:00:06 UTC [7] ПОЛОЖЕНИЕ: x",
    ],
)  # fmt: skip
def test_words_of_other_programs_are_not_taken_for_labels(line: str, parser: Parser) -> None:
    parsed = read(line + "\n", parser)
    assert not any(row["format"] == "postgresql_text" for row in parsed.rows)
    assert all(reject.reason.startswith("not JSON") for reject in parsed.rejects)


def test_an_odd_label_belongs_to_the_report_before_it(parser: Parser) -> None:
    prefix = "2026-03-10 00:00:06.123 UTC [211] "
    text = f"{prefix}ОШИБКА:  40P01: x\n{prefix}ПОЛОЖЕНИЕ: f, a.c:1\n{prefix}ОПЕРАТОР:  UPDATE a\n"
    other = f"{prefix}СООБЩЕНИЕ:  y\n"
    rows = read(text + other, parser).rows
    assert [row["event_type"] for row in rows] == ["postgresql.error.40P01", "postgresql.log"]
    assert json.loads(rows[0]["attributes"])["location"] == "f, a.c:1"


def test_no_label_stands_for_two_things() -> None:
    meant: dict[str, set[str]] = {}
    for catalogue in CATALOGUES.values():
        for message, said in catalogue.items():
            label = message.partition(":  ")[0]
            if label.isupper() and "%" not in message:
                meant.setdefault(said.removesuffix(":  "), set()).add(label)
    assert {label for label, things in meant.items() if len(things) > 1} == {"გაფრთხილება"}
    assert meant["გაფრთხილება"] == {"NOTICE", "WARNING"}
    assert meant.keys() <= KEYS.keys()


def made(catalogue: Path, messages: Mapping[str, str]) -> Path:
    """Write a catalogue as gettext reads it."""
    pairs = [(key.encode(), value.encode()) for key, value in sorted(messages.items())]
    texts, places = b"", []
    at = 28 + 16 * len(pairs)
    for column in (0, 1):
        for pair in pairs:
            places.append((len(pair[column]), at + len(texts)))
            texts += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    catalogue.write_bytes(head + b"".join(struct.pack("<2I", *place) for place in places) + texts)
    with catalogue.open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("LOG") == messages["LOG"]
    return catalogue


def test_the_messages_come_from_catalogues(tmp_path: Path) -> None:
    header = "Project-Id-Version: PostgreSQL 17\nLanguage: nl\nContent-Type: text/plain; charset=UTF-8\n"
    messages = {"": header, "LOG": "LOGBERICHT", "HINT:  ": "HINT:  ", "other": "ander"}
    file = tmp_path / "messages.json"
    file.write_text(json.dumps({"catalogues": {"xx 1": {"LOG": "X"}, "nl 17": {"LOG": "Y"}}}))
    write(file, [made(tmp_path / "nl.mo", messages)])
    assert json.loads(file.read_text())["catalogues"] == {
        "nl 17": {"LOG": "LOGBERICHT"},
        "xx 1": {"LOG": "X"},
    }
