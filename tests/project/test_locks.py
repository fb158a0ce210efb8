"""The lock files: complete, pinned by hash, and bound to no place to download from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+?))? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def group(name: str) -> list[str]:
    """The requirements of a dependency group, those of included groups too."""
    found: list[str] = []
    for entry in project()["dependency-groups"][name]:
        found += group(entry["include-group"]) if isinstance(entry, dict) else [entry]
    return found


def pins(lock: str) -> dict[tuple[str, str], set[str]]:
    """(name, version) -> hashes."""
    found: dict[tuple[str, str], set[str]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if pin := PIN.fullmatch(line):
            hashes = found.setdefault((pin["name"], pin["version"]), set())
        else:
            assert HASH.fullmatch(line), f"{lock}: {line}"
            hashes.add(line)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_nothing_else_is_in_the_file(lock: str) -> None:
    assert all(pins(lock).values())


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("requirements.lock", project()["project"]["dependencies"] + project()["build-system"]["requires"]),
        ("requirements-dev.lock", project()["project"]["dependencies"] + group("dev")),
    ],
    ids=LOCKS,
)
def test_every_requirement_is_pinned_to_a_version_it_allows(lock: str, requirements: list[str]) -> None:
    for text in requirements:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        versions = [version for pinned, version in pins(lock) if pinned == name]
        assert versions, f"{text} is not in {lock}; run .ci/lock"
        assert all(requirement.specifier.contains(version) for version in versions), f"{text}; run .ci/lock"


def test_what_is_tested_is_what_is_used() -> None:
    """run.py takes an installation for tests for one that commands can use."""
    used, tested = pins(LOCKS[0]), pins(LOCKS[1])
    assert {pin: tested.get(pin) for pin in used} == used
