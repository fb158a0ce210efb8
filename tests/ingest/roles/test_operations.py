"""Which field says what was done with a message, where none is called so."""

from __future__ import annotations

from typing import Any

import pytest

from .looking import decided, decided_of


def messages(name: str, words: tuple[str, ...], **more: Any) -> list[dict[str, Any]]:
    return [{"message_id": f"m-{n}", name: words[n % len(words)], **more} for n in range(60)]


@pytest.mark.parametrize("name", ["did", "act", "x"])
def test_words_for_sending_and_receiving_alone_are_operations(name: str) -> None:
    assert decided(messages(name, ("enqueue", "dequeue", "ack"))) == {"operation": name}


def test_who_only_sends_is_told_by_who_receives() -> None:
    logs = {"a.log": messages("did", ("PUSH",)), "b.log": messages("did", ("poll",))}
    assert decided_of(logs) == {("a.log", "operation"): "did", ("b.log", "operation"): "did"}
    assert decided_of({"a.log": messages("did", ("PUSH",))}) == {}


def test_other_words_named_fields_states_and_business_data_are_none() -> None:
    words = ("sent", "delivered")
    assert decided(messages("did", (*words, "paid"))) == {}
    assert decided(messages("did", words, op="x")) == {}
    assert decided(messages("shipment_status", words)) == {}
    assert decided([{"message_id": "m", "data": {"did": words[n % 2]}} for n in range(60)]) == {}
    assert decided([{"n": n, "did": words[n % 2]} for n in range(60)]) == {}
    cars = [{"id": n, "movement": ("in", "out")[n % 2], "gate": "g"} for n in range(60)]
    assert decided(cars) == {}
    assert decided([{**one, "topic": "gates"} for one in cars]) == {"operation": "movement"}
