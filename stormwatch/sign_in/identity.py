"""Who somebody is: the checks of an ID token, and what the settings say of the person in it.

OpenID Connect Core 1.0, section 3.1.3.7.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import jwt

from stormwatch.people import Person
from stormwatch.plain import visible
from stormwatch.sign_in.provider import Provider, SignInRefused
from stormwatch.sign_in.settings import SignIn

_ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures that only the provider can make: none is no signature, and HS256 would need what we know."""
_LEEWAY_S: Final = 60
_NEEDED: Final = ("iss", "sub", "aud", "exp", "iat")
_LONGEST: Final = 100
_YES: Final = ("1", "true")


class NotAllowed(SignInRefused):
    """It is clear who somebody is, and that they may not look."""


def person_of(provider: Provider, settings: SignIn, tokens: Mapping[str, Any], nonce: str) -> Person:
    """The person that the answer of a token endpoint is about, and what they may.

    Raises:
        SignInRefused: it cannot be believed.
        NotAllowed: the settings do not let them in.
        ProviderError: the provider cannot be asked what it must be asked for that.
    """
    claims = _checked(provider, settings, tokens.get("id_token"), nonce)
    needs_groups = bool(settings.allowed.groups or settings.may_ask_sql.groups)
    if "email" not in claims or (needs_groups and _at(claims, settings.groups_claim) is None):
        claims = {**_more(provider, tokens, claims["sub"]), **claims}
    email = str(claims.get("email") or "")
    is_theirs = str(claims.get("email_verified", True)).lower() in _YES
    groups = _groups(_at(claims, settings.groups_claim))
    known = email if is_theirs else ""
    # What stands beside notes is a name that others could not take.
    shown = visible(str(known or claims.get("preferred_username") or claims["sub"]))[:_LONGEST]
    if not settings.allowed.holds(known, groups):
        reason = "" if is_theirs else ", whose e-mail address is not verified,"
        raise NotAllowed(f"{email or shown}{reason} is not among those who may look here")
    return Person(shown, may_ask_sql=settings.may_ask_sql.holds(known, groups), may_operate=False)


def _checked(provider: Provider, settings: SignIn, token: object, nonce: str) -> dict[str, Any]:
    if not isinstance(token, str):
        raise SignInRefused(f"{settings.issuer} answered without an ID token; does its client have openid?")
    try:
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in _ALGORITHMS:
            raise SignInRefused(f"the ID token is signed by '{algorithm}', which proves nothing here")
        try:
            claims = _verified(settings, token, provider.key(key_id, algorithm))
        except jwt.InvalidSignatureError:
            # A provider may have another key under the same name, or keys without names.
            claims = _verified(settings, token, provider.key(key_id, algorithm, is_doubted=True))
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise SignInRefused(_clocks(token)) from None
    except jwt.PyJWTError as error:
        raise SignInRefused(f"the ID token of {settings.issuer} cannot be believed: {error}") from error
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise SignInRefused("the ID token is the answer to another sign-in")
    party = claims.get("azp")
    is_shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (is_shared and party is None) or party not in {None, settings.client_id}:
        raise SignInRefused("the ID token was made for another program")
    if not claims["sub"]:
        raise SignInRefused("the ID token does not say whom it is about")
    return claims


def _verified(settings: SignIn, token: str, key: jwt.PyJWK) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token, key, [key.algorithm_name], audience=settings.client_id, issuer=settings.issuer,
        leeway=_LEEWAY_S, options={"require": list(_NEEDED)},
    )  # fmt: skip
    return claims


def _clocks(token: str) -> str:
    """What the times in a token say, where they do not fit; its signature was right."""
    claims = jwt.decode(token, options={"verify_signature": False})
    now = datetime.now(UTC)
    begun, over = (_written(claims.get(name)) for name in ("iat", "exp"))
    return (
        f"the ID token was made at {begun} and holds until {over}, but the clock of this machine says "
        f"{now:%Y-%m-%d %H:%M:%S} UTC: one of the two clocks is wrong; `timedatectl` shows whether "
        "this one is set over the network"
    )


def _written(seconds: object) -> str:
    try:
        return f"{datetime.fromtimestamp(float(str(seconds)), UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "?"


def _more(provider: Provider, tokens: Mapping[str, Any], subject: str) -> dict[str, Any]:
    access = tokens.get("access_token")
    more = provider.userinfo(access) if isinstance(access, str) else {}
    if more and more.get("sub") != subject:
        raise SignInRefused("the provider told of another person than it signed in")
    return more


def _at(claims: Mapping[str, Any], name: str) -> object:
    """A claim, or what lies in it: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _groups(claim: object) -> frozenset[str]:
    listed = claim if isinstance(claim, list) else [claim]
    return frozenset(one for one in listed if isinstance(one, str))
