"""A provider of OpenID Connect on this machine: real keys, real HTTP, and what an attacker would change."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT = "storm watch"
"""With a character that must be quoted before it is sent."""
SECRET = "t0p:secret/of the test"  # noqa: S105 - made up
PEOPLE: dict[str, dict[str, Any]] = {
    "anna": {"email": "anna@shop.example", "email_verified": True, "groups": ["staff", "operators"]},
    "ben": {"email": "Ben@Shop.Example", "email_verified": True, "groups": ["staff"]},
    "eve": {"email": "eve@evil.example", "email_verified": True, "groups": ["staff"]},
    "mallory": {"email": "anna@shop.example", "email_verified": False},
    "hostile": {"email": '<img src=x onerror=alert(1)>"\u202e@evil.example', "email_verified": True},
}
Claims = dict[str, Any]


def rsa_key(name: str) -> Key:
    """A key pair of the usual kind."""
    return Key(name, "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))


@dataclass
class Key:
    """A pair of keys, of which the public one is told."""

    name: str
    algorithm: str
    private: Any

    @property
    def told(self) -> dict[str, Any]:
        """The public key as JSON."""
        kind = ECAlgorithm if self.algorithm.startswith("ES") else RSAAlgorithm
        told: dict[str, Any] = json.loads(kind.to_jwk(self.private.public_key()))
        return {**told, "kid": self.name, "alg": self.algorithm, "use": "sig"}

    def sign(self, claims: Claims) -> str:
        """A token as it should be."""
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.name})


@dataclass
class Provider:
    """What it knows, and how it misbehaves."""

    issuer: str = ""
    redirect_uris: set[str] = field(default_factory=set)
    keys: list[Key] = field(default_factory=lambda: [rsa_key("first")])
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Paths, in the order they were asked for."""
    change_claims: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[[Claims], str] | None = None
    """In place of signing with the newest key."""
    discovery: dict[str, Any] = field(default_factory=dict)
    """What the document says beside what is so."""
    only_in_userinfo: tuple[str, ...] = ()
    userinfo_subject: str | None = None
    is_down: bool = False

    def behave(self) -> None:
        """As providers do."""
        fresh = Provider()
        self.change_claims, self.sign = fresh.change_claims, None
        self.discovery, self.only_in_userinfo, self.userinfo_subject, self.is_down = {}, (), None, False

    def rotate(self, key: Key) -> None:
        """Sign with another key from now on."""
        self.keys = [key]

    def document(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout",
            **self.discovery,
        }

    def code_for(self, user: str, asked: dict[str, str]) -> str:
        """A code that can be redeemed once."""
        code = secrets.token_urlsafe(12)
        self.codes[code] = {**asked, "user": user}
        return code

    def tokens(self, form: dict[str, str], login: str | None) -> tuple[int, dict[str, Any]]:
        """The answer of the token endpoint."""
        scheme, _, encoded = (login or "").partition(" ")
        client, _, secret = base64.b64decode(encoded).decode().partition(":")
        if (scheme, unquote(client), unquote(secret)) != ("Basic", CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        known = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_fine = (
            known is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == known["redirect_uri"]
            and challenge == known["code_challenge"]
        )
        if known is None or not is_fine:
            return 400, {"error": "invalid_grant", "error_description": "this code is worth nothing"}
        user = PEOPLE[known["user"]]
        told = {name: value for name, value in user.items() if name not in self.only_in_userinfo}
        now = int(time.time())
        claims = self.change_claims({
            "iss": self.issuer, "sub": known["user"], "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": known["nonce"], **told,
        })  # fmt: skip
        token = (self.sign or self.keys[-1].sign)(claims)
        return 200, {"access_token": known["user"], "token_type": "Bearer", "id_token": token}

    def userinfo(self, authorization: str) -> dict[str, Any]:
        """What it says of a person."""
        user = authorization.removeprefix("Bearer ")
        return {"sub": self.userinfo_subject or user, **PEOPLE[user]}


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that answers on a free port."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        path, asked = self._asked()
        if self.provider.is_down:
            self._send(503, "down", "text/plain")
        elif path == "/.well-known/openid-configuration":
            self._json(200, self.provider.document())
        elif path == "/jwks":
            self._json(200, {"keys": [key.told for key in self.provider.keys]})
        elif path == "/userinfo":
            self._json(200, self.provider.userinfo(self.headers["Authorization"]))
        elif path == "/authorize":
            self._authorize(asked)
        elif path == "/logout":
            self.provider.logins.clear()
            self._redirect(asked["post_logout_redirect_uri"])
        else:
            self._send(404, "", "text/plain")

    def do_POST(self) -> None:
        path, asked = self._asked()
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if path == "/token":
            self._json(*self.provider.tokens(form, self.headers["Authorization"]))
        else:
            login = secrets.token_urlsafe(8)
            self.provider.logins[login] = form["user"]
            self._redirect(f"/authorize?{urlencode(asked)}", ("Set-Cookie", f"provider={login}; Path=/"))

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        self.provider.asked.append(parts.path)
        return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _authorize(self, asked: dict[str, str]) -> None:
        known = (asked.get("client_id"), asked.get("code_challenge_method"), asked.get("response_type"))
        if known != (CLIENT, "S256", "code") or asked.get("redirect_uri") not in self.provider.redirect_uris:
            self._send(400, f"not registered: {html.escape(str(asked))}", "text/plain")
            return
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("provider")
        user = self.provider.logins.get(cookie.value) if cookie else None
        is_choosing = asked.get("prompt") == "select_account" and "picked" not in asked
        if user is None or is_choosing:
            again = html.escape(urlencode({**asked, "picked": "1"}))
            field = '<input name="user" aria-label="User"><button>Log in</button>'
            form = f'<h1>Provider</h1><form method="post" action="/login?{again}">{field}</form>'
            self._send(200, form, "text/html")
            return
        code = self.provider.code_for(user, asked)
        self._redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    def _redirect(self, where: str, *headers: tuple[str, str]) -> None:
        self.send_response(303)
        for name, value in (("Location", where), *headers):
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, status: int, content: object) -> None:
        self._send(status, json.dumps(content), "application/json")

    def _send(self, status: int, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def ec_key(name: str) -> Key:
    """A key pair on a curve."""
    return Key(name, "ES256", ec.generate_private_key(ec.SECP256R1()))
