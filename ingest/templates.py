"""What a transcoder makes of records that differ in nothing but values it passes on as they are.

Such records are alike to the last bracket, so that what becomes of one tells what becomes of all. It is found
out once, by having stand-ins for their values transcoded: their values go where the stand-ins came out.
Whatever else is in a record, the transcoder reads it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import count
from typing import Final, TypeAlias

import orjson

from ingest.formats.base import Transcoder

_KNOWN: Final = 1024
"""Skeletons that are kept: what stands around the values of a record."""
_LONGEST: Final = 8192
"""Bytes of a record that may be kept so."""
_TRIES: Final = 64
"""So many more records than were alike are looked at before it is given up for a batch."""
_BETWEEN: Final = b"\0"
"""Stands in no JSON."""
_NUMBER: Final = re.compile(rb"(-?)(\d++)(\.\d++)?")
_HEX: Final = re.compile(rb"[0-9a-f]++")
_DIGITS: Final = 17
"""Of a number as long as may be that 64 bits hold whatever it is."""
_DIGITS_OF_FRACTION: Final = (9, 5)
"""Before and behind the point: as many as a double keeps."""
_EXACTLY: Final = 16
"""A value of so many digits may have to be as long as it is."""


Event: TypeAlias = tuple[bytes, int]
"""An object, and the number of the template it was made by, or 0."""


@dataclass(frozen=True)
class _Template:
    """One event: texts with values between them, in place of which something stands."""

    texts: list[bytes]
    values: list[int]
    """Which part of the record each value is."""

    @cached_property
    def number(self) -> int:
        """What is made of it has the same keys, in the same order; whichever process learned it."""
        return int.from_bytes(blake2b(_BETWEEN.join(self.texts[::2]), digest_size=8).digest())

    def filled(self, parts: list[bytes]) -> bytes:
        pieces = self.texts.copy()
        pieces[1::2] = [parts[place] for place in self.values]
        return b"".join(pieces)


class Templates:
    """Those of one transcoder."""

    def __init__(self, transcoder: Transcoder, made: Callable[[bytes], list[bytes]]):
        """`made` is what the transcoder makes of a record; it raises an error when it cannot be read."""
        self._opaque = re.compile(transcoder.opaque)
        self._cut = transcoder.cut
        self._made = made
        self._known: dict[tuple[bytes, bytes, bytes], list[_Template] | None] = {}
        self._seen: set[tuple[bytes, bytes, bytes]] = set()
        self._credit = 0

    def begin(self) -> None:
        """Another batch, of which more may be alike than of the last."""
        self._credit = max(self._credit, _TRIES)

    def events_of(self, record: bytes) -> list[Event] | None:
        """What the transcoder makes of a record, if one like it was seen before."""
        if self._credit <= 0:
            return None
        several = self._cut(record)
        if several is None:
            return self._filled(record)
        head, records, tail = several
        found: list[Event] = []
        for one in records:
            events = self._filled(one, head, tail)
            try:
                found += self._read(one, head, tail) if events is None else events
            except Exception:  # noqa: BLE001 - of one of several, which only all of them tell
                return None
        return found

    def _filled(self, record: bytes, head: bytes = b"", tail: bytes = b"") -> list[Event] | None:
        if len(record) > _LONGEST or _BETWEEN in record or not _is_utf8(record):
            return None
        parts = self._opaque.split(record)
        skeleton = (head, _BETWEEN.join(parts[::2]), tail)
        found = self._known.get(skeleton)
        if found is None and self._is_to_learn(skeleton):
            found = self._known[skeleton] = self._learned(record, parts, head, tail)
        if found is None:
            self._credit -= 1
            return None
        self._credit = min(self._credit + 1, _KNOWN)
        return [(template.filled(parts), template.number) for template in found]

    def _read(self, record: bytes, head: bytes, tail: bytes) -> list[Event]:
        """What the transcoder makes of it, with that around it. Raises an error when it cannot be read."""
        if head and type(orjson.loads(record)) is not dict:
            raise ValueError("no record, but more than what stands between two of them")
        return [(made, 0) for made in self._made(head + record + tail)]

    def _is_to_learn(self, skeleton: tuple[bytes, bytes, bytes]) -> bool:
        """Whether it is seen for the second time."""
        if skeleton in self._known:
            return False
        if skeleton in self._seen:
            self._seen.remove(skeleton)
            return True
        if len(self._known) + len(self._seen) >= _KNOWN:
            self._known.clear()
            self._seen.clear()
        self._seen.add(skeleton)
        return False

    def _learned(self, record: bytes, parts: list[bytes], head: bytes, tail: bytes) -> list[_Template] | None:
        """The templates; None: these records cannot be read, or not by what is said of their values."""
        chance = random.Random(record)  # noqa: S311 - records that are alike have to be told from nobody
        posing = list(parts)
        posing[1::2] = [_stand_in(value, chance) for value in parts[1::2]]
        places = {value: place for place, value in zip(count(1, 2), posing[1::2])}
        others = iter(posing[1::2])
        posed = self._opaque.sub(lambda found: found[0].removesuffix(found[1]) + next(others), record)
        if not places or 2 * len(places) + 1 < len(parts) or self._opaque.split(posed) != posing:
            return None
        try:
            made, real = ([made for made, _ in self._read(one, head, tail)] for one in (posed, record))
        except Exception:  # noqa: BLE001 - said of the record, which is read by itself as well
            return None
        cut = re.compile(b"(%b)" % b"|".join(map(re.escape, places))).split
        templates = [_Template(texts, [places[value] for value in texts[1::2]]) for texts in map(cut, made)]
        return templates if [one.filled(parts) for one in templates] == real else None


def _is_utf8(record: bytes) -> bool:
    if record.isascii():
        return True
    try:
        record.decode()
    except UnicodeDecodeError:
        return False
    return True


def _stand_in(value: bytes, chance: random.Random) -> bytes:
    """Another value of the same kind, that is found nowhere else."""
    number = _NUMBER.fullmatch(value)
    if number is None:
        size = len(value) if len(value) >= _EXACTLY and _HEX.fullmatch(value) else _EXACTLY
        return b"%0*x" % (size, chance.getrandbits(4 * size) | 10)
    sign, digits, fraction = number.groups()
    whole, behind = _DIGITS_OF_FRACTION if fraction else (_DIGITS, 0)
    if len(digits) >= _EXACTLY:
        whole = len(digits)
    text = sign + bytes([chance.choice(b"123456789"), *chance.choices(b"0123456789", k=whole - 1)])
    return text + b".%d5" % chance.randrange(10 ** (behind - 2), 10 ** (behind - 1)) if fraction else text
