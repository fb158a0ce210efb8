"""Questions that are being asked of the database while pages go on.

A page that waits for a slow answer can do nothing else. So a question is asked in a thread of its own: who
asks waits as long as it likes, and comes back for the answer later, or gives it up. What nobody wants any
more is stopped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from stormwatch.errors import QueryError
from stormwatch.readonly import Stopper

Found = tuple[pa.Table, float]
"""Rows, and the milliseconds they took."""
_EACH: Final = 2
"""At a time of whoever asks: more would share cores and memory that one alone can use."""
_AT_A_TIME: Final = 6
"""Of all who ask."""
_FAILURE_KEPT_S: Final = 30.0
"""So long a question is not asked again that failed: a page that is drawn again would ask each time."""


class StillAsked(QueryError):
    """An answer is not there yet, and was not waited for any longer."""

    def __init__(self, question: Question) -> None:
        super().__init__(f"{question.name} is still being answered")
        self.question = question


@dataclass(eq=False)
class Question:
    """What is asked of the database, by one or several who look on."""

    name: str
    """The relation."""
    key: Hashable
    stopper: Stopper = field(default_factory=Stopper)
    answer: Future[Found] = field(default_factory=Future)
    askers: set[str] = field(default_factory=set)
    is_first: bool = False
    """Whether every page needs it: it waits for no other."""
    over_s: float | None = None
    """When it was answered, or failed."""

    @property
    def is_over(self) -> bool:
        """Whether there is an answer, or a reason why there is none."""
        return self.answer.done()

    @property
    def has_failed(self) -> bool:
        """Whether there is a reason why there is no answer."""
        return self.is_over and self.answer.exception() is not None

    def stop(self) -> None:
        """Have it fail for all who wait."""
        self.stopper.stop()

    def wait(self, seconds: float) -> bool:
        """Wait for so long at most; whether it is over."""
        return bool(wait([self.answer], seconds).done)


class Questions:
    """All that are being asked in this process; for many threads.

    `is_there` says of an asker whether it still looks on.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, is_there: Callable[[str], bool] = lambda _: True
    ) -> None:
        self._clock = clock
        self._is_there = is_there
        self._lock = threading.Lock()
        self._asked: dict[Hashable, Question] = {}
        self._waiting: dict[Question, Callable[[Stopper], Found]] = {}
        """What has not begun, the oldest first."""
        self._running: set[Question] = set()
        self._threads = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="question")
        self._first = ThreadPoolExecutor(1, thread_name_prefix="first_question")

    def ask(
        self,
        key: Hashable,
        name: str,
        put: Callable[[Stopper], Found],
        asker: str = "",
        *,
        is_first: bool = False,
    ) -> Question:
        """The question of this key, asked now unless it is being asked or has just failed."""
        with self._lock:
            for old in [one for one in self._asked.values() if self._is_past(one)]:
                del self._asked[old.key]
            question = self._asked.get(key)
            if question is None:
                question = self._asked[key] = Question(name, key, is_first=is_first)
                self._waiting[question] = put
            question.askers.add(asker)
            left = self._left_behind()
            self._begin()
        for one in left:
            one.stop()
        return question

    def take(self, question: Question) -> Found:
        """The answer to a question that is over.

        Raises:
            QueryError: it failed, or was stopped.
        """
        found = question.answer.result()
        with self._lock:
            # Whoever took it remembers it.
            self._forget(question)
        return found

    def keeps(self, failed: Question) -> bool:
        """Whether a question that failed is not asked again yet."""
        with self._lock:
            return self._asked.get(failed.key) is failed and not self._is_past(failed)

    def give_up(self, question: Question, asker: str) -> None:
        """Somebody does not want the answer any more."""
        with self._lock:
            question.askers.discard(asker)
            if question.askers:
                return
            self._forget(question)
        question.stop()

    def leave(self, asker: str) -> None:
        """Somebody looks on no more: what nobody else asks is stopped."""
        with self._lock:
            mine = [one for one in self._asked.values() if asker in one.askers]
            for question in mine:
                question.askers.discard(asker)
            left = self._left_behind()
        for question in left:
            question.stop()

    def forget_failures(self) -> None:
        """Have what failed or was stopped be asked again when it is wanted."""
        with self._lock:
            for question in [one for one in self._asked.values() if one.is_over]:
                del self._asked[question.key]

    def _left_behind(self) -> list[Question]:
        """Questions whose askers are all gone: somebody closed the page without a word."""
        left = []
        for question in [one for one in self._asked.values() if not one.is_over]:
            question.askers = {asker for asker in question.askers if self._is_there(asker)}
            if not question.askers:
                self._forget(question)
                left.append(question)
        return left

    def _forget(self, question: Question) -> None:
        if self._asked.get(question.key) is question:
            del self._asked[question.key]

    def _begin(self) -> None:
        """Begin the oldest questions of those who have few being answered."""
        for question in list(self._waiting):
            if question.is_first:
                self._first.submit(self._put, question, self._waiting.pop(question))
            elif self._may_begin(question):
                self._running.add(question)
                self._threads.submit(self._put, question, self._waiting.pop(question))

    def _may_begin(self, question: Question) -> bool:
        if len(self._running) >= _AT_A_TIME:
            return False
        # What nobody wants any more begins too: it is stopped, and so comes to an end.
        return not question.askers or any(
            sum(asker in one.askers for one in self._running) < _EACH for asker in question.askers
        )

    def _put(self, question: Question, put: Callable[[Stopper], Found]) -> None:
        try:
            found = put(question.stopper)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            question.over_s = self._clock()
            question.answer.set_exception(error)
        else:
            question.over_s = self._clock()
            question.answer.set_result(found)
        with self._lock:
            self._running.discard(question)
            self._begin()

    def _is_past(self, question: Question) -> bool:
        return question.over_s is not None and self._clock() - question.over_s > _FAILURE_KEPT_S
