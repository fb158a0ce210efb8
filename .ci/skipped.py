"""Lists the tests that were skipped and why; fails when one was skipped for anything but absent data.

A missing tool would otherwise leave a whole suite unrun, and green.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from xml.etree import ElementTree as ET

# The logs of real systems are no part of the project; that their directory is absent is said so.
ALLOWED = re.compile(r"/\S+ is not there")


def skipped(results: list[str]) -> Counter[str]:
    """Reason -> number of tests, from JUnit XML files."""
    skips = [skip for path in results for skip in ET.parse(path).getroot().iter("skipped")]  # noqa: S314 - pytest wrote it
    return Counter(skip.get("message", "no reason given") for skip in skips)


def main(results: list[str]) -> int:
    """Print the list; the exit code."""
    counts = skipped(results)
    print(f"{counts.total()} tests were skipped" + (":" if counts else ""))
    for reason, count in counts.most_common():
        print(f"  {count:4}  {reason}")
    unexcused = [reason for reason in counts if not ALLOWED.match(reason)]
    if unexcused:
        print("failed: these reasons are no excuse: " + "; ".join(unexcused))
    return 1 if unexcused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
