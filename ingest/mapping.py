"""The user's say about which field is what: it goes before every name list.

From the command line (`--map id=eventKey --map cause=meta.parent`) for all files, or from a TOML
file, per path:

    year = "2026-11"            # when logs begin whose days have no year
    retention = "30d"           # how far back events are kept (stormwatch/retention)

    [[mapping]]
    paths = ["billing/*.log"]   # without it: every file
    id = "eventKey"
    cause = "meta.parent"

    [zones]                     # abbreviations that mean more than one offset
    CST = "+08:00"
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from ingest import composed
from ingest.discovery import matches
from ingest.names import NAMES, Path
from ingest.times import Beginning
from stormwatch.errors import ConfigError
from stormwatch.fields import field_name

_SHORT: Final = {
    "id": "event_id",
    "time": "occurred_at",
    "type": "event_type",
    "key": "stream_key",
    "cause": "causation_id",
    "parent": "parent_id",
    "correlation": "correlation_id",
    "version": "entity_version",
}
"""Names that are easier to type -> roles."""

_ZONE_NAME: Final = re.compile(r"[A-Z]{1,5}")
_ZONE: Final = re.compile(r"[+-]\d\d(:?\d\d)?|[A-Z][\w+-]*(/[\w+-]+)+")

_BEGINNING: Final = re.compile(r"([12]\d{3})(?:-(0[1-9]|1[0-2]))?")

Fields = Mapping[str, Path]
"""Role -> path of the field in a record."""
Kind = frozenset[Path]
"""The fields by which records are known that are written alike, among others in their file."""
ALIKE: Final = 0.5
"""Share of the fields of a kind and a record that both have."""


def likeness(kind: Kind, fields: Kind) -> float:
    """Share of all fields of both that both have; an object that was not looked into is one field."""
    folded = {
        next((path[:depth] for depth in range(1, len(path)) if path[:depth] in fields), path) for path in kind
    }
    return len(folded & fields) / max(1, len(folded | fields))


@dataclass(frozen=True)
class Inferred:
    """What the values told of the fields of a file: of all its records, or of a kind of them."""

    fields: Fields = field(default_factory=dict)
    kinds: tuple[tuple[Kind, Fields], ...] = ()

    def every(self) -> Iterable[Fields]:
        """Of all records, and of each kind."""
        return (self.fields, *(fields for _, fields in self.kinds))

    def of(self, paths: Iterable[Path]) -> Fields:
        """What holds for a record that has these fields."""
        if not self.kinds:
            return self.fields
        inner = {path[:-1] for path in paths if len(path) > 1}
        leaves = frozenset(path for path in paths if path not in inner)
        alike, number = max((likeness(kind, leaves), -number) for number, (kind, _) in enumerate(self.kinds))
        return {**self.fields, **self.kinds[-number][1]} if alike >= ALIKE else self.fields


@dataclass(frozen=True)
class Rule:
    """Which fields fill which roles in some files."""

    fields: Fields
    paths: tuple[str, ...] = ()
    """Patterns as of `--include`; empty: every file."""

    def applies(self, path: str) -> bool:
        return not self.paths or any(matches(path, pattern) for pattern in self.paths)


@dataclass(frozen=True)
class FieldMapping:
    """All rules; of several that speak of one role for one file the first wins."""

    rules: tuple[Rule, ...] = ()
    zones: Mapping[str, str] = field(default_factory=dict)
    """Zone abbreviation -> its offset, or " " and a name of the zone database."""
    beginning: Beginning | None = None
    """When logs begin whose days have no year."""

    def fields_of(self, path: str) -> dict[str, Path]:
        """Role -> field for the file at `path`."""
        found: dict[str, Path] = {}
        for rule in self.rules:
            if rule.applies(path):
                found = {**rule.fields, **found}
        return found


NO_MAPPING: Final = FieldMapping()


def from_options(options: Iterable[str]) -> FieldMapping:
    """The mapping of `--map ROLE=FIELD` options.

    Raises:
        ConfigError: an option is not of that form, or names no role.
    """
    fields: dict[str, Path] = {}
    for option in options:
        role, equals, name = option.partition("=")
        if not equals or not name:
            raise ConfigError(f"--map {option}: expected ROLE=FIELD, for example id=eventKey")
        fields[_role(role.strip(), "--map")] = _path(name.strip())
    return FieldMapping((Rule(fields),) if fields else ())


def zones_from(options: Iterable[str], where: str = "--zone") -> dict[str, str]:
    """Offsets by zone abbreviation, of options such as `CST=+08:00` or `CST=Asia/Shanghai`.

    Raises:
        ConfigError: an option is not of that form.
    """
    found = {}
    for option in options:
        name, _, zone = option.partition("=")
        if not _ZONE_NAME.fullmatch(name) or not _ZONE.fullmatch(zone):
            raise ConfigError(f"{where} {option}: expected for example CST=+08:00 or CST=Asia/Shanghai")
        found[name] = zone if zone[0] in "+-" else f" {zone}"
    return found


def beginning_from(text: str, where: str = "--year") -> Beginning:
    """The beginning that `2026`, from January on, or `2026-11` says.

    Raises:
        ConfigError: it is neither.
    """
    found = _BEGINNING.fullmatch(text)
    if found is None:
        raise ConfigError(f"{where} {text}: expected a year, or a year and a month, for example 2026-11")
    return Beginning(int(found[1]), int(found[2] or 1))


def read_config(path: FilePath) -> dict[str, Any]:
    """What a TOML file says.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a mapping: {error}") from error


def load_mapping(path: FilePath) -> FieldMapping:
    """The mapping of a TOML file.

    Raises:
        ConfigError: the file cannot be read, or says something that is not understood.
    """
    content = read_config(path)
    zones = content.get("zones", {})
    if not isinstance(zones, dict):
        raise ConfigError(f"{path}: zones must be a table: [zones]")
    year = content.get("year")
    return FieldMapping(
        from_tables(content.get("mapping", []), str(path)).rules,
        zones_from((f"{name}={zone}" for name, zone in zones.items()), f"{path}: zone"),
        None if year is None else beginning_from(str(year), f"{path}: year"),
    )


def from_tables(tables: object, where: str) -> FieldMapping:
    """The mapping of the `[[mapping]]` tables of a TOML file called `where`.

    Raises:
        ConfigError: a table says something that is not understood.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{where}: mapping must be tables: [[mapping]]")
    return FieldMapping(tuple(_rule(table, where) for table in tables))


def _rule(table: dict[str, Any], where: str) -> Rule:
    patterns = table.get("paths", [])
    if not isinstance(patterns, list) or not all(isinstance(text, str) for text in patterns):
        raise ConfigError(f"{where}: paths must be a list of patterns")
    fields: dict[str, Path] = {}
    for name, value in table.items():
        if name == "paths":
            continue
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{where}: {name} must be the name of a field")
        fields[_role(name, where)] = _path(value)
    return Rule(fields, tuple(patterns))


def _role(name: str, where: str) -> str:
    role = _SHORT.get(name, name)
    if role in NAMES:
        return role
    known = [*_SHORT, *NAMES]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    raise ConfigError(f"{where}: there is nothing called '{name}' to map; {hint}")


def _path(name: str) -> Path:
    """`a.b` is b in a; `/a.b` and `/a/b` are JSON pointers, for keys that hold dots; `{a}@{b}` is both."""
    if "{" in name:
        return composed.of(name)
    if name.startswith("/"):
        keys = name[1:].split("/")
        return tuple(key.replace("~1", "/").replace("~0", "~") for key in keys)
    return tuple(name.split("."))


def is_nowhere(role: str, path: Path, known: Iterable[str] = ()) -> str:
    """That no record has the field that the user said fills a role; `known` are names that are there."""
    short = {long: name for name, long in _SHORT.items()}.get(role, role)
    name = field_name(path)
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"no record that was read has the field {name}, so that {short}={name} says nothing{hint}"


def merged(inferred: Fields, said: Fields) -> dict[str, Path]:
    """What was found out, but for what the user says: of a role, or of a field."""
    taken = set(said.values())
    return {**{role: path for role, path in inferred.items() if path not in taken}, **said}
