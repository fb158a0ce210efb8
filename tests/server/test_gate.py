"""Who may ask: foreign names, pages of other origins, forms, and strangers without the token."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stormwatch.cli.serving import access_for, free_port
from stormwatch.errors import ConfigError
from stormwatch.gate import LOOPBACK, Access, is_loopback

from .conftest import Served

TOKEN = "a secret of the test"  # noqa: S105
PATHS = ("/healthz", "/metrics", "/api/status", "/api/queries", "/api/queries/edges")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8501", "localhost.evil.example", "", "localhost@evil", "a@localhost/"],
)
@pytest.mark.parametrize("path", PATHS)
def test_foreign_name_pointed_at_the_server_is_refused(host: str, path: str, served: Served) -> None:
    assert served.get(path, Host=host).status == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8501", "[::1]:8501"])
def test_names_of_this_machine_are_answered(host: str, served: Served) -> None:
    assert served.get("/api/status", Host=host).status == 200


def test_pages_of_other_origins_are_refused(served: Served) -> None:
    host = f"127.0.0.1:{served.port}"
    own = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
    assert served.get("/api/status", **own).status == 200
    for foreign in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
                    {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}):  # fmt: skip
        assert served.get("/api/queries/edges", **{**own, **foreign}).status == 403, foreign
        question = {"sql": "SELECT 1"}
        assert served.ask("POST", "/api/sql", question, **{**own, **foreign}).status == 403, foreign


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_can_send_is_refused(kind: str, served: Served, tmp_path: Path) -> None:
    target = tmp_path / "copy.duckdb"
    for path, body in (("/api/sql", {"sql": "SELECT 1"}), ("/api/snapshot", {"destination": str(target)})):
        response = served.ask("POST", path, body, Content_Type=kind)
        assert response.status == 400
        assert "application/json" in response.json["error"]
    assert not target.exists()


def test_reading_does_not_write(served: Served) -> None:
    assert served.get("/api/sql?sql=SELECT+1").status == 405
    assert served.get("/api/snapshot?destination=/tmp/x").status == 405


@pytest.fixture
def guarded(serve: Callable[..., Served]) -> Served:
    """A server that asks for a token."""
    return serve(Access(LOOPBACK, token=TOKEN))


def test_token_is_asked_for_on_everything_but_health(guarded: Served) -> None:
    assert guarded.get("/healthz").status == 200
    for path in PATHS[1:]:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"},
                        {"Authorization": "Bearer "}, {"Cookie": "stormwatch_token=wrong"}):  # fmt: skip
            refused = guarded.get(path, **headers)
            assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert TOKEN not in refused.body.decode()
        assert guarded.get(path, Authorization=f"Bearer {TOKEN}").status == 200
        assert guarded.get(path, Authorization=f"bearer {TOKEN}").status == 200


def test_browser_shows_the_token_once(guarded: Served) -> None:
    spelled = TOKEN.replace(" ", "%20")
    assert guarded.get("/api/status?token=wrong").status == 401
    welcome = guarded.get(f"/api/queries/edges?limit=1&token={spelled}&format=csv")
    assert (welcome.status, welcome.headers["location"]) == (303, "/api/queries/edges?limit=1&format=csv")
    cookie, *attributes = welcome.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=lax"} <= set(attributes)
    assert guarded.get(welcome.headers["location"], Cookie=cookie).status == 200


def test_welcome_leads_to_no_other_host(guarded: Served) -> None:
    welcome = guarded.get("//evil.example/?token=" + TOKEN.replace(" ", "%20"))
    assert welcome.headers["location"] == "/evil.example/"


def test_open_server_answers_to_addresses_but_not_to_any_name(serve: Callable[..., Served]) -> None:
    served = serve(access_for("192.0.2.1", ("logs.example",), TOKEN))
    known = {"Authorization": f"Bearer {TOKEN}"}
    for host in ("192.0.2.7:8501", "[2001:db8::1]", "logs.example", "localhost"):
        assert served.get("/api/status", Host=host, **known).status == 200, host
    for host in ("evil.example", "192.0.2.7.evil.example"):
        assert served.get("/api/status", Host=host, **known).status == 403, host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "logs.example"])  # noqa: S104
def test_no_server_is_open_to_others_without_a_token(host: str) -> None:
    for token in (None, ""):
        with pytest.raises(ConfigError, match="STORMWATCH_TOKEN"):
            access_for(host, (), token)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False),  # noqa: S104
     ("::", False), ("192.168.1.1", False), ("localhost.evil.example", False), ("", False)],
)  # fmt: skip
def test_loopback_is_this_machine_only(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1"):
        free_port("192.0.2.1", None)
