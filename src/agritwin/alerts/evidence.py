"""Evidence for the rules, made of what the other floors have written."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.alerts.disease import infection_index
from agritwin.alerts.rarity import rarity_notes
from agritwin.alerts.rules import Evidence

HOURS_A_DAY = 24


def of_members(
    values: xr.DataArray, known_until: dt.datetime, source: str, quantity: str | None = None, **notes: Any
) -> Evidence:
    """Evidence of an ensemble, or of one series without `member`, over its time dimension (`time` or `day`)."""
    time = "time" if "time" in values.dims else "day"
    table = values.transpose("member", time) if "member" in values.dims else values.expand_dims("member")
    name = quantity or str(values.name)
    times = values[time].to_numpy().astype("datetime64[s]")
    return Evidence(name, values.attrs["units"], known_until, times, table.to_numpy().astype(float), source, notes)


def rain_in_24_hours(
    precipitation: xr.DataArray,
    known_until: dt.datetime,
    source: str,
    return_levels: Sequence[Mapping[str, float]] = (),
) -> Evidence:
    """Rain of the last 24 hours at each hour, with the return period of the largest median amount.

    Parameters
    ----------
    precipitation
        Hourly, mm, over `time` and `member`; sums begin with the first 24 known hours.
    return_levels
        Local return levels `{years, mm_per_day}`, rising.
    """
    sums = precipitation.rolling(time=HOURS_A_DAY).sum().assign_attrs(units="mm")
    largest = float(sums.max("time").median()) if sums.notnull().any() else float("nan")
    years = return_period(largest, return_levels)
    rarity = rarity_notes(years, return_levels[-1]["years"]) if return_levels else {}
    return of_members(sums, known_until, source, "precipitation_24h", **rarity)


def return_period(amount: float, levels: Sequence[Mapping[str, float]]) -> float | None:
    """Years between two amounts so large, from return levels; None below the first level or where none are known."""
    if not levels or not amount >= levels[0]["mm_per_day"]:
        return None
    amounts = [level["mm_per_day"] for level in levels]
    return round(float(np.exp(np.interp(amount, amounts, np.log([level["years"] for level in levels])))), 1)


def drought(
    depletion_mm: xr.DataArray, raw_mm: float | xr.DataArray, known_until: dt.datetime, source: str
) -> Evidence:
    """Root zone depletion over readily available water (FAO-56 Eq. 83 and 87), by day and member.

    Not known where nothing grows: no water is readily available to bare soil, and none is lacking.
    """
    ratio = depletion_mm / xr.where(raw_mm > 0.0, raw_mm, np.nan)
    ratio = ratio.assign_attrs(units="1")
    return of_members(ratio, known_until, source, "depletion_over_raw")


def disease(hourly: xr.Dataset, leaf_wetness: xr.DataArray, known_until: dt.datetime, source: str) -> Evidence:
    """Infection weather of Botryosphaeria from hourly `air_temperature`, `precipitation` and leaf wetness."""
    index = infection_index(hourly["air_temperature"], hourly["precipitation"], leaf_wetness)
    return of_members(index, known_until, source, "infection_index")


def age(last_value: dt.datetime | None, known_until: dt.datetime, source: str) -> Evidence:
    """Age of a source in days; no value where it never gave one."""
    return _single("age", "d", _days(last_value, known_until), known_until, source)


def silence(last_reading: dt.datetime | None, cadence: dt.timedelta, known_until: dt.datetime, source: str) -> Evidence:
    """Messages that a sensor has missed since its last reading, by its expected cadence."""
    days = _days(last_reading, known_until)
    return _single("missed_messages", "1", days / (cadence / dt.timedelta(days=1)), known_until, source)


def stuck(readings: xr.DataArray, known_until: dt.datetime, source: str) -> Evidence:
    """Hours for which a sensor's last value has not changed; readings over `time`, in order."""
    known = readings.dropna("time")
    if known.size == 0:
        return _single("constant_for", "h", float("nan"), known_until, source)
    changes = np.flatnonzero(np.diff(known.to_numpy()) != 0)
    first = known["time"].values[changes[-1] + 1 if len(changes) else 0]
    hours = (known["time"].values[-1] - first) / np.timedelta64(1, "h")
    return _single("constant_for", "h", float(hours), known_until, source)


def model_failure(
    recent_crps: float, expected_crps: float, known_until: dt.datetime, source: str, **notes: Any
) -> Evidence:
    """CRPS of recent forecasts over what is expected of them: that of the backtest, or what their spread promises."""
    return of_model("crps_ratio", recent_crps / expected_crps, known_until, source, **notes)


def of_model(quantity: str, value: float, known_until: dt.datetime, source: str, **notes: Any) -> Evidence:
    """A figure without unit that tells how good a model is."""
    return replace(_single(quantity, "1", value, known_until, source), notes=notes)


def ensemble_error(
    members: NDArray[np.float64], observed: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """CRPS of an ensemble at each step, and what it would be if members and weather were drawn from the same.

    Half the mean absolute difference between two members is taken off the mean absolute error (Gneiting & Raftery 2007,
    Eq. 21, in the fair form of Ferro 2014, Eq. 2); the error itself is then that difference on average.

    Parameters
    ----------
    members, observed
        (member, step) and (step); NaN where missing.
    """
    n, ordered = len(members), np.sort(members, axis=0)
    weight = 2 * np.arange(1, n + 1) - n - 1
    half = (weight[:, None] * ordered).sum(0) / max(n * (n - 1), 1)
    return np.abs(members - observed).mean(0) - half, half


def _days(last: dt.datetime | None, now: dt.datetime) -> float:
    return float("nan") if last is None else (now - last) / dt.timedelta(days=1)


def _single(quantity: str, unit: str, value: float, known_until: dt.datetime, source: str) -> Evidence:
    times = np.array([_naive(known_until)], "datetime64[s]")
    return Evidence(quantity, unit, known_until, times, np.array([[value]]), source)


def _naive(time: dt.datetime) -> dt.datetime:
    return time.astimezone(dt.UTC).replace(tzinfo=None)
