"""A browser without a window: cookies, and redirects that are followed only when that is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html import unescape
from http import HTTPStatus
from http.client import HTTPConnection, HTTPMessage
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

PATIENCE_S = 30.0


@dataclass
class Answer:
    """What a server said."""

    url: str
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def location(self) -> str:
        """Where it leads."""
        return urljoin(self.url, self.headers["Location"])

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode()

    @property
    def asked(self) -> dict[str, str]:
        """What the address it leads to says behind its question mark."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}


@dataclass
class Person:
    """Somebody with a browser."""

    url: str
    """Of the dashboard."""
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, url: str, body: object = None, **headers: str) -> Answer:
        """One request; names of headers are given with underscores."""
        where = urljoin(self.url, url)
        parts = urlsplit(where)
        sent = {"Accept": "text/html", "Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items())}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE_S)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target, body, sent)  # type: ignore[arg-type]
            response = connection.getresponse()
            answer = Answer(where, response.status, response.msg, response.read())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    def get(self, url: str, **headers: str) -> Answer:
        """A GET."""
        return self.ask("GET", url, **headers)

    def api(self, path: str, content: object) -> Answer:
        """A POST of JSON, as a page of the dashboard makes it."""
        headers = {"Content_Type": "application/json", "Origin": self.url, "Accept": "*/*"}
        return self.ask("POST", path, json.dumps(content), **headers)

    def go_to_provider(self, path: str) -> Answer:
        """The answer that sends there."""
        sent = self.get(path)
        assert sent.status == 303, (sent.status, sent.text)
        return sent

    def log_in(self, user: str, sent: Answer) -> str:
        """Log in at the provider, unless it knows who this is; the address that it leads back to."""
        form = self.get(sent.location)
        if form.status == HTTPStatus.SEE_OTHER:
            return form.location
        assert "Log in" in form.text, form.text
        action = unescape(form.text.partition('action="')[2].partition('"')[0])
        done = self.ask("POST", urljoin(sent.location, action), urlencode({"user": user}))
        return self.get(done.location).location

    def sign_in(self, user: str, path: str = "/") -> Answer:
        """All of it; what the dashboard answers whom the provider sent back."""
        return self.get(self.log_in(user, self.go_to_provider(path)))

    @property
    def session(self) -> str | None:
        """The cookie of the session."""
        return next((v for name, v in self.cookies.items() if "stormwatch_session" in name), None)
