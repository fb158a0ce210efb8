"""Asks relations for a report, and keeps the calls as its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from dashboard import calls, formatting
from dashboard.report.document import Evidence, Paragraph, Picture, Rows, Section, Tree
from stormwatch.catalog import Catalog
from stormwatch.client import Bounds, Data
from stormwatch.errors import QueryError
from stormwatch.readonly import Answer

ROWS_SHOWN: Final = 12
"""Rows of a table in a report."""
BARS: Final = 120
"""Bars of a chart in a report."""
_ROW_LIMIT: Final = 100_000


class Asker:
    """Asks relations, and keeps the calls for the section that is being written."""

    def __init__(self, data: Data, timeout_s: float) -> None:
        self._data, self._bounds = data, Bounds(_ROW_LIMIT, timeout_s)
        self._catalog = Catalog.load()
        self.evidence: list[Evidence] = []
        self.last: Answer | None = None

    def rows(self, name: str, **arguments: object) -> list[dict[str, Any]]:
        """The rows of a relation.

        Raises:
            QueryError: as `Data.query`.
        """
        query = self._catalog[name]
        given = {key: calls.argument_text(value) for key, value in arguments.items()}
        self.last = self._data.query(name, given, self._bounds)
        self.evidence.append(Evidence(name, query.question, calls.call_text(query, arguments)))
        rows: list[dict[str, Any]] = self.last.table.to_pylist()
        return rows

    def attempt(self, build: Callable[..., Section], *arguments: object) -> Section:
        """The section that `build` makes; if a relation could not be asked, one that says so."""
        try:
            return build(self, *arguments)
        except QueryError as error:
            return self.section(
                "Could not be asked",
                Paragraph("A shorter window, or a longer --timeout, may help:"),
                Tree(str(error).splitlines()),
            )

    def section(self, title: str, *parts: Paragraph | Rows | Picture | Tree | None) -> Section:
        """A section with what was asked since the last one."""
        made = Section(title, [part for part in parts if part is not None], self.evidence)
        self.evidence = []
        return made


def _text(value: object) -> str:
    if value is None:
        return formatting.NONE
    if isinstance(value, datetime):
        return formatting.precise(value)
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value)


def table_of(rows: list[dict[str, Any]], columns: Mapping[str, str]) -> Rows:
    """Columns of rows (name -> heading), the first `ROWS_SHOWN` of them."""
    return Rows(
        list(columns.values()), [[_text(row[name]) for name in columns] for row in rows[:ROWS_SHOWN]]
    )  # fmt: skip
