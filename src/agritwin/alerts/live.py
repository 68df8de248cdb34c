"""Danger seen in readings as they come: a fold over readings, so that a replay in the same order gives the same alerts.

Nothing here knows a clock, a store or a network: time is that of the readings.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agritwin.alerts.rarity import Frequency
from agritwin.alerts.rules import Evidence, Judgement, Level, Rule, judge
from agritwin.simulation.flood.events import Event
from agritwin.simulation.flood.library import Library, Response

DURATIONS_H = (0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0)
"""Windows in which rain is summed."""
MEMORY = dt.timedelta(hours=24)
NEARLY_DRY = 1.02
"""A longer window holds another event when it has more rain than this share of the shorter one's."""
GAUGES, EXERCISE = "gauges", "exercise"
"""Sources of rain as it falls. Judged apart: an exercise neither hides a flood nor makes it look like play."""
RAIN = "precipitation"
"""Measure of a rain gauge, mm since its message before."""
SYNTHETIC = "-synthetic"
"""End of the names of sensors whose readings are an exercise."""


@dataclass(frozen=True)
class RainReading:
    """What a gauge says: mm since its message before, at the end of that time (UTC)."""

    sensor: str
    time: dt.datetime
    mm: float
    synthetic: bool = False


@dataclass(frozen=True)
class Standing:
    """Level that a rule has reached, and since when."""

    level: Level = "none"
    since: dt.datetime | None = None


@dataclass(frozen=True)
class Situation:
    """What readings of a twin are judged against.

    Attributes
    ----------
    rules
        By name; of `downpour`, `heavy_rain` and `flood` those that are there.
    library
        Floods run ahead, in the cells of the parcel; without one floods are not judged.
    frequency
        How rare rain is here; None where it is not known.
    soil_water
        Share of the available water that the soil holds.
    valid_h
        How long an alert stands.
    """

    rules: Mapping[str, Rule]
    library: Library | None = None
    frequency: Frequency | None = None
    soil_water: float = 0.5
    valid_h: float = 12.0


@dataclass(frozen=True)
class State:
    """What the fold remembers: readings of the last day, by gauge, and the level of each rule."""

    readings: Mapping[str, tuple[RainReading, ...]] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)


def follow(
    readings: Iterable[RainReading], situation: Situation, state: State | None = None
) -> tuple[State, list[Judgement]]:
    """Judge readings in the order in which they came.

    An event is over at the latest when its alerts are: after a gauge that only speaks when it rains, the next storm is
    another event.

    Parameters
    ----------
    readings
        One or more, all of one source (`by_source`); a late one counts from when it comes.
    situation
        What they are judged against.
    state
        What is known already.

    Returns
    -------
    State and the judgements that changed a level, oldest first.
    """
    state, changes = state or State(), []
    for reading in readings:
        standings = {} if _lapsed(state.readings, reading.time, situation.valid_h) else state.standings
        state = State(_remember(state.readings, reading), standings)
        for judgement in judge_rain(state.readings, situation, state.standings):
            before = state.standings.get(judgement.rule, Standing())
            after = Standing(judgement.level, judgement.since)
            state = State(state.readings, {**state.standings, judgement.rule: after})
            if after.level != before.level:
                # An event that ends is told of under the start that it had.
                changes.append(replace(judgement, since=before.since) if judgement.since is None else judgement)
    return state, changes


def _lapsed(readings: Mapping[str, tuple[RainReading, ...]], now: dt.datetime, valid_h: float) -> bool:
    """Whether what the newest reading led to does not stand any more."""
    newest = max((series[-1].time for series in readings.values()), default=now)
    return now - newest > dt.timedelta(hours=valid_h)


def by_source[Series: Sequence[RainReading]](readings: Mapping[str, Series]) -> dict[str, dict[str, Series]]:
    """Part readings by gauge into those of real gauges and those of an exercise; a source without any is left out."""
    found: dict[str, dict[str, Series]] = {}
    for sensor, series in readings.items():
        found.setdefault(source_of(sensor), {})[sensor] = series
    return found


def source_of(sensor: str) -> str:
    """Source that a rain gauge belongs to."""
    return EXERCISE if sensor.endswith(SYNTHETIC) else GAUGES


def judge_rain(
    readings: Mapping[str, Sequence[RainReading]], situation: Situation, standings: Mapping[str, Standing]
) -> list[Judgement]:
    """Judge one source's rain of the last day as of the newest reading, each gauge a member of which one is enough."""
    latest = max(series[-1].time for series in readings.values())
    known = [series for series in readings.values() if latest - series[-1].time < MEMORY]
    sums = [sums_until(series, latest) for series in known]
    exercise = any(reading.synthetic for series in known for reading in series)
    notes: dict[str, Any] = {"synthetic": True} if exercise else {}
    source = EXERCISE if exercise else GAUGES
    found = [
        (
            name,
            quantity,
            "mm",
            [rain[hours] for rain in sums],
            situation.frequency.notes(max(rain[hours] for rain in sums), hours) if situation.frequency else {},
        )
        for name, quantity, hours in (("downpour", "precipitation", 1.0), ("heavy_rain", "precipitation_24h", 24.0))
    ]
    if (library := situation.library) is not None:
        worst = [worst_event(rain, library, situation.soil_water) for rain in sums]
        event, response = max(worst, key=lambda pair: pair[1].depth_max_m)
        depths = [answer.depth_max_m for _, answer in worst]
        found.append(("flood", "water_depth", "m", depths, flood_notes(event, response, situation.frequency)))
    judgements = []
    for name, quantity, unit, values, more in found:
        if (rule := situation.rules.get(name)) is not None:
            evidence = _evidence(quantity, unit, values, latest, situation.valid_h, source, notes | more)
            standing = standings.get(name, Standing())
            one = replace(rule, probability=1.0 / len(known), persistence=1)
            judgements.append(judge(evidence, one, standing.level, standing.since))
    return judgements


def sums_until(series: Sequence[RainReading], until: dt.datetime) -> dict[float, float]:
    """Rain within each duration up to a time, mm."""
    return {
        hours: float(sum(r.mm for r in series if until - dt.timedelta(hours=hours) < r.time <= until))
        for hours in DURATIONS_H
    }


def worst_event(sums: Mapping[float, float], library: Library, soil_water: float) -> tuple[Event, Response]:
    """Return the event among sums by duration that brings the deepest water, and what it does."""
    return library.worst([Event(amount, hours, soil_water) for hours, amount in distinct(sums)])


def distinct(sums: Mapping[float, float]) -> list[tuple[float, float]]:
    """Return durations and sums, shortest first, without those windows that only add dry hours to a shorter one."""
    kept: list[tuple[float, float]] = []
    for hours, amount in sorted(sums.items()):
        if not kept or amount > NEARLY_DRY * kept[-1][1]:
            kept.append((hours, amount))
    return kept


def flood_notes(event: Event, response: Response, frequency: Frequency | None) -> dict[str, Any]:
    """Say what the depth rests on: the rain, how rare it is, when water arrives, how wet the soil was."""
    notes: dict[str, Any] = {
        "storm": f"{event.depth_mm:.1f} mm / {event.duration_h:g} h",
        "soil_water": round(event.soil_water, 3),
        "flooded_share": round(response.flooded_share, 3),
    }
    if response.arrival_h is not None:
        notes["arrival_h"] = round(response.arrival_h, 2)
    notes |= frequency.notes(event.depth_mm, event.duration_h) if frequency else {}
    return notes | ({"beyond_library": True} if response.beyond else {})


def _remember(readings: Mapping[str, tuple[RainReading, ...]], new: RainReading) -> dict[str, tuple[RainReading, ...]]:
    """Return readings with a new one in its place by time, those of more than a day before the newest left out."""
    series = sorted([*readings.get(new.sensor, ()), new], key=lambda reading: reading.time)
    newest = series[-1].time
    return {**readings, new.sensor: tuple(reading for reading in series if newest - reading.time < MEMORY)}


def _evidence(
    quantity: str,
    unit: str,
    values: Sequence[float],
    at: dt.datetime,
    valid_h: float,
    source: str,
    notes: Mapping[str, Any],
) -> Evidence:
    naive = np.datetime64(at.astimezone(dt.UTC).replace(tzinfo=None), "s")
    times = naive + np.array([0, round(3600 * valid_h)], "timedelta64[s]")
    return Evidence(quantity, unit, at, times, np.repeat(np.asarray(values, float)[:, None], 2, 1), source, notes)
