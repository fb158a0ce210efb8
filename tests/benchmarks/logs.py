"""Canonical JSON lines of an order system, as many as wanted; run as a script it writes them live."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

FILES = 4
_TYPES = ("order.created", "payment.captured", "shipment.dispatched", "order.cancelled")
_STEP = timedelta(microseconds=20)
_BACKLOG_AT = datetime(2026, 11, 20, tzinfo=UTC)


def lines(seed: int) -> Iterator[str]:
    """Endless records without their line end, about 280 bytes each; `{time}` is left open."""
    chance = random.Random(seed)
    sequences: dict[str, int] = {}
    cause = "null"
    number = 0
    while True:
        service, key, topic = number % FILES, chance.randrange(1000), chance.randrange(8)
        scope = f"orders.{topic}/{key}"
        sequences[scope] = sequence = sequences.get(scope, 0) + 1
        event_id = f"{chance.getrandbits(64):016x}"
        yield (
            f'{{"id":"{event_id}","time":"{{time}}","type":"{_TYPES[number % 4]}",'
            f'"service":"svc-{service}","node":"svc-{service}-1",'
            f'"operation":"{"send" if number % 2 else "receive"}","stream":"orders.{topic}",'
            f'"partition_key":"cust-{key:05d}","sequence":{sequence},"causation_id":{cause},'
            f'"correlation_id":"flow-{number // 10:08d}","amount":{chance.randrange(100_000)}}}'
        )
        cause = f'"{event_id}"' if number % 3 else "null"
        number += 1


def write_backlog(
    directory: Path, count: int, seed: int = 1, at: datetime = _BACKLOG_AT, step: timedelta = _STEP
) -> int:
    """Write `count` records, one each `step` from `at` on (UTC), into a few files; returns the bytes."""
    directory.mkdir(parents=True)
    files = [(directory / f"svc-{number}.jsonl").open("w", encoding="utf-8") for number in range(FILES)]
    for number, line in zip(range(count), lines(seed), strict=False):
        text = line.replace("{time}", (at + number * step).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        files[number % FILES].write(text + "\n")
    for file in files:
        file.close()
    return sum(path.stat().st_size for path in directory.iterdir())


def write_live(directory: Path, rate: int, seconds: float, journal: Path) -> None:
    """Append `rate` records a second; the journal says when how many had been written.

    Each line of the journal: Unix time in seconds, records written so far.
    """
    files = [(directory / f"svc-{number}.jsonl").open("ab", buffering=0) for number in range(FILES)]
    source = lines(seed=2)
    ready = [next(source) for _ in range(min(200_000, int(rate * seconds)))]
    started, written = time.time(), 0
    with journal.open("w", encoding="utf-8") as notes:
        while (now := time.time()) < started + seconds:
            due = int((now - started) * rate) - written
            stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            texts: list[list[str]] = [[] for _ in files]
            for number in range(written, written + due):
                texts[number % FILES].append(ready[number % len(ready)].replace("{time}", stamp))
            for file, batch in zip(files, texts, strict=True):
                if batch:
                    file.write(("\n".join(batch) + "\n").encode())
            written += due
            notes.write(f"{time.time()} {written}\n")
            time.sleep(0.01)
    for file in files:
        file.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("rate", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("journal", type=Path)
    given = parser.parse_args()
    write_live(given.directory, given.rate, given.seconds, given.journal)
