"""Every public relation against rows that were worked out by hand; see golden.py for the form."""

from __future__ import annotations

import duckdb
import pytest

from stormwatch.catalog import Catalog
from stormwatch.errors import QueryError

from .golden import HERE, Case, cases, is_complete

_CASES = list(cases())


@pytest.mark.parametrize("case", _CASES, ids=str)
def test_case(case: Case, database: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    case.insert(database)
    if case.error is not None:
        with pytest.raises(QueryError, match=case.error):
            catalog.run(database, case.relation, **case.arguments)
        return
    answer, expected = case.answer(database, catalog).to_pylist(), case.expected.to_pylist()
    if "ORDER BY" not in catalog[case.relation].sql:
        answer, expected = sorted(answer, key=repr), sorted(expected, key=repr)
    assert answer == expected, case.about


def test_every_public_relation_has_a_case_with_all_its_columns(catalog: Catalog) -> None:
    shown = {case.relation for case in _CASES if is_complete(case, catalog[case.relation])}
    public = {name for name, query in catalog.items() if not query.is_internal}
    assert public - shown == set(), "make a directory tests/queries/<relation>/<case>; see golden.py"


def test_every_parameter_is_given_in_a_case(catalog: Catalog) -> None:
    given = {(case.relation, name) for case in _CASES for name in case.arguments}
    known = {
        (name, parameter.name)
        for name, query in catalog.items()
        if not query.is_internal
        for parameter in query.parameters
    }
    assert known - given == set()


def test_every_directory_is_a_case() -> None:
    directories = {path for path in HERE.glob("*/*/") if path.parent.name != "__pycache__"}
    assert directories - {case.path for case in _CASES} == set()


def test_every_case_says_what_must_hold() -> None:
    assert [str(case) for case in _CASES if not case.about.strip().endswith(".")] == []
