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


def skipped(results: str) -> Counter[str]:
    """Reason -> number of tests, from a JUnit XML file."""
    cases = ET.parse(results).getroot().iter("testcase")  # noqa: S314 - pytest wrote it
    return Counter(skip.get("message", "no reason given") for case in cases for skip in case.iter("skipped"))


def main(results: str) -> int:
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
    sys.exit(main(sys.argv[1]))
