"""A report as one HTML page that loads nothing: a policy in it forbids scripts and all addresses."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from dashboard import formatting
from dashboard.hostile import one_line
from dashboard.report.document import Evidence, Paragraph, Part, Picture, Report, Rows, Section, Tree

_CODE = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", re.DOTALL)
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_EMPHASIS = re.compile(r"\*(.+?)\*")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE: Final = """
:root { color-scheme: light dark; --line: #d5dbe3; --soft: #f3f5f8; --text: #1c2733; --ground: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --line: #303a47; --soft: #18212c; --text: #dfe6ee; --ground: #0d131b; } }
body { margin: 0 auto; max-width: 1020px; padding: 1.5rem; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
.when { opacity: 0.7; margin: 0.2rem 0 1rem; }
.verdict { border: 1px solid var(--line); border-left: 5px solid #1fa67f; border-radius: 6px;
  padding: 0.7rem 1rem; }
.verdict.watch { border-left-color: #e69f00; } .verdict.trouble { border-left-color: #e0602c; }
.facts { display: flex; flex-wrap: wrap; gap: 0.6rem; padding: 0; margin: 1rem 0; }
.facts div { border: 1px solid var(--line); border-radius: 6px; padding: 0.4rem 0.8rem; min-width: 96px; }
.facts dt { opacity: 0.7; font-size: 0.8rem; } .facts dd { margin: 0; font-weight: 600; font-size: 1.15rem; }
.wide { overflow-x: auto; } svg { width: 100%; min-width: 620px; height: auto; }
table { border-collapse: collapse; font-size: 0.85rem; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; min-width: 4rem; }
th { background: var(--soft); font-weight: 600; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.85em; background: var(--soft);
  border-radius: 4px; }
code { padding: 0.1em 0.3em; overflow-wrap: anywhere; } pre { padding: 0.7rem; overflow-x: auto; }
details { margin-top: 0.5rem; opacity: 0.9; } summary { cursor: pointer; font-size: 0.85rem; }
footer { margin-top: 2.5rem; opacity: 0.7; font-size: 0.85rem; }
@media print { details { display: none; } body { max-width: none; } }
"""


def write(report: Report) -> str:
    """The page as text, UTF-8."""
    span = formatting.interval(report.since, report.until)
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in report.facts.items()
    )
    first, *others = report.sections
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Incident report {escape(span)} UTC</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        f'<h1>Incident report</h1>\n<p class="when">{escape(span)} UTC, '
        f"{escape(formatting.span(report.until - report.since))}</p>\n"
        f'<div class="verdict {escape(report.level)}">{_parts(first)}</div>\n<dl class="facts">{facts}</dl>\n'
        f"{_evidence(first.evidence)}"
        f"{''.join(_section(section) for section in others)}"
        f"<footer>Written by stormwatch {escape(report.version)} from data version {report.data_version}, "
        f"complete to {escape(formatting.instant(report.complete_to))} UTC. Nothing on this page is loaded "
        "from elsewhere.</footer>\n</body></html>\n"
    )


def _section(section: Section) -> str:
    inside = f"{_parts(section)}{_evidence(section.evidence)}"
    return f"<section><h2>{escape(section.title)}</h2>\n{inside}</section>\n"


def _parts(section: Section) -> str:
    return "\n".join(_part(part) for part in section.parts)


def _part(part: Part) -> str:
    match part:
        case Paragraph(markdown):
            return f"<p>{inline(markdown)}</p>"
        case Picture(svg, alt):
            return f'<figure class="wide" style="margin:0" aria-label="{escape(alt)}">{svg}</figure>'
        case Tree(lines):
            return f"<pre>{escape(chr(10).join(one_line(line) for line in lines))}</pre>"
        case Rows(columns, rows):
            head = "".join(f"<th>{escape(name)}</th>" for name in columns)
            body = "".join(
                "<tr>" + "".join(f"<td>{escape(one_line(cell))}</td>" for cell in row) + "</tr>"
                for row in rows
            )
            return (
                f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
            )


def _evidence(calls: list[Evidence]) -> str:
    if not calls:
        return ""
    shown = "".join(
        f"<p><code>{escape(one.relation)}</code>: {escape(one.question)}</p><pre>{escape(one.call)}</pre>"
        for one in calls
    )
    return f"<details><summary>SQL behind this</summary>{shown}</details>"


def inline(markdown: str) -> str:
    """Our own Markdown as HTML: code spans, bold, emphasis. Everything else is text."""
    pieces, at = [], 0
    for found in _CODE.finditer(markdown):
        pieces.append(_plain(markdown[at : found.start()]))
        code = found[2]
        if code.startswith(" ") and code.endswith(" ") and code.strip():
            code = code[1:-1]
        pieces.append(f"<code>{escape(code)}</code>")
        at = found.end()
    return "".join([*pieces, _plain(markdown[at:])])


def _plain(text: str) -> str:
    bold = _BOLD.sub(r"<strong>\1</strong>", escape(text, quote=False))
    return _EMPHASIS.sub(r"<em>\1</em>", bold)
