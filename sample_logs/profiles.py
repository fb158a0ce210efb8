"""Customers and the support staff change the same profiles: read, edit, write back.

Checked, a write that does not begin from the newest version is refused and done again. Unchecked, it
goes through, and what was written in between is gone: a lost update.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from kernel import MILLISECOND, Dice, Kernel
from ledger import Observer
from nodes import Node
from settings import Configuration, Setup

_EDIT = 700 * MILLISECOND
"""Median time between reading a profile and writing it."""


class Profiles:
    """The profiles of a few customers, each with a version."""

    def __init__(
        self, kernel: Kernel, setup: Setup, configuration: Configuration, observer: Observer, seed: int,
        scale: float, run: str,
    ):  # fmt: skip
        self._kernel = kernel
        self._configuration = configuration
        self._observer = observer
        self._dice = Dice(seed, "profiles")
        self._interval = setup.profile_interval / scale
        self._names = [
            f"profile-{run}{number}" for number in range(1, max(1, round(setup.customers * scale)) + 1)
        ]
        self._versions: Counter[str] = Counter()

    def pause(self) -> int:
        """Until somebody opens the next profile."""
        return self._dice.exponential(self._interval)

    def opened(self, pick: Callable[[int], Node]) -> None:
        """Somebody opens a profile at a node and writes it when the editing is done."""
        profile, node = self._names[self._dice.pick(len(self._names))], pick(self._dice.pick(1000))
        self._edit(node, profile)

    def _edit(self, node: Node, profile: str) -> None:
        read = self._versions[profile]
        self._kernel.after(self._dice.around(_EDIT, 0.6), partial(self._write, node, profile, read))

    def _write(self, node: Node, profile: str, read: int) -> None:
        if not node.is_up:
            return
        if self._configuration.version_check == "on" and read != self._versions[profile]:
            node.log(
                "process", "profile.refused", entity=profile, expected_version=read, severity="WARN",
                message=f"{profile} was changed meanwhile, it is read again",
            )  # fmt: skip
            self._edit(node, profile)
            return
        self._versions[profile] += 1
        identity, version = node.new_id(), self._versions[profile]
        stamp = node.log(
            "process", "profile.changed", identity, entity=profile, entity_version=version,
            expected_version=read, schema_version=node.schema_version, severity="INFO",
        )  # fmt: skip
        self._observer.wrote(identity, profile, read, version, stamp)
