"""When an orchard blooms, leafs, hardens and ripens: chill, then heat, then degree-days."""

import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from agritwin.agromet import chill
from agritwin.agromet.days import LocalDays
from agritwin.errors import ConfigError, DataError
from agritwin.simulation.orchard.parameters import EVERGREEN

type ChillModel = Literal["utah", "dynamic"]

#: Dates that :func:`calendar` gives, in their order within a year.
DATES = (
    "chill_met",
    "bud_swell",
    "bloom",
    "leaf_out",
    "fruit_set",
    "full_canopy",
    "stage_2",
    "stage_3",
    "maturity",
    "senescence",
    "leaf_fall",
    "leafless",
)
#: Stages by the date that opens each.
STAGES = {
    "dormant": "start",
    "chilled": "chill_met",
    "bud_swell": "bud_swell",
    "bloom": "bloom",
    "stage_1": "fruit_set",
    "stage_2": "stage_2",
    "stage_3": "stage_3",
    "after_harvest": "maturity",
    "leaf_fall": "leaf_fall",
}
_REQUIREMENT = {"utah": "chill_requirement_units", "dynamic": "chill_requirement_portions"}
_NAT = np.datetime64("NaT", "s")
_HALF_A_YEAR = 183.0


class _Series(NamedTuple):
    """One course of temperature, summed up."""

    stamps: NDArray[np.datetime64]
    chill: NDArray[np.float64]
    heat: NDArray[np.float64]
    days: NDArray[np.datetime64]
    mean_temperature: NDArray[np.float64]


def continuations(air_temperature: xr.DataArray, until: datetime.date) -> xr.DataArray:
    """Carry an hourly record on to a later day with what past years brought from the same date.

    Parameters
    ----------
    air_temperature
        Hourly over ``time``, degC, to the last hour known.
    until
        Last UTC day wanted.

    Returns
    -------
    xarray.DataArray
        Over (continuation, time), one continuation for each past year that is complete there, named by that year in the
        coordinate ``continuation``; every one has the record itself up to its end.

    Raises
    ------
    DataError
        If no past year is complete over the dates wanted.
    """
    record = air_temperature.to_series()
    last = pd.Timestamp(record.index[-1])
    future = pd.date_range(last + pd.Timedelta(hours=1), pd.Timestamp(until) + pd.Timedelta(days=1), freq="h")
    rows, years = [], []
    for back in range(1, int(last.year) - int(pd.Timestamp(record.index[0]).year) + 1):
        past = record.reindex(future - pd.DateOffset(years=back))
        if past.notna().all():
            rows.append(np.concatenate([record.to_numpy(), past.to_numpy()]))
            years.append(int(last.year) - back)
    if not rows:
        raise DataError(
            f"No past year of temperatures is complete from {last:%d %B} to {until:%d %B}.",
            "Fetch a longer record, or ask for an earlier day.",
        )
    coords = {"continuation": years, "time": pd.DatetimeIndex(record.index).append(future)}
    return xr.DataArray(np.array(rows), coords=coords, dims=("continuation", "time"), attrs=air_temperature.attrs)


def calendar(
    air_temperature: xr.DataArray,
    parameters: xr.Dataset,
    season_start: datetime.date,
    zone: str,
    chill_model: ChillModel = "utah",
    *,
    southern: bool = False,
) -> xr.Dataset:
    """Dates of the stages of one season for every member.

    Parameters
    ----------
    air_temperature
        Hourly, degC, over ``time`` (UTC, end of the hour), without gaps from the start of the season; with a dimension
        ``continuation`` member m takes the course m modulo their number.
    parameters
        Of a species over ``member``, as :func:`agritwin.simulation.orchard.parameters.sample` gives them.
    season_start
        Local day from which chill counts, 1 November for the published requirements; in the south 1 May.
    zone
        IANA name of the zone.
    chill_model
        ``utah`` (Richardson units) or ``dynamic`` (portions).
    southern
        Whether autumn begins in March: the parameters' days of the year are then half a year later.

    Returns
    -------
    xarray.Dataset
        Local days (datetime64) over ``member`` by the names of :data:`DATES`, NaT where the temperatures do not get so
        far, and ``chill``, what the model has counted by the last hour. ``maturity`` is the harvest: when the
        degree-days are there, or the latest day of the parameters. The attribute ``evergreen`` is 1 where leaves never
        lack, whatever the dates.

    Raises
    ------
    ConfigError
        If the chill model is unknown.
    DataError
        If temperatures are missing, or end between bloom and full canopy, when no leaf calendar can be told.

    Notes
    -----
    Bloom comes when the heat since the hour that met the chill (Richardson's degree-hours above 4.5 degC, at most 25)
    meets its requirement. Fruit stages and the canopy follow degree-days of daily means since bloom; leaf fall follows
    the date.
    """
    if chill_model not in _REQUIREMENT:
        raise ConfigError(f"orchard: chill model is '{chill_model}'.", f"Use one of {', '.join(_REQUIREMENT)}.")
    courses = air_temperature if "continuation" in air_temperature.dims else air_temperature.expand_dims("continuation")
    value = {name: np.atleast_1d(values.to_numpy()) for name, values in parameters.items()}
    members = max(values.size for values in value.values())
    value = {str(name): np.broadcast_to(values, members) for name, values in value.items()}
    course_of_member = np.arange(members) % courses.sizes["continuation"]
    dates = {name: np.full(members, _NAT) for name in DATES}
    for name in ("leaf_fall_day_of_year", "latest_harvest_day_of_year"):
        value[name] = value[name] + (_HALF_A_YEAR if southern else 0.0)
    total = np.empty(members)
    for position in range(min(courses.sizes["continuation"], members)):
        chosen = course_of_member == position
        course = _summed(courses.isel(continuation=position), season_start, zone, chill_model)
        found = _dates(course, {name: values[chosen] for name, values in value.items()}, _REQUIREMENT[chill_model])
        for name, days in found.items():
            dates[name][chosen] = days
        total[chosen] = course.chill[-1]
    result = xr.Dataset(
        {name: ("member", days, {"long_name": name.replace("_", " "), "zone": zone}) for name, days in dates.items()},
        coords={"member": np.arange(members)},
        attrs={
            "season_start": season_start.isoformat(),
            "chill_model": chill_model,
            "zone": zone,
            "evergreen": int(parameters.attrs.get("species") in EVERGREEN),
        },
    )
    result["chill"] = ("member", total, {"units": "1", "long_name": f"chill at the last hour ({chill_model})"})
    return result


def _summed(air_temperature: xr.DataArray, season_start: datetime.date, zone: str, model: ChillModel) -> _Series:
    """Sum chill and heat of a course of temperature from the first local hour of the season."""
    start = pd.Timestamp(season_start).tz_localize(zone).tz_convert("UTC").tz_localize(None)
    season = air_temperature.sel(time=slice(start + pd.Timedelta(minutes=1), None))
    hours = np.diff(season["time"].to_numpy()) / np.timedelta64(1, "h")
    if season.size == 0 or (hours != 1.0).any() or not np.isfinite(season).all():
        raise DataError(
            f"Hourly temperatures since {season_start} are missing or have gaps.",
            "Fill the gaps of the weather first; chill and heat cannot pass over an hour.",
        )
    chilled = chill.utah_units(season) if model == "utah" else chill.chill_portions(season)
    heat = chill.growing_degree_hours_linear(season)
    days = LocalDays(pd.DatetimeIndex(season["time"].to_numpy()), zone)
    mean = days.reduce(season, "mean")
    return _Series(
        stamps=pd.DatetimeIndex(season["time"].to_numpy() - np.timedelta64(30, "m"))
        .tz_localize("UTC")
        .tz_convert(zone)
        .tz_localize(None)
        .normalize()
        .to_numpy()
        .astype("datetime64[s]"),
        chill=np.maximum.accumulate(np.cumsum(chilled.to_numpy())),  # warm hours take back units, not a met demand
        heat=np.cumsum(heat.to_numpy()),
        days=days.days.to_numpy().astype("datetime64[s]"),
        mean_temperature=mean.to_numpy(),
    )


def _dates(course: _Series, value: dict[str, NDArray], requirement: str) -> dict[str, NDArray]:
    hour_met = np.searchsorted(course.chill, value[requirement])
    heat_then = _at(course.heat, hour_met)
    hour_bloom = np.searchsorted(course.heat, heat_then + value["heat_requirement"])
    hour_swell = np.searchsorted(course.heat, heat_then + value["heat_requirement"] * value["bud_swell_share"])
    bloom = _at(course.stamps, hour_bloom)
    stages = ("full_canopy", "stage_2", "stage_3", "maturity")
    found = {name: _after_bloom(course, bloom, value, f"{name}_degree_days") for name in stages}
    untold = ~np.isnat(bloom) & np.isnat(found["full_canopy"])
    if untold.any():
        raise DataError(
            f"Temperatures end before the canopy is full in {untold.sum()} of {untold.size} members.",
            "Carry them on with continuations().",
        )
    year = bloom.astype("datetime64[Y]").astype("datetime64[s]")  # NaT stays NaT
    leaf_fall = year + _days(value["leaf_fall_day_of_year"] - 1.0)
    latest = year + _days(value["latest_harvest_day_of_year"] - 1.0)
    found["maturity"] = np.fmin(found["maturity"], latest)  # the harvest does not wait for heat that never comes
    return {
        "chill_met": _at(course.stamps, hour_met),
        "bud_swell": _at(course.stamps, hour_swell),
        "bloom": bloom,
        "leaf_out": bloom + _days(value["leaf_out_days"]),
        "fruit_set": bloom + _days(value["fruit_set_days"]),
        **found,
        "senescence": leaf_fall - _days(value["late_season_days"]),
        "leaf_fall": leaf_fall,
        "leafless": leaf_fall + _days(value["leaf_drop_days"]),
    }


def _at(series: NDArray, position: NDArray[np.intp]) -> NDArray:
    """Values at positions; NaN or NaT for positions past the end."""
    missing: Any = _NAT if series.dtype.kind == "M" else np.inf
    return np.where(position < series.size, series[np.minimum(position, series.size - 1)], missing)


def _days(number: NDArray[np.float64]) -> NDArray[np.timedelta64]:
    """Whole days as a duration that adds to dates."""
    return np.round(number).astype("timedelta64[D]").astype("timedelta64[s]")


def _after_bloom(
    course: _Series, bloom: NDArray[np.datetime64], value: dict[str, NDArray], threshold: str
) -> NDArray[np.datetime64]:
    """Day on which the degree-days since bloom pass a threshold; bases and ceilings may differ by member."""
    result = np.full(bloom.size, _NAT)
    bounds = np.stack([value["degree_day_base"], value["degree_day_ceiling"]])
    for base, ceiling in {(float(low), float(high)) for low, high in bounds.T}:
        same = (bounds[0] == base) & (bounds[1] == ceiling)
        gained = np.clip(np.nan_to_num(course.mean_temperature, nan=base), base, ceiling) - base
        total = np.cumsum(gained)
        start = np.searchsorted(course.days, bloom[same])
        target = _at(total, start) + value[threshold][same]
        result[same] = np.where(np.isnat(bloom[same]), _NAT, _at(course.days, np.searchsorted(total, target)))
    return result


def stage_shares(calendar: xr.Dataset, day: datetime.date) -> dict[str, float]:
    """Share of the members that stand in each stage on a day, in the order of :data:`STAGES`; empty ones left out."""
    now = np.datetime64(day, "s")
    stage = np.zeros(calendar.sizes["member"], dtype=int)
    for position, opening in enumerate(STAGES.values()):
        if opening != "start":
            stage = np.where(calendar[opening].to_numpy() <= now, position, stage)
    shares = np.bincount(stage, minlength=len(STAGES)) / stage.size
    return {name: float(share) for name, share in zip(STAGES, shares, strict=True) if share > 0.0}
