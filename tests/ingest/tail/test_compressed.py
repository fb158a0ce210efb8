"""Compressed files: rotated ones, ones that are being written, and broken ones."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import resource
import sys
import threading
import time
from collections.abc import Callable

import pytest

from ingest import decompress

from .rig import Rig, line

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=1),
    "zst": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}

every_method = pytest.mark.parametrize(
    "kind", [kind if kind == "gz" else pytest.param(kind, marks=pytest.mark.slow) for kind in sorted(PACK)]
)


def _noise(rig: Rig, count: int) -> bytes:
    """Numbered lines that do not compress well, so that a file has many blocks."""
    first = len(rig.written)
    rig.written.extend(range(first, first + count))
    chance = random.Random(count)
    return b"".join(
        line(number)[:-2] + b', "noise": "%x"}\n' % chance.getrandbits(900)
        for number in range(first, first + count)
    )


@every_method
def test_a_whole_file(rig: Rig, kind: str) -> None:
    rig.add(f"app.log.{kind}", PACK[kind](_noise(rig, 500)))
    rig.drain()
    rig.check()
    assert rig.files("compression", "state") == [(kind, "live")]


@every_method
def test_a_finished_file_is_not_unpacked_again(rig: Rig, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = rig.path(f"app.log.{kind}")
    path.write_bytes(PACK[kind](_noise(rig, 500)))
    rig.drain()
    unpacked = _count_unpacked(monkeypatch)
    rig.drain()
    path.touch()
    path.rename(rig.path(f"app.log.2.{kind}"))
    rig.drain()
    rig.restart()
    rig.drain()
    rig.check()
    # Its first bytes are looked at when something happened to it, and nothing else.
    assert unpacked[0] <= 3


@every_method
@pytest.mark.parametrize("restart", [False, True], ids=["running", "killed"])
def test_a_rotated_file_that_is_compressed_later(rig: Rig, kind: str, *, restart: bool) -> None:
    rig.add("app.log", _noise(rig, 300))
    rig.drain()
    rig.rename("app.log", "app.log.1")
    unread = _noise(rig, 20)
    rig.append("app.log", 5)
    rig.look()
    rig.add("app.log.1", unread)
    packed = PACK[kind](rig.path("app.log.1").read_bytes())
    target = rig.path(f"app.log.1.{kind}")
    step = len(packed) // 9
    for start in range(0, len(packed), step):
        with target.open("ab") as file:
            file.write(packed[start : start + step])
        if restart:
            rig.kill()
        rig.look()
        rig.clock.pass_time(60)
    rig.path("app.log.1").unlink()
    rig.drain()
    rig.clock.pass_time(60)
    rig.drain()
    rig.restart()
    rig.drain()
    rig.check()


@every_method
@pytest.mark.parametrize("read", ["all", "a part", "nothing"])
def test_compressed_while_stopped(rig: Rig, kind: str, read: str) -> None:
    rig.append("app.log", 1)
    rig.drain()
    if read != "nothing":
        rig.add("app.log", _noise(rig, 300))
        rig.drain()
    if read != "all":
        rig.add("app.log", _noise(rig, 300))
    rig.close()
    rig.path("app.log.1." + kind).write_bytes(PACK[kind](rig.path("app.log").read_bytes()))
    rig.path("app.log").unlink()
    rig.append("app.log", 3)
    rig._open()
    rig.drain()
    rig.check()


@pytest.mark.slow
@every_method
@pytest.mark.parametrize("kill", [False, True], ids=["running", "killed"])
def test_a_file_that_is_still_being_written(rig: Rig, kind: str, *, kill: bool) -> None:
    packed = PACK[kind](_noise(rig, 2000))
    path = rig.path(f"app.log.{kind}")
    chance = random.Random(7)
    start = 0
    while start < len(packed):
        end = start + chance.randrange(1, len(packed) // 12)
        with path.open("ab") as file:
            file.write(packed[start:end])
        start = end
        rig.look()
        if kill:
            rig.kill()
    rig.drain()
    rig.check()
    assert rig.rejects() == []


@pytest.mark.slow
def test_a_growing_file_is_unpacked_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = _count_unpacked(monkeypatch)
    packed = gzip.compress(_noise(rig, 40_000))
    with rig.path("app.log.gz").open("ab", buffering=0) as file:
        for start in range(0, len(packed), len(packed) // 20):
            file.write(packed[start : start + len(packed) // 20])
            rig.look()
    rig.drain()
    rig.check()
    first_looks = 40
    assert unpacked[0] < len(packed) // (64 << 10) * 2 + first_looks


@every_method
def test_several_members_and_padding(rig: Rig, kind: str) -> None:
    rig.add(f"app.log.{kind}", PACK[kind](_noise(rig, 30)) + PACK[kind](b"") + PACK[kind](_noise(rig, 30)))
    rig.add(f"app.log.{kind}", b"\0" * 1024)
    rig.drain()
    rig.check()
    rig.add(f"app.log.{kind}", PACK[kind](_noise(rig, 30)))
    rig.drain()
    rig.check()
    assert rig.rejects() == []


@every_method
def test_a_record_that_spans_two_members(rig: Rig, kind: str) -> None:
    data = rig.lines(10)
    rig.add(f"app.log.{kind}", PACK[kind](data[:100]) + PACK[kind](data[100:]))
    rig.drain()
    rig.check()


@every_method
def test_no_line_end_at_the_end(rig: Rig, kind: str) -> None:
    rig.add(f"app.log.{kind}", PACK[kind](rig.lines(10)[:-1]))
    rig.look()
    rig.check()


@pytest.mark.slow
@every_method
def test_a_file_that_ends_early(rig: Rig, kind: str) -> None:
    data = _noise(rig, 30_000)
    packed = PACK[kind](data)
    path = rig.path(f"app.log.{kind}")
    path.write_bytes(packed[: len(packed) // 2])
    rig.drain()
    whole = len(rig.numbers())
    assert 0 < whole < 30_000
    rig.check(missing=rig.written[whole:])
    assert rig.rejects() == []
    rig.clock.pass_time(3700)
    rig.look()
    torn, early = rig.rejects()
    assert torn[0]
    assert data.startswith(torn[0], len(b"".join(data.splitlines(keepends=True)[:whole])))
    assert early[0] == b""
    assert "ends early" in early[1]
    rig.check(missing=rig.written[whole:])
    rig.drain()
    assert len(rig.rejects()) == 2
    # The rest comes after all; what stood behind the cut is complete again.
    path.write_bytes(packed)
    rig.drain()
    rig.check(missing=[whole])


@every_method
def test_damaged_data(rig: Rig, kind: str) -> None:
    data = _noise(rig, 30_000)
    packed = bytearray(PACK[kind](data))
    packed[len(packed) * 5 // 8] ^= 0x55
    rig.path(f"app.log.{kind}").write_bytes(bytes(packed))
    rig.append("next.log", 3)
    rig.drain()
    stored = set(rig.numbers())
    assert {30_000, 30_001, 30_002} < stored
    rig.check(missing=set(rig.written) - stored)
    assert any("damaged" in reason and not raw for raw, reason in rig.rejects())
    rig.look()
    rig.restart()
    rig.drain()
    assert sum("damaged" in reason for _, reason in rig.rejects()) == 1


def test_a_wrong_checksum_loses_nothing_of_a_small_file(rig: Rig) -> None:
    packed = bytearray(gzip.compress(rig.lines(50)))
    packed[-8] ^= 1
    rig.path("app.log.gz").write_bytes(bytes(packed))
    rig.drain()
    rig.check()
    assert "incorrect data check" in rig.rejects()[0][1]


def test_what_is_no_compressed_data_behind_the_end(rig: Rig) -> None:
    rig.path("app.log.gz").write_bytes(gzip.compress(rig.lines(50)) + b"garbage")
    rig.drain()
    rig.check()
    assert "no gz data" in rig.rejects()[0][1]


@pytest.mark.slow
@every_method
def test_a_bomb_costs_little_memory_and_is_given_up(rig: Rig, kind: str) -> None:
    rig.add(f"app.log.{kind}", PACK[kind](rig.lines(1) + b"\0" * (300 << 20)))
    rig.append("zz.log", 3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rig.drain()
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    rig.check()
    assert any("1000-fold" in reason for _, reason in rig.rejects())
    assert grown_kib < 400 << 10


def test_overwritten_in_place_with_the_log_of_another_day(rig: Rig) -> None:
    path = rig.path("archive.log.gz")
    for _ in range(3):
        with path.open("wb") as file:
            file.write(gzip.compress(_noise(rig, 50)))
        rig.drain()
    rig.check()
    assert len(rig.files("state")) == 3


def test_overwritten_in_place_with_a_longer_copy_of_the_same_log(rig: Rig) -> None:
    for name in ("a-archive.log.gz", "z-archive.log.gz"):
        for _ in range(3):
            rig.add("app.log", _noise(rig, 50))
            with rig.path(name).open("wb") as file:
                file.write(gzip.compress(rig.path("app.log").read_bytes()))
            rig.drain()
    rig.check()


def test_a_name_promises_what_is_not_so(rig: Rig) -> None:
    rig.add("plain.log.gz", rig.lines(5))
    rig.add("packed.log", gzip.compress(rig.lines(5)))
    rig.drain()
    rig.check()
    assert rig.query("SELECT path, compression FROM files ORDER BY path") == [
        ("packed.log", "gz"), ("plain.log.gz", "none"),
    ]  # fmt: skip


@pytest.mark.slow
def test_many_compressed_files_are_unpacked_one_after_the_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        rig.add(f"{number:03}.log.gz", gzip.compress(_noise(rig, 700)))
    monkeypatch.setattr(rig.ingester._tailer._files, "_most", 16)
    unpacked = _count_unpacked(monkeypatch)
    rig.drain()
    rig.check()
    assert unpacked[0] < 60 * 10


@pytest.mark.slow
def test_busy_plain_files_and_a_backlog_of_compressed_ones_share(rig: Rig) -> None:
    for number in range(20):
        rig.add(f"{number:03}.log.gz", gzip.compress(_noise(rig, 200)))
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            rig.append("live.log", 50)
            time.sleep(0.001)

    writer = threading.Thread(target=write)
    writer.start()
    rig.ingester.start()
    try:
        for _ in range(300):
            if rig.query("SELECT count(*) FROM files WHERE finished_bytes > 0") == [(20,)]:
                break
            time.sleep(0.05)
    finally:
        stop.set()
        writer.join()
        rig.ingester.stop()
    rig.restart()
    rig.drain()
    rig.check()


def _count_unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a piece of compressed data is unpacked, from now on."""
    count, take = [0], decompress.CompressedSource._take

    def counted(self: decompress.CompressedSource) -> bytes:
        count[0] += 1
        return take(self)

    monkeypatch.setattr(decompress.CompressedSource, "_take", counted)
    return count
