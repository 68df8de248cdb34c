"""A parcel by the hour, and its work as events: beside the days of :mod:`agritwin.holding.context`."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.clock import zone_info
from agritwin.errors import DataError
from agritwin.records.instruments import Flag

EVENT_COLUMNS = ("category", "task", "text", "amount", "unit")


def end_of_knowledge(issue_date: dt.date, zone: str) -> dt.datetime:
    """Return the moment up to which everything is known, the midnight that begins the day of issue [UTC, naive]."""
    midnight = dt.datetime.combine(issue_date, dt.time(), zone_info(zone))
    return midnight.astimezone(dt.UTC).replace(tzinfo=None)


def hourly_context(
    weather: xr.Dataset, ndvi: xr.Dataset | None, readings: pd.DataFrame, issue_date: dt.date, zone: str
) -> xr.Dataset:
    """Join what is known before a day of issue on the hours of the weather.

    Parameters
    ----------
    weather
        Dimension ``time``: UTC, each stamp the end of its hour.
    ndvi
        Dimension ``time`` (UTC): ``ndvi_mean`` or a one-dimensional ``ndvi``, where there ``valid_share``.
    readings
        As :func:`agritwin.records.readings.readings` gives them.
    issue_date
        The clock: what happened before that local day is known.
    zone
        IANA zone of the parcel.

    Returns
    -------
    Dataset on dim ``time``
        The weather; ``ndvi`` in the hour of its scene; each measure of the sensors, the mean of its hour without stuck
        values, named after its sensor too where several sensors measure it. The coordinate ``day`` is the local civil
        day of the hour, so that ``daily.sel(day=hourly.day)`` brings daily columns to the hours.

    Raises
    ------
    DataError
        When an hour is there twice or out of order, or a variable has no units.
    """
    end = end_of_knowledge(issue_date, zone)
    hours = weather[[name for name, values in weather.data_vars.items() if values.dims == ("time",)]]
    hours = hours.drop_vars([name for name in hours.coords if name != "time"])
    time = pd.DatetimeIndex(hours["time"].values)
    if not time.is_unique or not time.is_monotonic_increasing:
        raise DataError("The weather has an hour twice or out of order.", "Join its slices before the context is made.")
    without = [str(name) for name in hours.data_vars if "units" not in hours[name].attrs]
    if without:
        raise DataError(f"The weather has no units for {', '.join(without)}.", "Set the attribute 'units'.")
    hours = hours.isel(time=np.flatnonzero(time <= end))
    time = time[time <= end]
    joined = xr.merge([hours, _scenes(ndvi, time), _sensors(readings, time)], join="exact", combine_attrs="override")
    middle = (time - pd.Timedelta(minutes=30)).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    joined = joined.assign_coords(day=("time", middle.normalize(), {"zone": zone, "long_name": "local civil day"}))
    title = "Context of a parcel, hour by hour"
    return joined.assign_attrs(weather.attrs | {"issue_time": issue_date.isoformat(), "title": title})


def _scenes(ndvi: xr.Dataset | None, time: pd.DatetimeIndex) -> xr.Dataset:
    values = pd.Series(np.nan, time)
    if ndvi is not None and ndvi.sizes.get("time", 0):
        name = "ndvi_mean" if "ndvi_mean" in ndvi else "ndvi"
        share = ndvi["valid_share"].to_numpy() if "valid_share" in ndvi else np.ones(ndvi.sizes["time"])
        hour = pd.DatetimeIndex(ndvi["time"].values).ceil("h")
        scenes = pd.DataFrame({"hour": hour, "ndvi": ndvi[name].to_numpy().astype(float), "share": share}).dropna()
        best = scenes.sort_values(["hour", "share"], kind="stable").drop_duplicates("hour", keep="last")
        values = best.set_index("hour")["ndvi"].reindex(time)
    about = {"units": "1", "long_name": "mean NDVI of the parcel in hours of observation"}
    return xr.Dataset({"ndvi": ("time", values.to_numpy(), about)}, {"time": time})


def _sensors(readings: pd.DataFrame, time: pd.DatetimeIndex) -> xr.Dataset:
    good = readings.loc[((readings["flags"] & int(Flag.STUCK)) == 0) & readings["value"].notna()]
    good = good.assign(hour=good["time"].dt.ceil("h"))
    several = good.groupby("measure")["sensor"].nunique()
    found = {}
    for (measure, sensor), rows in good.groupby(["measure", "sensor"]):
        name = str(measure) if several[measure] == 1 else f"{measure}_{_word(str(sensor))}"
        means = rows.groupby("hour")["value"].mean().reindex(time)
        about = {"units": rows["unit"].iloc[0], "long_name": f"{measure} of {sensor}", "cell_methods": "time: mean"}
        found[name] = ("time", means.to_numpy(float), about)
    return xr.Dataset(found, {"time": time})


def events(activities: pd.DataFrame, issue_date: dt.date) -> xr.Dataset:
    """Return work as events before a day of issue: dimension ``event``, one a line, in order of days.

    Variables ``day, category, task, text, amount, unit``; equal lines of a day are as many workers.
    """
    known = activities.loc[activities["day"] < pd.Timestamp(issue_date)].sort_values("day", kind="stable")
    found = {"day": ("event", known["day"].to_numpy("datetime64[ns]"), {"long_name": "local civil day"})}
    for name in EVENT_COLUMNS:
        if name == "amount":
            found[name] = ("event", known[name].to_numpy(float), {"long_name": "amount, in the unit beside it"})
        else:
            texts = known[name].astype(object).where(known[name].notna(), "").astype(str)
            found[name] = ("event", texts.to_numpy("U"), {"long_name": name})
    return xr.Dataset(found, attrs={"issue_time": issue_date.isoformat(), "title": "Work on a parcel, line by line"})


def _word(text: str) -> str:
    return re.sub(r"\W+", "_", text.rpartition("/")[2]).strip("_")
