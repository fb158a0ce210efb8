"""Tables of AMQP 0-9-1 in the notation of Erlang terms, as RabbitMQ prints them.

A table is a list of `{<<"name">>,type,value}`, an array one of `{type,value}`. What is printed over
several lines is cut between strings: `<<"one" "two">>`. A text that cannot be printed is the list of
its bytes: `<<195,169>>`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ingest.formats.exact import whole

_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_BINARY: Final = rf"<<(?:{_TEXT}(?:\s*{_TEXT})*(?:/utf8)?|[\d,\s]*)>>"
# The name, if any; the type; then what opens a table or an array, or the value as it is written.
_ITEM: Final = re.compile(
    rf"[\s,]*+(?:\{{(?:({_BINARY}),\s*)?([a-z_]+),\s*(?:(\[)|({_BINARY}|-?\d[\w.+-]*|[a-z]\w*|\{{[\d,\s-]*\}})\}})"
    r"|(\])\}?)",
    re.DOTALL,
)
# The same in one go: name, text, number or atom, any other value, table or array that is opened, end of one,
# and all from what is none of these on. What separates items belongs to the one before: a search that has to
# skip it takes twice as long.
_PLAIN: Final = re.compile(
    r'(?:\{(?:<<"([^"\\]*)">>,\s*)?(?:[a-z]+,\s*(?:<<(?:"([^"\\]*)"(?:/utf8)?)?>>|(-?\d+|[a-z]+)|'
    rf"({_BINARY}|-?\d[\w.+-]*|\{{[\d,\s-]*\}}))\}}|(table|array),\s*\[)|(\]\}}?)|(.+))[\s,]*",
    re.DOTALL,
)
_NAMELESS: Final = '<<"">>,'
_BINARIES: Final = re.compile(_BINARY, re.DOTALL)
_PLAIN_BINARIES: Final = re.compile(r'<<"([^"\\]*)"(?:/utf8)?>>')
_STRING: Final = re.compile(_TEXT, re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_NAMED: Final = dict(zip("ntrsbfved", "\n\t\r \b\f\v\x1b\x7f", strict=True))
_ATOMS: Final = {"true": True, "false": False, "undefined": None, "null": None}


def table(text: str) -> dict[str, Any]:
    """A table as a dict. Raises ValueError where the text is none."""
    text = text.strip()
    if not text.startswith("["):
        raise ValueError("not a list of Erlang terms")
    found = _plain(text)
    return _any(text) if found is None else found


def _plain(text: str) -> dict[str, Any] | None:
    """A table of which no name is escaped or cut; None when it is another, or none."""
    top: dict[str, Any] = {}
    level: Any = top
    above: list[Any] = []
    has_other = is_doubtful = False
    for name, value, bare, other, opened, closed, unknown in _PLAIN.findall(text, 1):
        if closed:
            is_doubtful |= level is None
            level = above.pop() if above else None  # None: nothing may follow
            continue
        if unknown or level is None:
            return None
        inner: Any = value
        if bare:
            inner = _ATOMS.get(bare, bare) if bare.isalpha() else whole(bare)
            is_doubtful |= inner is bare
        elif opened:
            inner = {} if opened == "table" else []
        elif other:
            has_other, inner = True, _value(other)
        if type(level) is list:
            is_doubtful |= name != ""
            level.append(inner)
        else:
            is_doubtful |= name == ""
            level[name] = inner
        if opened:
            above.append(level)
            level = inner
    if has_other and (is_doubtful or text[-1] not in "]}" or _NAMELESS in text):
        return None  # what else is wrong with it is told there
    return top if level is None else None


def _any(text: str) -> dict[str, Any]:
    top: dict[str, Any] = {}
    level: Any = top
    above: list[Any] = []
    at = 1
    while found := _ITEM.match(text, at):
        at = found.end()
        name, kind, opened, value, closed = found.groups()
        if closed:
            if not above:
                if text[at:].strip():
                    break
                return top
            level = above.pop()
            continue
        inner: Any = ({} if kind == "table" else []) if opened else _value(value)
        if name is None and isinstance(level, list):
            level.append(inner)
        elif name is not None and isinstance(level, dict):
            level[_string(name)] = inner
        else:
            break
        if opened:
            above.append(level)
            level = inner
    raise ValueError(f"not a table of Erlang terms (character {at}); a torn record?")


def strings(text: str) -> list[str]:
    """The texts of a list of binaries."""
    found = _PLAIN_BINARIES.findall(text)
    return found if len(found) == text.count("<<") else [_string(one) for one in _BINARIES.findall(text)]


def _value(written: str) -> Any:
    if written.startswith("<<"):
        return _string(written)
    try:
        return int(written) if written.lstrip("-").isdigit() else float(written)
    except ValueError:
        return _ATOMS.get(written, written)


def _string(binary: str) -> str:
    parts = _STRING.findall(binary)
    if parts:
        return "".join(_ESCAPE.sub(_unescaped, part[1:-1]) for part in parts)
    numbers = [int(number) & 255 for number in re.findall(r"\d+", binary)]
    return bytes(numbers).decode("utf-8", "backslashreplace")


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] == "x" and len(code) > 1:
        number = int(code.strip("x{}"), 16)
        return chr(number) if number < _SURROGATES or _SURROGATES_END < number <= _LAST else found[0]
    return chr(int(code, 8) & 255) if code.isdigit() else _NAMED.get(code, code)


_SURROGATES: Final = 0xD800
_SURROGATES_END: Final = 0xDFFF
_LAST: Final = 0x10FFFF
