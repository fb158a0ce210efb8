"""A story written as a whole: one file per node, and what really happened beside them."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Final

from kernel import HOUR, MINUTE
from ledger import Ledger
from stories import Story
from world import World

_AFTERMATH: Final = HOUR
"""After the last order, for what is under way to come to an end."""


class Files:
    """Collects what each node wrote, and counts it."""

    def __init__(self) -> None:
        self.written: dict[str, list[bytes]] = defaultdict(list)

    def write(self, node: str, data: bytes) -> None:
        self.written[node].append(data)

    def account(self) -> dict[str, dict[str, int]]:
        """File -> its bytes, line ends, whole records, and records torn by a crash: within the
        file (the next line is glued to them), or as its unfinished end.
        """
        found = {}
        for node, pieces in sorted(self.written.items()):
            whole = sum(piece.endswith(b"\n") for piece in pieces)
            unfinished = not pieces[-1].endswith(b"\n")
            found[f"{node}.jsonl"] = {
                "bytes": sum(map(len, pieces)),
                "lines": whole,
                "events": whole,
                "torn_lines": len(pieces) - whole - unfinished,
                "unfinished_lines": int(unfinished),
            }
        return found


def write_story(directory: Path, story: Story, seed: int, minutes: float, start: datetime) -> Ledger:
    """Write DIRECTORY/logs/*.jsonl and DIRECTORY/TRUTH.json. Returns what kept the truth.

    Raises:
        FileExistsError: `directory` holds logs already.
    """
    logs = directory / "logs"
    logs.mkdir(parents=True)
    files, ledger = Files(), Ledger()
    world = World(story.setup, seed, 1, start, files, ledger, story.name[0])
    closes_at = round(minutes * MINUTE)
    world.open(closes_at)
    story.script(world, story.begin)
    world.kernel.run(closes_at + _AFTERMATH)
    for node, pieces in files.written.items():
        (logs / f"{node}.jsonl").write_bytes(b"".join(pieces))
    instant = world.node("config-1").instant
    truth = {
        "story": story.name, "seed": seed, "minutes": minutes, "start": instant(0),
        "files": files.account(),
        "clocks": {
            node.name: {"offset_us": node.clock.offset, "drift_us_per_s": round(node.clock.drift, 3)}
            for node in world.nodes()
        },
        **ledger.truth(instant),
    }  # fmt: skip
    text = json.dumps(truth, indent=1, ensure_ascii=False)
    (directory / "TRUTH.json").write_text(text + "\n", encoding="utf-8")
    return ledger
