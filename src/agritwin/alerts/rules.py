"""Rules that judge danger: a pure function of evidence up to a time, never of the clock.

A rule has thresholds for three levels. Forecast members vote: the value of a judgement is the extreme that a given
share of the members reaches for long enough, and the level is the highest threshold that this value is beyond.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agritwin.errors import ConfigError, DataError

type Level = Literal["none", "low", "mid", "serious"]
type Direction = Literal["above", "below"]

LEVELS: tuple[Level, ...] = ("none", "low", "mid", "serious")


@dataclass(frozen=True)
class Rule:
    """When a quantity is a danger.

    Parameters
    ----------
    name, quantity, unit
        Rule, variable that it judges, and the unit of thresholds and hysteresis.
    thresholds
        Value at which each level begins, from harmless to harmful; a level that is left out does not exist.
    direction
        Whether danger lies at or above the thresholds, or at or below them.
    probability
        Share of forecast members that has to agree.
    persistence
        Steps of the evidence, one after the other, that must be beyond a threshold.
    hysteresis
        How far back the value must go beyond the threshold before a level that was reached is left.
    """

    name: str
    quantity: str
    unit: str
    thresholds: Mapping[str, float]
    direction: Direction = "above"
    probability: float = 0.3
    persistence: int = 1
    hysteresis: float = 0.0

    def __post_init__(self) -> None:
        sign = 1 if self.direction == "above" else -1
        ordered = [sign * self.thresholds[level] for level in LEVELS[1:] if level in self.thresholds]
        if not ordered or ordered != sorted(ordered) or set(self.thresholds) - set(LEVELS[1:]):
            raise ConfigError(
                f"Rule {self.name}: thresholds {dict(self.thresholds)} are not in order, danger is {self.direction}.",
                "Give low, mid and serious in the order of danger.",
            )
        if not 0 < self.probability <= 1 or self.persistence < 1 or self.hysteresis < 0:
            raise ConfigError(
                f"Rule {self.name}: probability {self.probability}, persistence {self.persistence}, hysteresis "
                f"{self.hysteresis}.",
                "Probability lies in (0, 1], persistence is 1 or more, hysteresis 0 or more.",
            )


@dataclass(frozen=True)
class Evidence:
    """What is known of one quantity up to a time.

    Parameters
    ----------
    quantity, unit
        As in the rule.
    known_until
        Time up to which data entered (UTC).
    times
        Valid time of each step (datetime64, UTC).
    values
        Values (member, step), NaN where missing; one member where there is no ensemble.
    source
        Which data: name of product or provider.
    notes
        Further plain values for the explanation, such as the stage of the crop or a return period.
    """

    quantity: str
    unit: str
    known_until: dt.datetime
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    source: str
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.times):
            raise DataError(
                f"Evidence of {self.quantity} has values {self.values.shape} for {len(self.times)} times.",
                "Give one row a member and one column a time.",
            )


@dataclass(frozen=True)
class Judgement:
    """What a rule says about evidence.

    Parameters
    ----------
    rule, unit, level
        Name of the rule, unit, and the level judged.
    value, threshold
        Extreme that the required share of members reaches (None without data) and the threshold of the level (that of
        the lowest level where there is no danger).
    probability
        Share of the members beyond that threshold, None without data.
    valid_from, valid_until
        First and last time at which a member is beyond the threshold; the whole period of the evidence without danger.
    since
        Start of the event that the level belongs to, None without danger.
    code
        What the explanation is about: `beyond`, `held` (by hysteresis), `harmless` or `no_data`.
    evidence
        Which data: plain values.
    """

    rule: str
    unit: str
    level: Level
    value: float | None
    threshold: float
    probability: float | None
    valid_from: dt.datetime
    valid_until: dt.datetime
    since: dt.datetime | None
    code: Literal["beyond", "held", "harmless", "no_data"]
    evidence: Mapping[str, Any]


def judge(
    evidence: Evidence, rule: Rule, previous_level: Level = "none", since: dt.datetime | None = None
) -> Judgement:
    """Judge evidence by a rule.

    Parameters
    ----------
    evidence, rule
        Of the same quantity and unit.
    previous_level, since
        Level of the judgement before, and the start of its event.

    Returns
    -------
    The judgement. Evidence without any value is no all-clear: the previous level stays, with code `no_data`.

    Raises
    ------
    DataError
        Where evidence and rule speak of different quantities or units.
    """
    if (evidence.quantity, evidence.unit) != (rule.quantity, rule.unit):
        raise DataError(
            f"Rule {rule.name} judges {rule.quantity} in {rule.unit}, the evidence is {evidence.quantity} in "
            f"{evidence.unit}.",
            "Convert the evidence, or choose the rule made for it.",
        )
    sign = 1.0 if rule.direction == "above" else -1.0
    held = lasting(sign * evidence.values, rule.persistence)
    extremes = np.sort(member_extremes(held))[::-1]
    if len(extremes) == 0:
        return _verdict(evidence, rule, previous_level, since, None, held, "no_data")
    agreed = float(extremes[int(np.ceil(round(rule.probability * len(extremes), 9))) - 1])
    fresh = reached(rule, agreed, "none")
    level = reached(rule, agreed, previous_level)
    code = "harmless" if level == "none" else "beyond" if level == fresh else "held"
    return _verdict(evidence, rule, level, since, agreed, held, code)


def reached(rule: Rule, agreed: float, previous: Level) -> Level:
    """Highest level whose threshold a signed value is beyond; up to the previous level, hysteresis counts."""
    sign = 1.0 if rule.direction == "above" else -1.0
    for level in reversed(LEVELS[1:]):
        if level in rule.thresholds:
            slack = rule.hysteresis if LEVELS.index(level) <= LEVELS.index(previous) else 0.0
            if agreed >= sign * rule.thresholds[level] - slack:
                return level
    return "none"


def lasting(values: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Lowest of so many steps up to each step (member, step): what lasted that long; NaN where a step is missing."""
    if steps == 1:
        return values
    padded = np.concatenate([np.full((len(values), steps - 1), np.nan), values], axis=1)
    return np.lib.stride_tricks.sliding_window_view(padded, steps, axis=1).min(-1)


def member_extremes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Highest value of each member that has one."""
    known = np.isfinite(values).any(1) if values.size else np.zeros(len(values), bool)
    return np.nanmax(values[known], axis=1) if known.any() else np.empty(0)


def _verdict(
    evidence: Evidence,
    rule: Rule,
    level: Level,
    since: dt.datetime | None,
    agreed: float | None,
    held: NDArray[np.float64],
    code: Literal["beyond", "held", "harmless", "no_data"],
) -> Judgement:
    sign = 1.0 if rule.direction == "above" else -1.0
    named = level if level in rule.thresholds else next(iter(x for x in LEVELS[1:] if x in rule.thresholds))
    threshold = float(rule.thresholds[named])
    slack = rule.hysteresis if code == "held" else 0.0
    beyond = held >= sign * threshold - slack
    steps = np.flatnonzero(beyond.any(0)) if level != "none" else np.arange(len(evidence.times))
    first = max(int(steps[0]) - rule.persistence + 1, 0) if len(steps) else 0
    period = evidence.times[[first, int(steps[-1])]] if len(steps) else [evidence.known_until] * 2
    start, end = (utc(time) for time in period)
    members = int(np.isfinite(held).any(1).sum()) if held.size else 0
    return Judgement(
        rule=rule.name,
        unit=rule.unit,
        level=level,
        value=None if agreed is None else sign * agreed,
        threshold=threshold,
        probability=None if agreed is None else float(beyond.any(1).sum() / members),
        valid_from=start,
        valid_until=end,
        since=None if level == "none" else since or start,
        code=code,
        evidence={
            "source": evidence.source,
            "quantity": evidence.quantity,
            "known_until": evidence.known_until.isoformat(),
            "members": members,
            "required_share": rule.probability,
            "persistence": rule.persistence,
            **evidence.notes,
        },
    )


def utc(time: Any) -> dt.datetime:
    """Time of evidence as a datetime in UTC."""
    if isinstance(time, dt.datetime):
        return time
    return np.datetime64(time, "s").astype(dt.datetime).replace(tzinfo=dt.UTC)
