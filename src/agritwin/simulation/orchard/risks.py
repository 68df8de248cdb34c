"""Diseases and pests of pistachio as published, and no claim beyond: wet spells for Botryosphaeria, heat for psylla."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.agromet.days import LocalDays
from agritwin.agromet.wetness import leaf_wetness
from agritwin.errors import DataError

#: Rain of an event, longest break within a wet spell (Morgan et al. 2009, Plant Disease 93:1175; from the abstract).
EVENT_MM, BREAK_H = 4.0, 12
#: Hours of wetness that infection needs at a mean temperature T: intercept + slope / T (same source).
WETNESS = {"medium": (-6.9, 220.0), "high": (-7.8, 397.0)}
#: Threshold and heat of one generation of Agonoscena pistaciae (Hebrew University, crop pest pages; from an excerpt).
PSYLLA_BASE, PSYLLA_GENERATION = 10.0, 333.3


def wetness_needed(air_temperature: Any, risk: str) -> Any:
    """Hours of wetness at a mean temperature (degC) from which an event carries a ``medium`` or ``high`` risk."""
    intercept, slope = WETNESS[risk]
    return intercept + slope / np.maximum(air_temperature, 1e-9)


def botryosphaeria_events(hourly: xr.Dataset) -> pd.DataFrame:
    """Wet spells with enough rain for panicle and shoot blight of pistachio.

    Parameters
    ----------
    hourly
        ``air_temperature`` (degC), ``relative_humidity`` (percent) and ``precipitation`` (mm) over ``time`` (UTC).

    Returns
    -------
    pandas.DataFrame
        One row an event of at least 4 mm: ``start``, ``end`` (UTC), ``wet_hours``, ``rain`` (mm), ``air_temperature``
        (degC, mean of the wet hours), ``risk`` (``low``, ``medium``, ``high``). In the orchards of the source one
        event of high risk was followed by 20 to 23 percent of blighted fruit, two or three by 31 to 80 percent.

    Raises
    ------
    DataError
        If an hour is missing.

    Notes
    -----
    Breaks of up to 12 h are within a spell, their hours do not count. Wetness is the estimate of
    :func:`agritwin.agromet.wetness.leaf_wetness`, where the source measured it.
    """
    wet = leaf_wetness(hourly["relative_humidity"], hourly["precipitation"]).to_numpy()
    temperature, rain = hourly["air_temperature"].to_numpy(), hourly["precipitation"].to_numpy()
    if not (np.isfinite(wet).all() and np.isfinite(temperature).all()):
        raise DataError("Hours of humidity, rain or temperature are missing.", "Fill the gaps of the weather first.")
    hours = np.flatnonzero(wet)
    spell = np.concatenate([[0], np.cumsum(np.diff(hours) > BREAK_H + 1)]) if hours.size else hours
    table = pd.DataFrame(
        {"time": hourly["time"].to_numpy()[hours], "rain": rain[hours], "air_temperature": temperature[hours]}
    )
    events = table.groupby(spell).agg(
        start=("time", "min"),
        end=("time", "max"),
        wet_hours=("time", "size"),
        rain=("rain", "sum"),
        air_temperature=("air_temperature", "mean"),
    )
    events = events.query("rain >= @EVENT_MM").reset_index(drop=True)
    # the equations have no meaning at and below freezing, where they would ask for endless wetness
    needed = {risk: wetness_needed(events["air_temperature"], risk) for risk in WETNESS}
    mild = events["air_temperature"] > 0.0
    events["risk"] = np.select(
        [mild & (events["wet_hours"] >= needed[risk]) for risk in ("high", "medium")], ["high", "medium"], "low"
    )
    return events


def psylla_generations(air_temperature: xr.DataArray, zone: str) -> xr.DataArray:
    """Generations of Agonoscena pistaciae that the heat since the first of January allows, by local day.

    Parameters
    ----------
    air_temperature
        Hourly over ``time`` (UTC), degC.
    zone
        IANA name.

    Returns
    -------
    xarray.DataArray
        Over ``day``: degree-days above 10 degC of daily means, summed from 1 January of the last year, over the 333.3
        of one generation. When the first insects fly is not published here; the count is of heat, not of insects.
    """
    days = LocalDays(pd.DatetimeIndex(air_temperature["time"].to_numpy()), zone)
    mean = days.reduce(air_temperature, "mean")
    year = mean.sel(day=str(pd.Timestamp(mean["day"].to_numpy()[-1]).year))
    heat = (year - PSYLLA_BASE).clip(min=0.0).cumsum("day")
    name = "generations of pistachio psylla that the heat since 1 January allows"
    return (heat / PSYLLA_GENERATION).assign_attrs(units="1", long_name=name)
