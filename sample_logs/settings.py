"""The knobs of the simulated system: what a story sets once, and what its operators turn."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernel import MILLISECOND, SECOND


@dataclass(frozen=True)
class Setup:
    """A system and its traffic. Times are microseconds; probabilities are per message.

    All traffic and all capacity are per unit of scale: twice the scale is twice the customers and
    twice the consumers, so what happens to one customer stays the same.
    """

    dialect: str = ""
    """What all nodes write, one of DIALECTS; empty: each service its own."""
    customers: int = 12
    order_interval: int = 5 * SECOND
    """Mean time between two orders of all customers of a unit."""
    gap: int = 15 * MILLISECOND
    """Median time between the three messages of one order."""
    batch_interval: int = 0
    """Mean time between two settlement batches of a unit; 0: there are none."""
    accounts: int = 40
    tills: int = 0
    """Transfers go one at a time from one of the accounts to one of so many tills; 0: between
    accounts, in batches whose transfers depend on each other.
    """
    profile_interval: int = 0
    """Mean time between two changes of profiles of a unit; 0: there are none."""

    handle: int = 30 * MILLISECOND
    """Median time billing works on a message; the other services take a third of it."""
    handle_spread: float = 0.4
    transfer: int = 600 * MILLISECOND
    """Median time between the two locks of a transfer."""
    failure: float = 0.0
    """A handler fails half way (the payment provider does not answer)."""
    retry_limit: int = 2
    """Attempts in all, for failures and for order errors."""
    backoff: int = 120 * MILLISECOND
    max_turns: int | None = 5
    """After so many compensations an order is given up; None: never."""
    saga_delay: int = 50 * MILLISECOND
    """Between a compensation and the new submission of its order."""
    order_timeout: int = 0
    """An order not charged by then is submitted again; 0: nobody looks."""
    refused_share: float = 0.0
    """Orders with an article that a strict price check refuses."""

    clock_offset: int = 3 * MILLISECOND
    """A clock is off by up to so much at the start, either way."""
    link: int = 4 * MILLISECOND
    """Median time on the network."""
    jitter: int = 12 * MILLISECOND
    """Mean further time when messages of a stream travel on several connections (unordered)."""
    loss: float = 0.0
    """A copy for one consumer is lost; only while unordered."""
    resend: float = 0.0
    """A confirmation is lost and the producer sends once more; only while unordered."""
    ack_loss: float = 0.0
    """An acknowledgement is lost, and the broker delivers again after `visibility`."""
    visibility: int = 3 * SECOND
    backlog_warning: int = 0
    """Waiting messages per unit at which the broker's memory alarm goes off; 0: never."""
    backlog_limit: int = 0
    """Waiting messages per unit at which the system dies; 0: never."""

    deadlock_timeout: int = 1 * SECOND
    """So long a transaction waits for a lock before the lock manager looks for a cycle."""
    log_all_locks: bool = False
    """Whether locks that were free are logged, too; waits and what ends them always are."""


@dataclass
class Configuration:
    """What the operators change while the system runs."""

    unordered_streams: set[str] = field(default_factory=set)
    """Streams sent on several connections and handled by any free consumer."""
    lock_order: str = "by_name"
    """by_name: locks are taken in one global order; as_requested: in the order of the request."""
    contrary_nodes: set[str] = field(default_factory=set)
    """Nodes that run a version which takes locks against the order of their names."""
    price_check: str = "lenient"
    version_check: str = "on"
    """on: a write that does not begin from the newest version is refused; off: it goes through."""
