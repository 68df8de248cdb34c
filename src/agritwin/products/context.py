"""All that is known of a twin before its day of issue, in one tree: by the day, by the hour, and work as events."""

import datetime as dt
from pathlib import Path

import pandas as pd
import xarray as xr

from agritwin import config, workspace
from agritwin.holding.context import context
from agritwin.holding.timelines import end_of_knowledge, events, hourly_context
from agritwin.pins import PARTS, open_or_none, open_pointer
from agritwin.products import ndvi as scenes
from agritwin.products.records import open_records, sensor_days
from agritwin.products.weather import all_days, all_hours, daily_weather, issue_day, with_derived
from agritwin.records import queries
from agritwin.records.readings import readings


def twin_context(twin: str, issue_date: dt.date | None = None) -> xr.DataTree:
    """Return the context of a twin.

    Parameters
    ----------
    twin
        Id of a twin whose weather was observed; the working directory is the workspace.
    issue_date
        The clock: what happened before that local day; the day after the last observed one where None.

    Returns
    -------
    DataTree
        ``daily`` on dim ``day`` (weather, NDVI, work as counts and amounts, harvests, sensors), ``hourly`` on dim
        ``time`` (weather, NDVI, sensors; UTC, its coordinate ``day`` leads to the days), ``events`` on dim ``event``.
        Every variable has units; nothing of the day of issue or later is in it.

    Raises
    ------
    StoreError
        When the twin was never observed.
    """
    zone = config.load(workspace.CONFIG, twin)[twin].zone
    pins = Path("data/twins") / twin
    site = workspace.read_json(Path("results") / twin / "parcel.json")
    history, season = (open_pointer(pins / "weather.json", part) for part in PARTS)
    past, now = daily_weather(history, site, zone), daily_weather(season, site, zone)
    hours = all_hours(history, season, site)
    issue = min(issue_date or issue_day(now), issue_day(now))
    cube = scenes.joined(*(open_or_none(str(pins / "ndvi.json"), part) for part in PARTS))
    seen = scenes.usable(cube) if cube is not None else None
    engine = open_records()
    work = queries.activities(engine, twin, issue)
    days = with_derived(all_days(past, now), hours, zone)
    daily = context(days, seen, work, queries.harvests(engine, twin, issue), issue, zone)
    said = readings(engine, twin_id=twin, end=end_of_knowledge(issue, zone))
    hourly = hourly_context(hours, seen, said, issue, zone)
    daily = _with_sensors(daily, sensor_days(engine, twin, issue, zone))
    return xr.DataTree.from_dict({"daily": daily, "hourly": hourly, "events": events(work, issue)}, name=twin)


def _with_sensors(daily: xr.Dataset, measured: pd.DataFrame) -> xr.Dataset:
    days = measured.reindex(pd.DatetimeIndex(daily["day"].values))
    units = measured.attrs.get("units", {})
    return daily.assign(
        {
            str(name): (
                "day",
                days[name].to_numpy(float),
                {"units": units[name], "long_name": f"{name} of the sensors", "cell_methods": "time: median"},
            )
            for name in days.columns
        }
    )
