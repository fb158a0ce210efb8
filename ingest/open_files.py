"""The descriptors of log files: how many are open, and that each is of the file it is taken for."""

from __future__ import annotations

import resource
from collections import OrderedDict
from pathlib import Path
from typing import Literal

from ingest.generations import Generation
from ingest.identity import file_key
from ingest.source import PlainSource, open_source

Held = Literal["open", "unreadable", "elsewhere", "reused"]


class OpenFiles:
    """Opens files and closes those that were not needed for longest."""

    def __init__(self, root: Path):
        self._root = root
        self._open: OrderedDict[int, Generation] = OrderedDict()
        self._most = max(16, min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))

    def hold(self, generation: Generation) -> Held:
        """Have the file of a generation open.

        Returns open, or why not. unreadable: not now. elsewhere: its name leads to another file,
        so the next scan must tell where it is. reused: another file has its inode, it is gone.
        """
        if generation.source is not None:
            self.keep(generation)
            return "open"
        try:
            source = open_source(self._root / generation.path)
        except FileNotFoundError:
            return "elsewhere"
        except OSError:
            return "unreadable"
        if source is None:
            return "elsewhere"
        key = file_key(source.descriptor)
        if key != generation.key:
            source.close()
            same = (key.device, key.inode) == (generation.key.device, generation.key.inode)
            return "reused" if same else "elsewhere"
        generation.source = source
        self.keep(generation)
        return "open"

    def keep(self, generation: Generation) -> None:
        """Take over a generation whose file is open; it was needed just now."""
        self._open[generation.file_id] = generation
        self._open.move_to_end(generation.file_id)
        if len(self._open) <= self._most:
            return
        for idle in self._open.values():
            # A file without a name cannot be opened again.
            if not idle.is_vanished and idle is not generation:
                self.release(idle)
                return

    def release(self, generation: Generation) -> None:
        """Close the file of a generation, if it is open."""
        generation.close()
        self._open.pop(generation.file_id, None)

    def plain(self) -> list[tuple[Generation, PlainSource]]:
        """Those that are open and not compressed."""
        return [
            (generation, generation.source)
            for generation in self._open.values()
            if isinstance(generation.source, PlainSource)
        ]
