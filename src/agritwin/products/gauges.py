"""Rain that the twin's gauges recorded: beside the weather's, how rare it is, and where danger begins."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa
import xarray as xr

from agritwin.alerts.catalogue import rules
from agritwin.alerts.live import MEMORY, RAIN, SYNTHETIC, RainReading, Situation, by_source, judge_rain, sums_until
from agritwin.alerts.rarity import Frequency
from agritwin.alerts.rules import Judgement
from agritwin.products.floods_ahead import UNKNOWN_SOIL
from agritwin.records.readings import readings
from agritwin.simulation.flood.library import Library

HOUR = np.timedelta64(1, "h")
JUDGED = {1.0: "downpour", 24.0: "heavy_rain"}
"""Rule by the duration whose rain it judges."""


def gauges(engine: sa.Engine, twin: str, until: dt.datetime) -> dict[str, list[RainReading]]:
    """Return what the twin's rain gauges said in the day before a time, oldest first; nothing where there are none."""
    table = readings(engine, twin_id=twin, measure=RAIN, start=until - MEMORY, end=until).dropna(subset=["value"])
    told: dict[str, list[RainReading]] = {}
    for sensor, time, mm in zip(table["sensor"], table["time"], table["value"], strict=True):
        moment = time.to_pydatetime().replace(tzinfo=dt.UTC)
        told.setdefault(sensor, []).append(RainReading(sensor, moment, mm, sensor.endswith(SYNTHETIC)))
    return told


def measured_rain(
    told: dict[str, list[RainReading]],
    weather: xr.DataArray,
    frequency: Frequency | None,
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the rain of each gauge by duration up to its last reading, and what it is to be compared with.

    Parameters
    ----------
    told
        As :func:`gauges` returns it.
    weather
        Hourly `precipitation`, mm.
    frequency
        How rare rain is here.
    settings
        The section `alerts`.

    Returns
    -------
    list
        Rows `sensor, until, duration_h, amount_mm, weather_mm, return_years, thresholds`; thresholds, by level, where a
        rule judges rain of that duration. What is not known is None.
    """
    made = rules(settings)
    return [
        {
            "sensor": sensor,
            "until": series[-1].time.isoformat(),
            "duration_h": hours,
            "amount_mm": round(amount, 2),
            "weather_mm": fallen(weather, series[-1].time, hours),
            "return_years": frequency.return_years(amount, hours) if frequency else None,
            "thresholds": dict(made[JUDGED[hours]].thresholds) if JUDGED.get(hours) in made else None,
        }
        for sensor, series in told.items()
        for hours, amount in sums_until(series, series[-1].time).items()
    ]


def fallen(rain: xr.DataArray, until: dt.datetime, hours: float) -> float | None:
    """Return the rain of an hourly series in so many hours up to a time, mm, even within each of its hours.

    None where an hour is missing, and for less than an hour, of which such a series says nothing.
    """
    end = np.datetime64(until.astimezone(dt.UTC).replace(tzinfo=None), "ns")
    begin, stamps = end - np.timedelta64(round(3600 * hours), "s"), rain["time"].to_numpy()
    within = (np.minimum(stamps, end) - np.maximum(stamps - HOUR, begin)) / HOUR
    known = (within > 0) & np.isfinite(rain.to_numpy())
    if hours < 1 or not np.isclose(within[known].sum(), hours):
        return None
    return round(float((within * rain.to_numpy())[known].sum()), 2)


def from_gauges(
    told: dict[str, list[RainReading]],
    settings: dict[str, Any],
    library: Library | None,
    frequency: Frequency | None,
    water: float | None,
) -> list[Judgement]:
    """Judge the rain that gauges recorded, as the watch judges it live; nothing without readings."""
    held = UNKNOWN_SOIL if water is None else water
    situation = Situation(rules(settings), library, frequency, held, settings["live_valid_h"])
    return [one for readings in by_source(told).values() for one in judge_rain(readings, situation, {})]
