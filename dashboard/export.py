"""Results as files: CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io

import pyarrow as pa

from dashboard.hostile import safe_csv


def csv_of(table: pa.Table) -> str:
    """The table as CSV with a header; texts that look like formulas get a leading quote."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([safe_csv(name) for name in table.column_names])
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return safe_csv(value if isinstance(value, str) else str(value))
