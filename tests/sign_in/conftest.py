"""A provider, and a dashboard at which people sign in with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.harness import Processes, Running, eventually, order

from . import provider as providers
from .person import Person
from .provider import CLIENT, SECRET, Provider

TOKEN = "a secret of the test"  # noqa: S105 - made up
SETTINGS = """
[oidc]
issuer = "{issuer}"
client_id = "{client}"
client_secret_env = "SECRET_OF_THE_TEST"
allowed_domains = ["shop.example"]
sql_groups = ["operators"]
"""


def serve(provider: Provider, directory: Path, *options: str) -> Iterator[Running]:
    """A dashboard over ten events, of which the provider knows."""
    logs = directory / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "orders.jsonl").write_text("".join(order(number) for number in range(10)), encoding="utf-8")
    config = directory / "stormwatch.toml"
    config.write_text(SETTINGS.format(issuer=provider.issuer, client=CLIENT), encoding="utf-8")
    processes = Processes(directory / "test.duckdb")
    running = processes(
        "up", logs, "--db", processes.database, "--no-browser", "--config", config,
        *(options or ("--port", 0)),
        token=TOKEN, STORMWATCH_TOKEN=TOKEN, SECRET_OF_THE_TEST=SECRET,
    )  # fmt: skip
    try:
        eventually(lambda: running.status()["state"] == "idle")
        provider.redirect_uris.add(f"{running.url}/oidc/callback")
        yield running
    finally:
        if running.process.poll() is None:
            code, said = running.stop()
            assert (code, "Traceback" in said) == (0, False), said
            assert SECRET not in said


@pytest.fixture(scope="module")
def shared_provider() -> Iterator[Provider]:
    with providers.running() as provider:
        yield provider


@pytest.fixture
def provider(shared_provider: Provider) -> Iterator[Provider]:
    """The provider, which behaves until a test has it do something else."""
    shared_provider.behave()
    shared_provider.asked.clear()
    yield shared_provider
    shared_provider.behave()


# Not of the package: there is none without __init__.py, and it would run on beside all later tests.
@pytest.fixture(scope="module")
def dashboard(shared_provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A dashboard that listens on this machine."""
    yield from serve(shared_provider, tmp_path_factory.mktemp("dashboard"))


@pytest.fixture
def person(dashboard: Running, provider: Provider) -> Person:
    """Somebody who is not signed in."""
    assert provider.issuer
    return Person(dashboard.url)
