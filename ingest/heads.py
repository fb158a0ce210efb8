"""Finds contents by their first bytes, however few of them are known."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator


class HeadIndex:
    """Ids by first bytes. Two heads agree when the shorter one starts the longer one."""

    def __init__(self) -> None:
        self._head_of: dict[int, bytes] = {}
        self._ids: dict[bytes, set[int]] = {}
        self._sorted: list[bytes] = []
        self._lengths: Counter[int] = Counter()

    def put(self, number: int, head: bytes) -> None:
        """Know `number` by `head` from now on; an empty head agrees with none."""
        before = self._head_of.get(number)
        if before == head:
            return
        if before is not None:
            self._remove(number, before)
        if not head:
            return
        self._head_of[number] = head
        if head not in self._ids:
            self._ids[head] = set()
            insort(self._sorted, head)
            self._lengths[len(head)] += 1
        self._ids[head].add(number)

    def _remove(self, number: int, head: bytes) -> None:
        del self._head_of[number]
        self._ids[head].discard(number)
        if self._ids[head]:
            return
        del self._ids[head]
        del self._sorted[bisect_left(self._sorted, head)]
        self._lengths[len(head)] -= 1
        if not self._lengths[len(head)]:
            del self._lengths[len(head)]

    def agreeing(self, head: bytes) -> Iterator[int]:
        """Ids whose head agrees with this one, in no order."""
        if not head:
            return
        for length in self._lengths:
            if length < len(head):
                yield from self._ids.get(head[:length], ())
        at = bisect_left(self._sorted, head)
        while at < len(self._sorted) and self._sorted[at].startswith(head):
            yield from self._ids[self._sorted[at]]
            at += 1
