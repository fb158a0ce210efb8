"""What no column holds of a record, put together again as a JSON object.

`json_merge_patch` does this for any record, but reads, copies and writes the whole of it. The
keys of a shape are known, in their order, so the values that are left can be taken out by path
and joined, in a third of the time. Both ways give the same object; the patch may reorder it, so which
way is taken depends on the shape alone, never on what else was read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from ingest.expressions import glued, pointer, quoted
from ingest.names import Path

Tree = dict[str, "Tree | None"]
"""Key -> None where the whole value is left, or what is left of the object, in its order."""

# Whether DuckDB and Python write other characters of a key alike is nothing to rely on.
_PLAIN_KEY: Final = re.compile(r"[\w@$.:/+ -]+")
# Looking up paths one by one costs more than copying the record once there are many.
_MAX_LEAVES: Final = 24


def leftover(paths: Iterable[Path], removed: Iterable[Path]) -> Tree | None:
    """What is left of a record with these keys (in their order) without the removed ones.

    None: the keys are not of the simple kind that can be joined.
    """
    keys = list(paths)
    gone = set(removed)
    touched = {path[:depth] for path in gone for depth in range(1, len(path))}
    tree: Tree = {}
    if len(set(keys)) != len(keys):
        return None  # which of two equal keys counts is not ours to say
    for path in keys:
        if any(path[:depth] in gone for depth in range(1, len(path) + 1)):
            continue
        if any(path[:depth] not in touched for depth in range(1, len(path))):
            continue  # inside an object that is left as a whole
        if _PLAIN_KEY.fullmatch(path[-1]) is None:
            return None
        level: Any = tree
        for key in path[:-1]:
            level = level.setdefault(key, {})
        level.setdefault(path[-1], {} if path in touched else None)
    return tree if len(list(leaves(tree))) <= _MAX_LEAVES else None


def leaves(tree: Tree, above: Path = ()) -> Iterable[Path]:
    """The paths of the values that are left as a whole."""
    for key, below in tree.items():
        if below is None:
            yield (*above, key)
        else:
            yield from leaves(below, (*above, key))


@dataclass
class Union:
    """What is left of the records of several shapes, as far as one expression can say it."""

    tree: Tree = field(default_factory=dict)
    removed: set[Path] = field(default_factory=set)

    def add(self, tree: Tree, removed: Iterable[Path]) -> bool:
        """Take a shape in; False when it contradicts those that are in, and nothing changed."""
        gone = self.removed.union(removed)
        merged = _merged(self.tree, tree)
        if merged is None:
            return False
        left = list(leaves(merged))
        if len(left) > _MAX_LEAVES or not gone.isdisjoint(left):
            return False
        self.tree, self.removed = merged, gone
        return True


def add_all(entries: Iterable[tuple[Union, Tree, Iterable[Path]]]) -> bool:
    """Add to several what is left of one shape; False when one of them contradicts, and nothing changed."""
    given = list(entries)
    before = [(union.tree, union.removed) for union, *_ in given]
    if all(union.add(tree, removed) for union, tree, removed in given):
        return True
    for (union, *_), (tree, gone) in zip(given, before, strict=True):
        union.tree, union.removed = tree, gone
    return False


def _merged(one: Tree, other: Tree) -> Tree | None:
    """Both trees in one, in an order that both agree with; None when there is none."""
    merged: list[tuple[str, Tree | None]] = list(one.items())
    at = 0
    for key, below in other.items():
        if key not in one:
            merged.insert(at, (key, below))
            at += 1
            continue
        place = next(number for number, (name, _) in enumerate(merged) if name == key)
        if place < at or (one[key] is None) != (below is None):
            return None
        known = one[key]
        if known is not None and below is not None:
            inner = _merged(known, below)
            if inner is None:
                return None
            merged[place] = (key, inner)
        at = place + 1
    return dict(merged)


def joined(tree: Tree, value: dict[Path, str], above: Path = ()) -> str:
    """SQL: the JSON text of the object; of one in another NULL when nothing is left in it.

    `value` gives the SQL of the JSON value at a path (NULL where a record has none).
    """
    members = []
    for key, below in tree.items():
        path = (*above, key)
        inner = value[path] if below is None else joined(below, value, path)
        name = json.dumps(key, ensure_ascii=False).replace("'", "''")
        members.append(f"'{name}:' || {inner}")
    inside = f"concat_ws(',', {', '.join(members)})" if members else "''"
    if above:  # nullif stands for a CASE that names its argument twice
        inside = f"nullif({inside}, '')"
    return f"'{{' || {inside} || '}}'"


def in_own_order(record: str, removed: Iterable[Path], depth: int = 0) -> str:
    """SQL: the same text of the object `record` as `joined` gives, in whatever order its keys stand.

    Where objects are opened, the keys are asked of each record and each value is looked up by itself.
    """
    gone: dict[str, None] = {}
    opened: dict[str, list[Path]] = {}
    for key, *below in sorted(removed):
        if below:
            opened.setdefault(key, []).append(tuple(below))
        else:
            gone[key] = None
    opened = {key: paths for key, paths in opened.items() if key not in gone}
    if not opened:
        patch = quoted(json.dumps(gone, ensure_ascii=False))
        return f"nullif(json_merge_patch({record}, {patch})::VARCHAR, '{{}}')"
    name = f"key_{depth}"
    branches = [f"WHEN {name} = {quoted(key)} THEN NULL" for key in gone]
    for key, paths in opened.items():
        inner = in_own_order(f"json_extract({record}, {pointer((key,))})", paths, depth + 1)
        branches.append(f"WHEN {name} = {quoted(key)} THEN {inner}")
    whole = f"json_extract({record}, '/' || replace({name}, '/', '~1'))::VARCHAR"
    member = f"'\"' || {name} || '\":' || CASE {' '.join(branches)} ELSE {whole} END"
    members = f"list_transform(json_keys({record}), lambda {name}: {member})"
    return f"'{{' || {glued(members, ',')} || '}}'"
