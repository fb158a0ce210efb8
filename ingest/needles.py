"""Where some of a few texts stand in many bytes, without a search through all of them for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

_WORD: Final = np.dtype("<u8")
_LEAST: Final = 2 * _WORD.itemsize - 1
"""Wherever a text of so many bytes stands, a word at a multiple of its size is within it."""
_STEP: Final = 128 << 10
"""Bytes that fit into the cache of a core, with what is made of them."""
_BITS: Final = 16
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)


def _hashes(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Multiplicative hashing (Knuth, TAOCP 6.4)."""
    return ((words * _FACTOR) >> np.uint64(64 - _BITS)).view(np.int64)


class Needles:
    """Texts to be found, none of which goes on over a line end."""

    def __init__(self, texts: Iterable[bytes]):
        distinct = set(texts)
        # What holds a text holds the shorter one within it.
        self._texts = [one for one in distinct if not any(two != one and two in one for two in distinct)]
        self._short = [one for one in self._texts if len(one) < _LEAST]
        self._by_word: dict[bytes, list[tuple[bytes, int]]] = {}
        for text in self._texts:
            for shift in range(_WORD.itemsize if len(text) >= _LEAST else 0):
                word = text[shift : shift + _WORD.itemsize]
                self._by_word.setdefault(word, []).append((text, shift))
        self._may_be = np.zeros(1 << _BITS, bool)
        self._may_be[_hashes(np.frombuffer(b"".join(self._by_word), _WORD))] = True

    def places(self, data: bytes, end: int) -> Iterator[int]:
        """A place before `end`, which is a line end, in each line that holds one; perhaps several."""
        yield from self._places_of_long(data, end)
        codes = np.frombuffer(data, np.uint8, end)
        for text in self._short:
            for start in range(0, end, _STEP):
                yield from (_starts_of(text, codes[start : start + _STEP + len(text) - 1]) + start).tolist()

    def are_in(self, data: bytes, start: int, end: int) -> bool:
        """Whether one of them stands between: for few bytes."""
        return any(data.find(text, start, end) >= 0 for text in self._texts)

    def _places_of_long(self, data: bytes, end: int) -> Iterator[int]:
        size = _WORD.itemsize
        words = np.frombuffer(data, _WORD, end // size)
        done = 0
        for first in range(0, len(words), _STEP // size):
            hashes = _hashes(words[first : first + _STEP // size])
            for place in np.flatnonzero(self._may_be.take(hashes)).tolist():
                at = (first + place) * size
                if at < done:
                    continue
                for text, shift in self._by_word.get(data[at : at + size], ()):
                    if at >= shift and data.startswith(text, at - shift):
                        yield at - shift
                        done = data.find(b"\n", at, end) + 1 or end
                        break


def _starts_of(text: bytes, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    count = len(codes) - len(text) + 1
    if count <= 0:
        return np.zeros(0, np.int64)
    found = codes[:count] == text[0]
    for number, code in enumerate(text[1:], start=1):
        found &= codes[number : number + count] == code
    return np.flatnonzero(found)
