"""Secrets are masked, in Python and in SQL alike, and nothing else is."""

from __future__ import annotations

import json

import pytest

from stormwatch.redaction import MASK, Redaction, may_hold_sql, redacted_sql
from stormwatch.storage import open_empty
from tests.hostile import within

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
SECRETS = [
    ('{"password": "hunter2", "user": "bob"}', "hunter2"),
    ('{"userPassword":"a\\"b"}', "a\\"),
    ('{"DB_PASSWORD":"x y z"}', "x y z"),
    ('{"api_key":"k-123","n":1}', "k-123"),
    ('{"apiKey":"k-123"}', "k-123"),
    ('{"headers":{"Authorization":"Basic Ym9iOnB3"}}', "Ym9iOnB3"),
    ('{"access_token":"abc.def"}', "abc.def"),
    ('{"token":"abc"}', '"abc"'),
    ('{"client_secret":"s3"}', "s3"),
    ('{"log":"{\\"password\\":\\"hunter2\\"}"}', "hunter2"),
    ("8=FIX.4.4|9=96|35=A|553=bob|554=hunter2|10=1", "hunter2"),
    ("8=FIX.4.4\x0135=A\x01554=hun^ter 2", "ter 2"),
    ("sends 8=FIX.4.4^A35=A^A925=hunter2^A10=194^A", "hunter2"),
    (json.dumps({"raw": '8=FIX.4.4\x01554=hun"ter2\x0110=194\x01'}), "ter2"),
    ("connecting with password=hunter2 to db", "hunter2"),
    ("GET /login?token=abcdef&x=1", "abcdef"),
    ("PGPASSWORD='hunter2' psql", "hunter2"),
    ("Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
    ("got bearer abcdefgh12345 from client", "abcdefgh12345"),
    (f"session {JWT} ended", JWT),
    ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
    ("amqp://guest:s3cret@localhost:5672/", "s3cret"),
    ("-----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ('{"password":12345678}', "12345678"),
    ('{"passwords":["l1","l2"],"n":1}', "l2"),
    ('{"password":{"old":"o}1","new":{"a":["n1"]}},"n":1}', "n1"),
    ('torn {"password":{"old":"o1","new":"n1', "n1"),
    ('{"credentials":{"user":"u","value":"v9"}}', "v9"),
    ('{"token":{"value":"tv1"}}', "tv1"),
    ('{"pass":"p2"}', "p2"),
    ('{"sessionid":"ee"}', '"ee"'),
    ('{"Password ":"trail"}', "trail"),
    ('{"pin":1234,"x":1}', "1234"),
    ('{"card_cvv":"123"}', "123"),
    ('{"headers":[{"name":"Authorization","value":"Basic dXNlcjpwYXNz"}]}', "dXNl"),
    ('{"attributes":[{"key":"db.password","value":{"stringValue":"hunter2"}}]}', "hunter2"),
    ('{"headers":[{"value":"k-123","name":"X-Api-Key"}]}', "k-123"),
    ('{"rawHeaders":["Authorization","Basic dXNlcjpwYXNz"]}', "dXNl"),
    ('{"args":["--password","hunter4"]}', "hunter4"),
    ('{"cmd":"mysql --password hunter6"}', "hunter6"),
    ('{"log":"{\\"password\\":12345678,\\"a\\":1}"}', "12345678"),
    ('{"log":"{\\"password\\":[\\"l1\\"],\\"a\\":1}"}', "l1"),
    ('level=info token="ab cd" n=1', "cd"),
    ("ALTER USER x WITH PASSWORD 'hunter9'; SELECT 1", "hunter9"),
    ("CREATE USER u IDENTIFIED BY 'it''s'", "it"),
    ("pay sk_live_51HabcdefghijklmnopqrstuvwxYZ", "51Habc"),
    ("map AIzaSyA1234567890abcdefghijklmnopqrstuv", "SyA123"),
    ("clone glpat-abcdefghij1234567890", "abcdefghij"),
    ("publish npm_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghij"),
    ("push ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghij"),
    ("redis://:hunter2@cache:6379/0", "hunter2"),
    ("amqp://bob:p@ss@mq/ down", "ss@"),
    ('{"dbPwd":"abc"}', '"abc"'),
    ('{"passwort":"abc","kennwort":"d"}', '"abc"'),
    ('{"contraseña":"abc"}', '"abc"'),
    ('{"AccountKey":"abc=="}', "abc"),
    ("login with password: hunter2 for bob", "hunter2"),
    ("config:\n  password: correct horse\n  port: 1", "horse"),
    ('{"text":"a:\\n  password: correct horse\\n  b: 1"}', "horse"),
    ("  secret_key: battery", "battery"),
    ("user {User:bob Password:hunter2}", "hunter2"),
    ("kwargs {'password': 'abc', 'n': 1}", "'abc'"),
    ('Parameters: {"password"=>"abc", :token=>"x y"}', "x y"),
    ('Parameters: {:token=>"x y"}', "x y"),
    ("<Password>abc</Password>", ">abc<"),
    ('<soap:ApiKey type="x">abc</soap:ApiKey>', ">abc<"),
    ("curl -u bob:abc https://shop", "bob:abc"),
    ("SET PASSWORD FOR bob = 'abc'", "'abc'"),
]
HARMLESS = [
    "invalid password: denied, passwords: none, token: 33, lock token:7",
    "the secret: be quick",
    "<passwordPolicy>8</passwordPolicy> <tokens>512</tokens>",
    "http://h:8080/a?mail=a@b.c and http://[::1]:80/@x",
    "ls -u a b:c",
    '{"tokens": 512, "correlation_token_count": 3}',
    '{"message": "the secret of our success", "author": "bob"}',
    '{"lock_token_no": 7, "continuation": "abc"}',
    "password reset requested for bob",
    "https://example.com:8080/path@2x",
    '{"id": "bearer-17", "type": "token.issued"}',
    '{"passenger": "bob", "pinned": 12345, "tokens_used": 12, "spin": 1234, "compass": "north"}',
    '{"token": 33, "pass": 120, "pin": 13, "session_id": "65f.1a", "bypass": "x"}',
    '{"password_policy": {"min": 8}, "tokens": ["a", "b"], "name": "password", "value_type": "x"}',
    "passed --passive 3 of 4, spinning --token-count 5",
    '{"password": null, "secret": true, "password_length": 8}',
]


@pytest.fixture(scope="module")
def in_sql() -> dict[str, str]:
    """Text -> what the database makes of it."""
    texts = [*(text for text, _ in SECRETS), *HARMLESS]
    masked = f"CASE WHEN {may_hold_sql('t')} THEN {redacted_sql('t')} ELSE t END"
    with open_empty() as connection:
        found = connection.execute(f"SELECT t, {masked} FROM unnest(?::VARCHAR[]) AS given(t)", [texts])
        return dict(found.fetchall())


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_masked(in_sql: dict[str, str], text: str, secret: str) -> None:
    masked = Redaction().text(text)
    assert secret not in masked
    assert MASK in masked
    assert in_sql[text] == masked
    if text.startswith("{"):
        assert json.loads(text).keys() == json.loads(masked).keys()


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(in_sql: dict[str, str], text: str) -> None:
    assert Redaction().text(text) == in_sql[text] == text


def test_bytes_that_are_no_text_stay_what_they_are() -> None:
    assert Redaction().bytes(b'\xff{"password":"x"}\xfe') == b'\xff{"password":"[redacted]"}\xfe'


def test_it_can_be_switched_off() -> None:
    text, _ = SECRETS[0]
    assert Redaction(is_on=False).text(text) == text


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a-" * 500_000, "password " + "-" * 1_000_000], ids=["words", "dashes"])
def test_a_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    with within(60):
        assert Redaction().text(text) == text
