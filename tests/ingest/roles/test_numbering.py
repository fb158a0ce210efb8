"""Which number is the sequence of which key, told by the values where names say nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .looking import decided_of, decisions


def decided(records: list[dict[str, Any]]) -> dict[str, tuple[str, bool]]:
    return {one.role: (".".join(one.field), one.is_override) for one in decisions(records)}


def counted(rng: random.Random, keys: int, per_key: int) -> Iterator[tuple[str, int]]:
    """Every key with its next number, in any order, 5 % lost, some swapped."""
    numbers = [0] * keys
    made = []
    for _ in range(keys * per_key):
        key = rng.randrange(keys)
        numbers[key] += 1
        if rng.random() > 0.05:
            made.append((f"gadget-{key}", numbers[key]))
    for _ in range(len(made) // 10):
        at = rng.randrange(len(made) - 3)
        made[at], made[at + 2] = made[at + 2], made[at]
    yield from made


def test_a_counter_that_nobody_knows_the_name_of() -> None:
    rng = random.Random(1)
    records = [
        {"gadget": key, "ctr": number, "load": rng.randrange(100), "site": rng.choice("ab"), "ms": number * 7}
        for key, number in counted(rng, 20, 30)
    ]
    assert decided(records) == {"sequence": ("ctr", True), "stream_key": ("gadget", True)}


def test_what_events_are_about_may_be_the_key_of_their_numbers() -> None:
    records = [{"entity": key, "no": number} for key, number in counted(random.Random(1), 20, 30)]
    assert decided(records) == {"sequence": ("no", True), "stream_key": ("entity", True)}


@pytest.mark.parametrize("written", [str, "{:06d}".format, float])
def test_a_number_may_be_a_text_or_a_fraction(written: Callable[[int], str | float]) -> None:
    records = [{"gadget": key, "ctr": written(number)} for key, number in counted(random.Random(1), 20, 30)]
    assert decided(records) == {"sequence": ("ctr", True), "stream_key": ("gadget", True)}


def test_what_is_called_a_number_and_is_the_id_is_no_sequence() -> None:
    records: list[dict[str, Any]] = []
    for place, (key, number) in enumerate(counted(random.Random(1), 20, 30)):
        cause = {"because_no": 500_000 + place - 7} if place > 7 else {}
        records.append({"event_no": 500_000 + place, "gadget": key, "ctr": number, **cause})
    told = decided(records)
    assert (told["event_id"], told["sequence"]) == (("event_no", True), ("ctr", True))
    assert told["stream_key"] == ("gadget", True)


def test_a_key_that_is_a_number_in_a_text_is_one_key() -> None:
    records = [
        {"gadget_no": key.removeprefix("gadget-"), "ctr": number}
        for key, number in counted(random.Random(1), 20, 30)
        for _ in range(5)
    ]
    assert decided(records) == {"sequence": ("ctr", True), "stream_key": ("gadget_no", True)}


def test_names_that_are_right_are_confirmed() -> None:
    records = [{"partition_key": key, "seq": n, "n": n} for key, n in counted(random.Random(2), 20, 30)]
    assert decided(records) == {"sequence": ("seq", False), "stream_key": ("partition_key", False)}


def test_the_key_that_the_numbers_are_of_is_taken_among_several() -> None:
    rng = random.Random(3)
    records = [
        {"customer_id": f"customer-{rng.randrange(50)}", "order_id": key, "seq": number}
        for key, number in counted(rng, 20, 30)
    ]
    assert decided(records)["stream_key"] == ("order_id", True)


def of_services(rng: random.Random, services: int) -> Iterator[dict[str, Any]]:
    """Services that number what they write, about orders that all of them are about."""
    numbers = dict.fromkeys((f"svc-{n}" for n in range(services)), 0)
    for _ in range(600):
        service = rng.choice(list(numbers))
        numbers[service] += 1
        if rng.random() > 0.05:
            yield {"service": service, "seq": numbers[service], "order_id": f"order-{rng.randrange(40)}"}


def test_what_counts_the_events_of_a_service_has_no_key() -> None:
    assert decided(list(of_services(random.Random(5), 3))) == {"stream_key": ("", True)}
    one = [
        {"seq": record["seq"], "order_id": record["order_id"]} for record in of_services(random.Random(6), 1)
    ]
    assert decided(one) == {"stream_key": ("", True)}


def of_partitions(rng: random.Random, partitions: int, records: int) -> Iterator[dict[str, Any]]:
    """Messages that a producer numbers per partition, each seen when it is received and when processed."""
    numbers = dict.fromkeys(range(partitions), 0)
    for _ in range(records):
        customer = rng.randrange(40)
        partition = customer % partitions
        numbers[partition] += 1
        one = {"service": "risk", "topic": "quotes", "partition": partition, "seq": numbers[partition]}
        yield from [{**one, "key": f"customer-{customer}"}] * 2


@pytest.mark.parametrize("partitions", [2, 3, 4, 12])
def test_few_partitions_are_the_key_of_the_numbers_that_meet_without_them(partitions: int) -> None:
    records = list(of_partitions(random.Random(10), partitions, 600))
    assert decided(records) == {"sequence": ("seq", False), "stream_key": ("partition", True)}


def test_the_only_partition_that_was_seen_is_the_key_all_the_same() -> None:
    """The next consumer to write a log has another one, whose numbers are its own."""
    records = [one for one in of_partitions(random.Random(13), 3, 600) if one["partition"] == 2]
    assert decided(records) == {"stream_key": ("partition", True)}


def test_numbers_of_keys_are_not_taken_for_those_of_their_partitions() -> None:
    """Each order has too few numbers to tell by itself."""
    rng = random.Random(11)
    records = [
        {"service": "risk", "topic": "orders", "partition": order % 3, "seq": number, "key": f"order-{order}"}
        for order in range(300)
        for number in range(1, rng.randrange(2, 5))
    ]
    assert decided(records) == {}


def test_counters_that_meet_in_a_service_are_not_one_without_a_key() -> None:
    """What comes in is numbered by key, what goes out by partition."""
    rng = random.Random(12)
    incoming = [
        {"service": "risk", "topic": "trades", "seq": number, "key": key}
        for key, number in counted(rng, 3, 100)
    ]
    outgoing = list(of_partitions(rng, 2, 300))
    mixed = sorted([*incoming, *outgoing], key=lambda one: one["seq"])
    assert decided(mixed).get("stream_key") in {None, ("partition", True)}


def test_a_number_that_nobody_knows_may_be_of_a_stream() -> None:
    records = [
        {"stream_name": key, "position": number, "global_position": n}
        for n, (key, number) in enumerate(counted(random.Random(8), 20, 30))
    ]
    assert decided(records) == {"sequence": ("position", True), "stream_key": ("stream_name", False)}


def test_what_counts_all_that_a_store_holds_is_no_sequence() -> None:
    rng = random.Random(7)
    records = [
        {"streamId": key, "version": number, "sequence": 100 + n}
        for n, (key, number) in enumerate(counted(rng, 20, 30))
    ]
    found = decided(records)
    assert found["broker_sequence"] == ("sequence", True)
    assert found["sequence"] == ("version", True)
    assert found["stream_key"] == ("streamId", False)
    bare = [{name: value for name, value in one.items() if name != "version"} for one in records]
    assert decided(bare) == {"broker_sequence": ("sequence", True), "sequence": ("", True)}


def test_numbers_that_count_nothing_tell_nothing() -> None:
    rng = random.Random(4)
    records = [
        {"gadget": f"gadget-{rng.randrange(20)}", "load": rng.randrange(30), "size": rng.randrange(10**6)}
        for _ in range(2000)
    ]
    assert decided(records) == {}


def test_one_counter_for_all_tells_no_key() -> None:
    assert decided([{"host": f"h{n % 3}", "line": n} for n in range(1000)]) == {}


def test_numbers_are_keys_where_they_are_called_so() -> None:
    records = [
        {"user_id": int(key.removeprefix("gadget-")), "ctr": number}
        for key, number in counted(random.Random(5), 20, 30)
    ]
    assert decided(records) == {"sequence": ("ctr", True), "stream_key": ("user_id", False)}
    assert decided([{"load": one["user_id"], "ctr": one["ctr"]} for one in records]) == {}


def test_a_number_that_begins_again_in_each_session_is_of_the_session() -> None:
    """By player, as names would have it, the numbers of several sessions meet."""
    rng = random.Random(8)
    records = [{"session_id": key, "seq": number} for key, number in counted(rng, 20, 30)]
    players = {key: f"player-{n % 7}" for n, key in enumerate(sorted({one["session_id"] for one in records}))}
    records = [{**one, "player_id": players[one["session_id"]]} for one in records]
    assert decided(records) == {"sequence": ("seq", False), "stream_key": ("session_id", True)}


@pytest.mark.parametrize("field", ["order_id", "stream_id"])
def test_what_counts_all_is_of_no_key_though_its_numbers_stand_close(field: str) -> None:
    """Orders are over soon, so that the numbers of one stand close together, but for its neighbours'."""
    rng = random.Random(9)
    places = sorted((n // 6 + rng.random() * 1.6, n // 6) for n in range(600))
    records = [
        {"seq_id": n, field: f"order-{order}", "type": rng.choice("ab")}
        for n, (_, order) in enumerate(places, 1)
    ]
    is_stream = field == "stream_id"
    expected = {"sequence": "", "broker_sequence": "seq_id"} if is_stream else {"stream_key": ""}
    assert decided(records) == {role: (name, True) for role, name in expected.items()}


def test_the_key_of_a_route_is_the_key_of_a_channel_beside_it() -> None:
    records = [{"routingKey": key, "seq": n} for key, n in counted(random.Random(9), 20, 30)]
    assert decided(records)["stream_key"] == ("routingKey", False)  # it is the stream
    beside = [{"channel": "orders", **one} for one in records]
    assert decided(beside)["stream_key"] == ("routingKey", True)


def test_what_few_records_cannot_tell_is_what_it_is_in_other_logs() -> None:
    many = [{"gadget": key, "ctr": n} for key, n in counted(random.Random(1), 20, 30)]
    few = [{"gadget": f"gadget-{n % 4}", "ctr": n // 4} for n in range(40)]
    told = {("a.log", "sequence"): "ctr", ("a.log", "stream_key"): "gadget"}
    alike = {("b.log", role): field for (_, role), field in told.items()}
    assert decided_of({"a.log": many, "b.log": few}) == {**told, **alike}
    sparse = [{"gadget": f"gadget-{n % 4}", "ctr": n * 9} for n in range(60)]
    assert decided_of({"a.log": many, "b.log": sparse}) == told
