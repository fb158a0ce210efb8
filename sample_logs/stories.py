"""The stories: a system each, and what its operators do to it.

A story is told from `begin` on, microseconds since the start of the logs. Written in bulk it is
told once; live it is told again and again, so that whoever looks has not missed it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kernel import HOUR, MILLISECOND, MINUTE, SECOND
from settings import Setup
from world import World

Script = Callable[[World, int], None]


@dataclass(frozen=True)
class Story:
    name: str
    seed: int
    """Of the sample that is shipped."""
    setup: Setup
    script: Script
    minutes: float
    """How long it takes."""
    begin: int
    """Where the script begins when it is written in bulk."""
    live: Script
    """Tells it again and again."""
    live_setup: Setup
    live_scale: float
    """Scale at which about 250 lines a second are written live."""


def in_dialect(story: Story, dialect: str) -> Story:
    """The same, with all nodes writing one of DIALECTS."""
    return replace(
        story,
        setup=replace(story.setup, dialect=dialect),
        live_setup=replace(story.live_setup, dialect=dialect),
    )


def _again(script: Script, every: int) -> Script:
    """Tell a story over and over."""

    def told(world: World, begin: int) -> None:
        script(world, begin)
        world.plan(begin + every, lambda: told(world, begin + every))

    return told


def _ordered(world: World, begin: int) -> None:
    """A deployment, and nothing else worth telling."""
    world.plan(begin, lambda: world.deploy("orders-api-2"))


def _unordered(world: World, begin: int) -> None:
    """The same, and then a switch that was to make things faster; a node dies on top of it."""
    _ordered(world, begin)
    world.plan(begin + 20 * SECOND, lambda: world.change("ordering", "unordered", "orders"))
    world.plan(begin + 80 * SECOND, lambda: world.crash("billing-3"))
    world.plan(begin + 88 * SECOND, lambda: world.restart("billing-3"))


def _unordered_and_back(world: World, begin: int) -> None:
    _unordered(world, begin)
    world.plan(begin + 3 * MINUTE, lambda: world.change("ordering", "ordered", "orders"))


def _deadlocks(world: World, begin: int) -> None:
    """For one hour locks are taken in one order: the same traffic, and no deadlock."""
    world.change("lock_order", "as_requested")
    world.plan(begin, lambda: world.change("lock_order", "by_name"))
    world.plan(begin + HOUR, lambda: world.change("lock_order", "as_requested"))


def _lock_order_to_and_fro(world: World, begin: int) -> None:
    """The same within minutes."""
    world.change("lock_order", "as_requested")
    world.plan(begin + 3 * MINUTE, lambda: world.change("lock_order", "by_name"))
    world.plan(begin + 6 * MINUTE, lambda: world.change("lock_order", "as_requested"))


def _inverted(world: World, begin: int) -> None:
    """A version that takes two locks the other way round goes to one node of three: nothing
    happens, until two of them want the same two locks at a time.
    """
    world.plan(begin, lambda: world.deploy("billing-2", is_contrary=True))


def _inverted_and_back(world: World, begin: int) -> None:
    _inverted(world, begin)
    world.plan(begin + 6 * MINUTE, lambda: world.deploy("billing-2"))


def _loop(world: World, begin: int) -> None:
    """A price check refuses an article: its orders go round until they are given up, or it is
    switched off again.
    """
    world.plan(begin, lambda: world.change("price_check", "strict"))
    world.plan(begin + 90 * SECOND, lambda: world.change("price_check", "lenient"))


def _overwritten(world: World, begin: int) -> None:
    """Somebody switches off what made sure that nobody overwrites what another one changed."""
    world.plan(begin, lambda: world.change("version_check", "off"))
    world.plan(begin + 90 * SECOND, lambda: world.change("version_check", "on"))


def _storm(world: World, begin: int) -> None:
    """Order is switched off while demand rises: the loops grow, then feed on themselves."""

    def rise() -> None:
        if not (world.broker.is_ordered("orders") or world.broker.is_down):
            world.customers.demand += 0.12
            world.plan(world.kernel.now + 15 * SECOND, rise)

    world.plan(begin, lambda: world.change("ordering", "unordered", "orders"))
    world.plan(begin + 15 * SECOND, rise)


def _storm_and_recovery(world: World, begin: int) -> None:
    """Calm, storm, crash, silence, recovery; then again."""
    # Apart from each other, so that it can be told which of the two changes did what.
    world.plan(begin - 25 * SECOND, lambda: world.change("lock_order", "as_requested"))
    _storm(world, begin)

    def recover() -> None:
        world.change("ordering", "ordered", "orders")
        world.change("lock_order", "by_name")
        world.customers.demand = 1.0
        world.restart_all()
        _storm_and_recovery(world, world.kernel.now + 90 * SECOND)

    world.when_crashed = lambda: world.plan(world.kernel.now + 20 * SECOND, recover)


_SHOP = Setup(ack_loss=0.004, failure=0.01)
_LOOSE = replace(_SHOP, loss=0.03, resend=0.02, jitter=20 * MILLISECOND, backoff=15 * MILLISECOND)
_CHECKED = replace(_SHOP, order_interval=6 * SECOND, refused_share=0.3, retry_limit=1, saga_delay=4 * SECOND)
_EDITED = replace(_SHOP, order_interval=20 * SECOND, profile_interval=600 * MILLISECOND)
_LEDGER = Setup(order_interval=1 * HOUR, batch_interval=280 * SECOND, log_all_locks=True)
_TILLS = replace(_LEDGER, batch_interval=20 * SECOND, accounts=4, tills=2, transfer=2 * SECOND)
_SLOW = Setup(
    handle=1_100 * MILLISECOND, gap=20 * MILLISECOND, jitter=30 * MILLISECOND,
    retry_limit=1, max_turns=None, saga_delay=700 * MILLISECOND, order_timeout=15 * SECOND,
    backlog_warning=25, backlog_limit=200,
)  # fmt: skip
_SLOWER = replace(_SLOW, order_interval=8 * SECOND, handle=1_760 * MILLISECOND)
"""The same load from fewer messages: the story in a few hundred kilobytes."""


def _at_scale(setup: Setup, scale: float, batch_interval: int = 0) -> Setup:
    """With settlement batches so far apart whatever the scale."""
    return replace(setup, batch_interval=round(batch_interval * scale))


STORIES = {
    story.name: story
    for story in (
        Story(
            "ordered", 7, _SHOP, _ordered, 3, 1 * MINUTE,
            _again(_ordered, 10 * MINUTE), _SHOP, 75,
        ),
        Story(
            "unordered", 7, _LOOSE, _unordered, 3.5, 1 * MINUTE,
            _again(_unordered_and_back, 5 * MINUTE), _LOOSE, 75,
        ),
        Story(
            "deadlocks", 4, _LEDGER, _deadlocks, 240, 2 * HOUR,
            _again(_lock_order_to_and_fro, 10 * MINUTE),
            _at_scale(replace(_SHOP, log_all_locks=True), 75, 30 * SECOND), 75,
        ),
        Story(
            "inverted", 27, _TILLS, _inverted, 22, 10 * MINUTE,
            _again(_inverted_and_back, 12 * MINUTE),
            _at_scale(replace(_TILLS, order_interval=5 * SECOND), 75, 10 * SECOND), 75,
        ),
        Story(
            "loop", 7, _CHECKED, _loop, 3, 30 * SECOND,
            _again(_loop, 3 * MINUTE), _CHECKED, 75,
        ),
        Story(
            "overwritten", 7, _EDITED, _overwritten, 3, 45 * SECOND,
            _again(_overwritten, 5 * MINUTE), replace(_EDITED, order_interval=5 * SECOND), 75,
        ),
        Story(
            "storm", 15, _SLOWER, _storm, 6, 1 * MINUTE,
            _storm_and_recovery, _at_scale(_SLOW, 75, 15 * SECOND), 75,
        ),
    )
}  # fmt: skip
