"""Signing in: from a link to the same view, what is then open to whom, and out again."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from .conftest import TOKEN, serve
from .person import Person
from .provider import Provider, ec_key, rsa_key

VIEW = "/storms?window=2026-03-02T10%3A00%2F2026-03-02T11%3A00&zone=Europe%2FBerlin&q=%C3%A4%2F%2Bx+y"
PAGES = ("/", "/storms", "/_stcore/health", "/_stcore/host-config", "/static/index.html")
PROGRAMS = ("/metrics", "/api/status", "/api/queries", "/api/queries/edges")
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.slow
def test_link_leads_to_the_same_view_after_signing_in(person: Person, provider: Provider) -> None:
    sent = person.go_to_provider(VIEW)
    assert sent.location.startswith(f"{provider.issuer}/authorize?")
    assert sent.asked["redirect_uri"] == f"{person.url}/oidc/callback"
    assert sent.asked["code_challenge_method"] == "S256"
    back = person.get(person.log_in("anna", sent))
    assert (back.status, back.location) == (303, person.url + VIEW)
    assert person.get(VIEW).status == 200
    assert set(person.cookies) == {name for name in person.cookies if "session" in name or name == "provider"}


def test_link_that_is_too_long_for_a_cookie_leads_to_its_page(person: Person) -> None:
    long = "/sql?sql=" + quote("SELECT " + " + ".join(f"column_{n}" for n in range(600)))
    assert person.sign_in("anna", long).location == person.url + long
    noise = "/sql?sql=" + "".join(f"{n * 7919 % 99991:x}{n**5 % 99989:x}" for n in range(2000))
    other = Person(person.url)
    assert other.sign_in("anna", noise).location == f"{person.url}/sql"
    assert all(len(value) < 4096 for value in other.cookies.values())


@pytest.mark.parametrize("path", [*PAGES, *PROGRAMS, "/oidc/nosuch", "/assets/x.js", "/media/x"])
def test_nothing_is_open_to_whoever_is_not_signed_in(person: Person, path: str) -> None:
    for headers in ({"Accept": "*/*"}, {"Sec_Fetch_Dest": "iframe"}):
        refused = person.get(path, **headers)
        assert refused.status in {401, 404}, path
        assert path.startswith("/oidc/") == (refused.status == 404)
        assert set(refused.json) == {"error", "kind"}
    assert person.ask("POST", path, "{}").status in {401, 404}


def test_health_is_open_and_tells_nothing_more_than_before(person: Person) -> None:
    assert person.get("/healthz").json["state"] == "idle"


@pytest.mark.parametrize("path", PROGRAMS)
def test_programs_show_the_token_and_people_their_session(person: Person, path: str) -> None:
    assert person.get(path, **BEARER).status == 200
    assert person.get(path, Authorization="Bearer wrong").status == 401
    person.sign_in("ben")
    assert person.get(path).status == 200


def test_token_opens_no_page(person: Person) -> None:
    for path in ("/", f"/?token={quote(TOKEN)}", "/_stcore/health"):
        assert person.get(path, Accept="*/*", **BEARER).status == 401
    assert person.get("/", Accept="*/*", Cookie=f"stormwatch_token={quote(TOKEN)}").status == 401


def _socket(person: Person, **headers: str) -> ClientConnection:
    cookies = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    return connect(
        person.url.replace("http", "ws") + "/_stcore/stream",
        additional_headers={"Cookie": cookies, **headers},
        subprotocols=[Subprotocol("streamlit")],
    )


def _receive_all(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=5)


def test_socket_of_the_pages_needs_a_session_and_a_page_of_ours(person: Person) -> None:
    with pytest.raises(InvalidStatus):
        _socket(person, Origin=person.url)
    person.sign_in("anna")
    with _socket(person, Origin=person.url):
        pass
    for foreign in ({}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"},
                    {"Origin": person.url, "Sec-Fetch-Site": "same-site"}):  # fmt: skip
        with pytest.raises(InvalidStatus):
            _socket(person, **foreign)


def test_who_signs_out_is_out_everywhere(person: Person, provider: Provider) -> None:
    person.sign_in("anna")
    stolen = Person(person.url, dict(person.cookies))
    with _socket(person, Origin=person.url) as socket:
        out = person.ask("POST", "/oidc/sign-out", "", Origin="null", Sec_Fetch_Site="same-origin")
        assert (out.status, out.location) == (303, f"{person.url}/oidc/signed-out")
        with pytest.raises(ConnectionClosed):
            _receive_all(socket)
    assert person.session is None
    assert stolen.get("/api/status", Accept="*/*").status == 401
    goodbye = person.get(out.location)
    assert goodbye.status == 200
    assert f"{provider.issuer}/logout?client_id=storm+watch" in goodbye.text.replace("&amp;", "&")
    # Whom the provider still knows is asked who they are all the same.
    again = person.go_to_provider("/oidc/sign-in")
    assert again.asked["prompt"] == "select_account"


def test_foreign_page_can_sign_nobody_out(person: Person) -> None:
    person.sign_in("anna")
    for foreign in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {},
                    {"Origin": person.url, "Sec_Fetch_Site": "cross-site"}):  # fmt: skip
        assert person.ask("POST", "/oidc/sign-out", "", **foreign).status == 403
    assert person.get("/oidc/sign-out").status == 404
    assert person.get("/oidc/session").status == 204


def test_sql_is_answered_to_those_who_may_ask_it(person: Person) -> None:
    person.sign_in("anna")
    assert person.api("/api/sql", {"sql": "SELECT 1 AS one"}).json["rows"] == [{"one": 1}]
    other = Person(person.url)
    other.sign_in("ben")
    refused = other.api("/api/sql", {"sql": "SELECT 1 AS one"})
    assert (refused.status, refused.json["kind"]) == (403, "NotPermitted")
    assert "sql_emails" in refused.json["error"]
    # Documented relations stay open: they are what the pages show.
    assert other.get("/api/queries/edges").status == 200
    sent = {"Content_Type": "application/json", "Accept": "*/*", **BEARER}
    assert Person(person.url).ask("POST", "/api/sql", json.dumps({"sql": "SELECT 1"}), **sent).status == 200


@pytest.mark.parametrize(
    ("path", "content"),
    [("/api/prune", {"older_than": "1d", "dry_run": True}), ("/api/reingest", {"paths": ["*"]}),
     ("/api/snapshot", {"destination": "/nowhere/copy.duckdb"})],
)  # fmt: skip
def test_what_is_of_the_machine_is_not_for_people_who_sign_in(
    person: Person, path: str, content: object
) -> None:
    person.sign_in("anna")
    assert person.api(path, content).status == 403


def test_notes_stand_under_the_name_of_who_signed_in(person: Person) -> None:
    person.sign_in("ben")
    made = person.api("/api/notes", {"text": "deploy", "author": "anna@shop.example"})
    assert made.json["author"] == "Ben@Shop.Example"


def test_other_names_of_the_server_lead_to_the_one_the_provider_knows(person: Person) -> None:
    port = person.url.rpartition(":")[2]
    sent = person.get(VIEW, Host=f"localhost:{port}")
    assert (sent.status, sent.location) == (303, person.url + VIEW)
    # A proxy that hides the name would have the browser go around for ever.
    around = person.get(VIEW, Host=f"localhost:{port}")
    assert (around.status, "must pass the Host on" in around.text) == (421, True)


KEYS = {
    "other kind": ec_key("second"),
    "other name": rsa_key("third"),
    "same name": rsa_key("third"),
    "and another": rsa_key("first"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KEYS)
def test_keys_of_the_provider_may_change_at_any_time(kind: str, person: Person, provider: Provider) -> None:
    time.sleep(1.1)  # so often are keys asked for at most
    provider.rotate(KEYS[kind])
    provider.asked.clear()
    assert person.sign_in("anna").status == 303
    assert Person(person.url).sign_in("anna").status == 303
    assert provider.asked.count("/jwks") == 1


def test_what_the_token_leaves_out_is_asked_for(person: Person, provider: Provider) -> None:
    provider.only_in_userinfo = ("email", "email_verified", "groups")
    person.sign_in("anna")
    assert person.api("/api/sql", {"sql": "SELECT 1 AS one"}).status == 200
    provider.userinfo_subject = "somebody else"
    refused = Person(person.url).sign_in("anna")
    assert (refused.status, "another person" in refused.text) == (403, True)


@pytest.mark.slow
def test_it_stays_in_and_out_over_a_restart(provider: Provider, tmp_path: Path) -> None:
    serving = serve(provider, tmp_path)
    running = next(serving)
    port = running.url.rpartition(":")[2]
    inside, outside = Person(running.url), Person(running.url)
    for one in (inside, outside):
        one.sign_in("anna")
    kept = dict(outside.cookies)
    outside.ask("POST", "/oidc/sign-out", "", Origin=outside.url)
    assert running.stop()[0] == 0
    assert (tmp_path / "test.duckdb.sessions").stat().st_mode & 0o077 == 0
    with closing(serve(provider, tmp_path, "--port", port)) as again:
        assert next(again).url == inside.url
        assert inside.get("/oidc/session").status == 204
        assert Person(inside.url, kept).get("/oidc/session").status == 401
