"""Kills `stormwatch ingest --follow` again and again while logs are written and rotated, and counts.

As a program: python -m tests.chaos.rig --kills 200 --seed 1
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from stormwatch.storage import Store
from tests.chaos.writers import Ledger, Writer
from tests.ingest.tail.oracle import check_conservation

_ROOT = Path(__file__).parents[2]
_INGEST = (sys.executable, "-m", "stormwatch.cli.main", "ingest")


@dataclass(frozen=True)
class Result:
    """What came of it; `lost` and `duplicated` are counts of lines."""

    kills: int
    stops: int
    rotations: int
    compressed: int
    late_writers: int
    torn: int
    written: int
    stored: int
    rejects: int
    lost: int
    duplicated: int
    restarts_checked: int
    elapsed_s: float

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.stops} stops in order, {self.rotations} rotations "
            f"({self.late_writers} with a late writer, {self.compressed} files compressed), "
            f"{self.written:,} events, {self.torn} torn lines, {self.rejects} rejects: "
            f"{self.lost} lost, {self.duplicated} duplicated; every committed byte accounted for after "
            f"each of {self.restarts_checked} ends; {self.elapsed_s:.0f} s"
        )


def run(base: Path, kills: int, seed: int, *, streams: int = 3, pause_s: float = 0.01) -> Result:
    """Run until so many kills; the database and the logs are below `base`."""
    chance = random.Random(seed)
    logs, database = base / "logs", base / "chaos.duckdb"
    logs.mkdir()
    ledger = Ledger()
    writers = [Writer(logs, f"app-{n}.log", ledger, seed * 100 + n, pause_s) for n in range(streams)]
    started = time.monotonic()
    for writer in writers:
        writer.start()
    killed = stopped = checked = 0
    try:
        while killed < kills:
            is_kill = chance.random() < 0.9
            _follow_for_a_while(logs, database, chance, signal.SIGKILL if is_kill else signal.SIGTERM)
            killed += is_kill
            stopped += not is_kill
            checked += _check_what_is_left(base, database)
    finally:
        for writer in writers:
            writer.stop()
        for writer in writers:
            writer.join()
    subprocess.run([*_INGEST, logs, "--db", database], cwd=_ROOT, check=True, capture_output=True)
    with Store(database) as store, store.cursor() as cursor:
        check_conservation(cursor)
        stored, distinct = cursor.execute(
            "SELECT count(*), count(DISTINCT event_id) FROM observations"
            " WHERE try_cast(event_id AS BIGINT) IS NOT NULL"
        ).fetchone()  # type: ignore[misc]
        (rejects,) = cursor.execute("SELECT count(*) FROM rejects").fetchone()  # type: ignore[misc]
    return Result(
        kills=killed, stops=stopped, rotations=ledger.rotations, compressed=ledger.compressed,
        late_writers=ledger.late, torn=ledger.torn, written=ledger.lines, stored=stored, rejects=rejects,
        lost=ledger.lines - distinct, duplicated=stored - distinct, restarts_checked=checked,
        elapsed_s=time.monotonic() - started,
    )  # fmt: skip


def _follow_for_a_while(logs: Path, database: Path, chance: random.Random, end: signal.Signals) -> None:
    """Start the real command, let it work for a random time, and end it."""
    process = subprocess.Popen(
        [*_INGEST, logs, "--db", database, "--follow"],
        cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        if chance.random() < 0.9:
            # It says so when it starts to read; before that nothing happens for most of the time.
            process.stderr.readline()
            time.sleep(chance.choice((0.05, 0.4, 1.5)) * chance.random())
        else:
            time.sleep(chance.random())
        process.send_signal(end)
        returned = process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    said = process.stderr.read()
    process.stderr.close()
    if end is signal.SIGKILL:
        assert returned == -signal.SIGKILL, f"it ended by itself: {said}"


def _check_what_is_left(base: Path, database: Path) -> bool:
    """Open a copy of what the end left, as the next start will, and see that the accounts are right."""
    if not database.exists():
        return False  # killed before there was one
    side = base / "side"
    side.mkdir(exist_ok=True)
    for name in (database.name, database.name + ".wal"):
        (side / name).unlink(missing_ok=True)
        if (base / name).exists():
            shutil.copyfile(base / name, side / name)
    with Store(side / database.name) as store, store.cursor() as cursor:
        check_conservation(cursor)
    return True


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--streams", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.01, help="seconds between writes, at most")
    parser.add_argument("--dir", type=Path, help="where to keep logs and database (default: thrown away)")
    given = parser.parse_args()
    base = given.dir or Path(tempfile.mkdtemp(prefix="chaos-"))
    base.mkdir(parents=True, exist_ok=True)
    os.nice(5)
    result = run(base, given.kills, given.seed, streams=given.streams, pause_s=given.pause)
    print(f"seed {given.seed}: {result}")
    if given.dir is None:
        shutil.rmtree(base)
    return 1 if result.lost or result.duplicated else 0


if __name__ == "__main__":
    sys.exit(_main())
