"""The provider, asked over HTTP: where its addresses are, its keys, and who a code stands for."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import jwt

from stormwatch.alerts.posting import fetch
from stormwatch.errors import StormwatchError
from stormwatch.gate import is_loopback
from stormwatch.sign_in.settings import SignIn

_TIMEOUT_S: Final = 10.0
_MOST_BYTES: Final = 1 << 18
_KNOWN_FOR_S: Final = 3600.0
_BETWEEN_S: Final = 1.0
"""Keys are asked for no more often, however many tokens are signed by none that is known."""
_RETRY_S: Final = 60.0
_DISCOVERY: Final = "/.well-known/openid-configuration"
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_ADDRESSES: Final = (*_NEEDED, "userinfo_endpoint", "end_session_endpoint")
_BASIC: Final = "client_secret_basic"


class ProviderError(StormwatchError):
    """The provider cannot be reached, or its answer cannot be used."""


class SignInRefused(StormwatchError):
    """The provider did not say who somebody is, or not in a way that can be believed."""


@dataclass
class _Known:
    """What the provider said, and when by a clock that does not jump."""

    content: dict[str, Any]
    at_s: float


class Provider:
    """What one issuer says; for many threads."""

    def __init__(self, settings: SignIn) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._metadata: _Known | None = None
        self._keys: _Known | None = None

    def metadata(self) -> Mapping[str, Any]:
        """The discovery document: asked for once an hour, and the last one used while nobody answers.

        Raises:
            ProviderError: it cannot be had, or cannot be used.
        """
        with self._lock:
            self._metadata = _fresh(self._metadata, _KNOWN_FOR_S, self._discover)
            return self._metadata.content

    def key(self, key_id: str | None, algorithm: str, *, is_doubted: bool = False) -> jwt.PyJWK:
        """The public key that a token says it was signed with; asked for again where it is doubted.

        Raises:
            ProviderError: the keys cannot be had.
            SignInRefused: the provider has no such key.
        """
        where = str(self.metadata()["jwks_uri"])
        with self._lock:
            self._keys = _fresh(self._keys, _KNOWN_FOR_S, lambda: self._json(where))
            found = _fitting(self._keys.content, key_id, algorithm)
            if found is None or is_doubted:
                # Providers change their keys, and sign with a new one at once.
                self._keys = _fresh(self._keys, _BETWEEN_S, lambda: self._json(where))
                found = _fitting(self._keys.content, key_id, algorithm)
        if found is None:
            raise SignInRefused(
                f"the ID token is signed with a key that {self._settings.issuer} does not have"
            )
        return found

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """The tokens that a code stands for.

        Raises:
            ProviderError: there is no answer that can be used.
            SignInRefused: it does not take the code.
        """
        metadata, settings = self.metadata(), self._settings
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        ways = metadata.get("token_endpoint_auth_methods_supported") or [_BASIC]
        if settings.client_secret and _BASIC in ways:
            login = f"{quote(settings.client_id, safe='')}:{quote(settings.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode('ascii')}"
        else:
            form["client_id"] = settings.client_id
            if settings.client_secret:
                form["client_secret"] = settings.client_secret
        return self._json(str(metadata["token_endpoint"]), urlencode(form).encode(), headers)

    def userinfo(self, access_token: str) -> dict[str, Any]:
        """What else the provider says of a person; nothing where it has no place for that.

        Raises:
            ProviderError: there is no answer that can be used.
        """
        where = self.metadata().get("userinfo_endpoint")
        if not where:
            return {}
        return self._json(where, None, {"Authorization": f"Bearer {access_token}"})

    def way_out(self, signed_out_url: str) -> str | None:
        """Where a person ends the session with the provider itself, if that is known and there is one."""
        where = self._metadata.content.get("end_session_endpoint") if self._metadata else None
        if not where:
            return None
        back = {"client_id": self._settings.client_id, "post_logout_redirect_uri": signed_out_url}
        return with_query(str(where), back)

    def _discover(self) -> dict[str, Any]:
        issuer = self._settings.issuer
        content = self._json(issuer.rstrip("/") + _DISCOVERY)
        if content.get("issuer") != issuer:
            raise ProviderError(
                f"{issuer} says that it is the issuer '{content.get('issuer')}'; "
                "write that as the issuer of [oidc] if it is the one that is meant"
            )
        missing = [name for name in _NEEDED if name not in content]
        if missing:
            raise ProviderError(f"{issuer} does not say its {missing[0]} in {_DISCOVERY}")
        for name in _ADDRESSES:
            if name in content:
                self._check(name, content[name])
        return content

    def _check(self, name: str, address: object) -> None:
        """Nothing secret goes where others could read it."""
        parts = urlsplit(str(address))
        is_here = parts.scheme == "http" and is_loopback(parts.hostname or "")
        # Only a provider on this machine may have addresses that only lead around on it.
        if parts.scheme != "https" and not (is_here and self._settings.issuer.startswith("http://")):
            raise ProviderError(f"the {name} of {self._settings.issuer} must be an address with https://")

    def _json(
        self, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        asked = url.partition("?")[0]
        try:
            status, text = fetch(
                url, body, headers or {"Accept": "application/json"}, _TIMEOUT_S, _MOST_BYTES
            )
        except TimeoutError:
            raise ProviderError(f"{asked} did not answer within {_TIMEOUT_S:.0f} s") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ProviderError(f"{asked} cannot be reached: {error}") from error
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        if isinstance(content, dict) and status == http.client.OK:
            return content
        if isinstance(content, dict) and isinstance(content.get("error"), str):
            # Only what is sent there can be wrong in a way that is not the provider's.
            kind = ProviderError if body is None else SignInRefused
            raise kind(f"{asked} says: {said(content)}")
        raise ProviderError(f"{asked} answered with status {status} and nothing that can be used")


def said(content: Mapping[str, Any]) -> str:
    """What an error of the protocol says."""
    description = str(content.get("error_description") or "")[:300]
    return f"{str(content['error'])[:100]}" + (f" ({description})" if description else "")


def with_query(address: str, query: Mapping[str, str]) -> str:
    """An address with more behind its question mark."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def _fresh(known: _Known | None, for_s: float, ask: Callable[[], dict[str, Any]]) -> _Known:
    now = time.monotonic()
    if known is not None and now < known.at_s + for_s:
        return known
    try:
        return _Known(ask(), now)
    except ProviderError:
        if known is None:
            raise
        # Who is gone is not waited for at every sign-in.
        return _Known(known.content, now - for_s + min(for_s, _RETRY_S))


def _fitting(keys: Mapping[str, Any], key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
    """The only key for signatures of this kind that has this name, or any where the token names none."""
    found = []
    listed = keys.get("keys")
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig":
            continue
        if one.get("alg", algorithm) != algorithm or (key_id is not None and one.get("kid") != key_id):
            continue
        try:
            found.append(jwt.PyJWK(one, algorithm))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue  # of another kind
    return found[0] if len(found) == 1 else None
