"""Alerts over a history: the same evidence gives the same alerts, and past events tell how good they were."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agritwin.alerts.rules import LEVELS, Evidence, Judgement, Level, Rule, judge, lasting, utc


def replay(history: Iterable[Evidence], rule: Rule) -> list[Judgement]:
    """Judge evidence in the order of time, each with the level that the one before left."""
    judgements: list[Judgement] = []
    level: Level = "none"
    since = None
    for evidence in history:
        judgement = judge(evidence, rule, level, since)
        level, since = judgement.level, judgement.since
        judgements.append(judgement)
    return judgements


@dataclass(frozen=True)
class Event:
    """A run of judgements above `none`: what, from when to when (UTC), and its highest level."""

    rule: str
    start: dt.datetime
    end: dt.datetime
    peak: Level


def events(judgements: Iterable[Judgement]) -> list[Event]:
    """Events in a run of judgements of one rule."""
    found: dict[dt.datetime, Event] = {}
    for judgement in judgements:
        if judgement.since is not None:
            before = found.get(judgement.since)
            end = max(judgement.valid_until, before.end) if before else judgement.valid_until
            peak = LEVELS[max(LEVELS.index(judgement.level), LEVELS.index(before.peak) if before else 0)]
            found[judgement.since] = Event(judgement.rule, judgement.since, end, peak)
    return list(found.values())


def dangers(
    observed: Evidence, rule: Rule, level: Level = "low", apart: dt.timedelta = dt.timedelta(hours=24)
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Periods in which what was observed was beyond the threshold of a level; those closer than `apart` are one.

    Parameters
    ----------
    observed
        Evidence of one member: measurements over a history, without any forecast.
    """
    sign = 1.0 if rule.direction == "above" else -1.0
    beyond = np.flatnonzero(lasting(sign * observed.values, rule.persistence)[0] >= sign * rule.thresholds[level])
    periods: list[tuple[dt.datetime, dt.datetime]] = []
    for step in beyond:
        start, end = (utc(observed.times[i]) for i in (step - rule.persistence + 1, step))
        if periods and start - periods[-1][1] < apart:
            periods[-1] = (periods[-1][0], end)
        else:
            periods.append((start, end))
    return periods


@dataclass(frozen=True)
class Verification:
    """Alerts against what happened: hits, misses, false alarms, and the shares that follow (None without cases)."""

    hits: int
    misses: int
    false_alarms: int

    @property
    def detected(self) -> float | None:
        """Share of the dangers that were announced."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else None

    @property
    def false_alarm_ratio(self) -> float | None:
        """Share of the alerts after which nothing happened."""
        return self.false_alarms / (self.hits + self.false_alarms) if self.hits + self.false_alarms else None


def verify(alerts: Sequence[Event], dangers: Sequence[tuple[dt.datetime, dt.datetime]]) -> Verification:
    """Count alerts that overlap a danger, dangers that no alert overlaps, and alerts that overlap none."""

    def overlap(event: Event, danger: tuple[dt.datetime, dt.datetime]) -> bool:
        return event.start <= danger[1] and danger[0] <= event.end

    hits = sum(any(overlap(event, danger) for event in alerts) for danger in dangers)
    false_alarms = sum(not any(overlap(event, danger) for danger in dangers) for event in alerts)
    return Verification(hits, len(dangers) - hits, false_alarms)


def score(pairs: Iterable[tuple[Level, Level]], level: Level) -> Verification:
    """Count occasions at which a level was announced and at which it was true, from pairs `(announced, true)`."""
    bar = LEVELS.index(level)
    found = [(LEVELS.index(announced) >= bar, LEVELS.index(true) >= bar) for announced, true in pairs]
    return Verification(found.count((True, True)), found.count((False, True)), found.count((True, False)))
