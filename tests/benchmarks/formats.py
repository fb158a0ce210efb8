"""How fast the records of every format are read: cut out of a file, parsed, made rows.

Counted are events, which are the rows: of OTLP a span or a log record, not the line of many; of a document
such as OCEL's or Jaeger's each event in it, of a dump each deadlock. One record over many lines is one event.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from ingest.engine import Engine
from ingest.generations import Generation
from ingest.lines import lines_of
from ingest.reader import Chunk, Limits, Silence, read_chunk
from ingest.service import Settings
from ingest.source import PlainSource, open_source
from stormwatch.storage import Store
from tests.benchmarks import logs
from tests.benchmarks.variety import varied

_RECORDS: Final = Path(__file__).parents[1] / "ingest" / "formats"
_BATCH: Final = Settings(Path()).batch
_CANONICAL: Final = "canonical"
_LONG_BYTES: Final = 20_000
"""Of records longer than this the bytes count, not how many there are."""


@dataclass(frozen=True)
class Pace:
    """What was read, and how long it took."""

    events: int
    bytes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


def names() -> list[str]:
    """The formats that there are records of."""
    return sorted(path.name for path in _RECORDS.iterdir() if any(path.glob("*.expected.json")))


def write_log(name: str, to: Path, events: int, most_bytes: int) -> None:
    """Test records of a format, varied, until they are so many events or bytes."""
    cases = [path for path in sorted((_RECORDS / name).iterdir()) if ".expected" not in path.name]
    text = "".join(_ended(path.read_text()) for path in cases)
    once = sum(path.read_text().count('"format":') for path in (_RECORDS / name).glob("*.expected.json"))
    copies = min(events // once, most_bytes // len(text.encode())) + 1
    with to.open("w", encoding="utf-8") as file:
        file.writelines(varied(text, copies))


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _write_canonical(to: Path, events: int) -> None:
    with to.open("w", encoding="utf-8") as file:
        for number, line in zip(range(events), logs.lines(seed=1), strict=False):
            stamp = f"2026-11-20T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.123456Z"
            file.write(line.replace("{time}", stamp) + "\n")


def _chunks(path: Path) -> Iterator[Chunk]:
    """A file in the batches that it is committed in."""
    source = open_source(path)
    assert isinstance(source, PlainSource)
    generation = Generation(1, path.name, (0, 0), source.compression, source=source)
    try:
        while chunk := read_chunk(generation, _BATCH, Limits(), Silence(is_quiet=True, is_final=True)):
            yield chunk
            generation.position = chunk.after
    finally:
        source.close()


def measure(path: Path, store: Store) -> Pace:
    """Read a file once.

    Raises:
        RuntimeError: a record was rejected, so this is no measure of how it is read.
    """
    events = 0
    with store.cursor() as cursor:
        engine = Engine(cursor)
        started = time.perf_counter()
        for chunk in _chunks(path):
            outcome = engine.parse(*lines_of([chunk], engine.mapping_no))
            if outcome.rejects:
                raise RuntimeError(f"{path.name}: {outcome.rejects[0].reason}: {outcome.rejects[0].raw!r}")
            [(found,)] = cursor.execute("SELECT count(*) FROM parsed").fetchall()
            events += found
        seconds = time.perf_counter() - started
    return Pace(events, path.stat().st_size, seconds)


def report(work: Path, chosen: Iterable[str], events: int, most_bytes: int, rounds: int) -> None:
    """Print the figures of each format, beside those of canonical JSON at the same time."""
    work.mkdir(exist_ok=True)
    canonical = work / f"{_CANONICAL}.log"
    _write_canonical(canonical, events)
    print(f"formats           about {events:,} events or {most_bytes >> 20} MiB each, best of {rounds}")
    print("                  an event is a row: a span, a log record, an event of a document, a deadlock")
    print(f"  {'':21} {'events/s':>9} {'MB/s':>6}  x canonical json")
    number = count()
    for name in chosen:
        log = work / f"{name}.log"
        write_log(name, log, events, most_bytes)
        ours, usual = [], []
        for _ in range(rounds):
            # One after the other in each round, so that both see the same noise.
            with Store(work / f"{next(number)}.duckdb") as store:
                usual.append(measure(canonical, store))
                ours.append(measure(log, store))
        best, yardstick = (max(paces, key=lambda pace: pace.rate) for paces in (ours, usual))
        print(f"  {name:21} {_told(best, yardstick)}", flush=True)
        log.unlink()


def _told(best: Pace, yardstick: Pace) -> str:
    speed = best.bytes / best.seconds / 1e6
    ratio = f"{best.rate / yardstick.rate:.2f}"
    if best.bytes / best.events > _LONG_BYTES:
        ratio = f"{speed / (yardstick.bytes / yardstick.seconds / 1e6):.2f} of its MB/s"
    return f"{best.rate:9,.0f} {speed:6,.0f}  {ratio}"
