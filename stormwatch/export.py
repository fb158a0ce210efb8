"""Tables for other programs: CSV that no spreadsheet runs, JSON, Arrow and Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

import pyarrow as pa

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_csv(text: str) -> str:
    """`text` for a CSV cell; a leading quote keeps spreadsheets from running it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_of(table: pa.Table) -> str:
    """The table as CSV with a header; texts that look like formulas get a leading quote."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([safe_csv(name) for name in table.column_names])
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def arrow_of(table: pa.Table) -> bytes:
    """The table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def parquet_of(table: pa.Table) -> bytes:
    """The table as a Parquet file."""
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def json_of(table: pa.Table) -> str:
    """The table as a JSON array with one object, on a line of its own, per row."""
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in plain_rows(table))
    return f"[\n{rows}\n]\n" if rows else "[]\n"


def plain_rows(table: pa.Table) -> list[dict[str, object]]:
    """The rows as dictionaries of what JSON has: see `plain_value`."""
    return [{name: plain_value(value) for name, value in row.items()} for row in table.to_pylist()]


def plain_value(value: object) -> object:
    """A value as JSON can say it.

    Instants and intervals are ISO 8601, instants end in Z, for everything stored is UTC; bytes are
    hexadecimal; a number JSON does not have (NaN, infinity) is None; a map is an object.
    """
    match value:
        case None | bool() | int() | str():
            plain: object = value
        case float():
            plain = value if math.isfinite(value) else None
        case Decimal():
            plain = int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            utc = value.astimezone(UTC) if value.tzinfo else value
            plain = utc.replace(tzinfo=None).isoformat() + "Z"
        case date() | time():
            plain = value.isoformat()
        case bytes():
            plain = value.hex()
        case pa.MonthDayNano():
            plain = f"P{value.months}M{value.days}DT{Decimal(value.nanoseconds).scaleb(-9):f}S"
        case dict():
            plain = {str(key): plain_value(inner) for key, inner in value.items()}
        case list() if value and isinstance(value[0], tuple):
            plain = {str(key): plain_value(inner) for key, inner in value}
        case list() | tuple():
            plain = [plain_value(entry) for entry in value]
        case _:
            plain = str(value)
    return plain


def _cell(value: object) -> object:
    match value:
        case None | bool() | int() | float() | Decimal():
            return value
        case str():
            return safe_csv(value)
        case datetime() | date() | time():
            return str(value)
        case dict() | list():
            return safe_csv(json.dumps(plain_value(value), ensure_ascii=False))
        case _:
            return safe_csv(str(plain_value(value)))
