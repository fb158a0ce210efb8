"""The list of pages in the README is the navigation, with the question that each page answers."""

from __future__ import annotations

import re
from pathlib import Path

from dashboard.pages import PAGES

ROOT = Path(__file__).parents[2]


def test_pages_of_the_readme_are_those_of_the_navigation() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Look at it\n")[1].split("\n## ")[0]
    listed = re.findall(r"^\| ([^|]+) \| ([^|]+\?) \|$", section, re.MULTILINE)
    asked = []
    for name, title, _ in PAGES:
        script = (ROOT / "dashboard" / "app_pages" / f"{name}.py").read_text(encoding="utf-8")
        [question] = re.findall(r'^st\.header\("([^"]+)"', script, re.MULTILINE)
        asked.append((title, question))
    assert listed == asked
