"""The door in front of another program: sessions that end soon, TLS in front, providers that fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from stormwatch.cli.serving import access_for
from stormwatch.errors import ConfigError, StorageError
from stormwatch.gate import PERSON, Gate
from stormwatch.sign_in import provider as asking
from stormwatch.sign_in.door import Door
from stormwatch.sign_in.sessions import Seal
from stormwatch.sign_in.settings import Circle, SignIn

from .person import Person
from .provider import CLIENT, SECRET, Provider

ECHOED: list[str] = []


async def who(request: Request) -> Response:
    person = request.scope[PERSON]
    return JSONResponse({"name": person.name, "sql": person.may_ask_sql, "operates": person.may_operate})


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        await socket.send_text("said too late")
        ECHOED.append("told that it is over")


Opened = Callable[..., Person]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def opened(provider: Provider, tmp_path: Path, told: list[str]) -> Iterator[Opened]:
    """Put a door with other settings in front of a program; a person who may use it."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(**changes: Any) -> Person:
        server = uvicorn.Server(uvicorn.Config(Starlette(), port=0, log_level="warning", lifespan="off"))
        socket = server.config.bind_socket()
        url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        settings = replace(
            SignIn(provider.issuer, CLIENT, SECRET, url, Circle(domains=("shop.example",)), Circle()),
            **changes,
        )
        provider.redirect_uris.add(f"{settings.base_url}/oidc/callback")
        door = Door(settings, asking.Provider(settings), Seal(tmp_path / "key", settings.mark), told.append)
        access = replace(access_for("127.0.0.1", (), None, settings), door=door)
        server.config.app = Starlette(
            routes=[Route("/", who), WebSocketRoute("/echo", echo)],
            middleware=[Middleware(Gate, access=access)],
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return Person(url)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()


@pytest.mark.slow
def test_session_ends_and_what_went_through_it(opened: Opened) -> None:
    person = opened(session=timedelta(seconds=3))
    person.sign_in("anna")
    ECHOED.clear()
    cookies = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    headers = {"Cookie": cookies, "Origin": person.url}
    with connect(person.url.replace("http", "ws") + "/echo", additional_headers=headers) as socket:
        socket.send("a")
        assert socket.recv(timeout=5) == "a"
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)
        assert socket.close_code == 1008
    assert ECHOED == ["told that it is over"]
    assert person.get("/oidc/session").status == 401
    assert person.get("/").status == 303


def test_cookies_are_bound_to_tls_and_to_the_host(opened: Opened) -> None:
    person = opened(base_url="https://storm.example")
    asked = {"Host": "storm.example"}
    sent = person.get("/", **asked)
    [going] = sent.headers.get_all("Set-Cookie") or []
    back = person.log_in("anna", sent).replace("https://storm.example", person.url)
    welcome = person.get(back, **asked)
    assert welcome.headers["Location"] == "https://storm.example/"
    session = next(line for line in welcome.headers.get_all("Set-Cookie") or [] if "session" in line)
    for line in (going, session):
        name, *attributes = line.split("; ")
        assert name.startswith("__Host-stormwatch_")
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(attributes)
        assert not any(one.lower().startswith("domain") for one in attributes)
    assert welcome.headers["Cache-Control"] == "no-store"
    assert person.get("/", **asked).json == {"name": "anna@shop.example", "sql": False, "operates": False}
    assert person.get("/", Host="evil.example").status == 403


def test_other_settings_end_all_sessions(opened: Opened) -> None:
    settings = {"base_url": "https://storm.example"}
    before, after = opened(**settings), opened(**settings, allowed=Circle(emails=("ben@shop.example",)))
    sent = before.get("/", Host="storm.example")
    before.get(before.log_in("anna", sent).replace(settings["base_url"], before.url), Host="storm.example")
    assert before.get("/oidc/session", Host="storm.example").status == 204
    after.cookies = before.cookies
    assert after.get("/oidc/session", Host="storm.example").status == 401


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"issuer": "https://evil.example"}, "says that it is the issuer"),
    "no issuer": ({"issuer": None}, "says that it is the issuer"),
    "keys where others can change them": (
        {"jwks_uri": "http://keys.example/jwks"},
        "must be an address with",
    ),
    "tokens where others can read them": ({"token_endpoint": "http://10.0.0.1/token"}, "must be an address"),
    "way in by a script": ({"authorization_endpoint": "javascript:alert(1)"}, "must be an address with"),
    "too much": ({"more": "x" * 300_000}, "longer than 262144 bytes"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_provider_that_cannot_be_used_lets_nobody_in(
    kind: str, opened: Opened, provider: Provider, told: list[str]
) -> None:
    provider.discovery, said = BROKEN[kind]
    person = opened()
    sorry = person.get("/?a=1")
    assert (sorry.status, said in sorry.text) == (502, True), sorry.text
    assert 'href="/?a=1"' in sorry.text
    assert [said in one for one in told] == [True], "and once"
    person.get("/")
    assert len(told) == 1
    provider.behave()
    assert person.sign_in("anna").status == 303
    assert told[1:] == ["sign-in: anna@shop.example is in"]


def test_who_signs_out_is_out_though_it_cannot_be_written(
    opened: Opened, tmp_path: Path, told: list[str]
) -> None:
    person = opened()
    person.sign_in("anna")
    kept = dict(person.cookies)
    (tmp_path / "key").unlink()
    (tmp_path / "key").mkdir()
    assert person.ask("POST", "/oidc/sign-out", "", Origin=person.url).status == 303
    assert Person(person.url, kept).get("/oidc/session").status == 401
    assert "signed out, which a restart would forget" in told[-1]


def test_who_is_in_stays_in_while_the_provider_is_away(opened: Opened, provider: Provider) -> None:
    person = opened()
    person.sign_in("anna")
    provider.is_down = True
    assert person.get("/").status == 200
    other = opened()
    sorry = other.get("/")
    assert (sorry.status, "cannot be asked" in sorry.text) == (502, True)


def test_nobody_listens_there(opened: Opened) -> None:
    sorry = opened(issuer="http://127.0.0.1:1").get("/")
    assert (sorry.status, "cannot be reached" in sorry.text) == (502, True)


def test_answer_says_whose_it_is_where_the_provider_promises(opened: Opened, provider: Provider) -> None:
    provider.discovery = {"authorization_response_iss_parameter_supported": True}
    person = opened()
    back = person.log_in("anna", person.go_to_provider("/"))
    assert "another provider than was asked" in person.get(back).text
    back = person.log_in("anna", person.go_to_provider("/"))
    assert person.get(f"{back}&iss={provider.issuer}").status == 303


def test_key_of_sessions_is_made_once_and_read_by_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    text = Seal(path, "").sign("session", {"a": 1}, timedelta(hours=1))
    assert path.stat().st_mode & 0o777 == 0o600
    again = Seal(path, "")
    assert (again.read("session", text) or {})["a"] == 1
    assert again.read("going", text) is None
    assert Seal(path, "other").read("session", text) is None
    path.write_text("00")
    with pytest.raises(StorageError, match="holds no key of sessions"):
        Seal(path, "")


def test_no_server_is_open_to_others_without_a_token_or_signing_in() -> None:
    settings = SignIn("https://i.example", "c", "", "https://storm.example", Circle(("*",)), Circle())
    access = access_for("192.0.2.1", (), None, settings)
    assert "storm.example" in access.hosts
    with pytest.raises(ConfigError, match="oidc"):
        access_for("192.0.2.1", (), None)
