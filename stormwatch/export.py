"""Tables for other programs: CSV that no spreadsheet runs, JSON, Arrow and Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

import pyarrow as pa

_FORMULA_STARTS: Final = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")
"""The second four are the first four as wide as an ideograph, which some spreadsheets take for them."""
_PER_S: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_S: Final = 86_400
_MIDNIGHT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE_DAYS: Final = 146_097
"""After so many days, 400 years, the Gregorian calendar begins again."""


def safe_csv(text: str) -> str:
    """`text` for a CSV cell; a leading quote keeps spreadsheets from running it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


class _Lines:
    """What a csv.writer writes to, as if lines ended in CR LF: it quotes only what they end in.

    Lines end in LF. Whoever reads them may end them at a lone CR as well.
    """

    END: Final = "\r\n"

    def __init__(self, text: io.StringIO) -> None:
        self._text = text

    def write(self, line: str) -> None:
        self._text.write(line.removesuffix(self.END) + "\n")


def csv_of(table: pa.Table) -> str:
    """The table as CSV with a header; texts that look like formulas get a leading quote."""
    text = io.StringIO()
    writer = csv.writer(_Lines(text), lineterminator=_Lines.END)
    writer.writerow([safe_csv(name) for name in table.column_names])
    for row in zip(*(values_of(column) for column in table.columns), strict=True):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def arrow_of(table: pa.Table) -> bytes:
    """The table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def parquet_of(table: pa.Table) -> bytes:
    """The table as a Parquet file; what that has no type for (intervals, unions) is text."""
    import pyarrow.parquet as pq

    def stored(column: pa.ChunkedArray) -> pa.ChunkedArray:
        try:
            pq.write_table(pa.table({"x": column.slice(0, 0)}), pa.BufferOutputStream())
        except pa.ArrowNotImplementedError:
            return pa.chunked_array([[_text(value) for value in values_of(column)]], pa.string())
        return column

    sink = pa.BufferOutputStream()
    columns = [stored(column) for column in table.columns]
    pq.write_table(pa.table(columns, table.column_names, metadata=table.schema.metadata), sink)
    return bytes(sink.getvalue().to_pybytes())


def json_of(table: pa.Table) -> str:
    """The table as a JSON array with one object, on a line of its own, per row."""
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in plain_rows(table))
    return f"[\n{rows}\n]\n" if rows else "[]\n"


def plain_rows(table: pa.Table) -> list[dict[str, object]]:
    """The rows as dictionaries of what JSON has: see `plain_value`."""
    columns = [[plain_value(value) for value in values_of(column)] for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def values_of(column: pa.ChunkedArray) -> list[object]:
    """The values as Python has them, maps as dictionaries where their keys can be keys.

    Dates and instants that Python does not have are text: infinity, -infinity, and years before 1
    or after 9999 as ISO 8601 has them, with a sign and six digits.
    """
    try:
        return list(column.to_pylist(maps_as_pydicts="lossy"))
    except (OverflowError, ValueError, TypeError):
        return [_value_of(scalar) for scalar in column]


def _value_of(scalar: pa.Scalar) -> object:
    try:
        return scalar.as_py(maps_as_pydicts="lossy")
    except (OverflowError, ValueError, TypeError):
        pass  # is or holds what Python does not have
    match scalar:
        case pa.MapScalar():
            entries = ((_value_of(entry["key"]), _value_of(entry["value"])) for entry in scalar.values)
            return list(entries)
        case pa.StructScalar():
            return {name: _value_of(inner) for name, inner in scalar.items()}
        case pa.ListScalar():
            return [_value_of(inner) for inner in scalar.values]
        case pa.UnionScalar() | pa.DictionaryScalar():
            return _value_of(scalar.value)
        case pa.TimestampScalar():
            return _far_instant(scalar.value, _PER_S[scalar.type.unit])
        case pa.Date32Scalar():
            return _infinite(scalar.value, 32) or _far_day(scalar.value)
        case _:
            return str(scalar)


def _far_instant(count: int, per_s: int) -> str:
    days, rest = divmod(count, _DAY_S * per_s)
    at = timedelta(seconds=rest // per_s, microseconds=rest % per_s * 10**6 // per_s)
    return _infinite(count, 64) or f"{_far_day(days)}T{(_MIDNIGHT + at).time().isoformat()}Z"


def _far_day(days: int) -> str:
    cycles, days = divmod(days, _CYCLE_DAYS)
    near = _MIDNIGHT + timedelta(days=days)
    return f"{near.year + 400 * cycles:+07d}-{near:%m-%d}"


def _infinite(count: int, bits: int) -> str | None:
    """DuckDB's infinities are the greatest number of that many bits, and as much below 0."""
    if abs(count) != 2 ** (bits - 1) - 1:
        return None
    return "infinity" if count > 0 else "-infinity"


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
        case _:
            return safe_csv(_text(value) or "")


def _text(value: object) -> str | None:
    if value is None:
        return None
    plain = plain_value(value)
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, (dict, list)) else str(plain)
