"""What a report is made of, whatever it is written as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True)
class Paragraph:
    """Our own Markdown, in which text from logs stands as code (`hostile.safe_md`)."""

    markdown: str


@dataclass(frozen=True)
class Rows:
    """A table; cells are plain text, also from logs."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A chart as SVG, in which all text is escaped."""

    svg: str
    alt: str


@dataclass(frozen=True)
class Tree:
    """Lines of plain text, indented."""

    lines: Sequence[str]


Part: TypeAlias = Paragraph | Rows | Picture | Tree


@dataclass(frozen=True)
class Evidence:
    """The call that a section is drawn from, as SQL that can be run as it stands."""

    relation: str
    question: str
    call: str


@dataclass
class Section:
    """A heading, what it tells, and the calls behind it."""

    title: str
    parts: list[Part] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """The whole of it."""

    since: datetime
    until: datetime
    data_version: int
    complete_to: datetime | None
    version: str
    """Of this program."""
    level: str
    """calm, watch or trouble."""
    facts: Mapping[str, str]
    """Numbers by their name."""
    sections: Sequence[Section]
