"""Rules: a .sql file with a checked header and one SELECT; the convention is in docs/alerts.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Final

import duckdb

from stormwatch.errors import ConfigError
from stormwatch.resources import QUERIES

SHIPPED: Final = QUERIES / "alerts"
SEVERITIES: Final = ("watch", "warn", "page", "storm")
"""From the least to the most serious."""
PARAMETERS: Final = ("since", "until", "minute", "open_members", "watching_since")
"""What a rule may ask for as $NAME."""
PAGES: Final = (
    "overview", "storms", "alerts", "ordering", "chains", "deadlocks", "versions", "why", "events", "sql",
    "health",
)  # fmt: skip
"""Pages of the dashboard that links may lead to."""
EVIDENCE: Final = ("loop_edges", "changes_before", "explain_difference")
"""Relations that may be asked for more when an episode begins to fire."""

_FIELD = re.compile(r"-- (?P<name>[A-Z][a-z]+):(?: (?P<text>.*))?")
_CONTINUED = re.compile(r"--   (?P<text>\S.*)")
_LENGTH = re.compile(r"(\d+(?:\.\d+)?) (second|minute|hour|day)s?")
_CLEAR = re.compile(r"(?P<ratio>0?\.\d+|1) for (?P<length>.+)")
_NEEDED: Final = ("Threshold", "Severity", "Window", "For", "Runbook", "Reads")
_DEFAULTS: Final = {
    "Every": "1 minute", "Clear": "0.9 for 10 minutes", "Rearm": "60 minutes", "Clock": "log",
    "Absence": "unknown", "Group": "episode_key", "Page": "overview", "Evidence": "",
}  # fmt: skip
_LEAST: Final = timedelta(seconds=1)
_MOST: Final = timedelta(days=3660)
_OF_THE_ROW: Final = "of the row"


@dataclass(frozen=True)
class Policy:
    """When findings become an episode, and when it is over."""

    severities: tuple[str, ...]
    """From the least on, one per threshold."""
    thresholds: tuple[float, ...]
    """Empty: each row brings its own, and there is one severity."""
    for_count: int
    """So many evaluations in a row make it fire."""
    clear_ratio: float
    """Below so much of the lowest threshold it is clear."""
    clear_after: timedelta
    rearm: timedelta
    """What comes back within this time is the same episode."""
    every: timedelta = timedelta(minutes=1)
    """From one evaluation to the next."""
    absence_is_calm: bool = False
    """Whether no row says that all is well; otherwise nothing is known."""


@dataclass(frozen=True)
class Rule:
    """A rule as its file has it; lengths are in minutes of the log, see `Pace`."""

    name: str
    question: str
    description: str
    sql: str
    """The whole file."""
    path: Path
    policy: Policy
    window: timedelta
    clock: str
    """log, or wall: what the instants of its evaluations are."""
    group: str
    """What an episode is about: a loop, a stream, a service ..."""
    page: str
    evidence: tuple[str, ...]
    runbook: str
    reads: tuple[str, ...]
    parameters: frozenset[str] = field(default_factory=frozenset)

    @property
    def every(self) -> timedelta:
        """How often it is evaluated."""
        return self.policy.every

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with the program."""
        return self.path.parent == SHIPPED


def load_rules(folder: Path | None = None) -> tuple[dict[str, Rule], dict[str, ConfigError]]:
    """The shipped rules and those of a folder, by name, and what is wrong with those that are.

    A rule of the folder with the name of a shipped one takes its place, unless something is wrong with it.

    Raises:
        ConfigError: the folder cannot be read.
    """
    found: dict[str, Rule] = {}
    problems: dict[str, ConfigError] = {}
    for path in [*_files(SHIPPED), *(() if folder is None else _files(folder))]:
        try:
            found[path.stem] = parse_rule(path)
        except ConfigError as error:
            problems[path.stem] = error
            if path.stem in found:
                problems[path.stem] = ConfigError(f"{error}; the shipped rule is used in its place")
    return found, problems


def _files(folder: Path) -> list[Path]:
    # `glob` finds nothing in a folder that may not be read, and the rules there would be taken for gone.
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".sql")
    except OSError as error:
        raise ConfigError(f"{folder}: the rules there cannot be read: {error.strerror}") from error


def parse_rule(path: Path) -> Rule:
    """Read one rule from its file.

    Raises:
        ConfigError: the file does not follow the convention; says where, and what is expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    header = list(_header(text))
    name, _, question = header[0].removeprefix("-- ").partition(": ") if header else ("", "", "")
    if name != path.stem or not question.endswith("?"):
        raise ConfigError(f"{path}:1: the first line must be '-- {path.stem}: <question>?'")
    fields = _fields(path, header)
    statement = _statement(path, text)
    unknown = sorted(statement.named_parameters - set(PARAMETERS))
    if unknown:
        known = ", ".join(f"${one}" for one in PARAMETERS)
        raise ConfigError(f"{path}: asks for ${', $'.join(unknown)}; a rule may ask for {known}")
    if "until" not in statement.named_parameters:
        raise ConfigError(
            f"{path}: does not ask for $until, so that it would see what came after the instant it is "
            "evaluated at; add a condition such as occurred_at < $until"
        )
    evidence = tuple(part.strip() for part in fields["Evidence"].split(",") if part.strip())
    _expect(path, "Evidence", set(evidence) <= set(EVIDENCE), f"some of {', '.join(EVIDENCE)}")
    _expect(path, "Clock", fields["Clock"] in {"log", "wall"}, "log or wall")
    _expect(path, "Page", fields["Page"] in PAGES, f"one of {', '.join(PAGES)}")
    return Rule(
        name=name,
        question=question,
        description=_description(header),
        sql=text,
        path=path,
        policy=_policy(path, fields),
        window=_length(path, "Window", fields["Window"], _LEAST),
        clock=fields["Clock"],
        group=fields["Group"],
        page=fields["Page"],
        evidence=evidence,
        runbook=fields["Runbook"],
        reads=tuple(part.strip() for part in fields["Reads"].split(",")),
        parameters=frozenset(statement.named_parameters),
    )


def _header(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("--"):
            return
        yield line


def _fields(path: Path, header: list[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    last = ""
    for number, line in enumerate(header[1:], 2):
        if item := _FIELD.fullmatch(line):
            last = item["name"]
            if last not in {*_NEEDED, *_DEFAULTS}:
                raise ConfigError(f"{path}:{number}: {last} is no part of a header; see docs/alerts.md")
            if last in found:
                raise ConfigError(f"{path}:{number}: {last} is there twice")
            found[last] = item["text"] or ""
        elif last and (more := _CONTINUED.fullmatch(line)):
            found[last] = f"{found[last]} {more['text']}"
        elif last:
            raise ConfigError(f"{path}:{number}: expected '-- Name: value', or three blanks to go on")
    missing = [name for name in _NEEDED if not found.get(name)]
    if missing:
        raise ConfigError(f"{path}: the header needs '-- {missing[0]}: ...'; see docs/alerts.md")
    return {**_DEFAULTS, **found}


def _description(header: list[str]) -> str:
    lines = []
    for line in header[1:]:
        if _FIELD.fullmatch(line):
            break
        lines.append(line.removeprefix("--").removeprefix(" "))
    return "\n".join(lines).strip()


def _statement(path: Path, text: str) -> duckdb.Statement:
    try:
        statements = duckdb.extract_statements(text)
    except (duckdb.Error, RuntimeError, ValueError) as error:
        raise ConfigError(f"{path}: {str(error).splitlines()[0]}") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ConfigError(f"{path}: needs exactly one SELECT after the header, and nothing else")
    return statements[0]


def _policy(path: Path, fields: Mapping[str, str]) -> Policy:
    severities = tuple(part.strip() for part in fields["Severity"].split(","))
    is_sorted = list(severities) == [one for one in SEVERITIES if one in severities]
    _expect(path, "Severity", is_sorted, f"some of {', '.join(SEVERITIES)}, in this order")
    thresholds: tuple[float, ...] = ()
    if fields["Threshold"] != _OF_THE_ROW:
        try:
            thresholds = tuple(float(part) for part in fields["Threshold"].split(","))
        except ValueError:
            thresholds = ()
        is_rising = bool(thresholds) and list(thresholds) == sorted(set(thresholds))
        is_rising &= all(0 < one < inf for one in thresholds)
        _expect(path, "Threshold", is_rising, f"rising numbers above 0, or '{_OF_THE_ROW}'")
    _expect(path, "Severity", len(severities) == max(len(thresholds), 1), "one per threshold")
    _expect(path, "For", fields["For"].isdecimal() and int(fields["For"]) > 0, "a number of evaluations")
    clear = _CLEAR.fullmatch(fields["Clear"])
    _expect(
        path, "Clear", clear is not None and float(clear["ratio"]) > 0, "for example '0.9 for 10 minutes'"
    )
    _expect(path, "Absence", fields["Absence"] in {"unknown", "calm"}, "unknown or calm")
    assert clear is not None  # noqa: S101 - as expected above
    return Policy(
        severities=severities,
        thresholds=thresholds,
        for_count=int(fields["For"]),
        clear_ratio=float(clear["ratio"]),
        clear_after=_length(path, "Clear", clear["length"]),
        rearm=_length(path, "Rearm", fields["Rearm"]),
        every=_length(path, "Every", fields["Every"], _LEAST),
        absence_is_calm=fields["Absence"] == "calm",
    )


def _length(path: Path, name: str, text: str, least: timedelta = timedelta(0)) -> timedelta:
    try:
        length = length_of(text)
    except ValueError:
        length = None
    is_known = length is not None and least <= length <= _MOST
    bounds = f"from {least.seconds} seconds to {_MOST.days} days"
    _expect(path, name, is_known, f"a length such as '15 minutes', {bounds}, not '{text}'")
    assert length is not None  # noqa: S101 - as expected above
    return length


def length_of(text: str) -> timedelta:
    """The length that a text such as `15 minutes` says.

    Raises:
        ValueError: it says none.
    """
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    try:
        return timedelta(**{f"{found[2]}s": float(found[1])})
    except OverflowError:
        raise ValueError(text) from None


def _expect(path: Path, name: str, is_so: bool, what: str) -> None:  # noqa: FBT001 - a condition
    if not is_so:
        lines = path.read_text(encoding="utf-8").splitlines()
        place = next((f":{n}" for n, line in enumerate(lines, 1) if line.startswith(f"-- {name}:")), "")
        raise ConfigError(f"{path}{place}: {name}: expected {what}")
