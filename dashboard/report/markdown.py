"""A report as Markdown; text from logs stands as code, charts are images within the text."""

from __future__ import annotations

from base64 import b64encode

from dashboard import formatting
from dashboard.hostile import one_line, safe_md
from dashboard.report.document import Paragraph, Part, Picture, Report, Rows, Section, Tree

_CELL_LIMIT = 120


def write(report: Report) -> str:
    """The report as text, UTF-8."""
    span = formatting.span(report.until - report.since)
    complete = f"data version {report.data_version}, complete to {formatting.instant(report.complete_to)} UTC"
    lines = [
        "# Incident report",
        f"{formatting.interval(report.since, report.until)} UTC, {span}",
        *(_part(part) for part in report.sections[0].parts),
        "\n".join(f"- {name}: **{value}**" for name, value in report.facts.items()),
        *_calls(report.sections[0]),
        *(text for section in report.sections[1:] for text in _section(section)),
        "---",
        f"Written by stormwatch {report.version} from {complete}.",
    ]
    return "\n\n".join(lines) + "\n"


def _section(section: Section) -> list[str]:
    return [f"## {section.title}", *(_part(part) for part in section.parts), *_calls(section)]


def _calls(section: Section) -> list[str]:
    calls = [
        f"`{one.relation}`: {one.question}\n\n{_fenced(one.call.splitlines(), 'sql')}"
        for one in section.evidence
    ]
    return ["**SQL behind this**", *calls] if calls else []


def _part(part: Part) -> str:
    match part:
        case Paragraph(markdown):
            return markdown
        case Picture(svg, alt):
            return f"![{alt}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
        case Tree(lines):
            return _fenced([one_line(line) for line in lines])
        case Rows(columns, rows):
            head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
            return "\n".join([head, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)])


def _cell(text: str) -> str:
    """A cell: in a table a bar ends it even within code."""
    return safe_md(text, _CELL_LIMIT).replace("|", "\\|") if text else ""


def _fenced(lines: list[str], language: str = "") -> str:
    """A block of code whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for line in lines for run in _runs(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def _runs(line: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in line).split() if run]
