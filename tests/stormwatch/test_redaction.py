"""Secrets are masked, in Python and in SQL alike, and nothing else is."""

from __future__ import annotations

import json

import pytest

from stormwatch.redaction import MASK, Redaction, may_hold_sql, redacted_sql
from stormwatch.storage import open_empty

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
    ("connecting with password=hunter2 to db", "hunter2"),
    ("GET /login?token=abcdef&x=1", "abcdef"),
    ("PGPASSWORD='hunter2' psql", "hunter2"),
    ("Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
    ("got bearer abcdefgh12345 from client", "abcdefgh12345"),
    (f"session {JWT} ended", JWT),
    ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
    ("amqp://guest:s3cret@localhost:5672/", "s3cret"),
    ("-----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\n-----END RSA PRIVATE KEY-----", "MIIEow"),
]
HARMLESS = [
    '{"tokens": 512, "correlation_token_count": 3}',
    '{"message": "the secret of our success", "author": "bob"}',
    '{"lock_token_no": 7, "continuation": "abc"}',
    "password reset requested for bob",
    "https://example.com:8080/path@2x",
    '{"id": "bearer-17", "type": "token.issued"}',
    '{"password": null, "secret": true, "password_length": 8}',
]


def in_sql(text: str) -> str:
    sql = f"SELECT CASE WHEN {may_hold_sql('t')} THEN {redacted_sql('t')} ELSE t END FROM (SELECT ? AS t)"
    with open_empty() as connection:
        [(found,)] = connection.execute(sql, [text]).fetchall()
    return str(found)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_masked(text: str, secret: str) -> None:
    masked = Redaction().text(text)
    assert secret not in masked
    assert MASK in masked
    assert in_sql(text) == masked
    if text.startswith("{"):
        assert json.loads(text).keys() == json.loads(masked).keys()


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redaction().text(text) == in_sql(text) == text


def test_bytes_that_are_no_text_stay_what_they_are() -> None:
    assert Redaction().bytes(b'\xff{"password":"x"}\xfe') == b'\xff{"password":"[redacted]"}\xfe'


def test_it_can_be_switched_off() -> None:
    text, _ = SECRETS[0]
    assert Redaction(is_on=False).text(text) == text
