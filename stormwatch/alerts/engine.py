"""From findings to episodes: pure, with no clock and no input or output of its own.

An episode is pending while a value is above its threshold for less than the evaluations the rule
asks for, then firing, and resolved when it has been below the clear level for long enough, times at
which nothing was known left out. What it
is measured against (threshold, usual volume) is frozen when it begins to fire: a storm that lasts
does not become usual. What is not known changes nothing, so that silence is no recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

from stormwatch.alerts.rules import Policy

State = Literal["pending", "firing", "resolved"]
ChangeKind = Literal["firing", "escalated", "resolved"]
OPEN: Final = ("pending", "firing")


@dataclass(frozen=True)
class Finding:
    """A row of a rule: what it says of one loop, stream, service ... at one evaluation."""

    key: str
    value: float | None
    """None: it cannot be told."""
    sentence: str = ""
    members: tuple[str, ...] = ()
    """What it consists of; findings that share one are about the same."""
    threshold: float | None = None
    """Its own threshold, where the rule has none for all."""
    held_value: float | None = None
    """Counts in place of `value`, if it is greater, once the episode fires."""
    volume: float | None = None
    least_volume: float | None = None
    """`held_value` counts only while there is so much of `volume`; frozen when it fires."""
    pulse: float | None = None
    least_pulse: float | None = None
    """While there is less of `pulse`, in all findings of an episode, it is silent: nothing is known.
    Frozen when it fires."""
    ending: str | None = None
    """Why the episode is over, where that is no recovery: added to its sentence when it is resolved."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """All other columns of the row."""


@dataclass(frozen=True)
class Episode:
    """One alert from its onset to its end."""

    key: str
    state: State
    onset_at: datetime
    """First evaluation at which it was above the threshold."""
    evaluated_at: datetime
    """Last evaluation at which something was known of it."""
    members: tuple[str, ...] = ()
    episode_id: int | None = None
    """None until it is stored."""
    severity: str | None = None
    """The highest it reached; None while pending."""
    recent: tuple[float, ...] = ()
    """The latest values, of as many evaluations as the rule asks for."""
    value: float = 0.0
    peak_value: float = 0.0
    threshold: float | None = None
    """Frozen with the finding that made it fire, where it had one."""
    least_volume: float | None = None
    least_pulse: float | None = None
    fired_at: datetime | None = None
    below_since: datetime | None = None
    """Since when it is below the clear level; None when it is not. Moved on by the times at which nothing
    was known, so that they neither count nor begin it anew."""
    resolved_at: datetime | None = None
    fired_count: int = 0
    """How often it fired: more than once where it came back within the time to re-arm."""
    sentence: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A change of state that people are told of."""

    kind: ChangeKind
    at: datetime
    episode: Episode
    """As it was after the change."""


@dataclass(frozen=True)
class Step:
    """What an evaluation makes of the episodes of a rule."""

    episodes: tuple[Episode, ...]
    """All that are open, or resolved and not forgotten; without those that were pending for nothing."""
    changes: tuple[Change, ...]


def step(policy: Policy, episodes: Sequence[Episode], instant: datetime, findings: Iterable[Finding]) -> Step:
    """Apply the findings of one evaluation.

    `episodes` are those of one rule that are open, and those resolved within the time to re-arm.
    A finding belongs to the episode with its key, or with which it shares a member; of several of
    one episode the greatest counts.
    """
    known = [one for one in episodes if one.state in OPEN or _may_return(policy, one, instant)]
    mine: dict[int, list[Finding]] = {number: [] for number in range(len(known))}
    strangers: list[Finding] = []
    for finding in findings:
        numbers = _owners(known, finding)
        for number in numbers:
            mine[number].append(finding)
        if not numbers:
            strangers.append(finding)
    after: list[Episode] = []
    changes: list[Change] = []
    for number, episode in enumerate(known):
        _keep(_advance(policy, episode, instant, mine[number]), instant, after, changes)
    for finding in sorted(strangers, key=lambda one: (-(one.value or 0.0), one.key)):
        if _above(policy, finding) and not any(_is_about(one, finding) for one in after):
            begun = Episode(finding.key, "pending", instant, instant, finding.members)
            _keep(_raise(policy, begun, instant, finding), instant, after, changes)
    return Step(tuple(after), tuple(changes))


def _keep(
    found: tuple[Episode | None, ChangeKind | None],
    instant: datetime,
    after: list[Episode],
    changes: list[Change],
) -> None:
    episode, kind = found
    if episode is not None:
        after.append(episode)
        if kind is not None:
            changes.append(Change(kind, instant, episode))


def _may_return(policy: Policy, episode: Episode, instant: datetime) -> bool:
    return episode.resolved_at is not None and instant - episode.resolved_at < policy.rearm


def _owners(episodes: Sequence[Episode], finding: Finding) -> list[int]:
    """Numbers of the episodes a finding is about: open ones, else the last that was resolved."""
    about = [number for number, one in enumerate(episodes) if _is_about(one, finding)]
    opened = [number for number in about if episodes[number].state in OPEN]
    return opened or about[-1:]


def _is_about(episode: Episode, finding: Finding) -> bool:
    return episode.key == finding.key or not set(episode.members).isdisjoint(finding.members)


def _above(policy: Policy, finding: Finding) -> bool:
    lowest = _lowest(policy, finding.threshold)
    return finding.value is not None and lowest is not None and finding.value >= lowest


def _lowest(policy: Policy, own: float | None) -> float | None:
    return policy.thresholds[0] if policy.thresholds else own


def _advance(
    policy: Policy, episode: Episode, instant: datetime, findings: Sequence[Finding]
) -> tuple[Episode | None, ChangeKind | None]:
    """The episode after an evaluation (None: forgotten), and what to tell of it."""
    worst = max(
        (one for one in findings if _value(episode, one) is not None),
        key=lambda one: (_value(episode, one) or 0.0, one.key == episode.key),
        default=None,
    )
    if worst is None and policy.absence_is_calm and not findings:
        worst = Finding(episode.key, 0.0, episode.sentence, threshold=episode.threshold)
    match episode.state:
        case "firing":
            if worst is None or _is_silent(episode, findings):
                return _wait(policy, episode), None
            return _hold(policy, episode, instant, worst)
        case "pending":
            if worst is None or not _above(policy, worst):
                # One that fired before is still within the time in which it may come back.
                return _as_before(episode), None
            return _raise(policy, episode, instant, worst)
        case _:
            if worst is None or not _above(policy, worst):
                return episode, None
            return _raise(policy, replace(episode, state="pending", recent=()), instant, worst)


def _wait(policy: Policy, episode: Episode) -> Episode:
    if episode.below_since is None:
        return episode
    return replace(episode, below_since=episode.below_since + policy.every)


def _is_silent(episode: Episode, findings: Sequence[Finding]) -> bool:
    pulses = [one.pulse for one in findings if one.pulse is not None]
    return bool(pulses) and episode.least_pulse is not None and sum(pulses) < episode.least_pulse


def _as_before(episode: Episode) -> Episode | None:
    return replace(episode, state="resolved", recent=()) if episode.resolved_at else None


def _value(episode: Episode, finding: Finding) -> float | None:
    if episode.state != "firing" or finding.held_value is None:
        return finding.value
    is_quiet = (
        finding.volume is not None
        and episode.least_volume is not None
        and finding.volume < episode.least_volume
    )
    return max(finding.value or 0.0, 0.0 if is_quiet else finding.held_value)


def _raise(
    policy: Policy, episode: Episode, instant: datetime, finding: Finding
) -> tuple[Episode, ChangeKind | None]:
    value = finding.value or 0.0
    recent = (*episode.recent, value)[-policy.for_count :]
    seen = replace(
        episode,
        evaluated_at=instant, recent=recent, value=value, peak_value=max(value, episode.peak_value),
        members=finding.members or episode.members, sentence=finding.sentence, details=finding.details,
        threshold=finding.threshold, least_volume=finding.least_volume, least_pulse=finding.least_pulse,
    )  # fmt: skip
    if len(recent) < policy.for_count:
        return seen, None
    fired = replace(
        seen,
        state="firing", fired_at=instant, resolved_at=None, below_since=None,
        fired_count=episode.fired_count + 1, severity=_severity(policy, seen),
    )  # fmt: skip
    return fired, "firing"


def _severity(policy: Policy, episode: Episode) -> str:
    """The highest whose threshold all the latest values reached."""
    held = min(episode.recent)
    reached = [
        name for name, least in zip(policy.severities, policy.thresholds, strict=False) if held >= least
    ]
    return reached[-1] if reached else policy.severities[0]


def _hold(
    policy: Policy, episode: Episode, instant: datetime, finding: Finding
) -> tuple[Episode, ChangeKind | None]:
    value = _value(episode, finding) or 0.0
    lowest = _lowest(policy, episode.threshold) or 0.0
    is_above = value >= lowest
    is_below = value < policy.clear_ratio * lowest
    seen = replace(
        episode,
        evaluated_at=instant, value=value, peak_value=max(value, episode.peak_value),
        recent=(*episode.recent, value)[-policy.for_count :],
        below_since=(episode.below_since or instant) if is_below else None,
        # A sentence about what is over would not say what the alert is about.
        sentence=finding.sentence if is_above else episode.sentence,
        members=(finding.members or episode.members) if is_above else episode.members,
    )  # fmt: skip
    if seen.below_since is not None and instant - seen.below_since >= policy.clear_after:
        said = f"{seen.sentence}; {finding.ending}" if finding.ending else seen.sentence
        return replace(seen, state="resolved", resolved_at=instant, recent=(), sentence=said), "resolved"
    severity = _severity(policy, seen)
    if len(seen.recent) == policy.for_count and _rank(policy, severity) > _rank(policy, seen.severity):
        return replace(seen, severity=severity), "escalated"
    return seen, None


def _rank(policy: Policy, severity: str | None) -> int:
    return policy.severities.index(severity) if severity in policy.severities else -1
