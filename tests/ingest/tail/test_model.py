"""Random histories of a log directory against an exact model: which lines must be there, once."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ingest.reader import Share

from .rig import Rig, line

_COMPRESSORS = {"gz": gzip.compress, "bz2": bz2.compress}
_STREAMS = ("app", "b-side", "zeta")


class Histories(RuleBasedStateMachine):
    """Writers append, tear, rotate, compress and delete; the reader looks, stops and is killed.

    The model is what was written whole: a writer finishes or abandons its torn line before it
    goes on, and truncates only what it has copied, so that nothing may be lost.
    """

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="histories-"))
        self.rig: Rig
        self.torn: dict[str, tuple[int, bytes]] = {}
        """Stream -> number and rest of the line that is half written."""
        self.rotated: list[str] = []
        """Names of rotated plain files, oldest first."""
        self.serial = 0
        self.held: list[Any] = []
        """Renamed files that their writer still has open."""

    @initialize(records=st.sampled_from([1, 3, 1000]), pad=st.sampled_from([0, 40, 900]))
    def start(self, records: int, pad: int) -> None:
        self.pad = pad
        self.rig = Rig(self.base, batch=Share(bytes=64 << 10, records=records))

    # --- writers ---------------------------------------------------------------------------

    @rule(stream=st.sampled_from(_STREAMS), count=st.integers(1, 12))
    def append(self, stream: str, count: int) -> None:
        self._finish(stream)
        self.rig.append(f"{stream}.log", count, self.pad)

    @rule(stream=st.sampled_from(_STREAMS), share=st.floats(0.05, 0.95))
    def tear(self, stream: str, share: float) -> None:
        self._finish(stream)
        number = len(self.rig.written)
        record = self.rig.lines(1, self.pad)
        cut = max(1, int(len(record) * share))
        self.rig.add(f"{stream}.log", record[:cut])
        self.torn[stream] = (number, record[cut:])

    @precondition(lambda self: self.torn)
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        """The writer dies; the next one starts right behind the torn line."""
        stream = data.draw(st.sampled_from(sorted(self.torn)))
        number, _ = self.torn.pop(stream)
        self.rig.written.remove(number)
        self.rig.written.append(number)  # the number is used again, for the line that follows
        self.rig.add(f"{stream}.log", line(number, self.pad))

    def _finish(self, stream: str) -> None:
        if stream in self.torn:
            _, rest = self.torn.pop(stream)
            self.rig.add(f"{stream}.log", rest)

    # --- rotation --------------------------------------------------------------------------

    def _next_name(self, stream: str) -> str:
        self.serial += 1
        # Before or behind the original in the order of names.
        return f"{stream}.log.{self.serial}" if self.serial % 2 else f"0-{stream}.{self.serial}.log"

    @rule(stream=st.sampled_from(_STREAMS), keep_open=st.booleans())
    def rename(self, stream: str, keep_open: bool) -> None:
        path = self.rig.path(f"{stream}.log")
        if not path.exists():
            return
        self._finish(stream)
        name = self._next_name(stream)
        if keep_open:
            self.held.append(path.open("ab", buffering=0))
        self.rig.rename(f"{stream}.log", name)
        self.rotated.append(name)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), count=st.integers(1, 4), close=st.booleans())
    def write_late(self, data: st.DataObject, count: int, close: bool) -> None:
        late = data.draw(st.sampled_from(range(len(self.held))))
        self.held[late].write(self.rig.lines(count, self.pad))
        if close:
            self.held.pop(late).close()

    @rule(stream=st.sampled_from(_STREAMS), looks=st.sampled_from(["none", "during", "between"]))
    def copytruncate(self, stream: str, looks: str) -> None:
        path = self.rig.path(f"{stream}.log")
        if not path.exists() or not path.stat().st_size:
            return
        self._finish(stream)
        name = self._next_name(stream)
        content = path.read_bytes()
        half = len(content) // 2
        self.rig.add(name, content[:half] if looks == "during" else content)
        if looks != "none":
            self.rig.look()
        if looks == "during":
            self.rig.add(name, content[half:])
        os.truncate(path, 0)
        self.rotated.append(name)

    @precondition(lambda self: self.rotated)
    @rule(data=st.data(), kind=st.sampled_from(sorted(_COMPRESSORS)), look=st.booleans())
    def compress(self, data: st.DataObject, kind: str, look: bool) -> None:
        self._close_late_writers()
        name = data.draw(st.sampled_from(self.rotated))
        self.rotated.remove(name)
        packed = _COMPRESSORS[kind](self.rig.path(name).read_bytes())
        self.rig.add(f"{name}.{kind}", packed[: len(packed) // 2])
        if look:
            self.rig.look()
        self.rig.add(f"{name}.{kind}", packed[len(packed) // 2 :])
        if look:
            self.rig.look()
        self.rig.path(name).unlink()

    @precondition(lambda self: self.rotated)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Retention: what is deleted was read, as an operator would have it."""
        name = data.draw(st.sampled_from(self.rotated))
        self.rotated.remove(name)
        self._close_late_writers()
        self.rig.drain()
        self.rig.path(name).unlink()

    @precondition(lambda self: self.rotated)
    @rule(data=st.data())
    def back_up(self, data: st.DataObject) -> None:
        """Somebody copies a file to another name and leaves it there."""
        name = data.draw(st.sampled_from(self.rotated))
        self.rig.look()
        self.serial += 1
        shutil.copyfile(self.rig.path(name), self.rig.path(f"backup-{self.serial}.log"))

    def _close_late_writers(self) -> None:
        while self.held:
            self.held.pop().close()

    # --- the reader ------------------------------------------------------------------------

    @rule()
    def look(self) -> None:
        self.rig.look()

    @rule()
    def scan_only(self) -> None:
        self.rig.ingester._scan()

    @rule(steps=st.integers(1, 3))
    def read_a_little(self, steps: int) -> None:
        self.rig.ingester._tailer.refresh()
        for _ in range(steps):
            self.rig.ingester._step()

    @rule(seconds=st.sampled_from([1, 5, 70]))
    def time_passes(self, seconds: int) -> None:
        self.rig.clock.pass_time(seconds)

    @rule()
    def restart(self) -> None:
        self.rig.restart()

    @rule()
    def kill(self) -> None:
        self.rig.kill()

    # --- the oracle ------------------------------------------------------------------------

    @invariant()
    def every_byte_is_accounted_for(self) -> None:
        if hasattr(self, "rig"):
            self.rig.check_conservation()
            numbers = self.rig.numbers()
            assert len(numbers) == len(set(numbers)), "a line is there more than once"

    def teardown(self) -> None:
        if not hasattr(self, "rig"):
            return
        try:
            self._close_late_writers()
            for stream in list(self.torn):
                self._finish(stream)
            self.rig.drain()
            self.rig.check()
        finally:
            self.rig.close()
            shutil.rmtree(self.base)


_SETTINGS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}
TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=3, stateful_step_count=25, **_SETTINGS)


@pytest.mark.slow
class TestManyHistories(Histories.TestCase):  # type: ignore[name-defined, misc]
    settings = settings(max_examples=20, stateful_step_count=60, **_SETTINGS)
