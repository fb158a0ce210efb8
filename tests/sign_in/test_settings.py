"""The settings of signing in: where they are read, which go first, and what is wrong with them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stormwatch.errors import ConfigError, ExitCode
from stormwatch.sign_in.settings import Circle, SignIn, settings_of
from tests.cli.harness import Processes

FILE = Path("/etc/stormwatch.toml")
SECRET = "n0t t0 be seen"  # noqa: S105 - made up
GIVEN: dict[str, Any] = {
    "issuer": "https://accounts.example/realms/shop",
    "client_id": "stormwatch",
    "client_secret_env": "THE_SECRET",
    "base_url": "https://Storm.Example:443/",
    "allowed_domains": ["Shop.Example", "@other.example"],
    "allowed_groups": ["Staff"],
    "sql_emails": ["Anna@shop.example"],
    "session": "8h",
}


def _read(table: object = None, *, is_local: bool = False, **environment: str) -> SignIn | None:
    return settings_of(GIVEN if table is None else table, FILE, environment, is_local=is_local)


def test_file_says_it_all() -> None:
    assert _read(THE_SECRET=SECRET) == SignIn(
        "https://accounts.example/realms/shop", "stormwatch", SECRET, "https://storm.example",
        Circle(("shop.example", "other.example"), (), ("Staff",)), Circle((), ("anna@shop.example",)),
        session=timedelta(hours=8),
    )  # fmt: skip


def test_environment_goes_before_the_file_and_does_without() -> None:
    found = _read(
        STORMWATCH_OIDC_CLIENT_SECRET=SECRET, STORMWATCH_OIDC_ISSUER="https://i.example",
        STORMWATCH_OIDC_ALLOWED_DOMAINS="a.example, b.example", STORMWATCH_OIDC_CLIENT_ID="",
    )  # fmt: skip
    assert found is not None
    assert (found.issuer, found.client_id, found.client_secret) == ("https://i.example", "stormwatch", SECRET)
    assert found.allowed.domains == ("a.example", "b.example")
    alone = settings_of(
        None, None,
        {"STORMWATCH_OIDC_ISSUER": "https://i.example", "STORMWATCH_OIDC_CLIENT_ID": "c",
         "STORMWATCH_OIDC_ALLOWED_DOMAINS": "*"}, is_local=True,
    )  # fmt: skip
    assert alone is not None
    assert (alone.base_url, alone.client_secret, alone.may_ask_sql) == ("", "", Circle())
    assert settings_of(None, FILE, {"STORMWATCH_TOKEN": "x"}, is_local=True) is None


def test_secret_may_be_in_a_file_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    table = {name: value for name, value in GIVEN.items() if name != "client_secret_env"}
    beside = settings_of({**table, "client_secret_file": "secret"}, tmp_path / "s.toml", {}, is_local=False)
    named = settings_of(
        table, FILE, {"STORMWATCH_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "secret")}, is_local=False
    )
    assert beside is not None
    assert named is not None
    assert beside.client_secret == named.client_secret == SECRET


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "secret in the file": ({"client_secret": SECRET}, r"oidc\.client_secret: files of settings are shown"),
    "no issuer": ({"issuer": ""}, r"oidc\.issuer is missing"),
    "no client": ({"client_id": ""}, r"oidc\.client_id is missing"),
    "http": ({"issuer": "http://accounts.example"}, r"oidc\.issuer: must begin with https://"),
    "no address": ({"issuer": "accounts.example"}, r"oidc\.issuer: expected an address"),
    "login in it": ({"issuer": "https://a:b@accounts.example"}, r"oidc\.issuer: expected an address"),
    "port": ({"issuer": "https://accounts.example:x"}, "host or port cannot be read"),
    "no base": ({"base_url": ""}, r"oidc\.base_url is missing.*/oidc/callback"),
    "base below a path": ({"base_url": "https://a.example/storm"}, "below a path"),
    "base without TLS": ({"base_url": "http://a.example"}, r"oidc\.base_url: must begin with https://"),
    "nobody": ({"allowed_domains": [], "allowed_groups": []}, "nobody could sign in"),
    "a text": ({"allowed_domains": "shop.example"}, r"oidc\.allowed_domains: expected a list"),
    "numbers": ({"sql_groups": [1]}, r"oidc\.sql_groups: expected a list"),
    "a number": ({"client_id": 7}, r"oidc\.client_id: expected a text"),
    "unknown": ({"alowed_domains": []}, r"oidc\.alowed_domains is not understood; known are .*"),
    "length": ({"session": "5"}, r"oidc\.session 5: expected an age"),
    "scope": ({"scope": "email"}, "must name openid"),
    "unset": ({"client_secret_env": "NOT_THERE"}, r"client_secret_env: the variable it names is not set"),
    "no file": ({"client_secret_env": "", "client_secret_file": "/no/such"}, "/no/such cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_told_with_its_place(kind: str) -> None:
    changes, said = WRONG[kind]
    with pytest.raises(ConfigError, match=f"^{FILE}: .*{said}|^{FILE}: {said}") as found:
        _read({**GIVEN, **changes}, THE_SECRET=SECRET)
    assert SECRET not in str(found.value)


def test_variable_that_is_wrong_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^\$STORMWATCH_OIDC_ISSUER: must begin with https"):
        _read(STORMWATCH_OIDC_ISSUER="http://i.example", THE_SECRET=SECRET)
    with pytest.raises(ConfigError, match=r"^\$STORMWATCH_OIDC_ISUER is not understood"):
        _read(STORMWATCH_OIDC_ISUER="http://i.example", THE_SECRET=SECRET)
    with pytest.raises(ConfigError, match="oidc must be a table"):
        _read("yes")


def test_secret_is_in_no_text_of_the_settings() -> None:
    found = _read(THE_SECRET=SECRET)
    assert found is not None
    assert SECRET not in repr(found) + found.mark


@pytest.mark.parametrize(
    ("email", "groups", "holds"),
    [("anna@shop.example", "", True), ("ANNA@SHOP.EXAMPLE", "", True), ("a@b@shop.example", "", True),
     ("anna@evilshop.example", "", False), ("shop.example", "", False), ("", "", False), ("", "Staff", True),
     ("", "staff", False), ("ben@x.example", "", True), ("ben@y.example", "", False)],
)  # fmt: skip
def test_one_match_is_enough(email: str, groups: str, holds: bool) -> None:
    circle = Circle(("shop.example",), ("ben@x.example",), ("Staff",))
    assert circle.holds(email, frozenset(filter(None, [groups]))) is holds
    assert Circle(("*",)).holds(email, frozenset()) is True
    assert Circle().holds(email, frozenset({groups})) is False


@pytest.mark.slow
def test_listening_to_others_needs_no_token_where_people_sign_in(tmp_path: Path) -> None:
    """The provider may even be away: logs are read, and whoever comes is told."""
    logs = tmp_path / "logs"
    logs.mkdir()
    processes = Processes(tmp_path / "test.duckdb")
    environment = {
        "STORMWATCH_OIDC_ISSUER": "http://127.0.0.1:1", "STORMWATCH_OIDC_CLIENT_ID": "c",
        "STORMWATCH_OIDC_CLIENT_SECRET": SECRET, "STORMWATCH_OIDC_ALLOWED_DOMAINS": "shop.example",
        "STORMWATCH_OIDC_BASE_URL": "https://storm.example", "STORMWATCH_TOKEN": "",
    }  # fmt: skip
    everywhere = "0.0.0.0"  # noqa: S104 - it asks who is there
    up = ("up", logs, "--db", processes.database, "--no-browser", "--port", 0, "--host", everywhere)
    running = processes(*up, **environment)
    try:
        assert running.get("/healthz")[0] == 200
        assert running.get("/api/status")[0] == 401
        assert running.get("/")[0] == 401
    finally:
        code, said = running.stop()
    assert code == ExitCode.OK
    assert "people sign in at http://127.0.0.1:1" in said
    assert "nobody can sign in yet: http://127.0.0.1:1/.well-known/openid-configuration cannot" in said
    assert "Traceback" not in said
    assert SECRET not in said
