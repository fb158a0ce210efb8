"""Secrets that logs hold by mistake: found by the names of their keys and by what they look like.

The patterns are of the syntax of RE2, which DuckDB has, and which Python's `re` reads as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MASK: Final = "[redacted]"
_HASH_DIGITS: Final = 12

_BY_USERS: Final = (
    r"passw(?:or)?d|passwort|kennwort|contrase(?:ñ|n)a|mot[_-]?de[_-]?passe|senha|wachtwoord|parola|пароль"
    r"|密码|密碼|パスワード"
)
"""In the languages of the products and teams that log."""
_WORDS: Final = (
    rf"{_BY_USERS}|passphrase|passcode|secret(?:[_-]?(?:access[_-]?)?key)?|credential|authorization"
    r"|(?:api|access|private|encryption|signing|account|shared)[_-]?key"
    r"|(?:auth|access|refresh|id|session|bearer|csrf|security|api)[_-]?token"
)
_SESSION: Final = r"sessionid|\bphpsessid"
_KEY: Final = rf"(?:(?:{_WORDS})[\w-]{{0,40}}|\btoken|pwd|\bpass|{_SESSION}|cookie)"
_WHOLE_KEY: Final = rf"(?:(?:{_WORDS})s?|\btoken|pwd|\bpass|{_SESSION}|cookies?)"
"""A key that says nothing but what its value is: not that of a count, a length or a policy."""
_OPTION: Final = rf"--?[\w-]{{0,40}}(?:{_WORDS}|token|pwd|pass)"
# A token may count (a fencing token), `pass` what passed: as numbers they are no secrets.
_NUMBER_KEY: Final = rf"(?:{_BY_USERS}|passphrase|passcode|secret|pwd|(?:\b|_)(?:pin|pin_?code|cvv2?|cvc2?))"
# A word alone may be what the text goes on with: "invalid password: denied".
_IN_A_WORD: Final = r"[^\s'\",;&\\}\])]*"
_MIXED: Final = rf"{_IN_A_WORD}(?:[A-Za-z]{_IN_A_WORD}\d|\d{_IN_A_WORD}[A-Za-z]){_IN_A_WORD}"
_INNER: Final = r'(?:[^"\\]|\\.)*'
_TEXT: Final = rf'"{_INNER}(?:"|$)'


def _nested(depth: int) -> str:
    """A JSON object or list of so many levels; one that is torn goes on to the end."""
    inner = f"|{_nested(depth - 1)}" if depth > 1 else ""
    return rf'[\[{{](?:[^\[\]{{}}"]|{_TEXT}{inner})*(?:[\]}}]|$)'


_VALUE: Final = rf"(?:{_TEXT}|{_nested(4)}|-?\d+)"
_SHAPES: Final = (
    # JSON web tokens
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    # keys of AWS, GitHub, Slack, Stripe, Google, GitLab, npm, and of services of language models
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}\b|gh[pousr]_\w{36,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}"
    r"|[rs]k_(?:live|test)_\w{10,}|whsec_\w{16,}|AIza[\w-]{30,}|glpat-[\w-]{16,}|npm_\w{30,}"
    r"|sk-(?:ant|proj)-[\w-]{16,}"
)
_OF_FIX: Final = r"(?:\x01|\\u0001|\||\^A)(?:554|925)="
"""Password and NewPassword in a message of FIX, which may stand in JSON."""
_IDENTIFIED: Final = r"\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)(?:\s+password)?"
_RULES: Final = (
    # "password": "...", also within a JSON text that is a string of another one
    (rf'((?i:{_KEY})\s*"\s*:\s*")(?:[^"\\]|\\.)+', rf"\1{MASK}"),
    (rf'((?i:{_KEY})\s*\\+"\s*:\s*\\+")[^"\\]+', rf"\1{MASK}"),
    # "passwords": [...], "password": {...}, "password": 1234, "pin": "1234"
    (rf'((?i:{_WHOLE_KEY})\s*"\s*:\s*){_nested(4)}', rf'\1"{MASK}"'),
    (rf'((?i:{_WHOLE_KEY})\s*(\\+")\s*:\s*)[\[{{](?:[^\]}}"\\]|\\.)*[\]}}]?', rf"\1\2{MASK}\2"),
    (rf'((?i:{_NUMBER_KEY})\s*(\\*")\s*:\s*)-?\d{{3,}}[\d.]*', rf"\1\2{MASK}\2"),
    (rf'((?i:{_NUMBER_KEY})\s*\\*"\s*:\s*\\*")\d{{3,}}', rf"\1{MASK}"),
    # {"name": "Authorization", "value": "..."}, in either order
    (
        rf'("(?i:name|key)"\s*:\s*"[\w.-]*(?i:{_WHOLE_KEY})\s*"\s*,\s*"(?i:value)"\s*:\s*){_VALUE}',
        rf'\1"{MASK}"',
    ),
    (
        rf'("(?i:value)"\s*:\s*"){_INNER}("\s*,\s*"(?i:name|key)"\s*:\s*"[\w.-]*(?i:{_WHOLE_KEY})\s*")',
        rf"\1{MASK}\2",
    ),
    # ["--password", "..."], ["Authorization", "Basic ..."], --password ...
    (rf'("(?i:{_OPTION})(\\*")\s*,\s*\\*")[^"\\]+', rf"\1{MASK}"),
    (r'("(?i:authorization\\*"\s*,\s*\\*"(?:basic|bearer|digest|negotiate)\s+))[^"\\]+', rf"\1{MASK}"),
    (rf"((?:^|[\s\"'])(?i:{_OPTION})\s+['\"]?)[^\s'\",;&\\}}-][^\s'\",;&\\}}]*", rf"\1{MASK}"),
    # 'password': '...', "password" => "...", password: "..."; also without quotes, and alone on a line
    (rf"((?i:{_KEY})\s*['\"]?\s*(?:=>|:)\s*['\"])[^'\"\\]+", rf"\1{MASK}"),
    (rf"((?i:{_WHOLE_KEY})\s*:[ \t]*){_MIXED}", rf"\1{MASK}"),
    (rf"((?:(?m:^)|\\n)[ \t-]*[\w.-]*(?i:{_WHOLE_KEY}):[ \t]+)[^\s'\"\[{{|>&][^\n\"\\]*", rf"\1{MASK}"),
    # <password>...</password>
    (rf"(<(?:\w+:)?\w*(?i:{_WHOLE_KEY})(?:\s[^<>]*)?>)[^<>]+(</)", rf"\1{MASK}\2"),
    # password=..., PGPASSWORD="...", &token=...
    (rf"((?i:{_KEY})\s*=\s*\\*['\"])[^'\",:{{}}\[\]\\\n]+(['\"\\])", rf"\1{MASK}\2"),
    (rf"((?i:{_KEY})\s*=\s*\\*['\"]?)[^\s'\",;&\\}}>][^\s'\",;&\\}}]*", rf"\1{MASK}"),
    (r"(\s(?:-u|--user)[= ]['\"]?[^\s:'\"]+:)[^\s'\"]+", rf"\1{MASK}"),
    # PASSWORD '...', IDENTIFIED BY '...', SET PASSWORD FOR x = '...' of SQL
    (r"((?i:\bset\s+password\s+for\s+)[^=;\n]{1,200}=\s*')(?:[^'\"\\]|''|\\.)+", rf"\1{MASK}"),
    (
        rf"((?i:\bpassword|{_IDENTIFIED})\s*[\s(]\s*')(?:[^'\"\\]|''|\\.)+",
        rf"\1{MASK}",
    ),
    (rf"({_OF_FIX})(?:[^\x01|^\"\\\n]|\^[^A]|\\[^u])+", rf"\1{MASK}"),
    (r"((?i:authorization\s*:\s*(?:basic|bearer|digest)|\bbearer)\s+)[\w.~+/=-]{8,}", rf"\1{MASK}"),
    (rf"\b(?:{_SHAPES})", MASK),
    # passwords in addresses, private keys
    (r'(://[^/\s:@"\\]*:)[^/\s?#"\\]+@', rf"\1{MASK}@"),
    (
        r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\w\s+/=\\-]+?(-----END [A-Z ]*PRIVATE KEY-----)",
        rf"\1{MASK}\2",
    ),
)
_MAY: Final = (
    rf"(?i){_BY_USERS}|passphrase|passcode|secret|(?:api|access|private|encryption|signing|account|shared).?key"
    r"|credential|authorization|(?:\b|auth|access|refresh|id|session|bearer|csrf|security|api)[_-]?token"
    r"|-[\w-]{0,40}token| -u \S+:|--user[= ]"
    r"|pwd|cookie|sessionid|phpsessid|\bpass[\s\"\\=]|(?:\b|_)(?:pin|pin_?code|cvv2?|cvc2?)[\s\"\\]|-pass\b"
    rf"|{_OF_FIX}"
    r"|identified |bearer |eyj[\w-]{8,}\.[\w-]{8}|akia|asia[0-9a-z]{16}|gh[pousr]_\w{36}|github_pat_"
    r"|xox[abprs]-|[rs]k_(?:live|test)_|whsec_|aiza|glpat-|npm_\w{30}|sk-(?:ant|proj)-|://[^/\s:@]*:[^/\s?#]+@"
)
"""What a text must match for a rule to be worth trying: one pass over all of it in place of many."""
_IS_TOKEN: Final = rf"^\s*(?:(?i:bearer|basic)\s+\S{{8}}|{_SHAPES})"
"""What an id begins with that is a token itself; anchored, which costs next to nothing."""
_MAY_BE: Final = re.compile(_MAY)
_COMPILED: Final = tuple((re.compile(pattern), replacement) for pattern, replacement in _RULES)


@dataclass(frozen=True)
class Redaction:
    """What is done about secrets."""

    is_on: bool = True

    def text(self, text: str) -> str:
        """The text with its secrets masked."""
        if not self.is_on or _MAY_BE.search(text) is None:
            return text
        for pattern, replacement in _COMPILED:
            text = pattern.sub(replacement, text)
        return text

    def bytes(self, raw: bytes) -> bytes:
        """The same for bytes of any encoding."""
        text = raw.decode("utf-8", "surrogateescape")
        return self.text(text).encode("utf-8", "surrogateescape")


def may_hold_sql(column: str) -> str:
    """SQL condition: the text may hold a secret."""
    return f"regexp_matches({column}, {_quoted(_MAY)})"


def redacted_sql(column: str) -> str:
    """SQL expression: the text with its secrets masked."""
    expression = column
    for pattern, replacement in _RULES:
        expression = f"regexp_replace({expression}, {_quoted(pattern)}, {_quoted(replacement)}, 'g')"
    return expression


def is_token_sql(column: str) -> str:
    """SQL condition: the id is a token itself."""
    return f"regexp_matches({column}, {_quoted(_IS_TOKEN)})"


def redacted_id_sql(column: str) -> str:
    """SQL expression: the id; in place of a token the mask with a short SHA-256 of it: joins hold."""
    hashed = f"'{MASK[:-1]} ' || left(sha256({column}), {_HASH_DIGITS}) || ']'"
    return f"CASE WHEN {is_token_sql(column)} THEN {hashed} ELSE {column} END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
