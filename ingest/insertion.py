"""From records that were planned to rows: the statements of a batch, and which of them it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import duckdb

from ingest.plan import Plan, grouped, numbered
from ingest.statement import Statement
from ingest.times import Beginning, Spelling

_MOST_AGAIN = 0.1


class Insertion:
    """Makes rows of the temp table `lines`, in the temp table `parsed`."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, zones: Mapping[str, str], beginning: Beginning | None
    ):
        """`zones` are offsets by abbreviation, beyond those that mean one; `beginning`: of the logs."""
        self._cursor = cursor
        self._zones = zones
        self._beginning = beginning
        self._unusual: set[str] = set()
        """Formats whose times are often spelled in another than a usual way."""

    def insert(self, plans: Iterable[tuple[int, Plan]], found: Iterable[tuple[int, int]]) -> None:
        """Of all records of these shapes; `found` says how many there are of a shape in each file."""
        counts: Counter[int] = Counter()
        for shape, count in found:
            counts[shape] += count
        groups = grouped(plans, counts.total())
        self._cursor.register("plans", numbered(groups))
        for number, (group, members) in enumerate(groups):
            statement = Statement(group, self._zones, self._beginning)
            name = group.format.name
            if name in self._unusual:
                self._run(statement, number, Spelling.ANY)
                continue
            records = sum(counts[shape] for shape, _ in members)
            others = records - self._run(statement, number, Spelling.USUAL)
            if others:
                self._run(statement, number, Spelling.OTHER)
            if others > _MOST_AGAIN * records:
                self._unusual.add(name)

    def _run(self, statement: Statement, group_no: int, spelling: Spelling) -> int:
        sql = f"INSERT INTO parsed BY NAME {statement.sql(group_no, spelling)}"
        [(rows,)] = self._cursor.execute(sql).fetchall()
        return int(rows)
