from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .rig import Rig


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Makes a rig with settings of its own."""
    made: list[Rig] = []

    def make(**settings: object) -> Rig:
        base = tmp_path / f"rig{len(made)}"
        base.mkdir()
        made.append(Rig(base, **settings))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()
