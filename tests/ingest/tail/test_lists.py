"""A text that begins like a list is none: its record is stored, whichever field it stands in."""

from __future__ import annotations

import pytest

from .rig import Rig


@pytest.mark.parametrize("name", ["causation_id", "parent_id", "links", "lock_edges"])
@pytest.mark.parametrize("text", ["[1", "[ERROR] no answer", "[]]", "["])
def test_a_text_that_begins_like_a_list_is_stored(rig: Rig, name: str, text: str) -> None:
    rig.add("app.log", f'{{"id": "1", "operation": "deadlock", "{name}": "{text}"}}\n'.encode())
    rig.drain()
    assert rig.query(f"SELECT event_id, attributes->>'{name}' FROM observations") == [("1", text)]
    assert rig.rejects() == []
