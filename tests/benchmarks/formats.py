"""How fast the records of every format are read: cut out of a file, parsed, made rows.

A record is an event, which is a row: of OTLP a span or a log record, not the line of many; of a document
such as OCEL's or Jaeger's each event in it, of a dump each deadlock. One over many lines is one record, so
that lines and bytes stand beside.
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
from ingest.mapping import NO_MAPPING
from ingest.offload import SECOND
from ingest.reader import Chunk, Limits, Silence, read_chunk
from ingest.service import Settings
from ingest.sharing import Sharing
from ingest.source import PlainSource, open_source
from stormwatch.storage import Store
from tests.benchmarks import logs
from tests.benchmarks.machine import cpu_seconds
from tests.benchmarks.usual import USUAL
from tests.benchmarks.variety import varied

_RECORDS: Final = Path(__file__).parents[1] / "ingest" / "formats"
_BATCH: Final = Settings(Path()).batch
_CANONICAL: Final = "canonical"
_ANY_BYTES: Final = "surrogateescape"
_START_S: Final = 30.0
_FLOOR: Final = 60_000
_FLOOR_OF_JSON_LINES: Final = 150_000
"""Records a second that no format is to fall below on two cores."""


@dataclass(frozen=True)
class Log:
    """A file to be read."""

    path: Path
    bytes: int
    lines: int
    is_json_lines: bool
    """Every line is an object."""

    @classmethod
    def of(cls, path: Path) -> Log:
        """What a file holds."""
        with path.open("rb") as file:
            objects = [line.startswith(b"{") and line.endswith(b"}\n") for line in file]
        return cls(path, path.stat().st_size, len(objects), all(objects))


@dataclass(frozen=True)
class Pace:
    """What was read, and how long it took."""

    events: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def cost(self) -> float:
        """Processor time of an event in seconds."""
        return self.cpu_seconds / self.events


def names() -> list[str]:
    """The formats that there are records of."""
    return sorted([*(path.name for path in _RECORDS.iterdir() if any(path.glob("*.expected.json"))), *USUAL])


def write_log(name: str, to: Path, events: int, most_bytes: int) -> None:
    """Test records of a format, varied, until they are so many events or bytes."""
    if name in USUAL:
        to.write_text(
            "".join(f"{line}\n" for line in USUAL[name](_canonical_lines(events))), encoding="utf-8"
        )
        return
    cases = [path for path in sorted((_RECORDS / name).iterdir()) if ".expected" not in path.name]
    # Some notations hold bytes that are no UTF-8.
    text = "".join(_ended(path.read_text(encoding="utf-8", errors=_ANY_BYTES)) for path in cases)
    once = sum(path.read_text().count('"format":') for path in (_RECORDS / name).glob("*.expected.json"))
    copies = min(events // once, most_bytes // len(text.encode("utf-8", _ANY_BYTES))) + 1
    with to.open("w", encoding="utf-8", errors=_ANY_BYTES) as file:
        file.writelines(varied(text, copies))


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _canonical_lines(events: int) -> Iterator[str]:
    for number, line in zip(range(events), logs.lines(seed=1), strict=False):
        stamp = f"2026-11-20T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.123456Z"
        yield line.replace("{time}", stamp)


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
        sharing = Sharing(engine, NO_MAPPING)
        started, used = time.perf_counter(), cpu_seconds()
        for chunk in _chunks(path):
            outcome = sharing.parse(*lines_of([chunk], engine.mapping_no))
            if outcome.rejects:
                raise RuntimeError(f"{path.name}: {outcome.rejects[0].reason}: {outcome.rejects[0].raw!r}")
            [(found,)] = cursor.execute("SELECT count(*) FROM parsed").fetchall()
            events += found
        seconds, cpu = time.perf_counter() - started, cpu_seconds() - used
    return Pace(events, seconds, cpu)


def report(work: Path, chosen: Iterable[str], events: int, most_bytes: int, rounds: int) -> None:
    """Print the figures of each format, beside those of canonical JSON at the same time."""
    work.mkdir(exist_ok=True)
    canonical = work / f"{_CANONICAL}.log"
    canonical.write_text("".join(f"{line}\n" for line in _canonical_lines(events)), encoding="utf-8")
    # A backlog is what counts: the process that shares the work is there for nearly all of it.
    SECOND.is_ready(_START_S)
    print(f"formats           about {events:,} events or {most_bytes >> 20} MiB each, best of {rounds}")
    print("                  a record is a row: a span, a log record, an event of a document, a deadlock")
    print("                  time and CPU are those of a record as multiples of canonical JSON beside it")
    print(f"  {'':21} {'records/s':>9} {'lines/s':>9} {'MB/s':>5} {'time':>6} {'CPU':>6}")
    number = count()
    slow: list[str] = []
    for name in chosen:
        path = work / f"{name.replace('/', '_of_')}.log"
        write_log(name, path, events, most_bytes)
        log = Log.of(path)
        ours, usual = [], []
        for _ in range(rounds):
            # One after the other in each round, so that both see the same noise.
            with Store(work / f"{next(number)}.duckdb") as store:
                usual.append(measure(canonical, store))
                ours.append(measure(log.path, store))
        is_a_line_each = log.is_json_lines and ours[0].events >= log.lines
        floor = _FLOOR_OF_JSON_LINES if is_a_line_each else _FLOOR
        is_slow = max(pace.rate for pace in ours) < floor
        slow += [name] if is_slow else []
        said = f"  below {floor:,}" if is_slow else ""
        print(f"  {name:21} {_told(log, ours, usual)}{said}", flush=True)
        log.path.unlink()
    if slow:
        print(f"  below their floor: {', '.join(slow)}")


def _told(log: Log, ours: list[Pace], usual: list[Pace]) -> str:
    best, yardstick = (max(paces, key=lambda pace: pace.rate) for paces in (ours, usual))
    cost = min(pace.cost for pace in ours) / min(pace.cost for pace in usual)
    lines, speed = log.lines / best.seconds, log.bytes / best.seconds / 1e6
    return f"{best.rate:9,.0f} {lines:9,.0f} {speed:5,.0f} {yardstick.rate / best.rate:6.2f} {cost:6.2f}"
