"""What strangers try: at the way to the provider and back, with tokens, with cookies, with links."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import pytest

from tests.cli.harness import Running

from .person import Answer, Person
from .provider import CLIENT, SECRET, Claims, Key, Provider, rsa_key

pytestmark = pytest.mark.slow

FOREIGN = rsa_key("foreign")


def _is_refused(person: Person, answer: Answer, said: str) -> None:
    assert (answer.status, said in answer.text) == (403, True), (answer.status, answer.text)
    assert person.session is None
    assert person.get("/oidc/session").status == 401


def _unsigned(claims: Claims) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def _with_header(**header: Any) -> Callable[[Claims], str]:
    return lambda claims: jwt.encode(claims, FOREIGN.private, "RS256", headers=header)


def _changed(**changes: Any) -> Callable[[Claims], Claims]:
    return lambda claims: {n: v for n, v in {**claims, **changes}.items() if v is not None}


SIGNATURES: dict[str, tuple[Callable[[Claims], str], str]] = {
    "none": (_unsigned, "&#x27;none&#x27;, which proves nothing"),
    "NONE": (lambda claims: "." + _unsigned(claims).partition(".")[2], "cannot be believed"),
    "client secret": (lambda claims: jwt.encode(claims, SECRET, "HS256"), "which proves nothing"),
    "foreign key": (_with_header(kid="first"), "cannot be believed"),
    "unknown key": (_with_header(kid="other"), "signed with a key that"),
    "key it brings along": (_with_header(kid="other", jwk=FOREIGN.told), "signed with a key that"),
    "key at its address": (_with_header(jku="https://evil.example/jwks"), "cannot be believed"),
    "nonsense": (lambda _: "nonsense", "cannot be believed"),
}


@pytest.mark.filterwarnings("ignore:The HMAC key:jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("kind", SIGNATURES)
def test_token_must_be_signed_by_the_provider(kind: str, person: Person, provider: Provider) -> None:
    provider.sign, said = SIGNATURES[kind]
    _is_refused(person, person.sign_in("anna"), said)


def test_public_key_is_no_shared_secret(person: Person, provider: Provider) -> None:
    told = json.dumps(provider.keys[-1].told).encode()

    def confuse(claims: Claims) -> str:
        head, body = (
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
            for part in ({"alg": "HS256", "kid": provider.keys[-1].name}, claims)
        )
        signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
            head + b"." + body, told
        )
        return b".".join((head, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()

    provider.sign = confuse
    _is_refused(person, person.sign_in("anna"), "which proves nothing")


NOW = int(time.time())
CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "nonce of another": ({"nonce": "another"}, "answer to another sign-in"),
    "no nonce": ({"nonce": None}, "answer to another sign-in"),
    "for others": ({"aud": "other"}, "cannot be believed"),
    "for nobody": ({"aud": None}, "cannot be believed"),
    "for others too": ({"aud": [CLIENT, "other"]}, "made for another program"),
    "asked by others": ({"azp": "other"}, "made for another program"),
    "of another issuer": ({"iss": "https://evil.example"}, "cannot be believed"),
    "of nobody": ({"iss": None}, "cannot be believed"),
    "over": ({"iat": NOW - 7200, "exp": NOW - 3600}, "one of the two clocks is wrong"),
    "not yet": ({"iat": NOW + 3600, "exp": NOW + 7200}, "one of the two clocks is wrong"),
    "for ever": ({"exp": None}, "cannot be believed"),
    "of no time": ({"iat": None}, "cannot be believed"),
    "about nobody": ({"sub": None}, "cannot be believed"),
}


@pytest.mark.parametrize("kind", CLAIMS)
def test_token_must_be_for_this_sign_in(kind: str, person: Person, provider: Provider) -> None:
    changes, said = CLAIMS[kind]
    provider.change_claims = _changed(**changes)
    _is_refused(person, person.sign_in("anna"), said)


def test_token_for_several_programs_names_this_one(person: Person, provider: Provider) -> None:
    provider.change_claims = _changed(aud=["other", CLIENT], azp=CLIENT)
    assert person.sign_in("anna").status == 303


def test_clock_that_is_a_little_off_does_no_harm(person: Person, provider: Provider) -> None:
    now = int(time.time())
    provider.change_claims = _changed(iat=now + 40, exp=now - 40)
    assert person.sign_in("anna").status == 303


@pytest.mark.parametrize("state", ["", "other"])
def test_answer_to_a_question_nobody_asked_is_not_taken(
    state: str, person: Person, provider: Provider
) -> None:
    back = person.log_in("anna", person.go_to_provider("/"))
    code = back.partition("code=")[2].partition("&")[0]
    provider.asked.clear()
    refused = person.get(f"/oidc/callback?{urlencode({'code': code, 'state': state})}")
    assert (refused.status, person.session) == (400, None)
    assert provider.asked == []


def test_sign_in_of_another_browser_is_not_taken(person: Person) -> None:
    """Else somebody could be signed in as another without noticing."""
    attacker, victim = person, Person(person.url)
    back = attacker.log_in("ben", attacker.go_to_provider("/"))
    assert victim.get(back).status == 400
    victim.go_to_provider("/")
    assert victim.get(back).status == 400
    assert victim.session is None


def test_code_of_another_sign_in_is_worth_nothing(person: Person) -> None:
    """PKCE: the code is bound to the browser that asked for it."""
    attacker, victim = person, Person(person.url)
    stolen = victim.log_in("anna", victim.go_to_provider("/")).partition("code=")[2].partition("&")[0]
    own = attacker.go_to_provider("/").asked["state"]
    refused = attacker.get(f"/oidc/callback?{urlencode({'code': stolen, 'state': own})}")
    _is_refused(attacker, refused, "invalid_grant")


def test_code_is_taken_once(person: Person) -> None:
    sent = person.go_to_provider("/")
    kept = dict(person.cookies)
    back = person.log_in("anna", sent)
    assert person.get(back).status == 303
    again = person.get(back)
    assert (again.status, again.location) == (303, f"{person.url}/"), "who is in stays in"
    thief = Person(person.url)
    assert thief.get(back).status == 400
    thief.cookies = kept
    _is_refused(thief, thief.get(back), "invalid_grant")


def test_what_a_browser_brings_along_is_never_the_session_it_gets(person: Person) -> None:
    """Session fixation: who knew the cookie before must not be in with it after."""
    attacker, victim = person, Person(person.url)
    attacker.sign_in("ben")
    planted = str(attacker.session)
    name = next(name for name in attacker.cookies if "session" in name)
    victim.cookies[name] = planted
    back = victim.log_in("anna", victim.go_to_provider("/oidc/sign-in"))
    victim.get(back)
    assert victim.session not in {None, planted}
    assert attacker.api("/api/notes", {"text": "me"}).json["author"] == "Ben@Shop.Example"
    second = Person(person.url)
    second.sign_in("anna")
    assert second.session != victim.session


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_cookie_nobody_here_made_is_none(person: Person) -> None:
    going = dict(Person(person.url).cookies)
    person.sign_in("ben")
    name = next(name for name in person.cookies if "session" in name)
    head, body, signature = str(person.session).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert claims["sql"] is False
    raised = {**claims, "sql": True, "exp": claims["exp"] + 1_000_000}
    sender = Person(person.url)
    sender.go_to_provider("/")
    [going] = sender.cookies.values()
    forged = {
        "changed": f"{head}.{_encoded(raised)}.{signature}",
        "unsigned": f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(raised)}.",
        "other key": jwt.encode(raised, "0" * 32, "HS256"),
        "empty key": jwt.encode(raised, "0" * 32, "HS256").rpartition(".")[0] + ".",
        "cut": f"{head}.{body}.{signature[:-2]}",
        "of one on the way": going,
        "nothing": "",
    }
    for kind, text in forged.items():
        assert Person(person.url, {name: text}).get("/oidc/session").status == 401, kind
        assert Person(person.url, {name: text}).get("/api/status", Accept="*/*").status == 401, kind
    assert person.get("/oidc/session").status == 204


def test_ticket_of_the_way_cannot_be_changed(person: Person) -> None:
    back = person.log_in("anna", person.go_to_provider("/"))
    [name] = [name for name in person.cookies if "going" in name]
    head, body, signature = person.cookies[name].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    person.cookies[name] = f"{head}.{_encoded({**claims, 'to': 'x'})}.{signature}"
    assert (person.get(back).status, person.session) == (400, None)
    assert set(claims) == {"state", "to", "aud", "exp"}, "neither nonce nor verifier leaves the process"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example", "evil.example",
     "javascript:alert(1)", "/\t/evil.example", "/%0d%0aSet-Cookie:x=y\r\nSet-Cookie: a=b", "",
     "@evil.example", "/oidc/sign-out", ".evil.example"],
)  # fmt: skip
def test_nobody_is_led_elsewhere(target: str, person: Person) -> None:
    sent = person.go_to_provider(f"/oidc/sign-in?return={quote(target, safe='')}")
    back = person.get(person.log_in("anna", sent))
    assert (back.status, back.location) == (303, f"{person.url}/")
    assert "a" not in person.cookies


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example", "/%2F/evil.example"])
def test_no_address_leads_elsewhere(path: str, person: Person) -> None:
    sent = person.ask("GET", person.url + path)
    assert sent.status == 303
    back = person.get(person.log_in("anna", sent))
    assert back.location.startswith(f"{person.url}/")
    assert not back.headers["Location"].startswith("/")


NOT_ALLOWED = {
    "another domain": {"email": "eve@evil.example"},
    "a domain below": {"email": "eve@x.shop.example"},
    "a domain that ends alike": {"email": "eve@evilshop.example"},
    "a domain that begins alike": {"email": "eve@shop.example.evil"},
    "two addresses": {"email": "eve@shop.example@evil.example"},
    "not verified": {"email_verified": False},
    "not verified, as a text": {"email_verified": "false"},
    "no address": {"email": "", "email_verified": True},
    "a list of addresses": {"email": ["anna@shop.example"]},
}


@pytest.mark.parametrize("kind", NOT_ALLOWED)
def test_who_is_not_named_does_not_get_in(kind: str, person: Person, provider: Provider) -> None:
    provider.change_claims = _changed(**NOT_ALLOWED[kind])
    refused = person.sign_in("anna")
    _is_refused(person, refused, "is not among those who may look here")
    assert "/oidc/sign-in?return=%2F" in refused.text


def test_name_of_a_person_is_never_interpreted(person: Person) -> None:
    refused = person.sign_in("hostile")
    assert (refused.status, "<img" in refused.text, "\u202e" in refused.text) == (403, False, False)
    assert "&lt;img src=x" in refused.text


def test_error_of_the_provider_is_told_and_not_interpreted(person: Person, provider: Provider) -> None:
    state = person.go_to_provider("/").asked["state"]
    said = {"error": "<script>", "error_description": "x" * 1000, "state": state}
    refused = person.get(f"/oidc/callback?{urlencode(said)}")
    _is_refused(person, refused, f"{provider.issuer} says: &lt;script&gt;")
    assert "x" * 301 not in refused.text


def test_answer_of_another_provider_is_not_taken(person: Person) -> None:
    back = person.log_in("anna", person.go_to_provider("/"))
    refused = person.get(f"{back}&iss=https%3A%2F%2Fevil.example")
    _is_refused(person, refused, "another provider than was asked")


def test_browser_keeps_few_ways_at_a_time(person: Person) -> None:
    for _ in range(9):
        person.go_to_provider("/")
    assert len(person.cookies) == 4
    assert person.sign_in("anna").status == 303


def test_session_of_one_dashboard_is_none_at_another(dashboard: Running, person: Person) -> None:
    person.sign_in("anna")
    [name] = [name for name in person.cookies if "session" in name]
    # Cookies know no ports: those of two dashboards of one machine must not replace each other.
    assert name == f"stormwatch_session_{dashboard.url.rpartition(':')[2]}"


def test_nothing_secret_is_told(person: Person) -> None:
    sent = person.go_to_provider("/")
    answers = [sent.location, *(str(sent.headers[name]) for name in sent.headers), *person.cookies.values()]
    assert not any(SECRET in text or quote(SECRET, safe="") in text for text in answers)


def test_provider_has_no_two_keys_of_one_name(person: Person, provider: Provider) -> None:
    real = provider.keys[-1]
    provider.keys = [FOREIGN, Key(FOREIGN.name, "RS256", rsa_key("x").private)]
    time.sleep(1.1)
    _is_refused(person, person.sign_in("anna"), "signed with a key that")
    provider.rotate(real)
