"""Everything that is known of a parcel on one axis of civil days: weather, satellite, work, harvests."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.clock import zone_info
from agritwin.errors import DataError
from agritwin.holding.vocabulary import CATEGORIES

PER_AREA = {"kg ha-1": 1.0, "t ha-1": 1000.0}
TOTAL = {"kg": 1.0, "t": 1000.0}


def context(
    daily_weather: xr.Dataset,
    ndvi: xr.Dataset | None,
    activities: pd.DataFrame,
    harvests: pd.DataFrame,
    issue_date: dt.date,
    zone: str,
) -> xr.Dataset:
    """Join what is known before a day of issue on the days of the weather.

    Parameters
    ----------
    daily_weather
        Dimension ``day``, one entry a civil day of ``zone``.
    ndvi
        Dimension ``time`` (UTC) or ``day``; ``ndvi_mean`` or a one-dimensional ``ndvi``, where there ``valid_share``.
        Of several scenes on a day the one that sees most of the parcel counts, the last among equals.
    activities, harvests
        As :mod:`agritwin.records.queries` gives them.
    issue_date
        The clock: days before it are known.
    zone
        IANA zone of the parcel.

    Returns
    -------
    Dataset on dim ``day``
        The weather; ``ndvi`` on the days on which it was observed, NaN between; ``activity_<category>``, lines of work
        a day, NaN before the first line on record; ``<category>_<unit>``, amounts of work, equal lines counted once;
        ``harvest_<state>`` (kg) and ``harvest_<state>_per_area`` (kg ha-1), each from the source with most seasons. A
        total of a year stands on the last day of harvest work of that year, else on 31 December.

    Raises
    ------
    DataError
        When a day of the weather is there twice, or its zone is another.
    """
    zone_info(zone)
    weather = _known_days(daily_weather, issue_date, zone)
    day = pd.DatetimeIndex(weather["day"].values)
    work = _before(activities, issue_date)
    parts = [weather, _ndvi(ndvi, day, zone), _counts(work, day), _amounts(work, day)]
    parts.append(_harvests(_dated(harvests, work, issue_date), day))
    joined = xr.merge(parts, join="exact", combine_attrs="drop_conflicts")
    joined["day"].attrs |= {"zone": zone, "long_name": "local civil day"}
    joined.attrs |= {"issue_time": issue_date.isoformat(), "title": "Context of a parcel, day by day"}
    return joined


def to_frame(joined: xr.Dataset) -> pd.DataFrame:
    """Return a context as a table indexed by day; ``attrs['units']`` holds the unit of each column."""
    table = joined.drop_vars([name for name in joined.coords if name != "day"]).to_dataframe()
    table.attrs = {"units": {str(name): joined[name].attrs["units"] for name in joined.data_vars}}
    return table


def _known_days(daily_weather: xr.Dataset, issue_date: dt.date, zone: str) -> xr.Dataset:
    others = [name for name, values in daily_weather.data_vars.items() if values.dims != ("day",)]
    weather = daily_weather.drop_vars(others)
    stated = daily_weather["day"].attrs.get("zone", zone)
    if stated != zone:
        raise DataError(
            f"The weather is by the days of {stated}, not of {zone}.", "Aggregate it by days of the parcel."
        )
    day = pd.DatetimeIndex(weather["day"].values)
    if not day.is_unique or not day.is_monotonic_increasing:
        raise DataError("The weather has a day twice or out of order.", "Join its slices before the context is made.")
    without = [str(name) for name in weather.data_vars if "units" not in weather[name].attrs]
    if without:
        raise DataError(f"The weather has no units for {', '.join(without)}.", "Set the attribute 'units'.")
    return weather.isel(day=np.flatnonzero(day < pd.Timestamp(issue_date)))


def _before(table: pd.DataFrame, issue_date: dt.date) -> pd.DataFrame:
    return table.loc[table["day"] < pd.Timestamp(issue_date)]


def _ndvi(ndvi: xr.Dataset | None, day: pd.DatetimeIndex, zone: str) -> xr.Dataset:
    about = {"units": "1", "long_name": "mean NDVI of the parcel on days of observation"}
    if ndvi is None or not ndvi.sizes.get("time", ndvi.sizes.get("day", 0)):
        return xr.Dataset({"ndvi": ("day", np.full(len(day), np.nan), about)}, {"day": day})
    name = "ndvi_mean" if "ndvi_mean" in ndvi else "ndvi"
    if ndvi[name].ndim != 1:
        raise DataError(
            f"{name} has the dimensions {ndvi[name].dims}.", "Give the mean of the parcel, one value a scene."
        )
    dim = str(ndvi[name].dims[0])
    moments = pd.DatetimeIndex(ndvi[dim].values)
    if dim == "time":
        moments = moments.tz_localize("UTC").tz_convert(zone).tz_localize(None).normalize()
    share = ndvi["valid_share"].to_numpy() if "valid_share" in ndvi else np.ones(len(moments))
    scenes = pd.DataFrame({"day": moments, "ndvi": ndvi[name].to_numpy().astype(float), "share": share}).dropna()
    best = scenes.sort_values(["day", "share"], kind="stable").drop_duplicates("day", keep="last").set_index("day")
    return xr.Dataset({"ndvi": ("day", best["ndvi"].reindex(day).to_numpy(), about)}, {"day": day})


def _counts(work: pd.DataFrame, day: pd.DatetimeIndex) -> xr.Dataset:
    """Count lines of work; before the first line on record nothing is known, afterwards no line means no work."""
    unknown = np.ones(len(day), bool) if work.empty else np.asarray(day < work["day"].min())
    found = {}
    for category in CATEGORIES:
        lines = work.loc[work["category"] == category, "day"].value_counts().reindex(day, fill_value=0)
        about = {"units": "1", "long_name": f"lines of work: {category.replace('_', ' ')}", "cell_methods": "day: sum"}
        found[f"activity_{category}"] = ("day", np.where(unknown, np.nan, lines.to_numpy(float)), about)
    return xr.Dataset(found, {"day": day})


def _amounts(work: pd.DataFrame, day: pd.DatetimeIndex) -> xr.Dataset:
    """Add up amounts by category and unit; equal lines are workers who did one thing together."""
    stated = work.loc[work["amount"].notna() & work["unit"].notna() & (work["occurrence"] == 1)]
    found = {}
    for category, unit in sorted(set(zip(stated["category"], stated["unit"], strict=True))):
        rows = stated.loc[(stated["category"] == category) & (stated["unit"] == unit)]
        sums = rows.groupby("day")["amount"].sum().reindex(day)
        about = {"units": unit, "long_name": f"amount of {category.replace('_', ' ')}", "cell_methods": "day: sum"}
        found[f"{category}_{_word(unit)}"] = ("day", sums.to_numpy(float), about)
    return xr.Dataset(found, {"day": day})


def _dated(harvests: pd.DataFrame, work: pd.DataFrame, issue_date: dt.date) -> pd.DataFrame:
    """Give totals of a year a day, and leave out what is not known yet."""
    picked = work.loc[work["category"] == "harvest", "day"]
    last_day = picked.groupby(picked.dt.year).max()
    closed = pd.to_datetime(harvests["year"].astype(str) + "-12-31")
    known = harvests.loc[harvests["day"].fillna(closed) < pd.Timestamp(issue_date)]
    return known.assign(day=known["day"].fillna(pd.to_datetime(known["year"].map(last_day.to_dict()))).fillna(closed))


def _harvests(harvests: pd.DataFrame, day: pd.DatetimeIndex) -> xr.Dataset:
    found = {}
    for factors, ending, unit in ((TOTAL, "", "kg"), (PER_AREA, "_per_area", "kg ha-1")):
        of_kind = harvests.loc[harvests["unit"].isin(list(factors))]
        for state in sorted(set(of_kind["state"])):
            rows = of_kind.loc[of_kind["state"] == state]
            seasons = rows.groupby(rows["source"].fillna(""))["year"].nunique().sort_index()
            source = str(seasons.idxmax())
            rows = rows.loc[rows["source"].fillna("") == source]
            amount = rows["amount"].astype(float) * rows["unit"].map(factors.get).astype(float)
            sums = amount.groupby(rows["day"]).sum().reindex(day)
            about = {
                "units": unit,
                "long_name": f"harvest weighed {state}",
                "source": source,
                "cell_methods": "day: sum",
            }
            found[f"harvest_{state}{ending}"] = ("day", sums.to_numpy(float), about)
    return xr.Dataset(found, {"day": day})


def _word(unit: str) -> str:
    return re.sub(r"\W+", "_", unit).strip("_") or "1"
