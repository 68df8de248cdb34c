"""The weather of a scenario: hourly temperatures for the stages, daily drivers for the water, course by course.

Nothing is invented: courses are what was observed, then the members of the forecast, then what past years brought; or
past seasons as they were, told by the days of this one.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import ConfigError
from agritwin.products import crop
from agritwin.products.season import Prepare, fill_days, season_drivers, years_later
from agritwin.products.weather import daily_weather, day_at
from agritwin.scenarios.definition import WeatherChange

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Known:
    """What the twin knows of its weather.

    Attributes
    ----------
    history, season, forecast
        Hourly weather of closed seasons and of this one, and the hourly forecast members or None.
    site, zone
        The product ``parcel``, and the zone of its days.
    past, now
        The first two by local day.
    """

    history: xr.Dataset
    season: xr.Dataset
    forecast: xr.Dataset | None
    site: dict[str, Any]
    zone: str
    past: xr.Dataset
    now: xr.Dataset

    @classmethod
    def of(
        cls, history: xr.Dataset, season: xr.Dataset, forecast: xr.Dataset | None, site: dict[str, Any], zone: str
    ) -> "Known":
        """Reckon the days."""
        past, now = (daily_weather(hours, site, zone) for hours in (history, season))
        return cls(history, season, forecast, site, zone, past, now)

    @property
    def start(self) -> dt.date:
        """First day of the season."""
        return day_at(self.now, 0)

    @property
    def end(self) -> dt.date:
        """Last day of the season: a year after its start, less a day."""
        return years_later(self.start, 1) - dt.timedelta(days=1)

    @property
    def last_observed(self) -> dt.date:
        """Last day observed."""
        return day_at(self.now, -1)


@dataclass(frozen=True)
class Weather:
    """Courses of weather on the days of one season; member m has course m modulo their number.

    Attributes
    ----------
    temperature
        Hourly (continuation, time), degC.
    near, far
        Daily drivers one after the other in time: over (member, day), and over (continuation, day) or None.
    filled_days
        Days that had to be filled with the mean of other years.
    """

    temperature: xr.DataArray
    near: xr.Dataset
    far: xr.Dataset | None
    filled_days: int

    def course_of(self, members: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return which continuation each member has."""
        return members % self.temperature.sizes["continuation"]

    def days(self, members: NDArray[np.intp]) -> xr.Dataset:
        """Return the daily drivers (member, day) of some members."""
        new = {"member": members}
        parts = [self.near.isel(member=members % self.near.sizes["member"]).assign_coords(new)]
        if self.far is not None:
            chosen = self.far.isel(continuation=self.course_of(members)).drop_vars("continuation", errors="ignore")
            parts.append(chosen.rename(continuation="member").assign_coords(new))
        joined = xr.concat(parts, "day", data_vars="minimal", coords="minimal", compat="override", join="override")
        return joined.transpose("member", "day").assign_attrs(self.near.attrs)


def of(known: Known, wanted: WeatherChange, horizon_days: int, prepare: Prepare = crop.prepare) -> Weather:
    """Return the courses that a scenario asks for.

    Parameters
    ----------
    known
        The twin's weather.
    wanted
        Section ``weather`` of the scenario.
    horizon_days
        Days that the forecast members drive.
    prepare
        What the engine takes of days of weather; trees where it is not said.

    Raises
    ------
    ConfigError
        When a year is not complete in the record.
    """
    if wanted.source in ("season", "forecast"):
        return _season(known, horizon_days, wanted.source == "season", prepare)
    complete = _complete_seasons(known)
    years = [wanted.year] if wanted.year is not None else wanted.years or complete
    missing = sorted(set(years) - set(complete))
    if missing or not years:
        raise ConfigError(
            f"weather: the seasons that end in {', '.join(map(str, missing)) or 'past years'} are not in the record.",
            f"Complete are {', '.join(map(str, complete)) or 'none'}.",
        )
    return _past_seasons(known, [int(year) for year in years], prepare)


def _season(known: Known, horizon_days: int, to_the_end: bool, prepare: Prepare) -> Weather:
    temperature, _ = crop.temperature_courses(known.history, known.season, known.forecast, known.start)
    members, ahead = (known.forecast.sizes["member"], horizon_days) if known.forecast is not None else (1, 0)
    joined, filled = season_drivers(
        known.past,
        known.now,
        known.season,
        known.forecast,
        known.site,
        known.zone,
        {"members": members, "seed": 0},  # of past years, none of which is drawn
        prepare,
        until=known.last_observed + dt.timedelta(days=ahead),
    )
    near = joined.sel(day=joined["origin"] != "history").drop_vars(["origin", "forecast_member", "year"])
    near = near.assign_attrs(known.season.attrs)
    rest = pd.date_range(pd.Timestamp(near["day"].to_numpy()[-1]) + pd.Timedelta(days=1), known.end, freq="D")
    if not to_the_end or rest.empty:
        return Weather(temperature, near, None, filled)
    record_year = _record_end(known).astype("datetime64[Y]").item().year  # continuations are named by their year
    rows = []
    for year in temperature["continuation"].to_numpy():
        source = rest - pd.DateOffset(years=int(record_year - year))
        drivers, lacking = _whole(known, pd.DatetimeIndex(source), prepare)
        rows.append(drivers.assign_coords(day=rest.to_numpy()))
        filled += lacking
    far: Any = xr.concat(rows, "continuation", coords="minimal", compat="override")
    return Weather(temperature, near, far, filled)


def _record_end(known: Known) -> np.datetime64:
    parts = (known.season,) if known.forecast is None else (known.season, known.forecast)
    return max(part["time"].to_numpy()[-1] for part in parts)


def _whole(known: Known, days: pd.DatetimeIndex, prepare: Prepare) -> tuple[xr.Dataset, int]:
    """Drivers of past days in the order given; those missing are means of the same days of other years, and counted."""
    past = prepare(known.past)
    every = xr.concat([past, prepare(known.now)], "day", coords="minimal", compat="override")
    return fill_days(every.reindex(day=days), past)


def _complete_seasons(known: Known) -> list[int]:
    """Years in which seasons end that the record holds from first to last day, the newest first."""
    first, years = day_at(known.past, 0), []
    for back in range(1, known.start.year - first.year + 1):
        if years_later(known.start, -back) >= first:
            years.append(known.end.year - back)
    return years


def _past_seasons(known: Known, years: list[int], prepare: Prepare) -> Weather:
    """Past seasons on the days of this one, counted from its first day."""
    celsius, _ = crop.gapless(xr.concat([known.history["air_temperature"], known.season["air_temperature"]], "time"))
    days = pd.date_range(known.start, known.end, freq="D")
    eve = pd.Timestamp(known.start) - pd.Timedelta(hours=24)  # the local day may begin before that of UTC
    hours = pd.date_range(eve, periods=24 * (len(days) + 1), freq="h")
    temperature, drivers, filled = [], [], 0
    for year in years:
        offset = pd.Timedelta(known.start - years_later(known.start, year - known.end.year))
        temperature.append(celsius.reindex(time=hours - offset).assign_coords(time=hours))
        part, lacking = _whole(known, pd.DatetimeIndex(days - offset), prepare)
        drivers.append(part.assign_coords(day=days.to_numpy()))
        filled += lacking
    courses = xr.concat(temperature, "continuation").assign_coords(continuation=years)
    near = xr.concat(drivers, "member").assign_coords(member=np.arange(len(years)))
    near = near.assign_attrs(known.history.attrs)
    return Weather(courses.assign_attrs(units="degC"), near, None, filled)
