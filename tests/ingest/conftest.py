"""A store to parse in, one for the session: parsing writes nothing that lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import settings

from ingest.mapping import NO_MAPPING, FieldMapping, Inferred
from ingest.offload import Second
from stormwatch.storage import Store

from .parsing import Parser

settings.register_profile("no clock", deadline=None)  # the machine may be busy
settings.load_profile("no clock")


@pytest.fixture(scope="session")
def parsing_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("parsing") / "parsing.duckdb") as store:
        yield store


@pytest.fixture(scope="session")
def new_parser(parsing_store: Store) -> Iterator[Callable[..., Parser]]:
    """`new_parser(mapping, told)`: an engine that has seen nothing yet."""
    parsers: list[Parser] = []

    def create(mapping: FieldMapping = NO_MAPPING, told: Mapping[str, Inferred] | None = None) -> Parser:
        parsers.append(Parser(parsing_store, mapping, told))
        return parsers[-1]

    yield create
    for parser in parsers:
        parser.close()


@pytest.fixture(scope="session")
def parser(new_parser: Callable[..., Parser]) -> Parser:
    """One engine for all tests: what one has seen must change nothing for another."""
    return new_parser()


@pytest.fixture(scope="module")
def second() -> Iterator[Second]:
    """A second process that is ready."""
    one = Second()
    assert one.is_ready(60.0)
    yield one
    one.close()
