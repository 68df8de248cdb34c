"""Fetch the weather of a cell: only the days that the cube lacks, and those that providers still revise."""

import dataclasses
import datetime as dt
import functools
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from agritwin import weather_cube
from agritwin.agromet.day_table import day_table, with_hargreaves
from agritwin.agromet.humidity import elevation_from_pressure
from agritwin.cubes import head, is_past, known_at
from agritwin.errors import SourceError
from agritwin.observe import step
from agritwin.observe.status import write_status
from agritwin.pins import is_synthetic, write_pointer
from agritwin.sources import quota
from agritwin.sources.base import Source, When, Where, fetch_chain, open_source
from agritwin.weather_cube import WeatherCube
from agritwin.workspace import cube, read_json

log = logging.getLogger(__name__)

EXAMINED_YEARS = 10
FIRST_YEAR_H = 8760


def fetch_weather(
    *,
    clock: str,
    pointer: str,
    status: str,
    cell: str,
    place: list[float],
    zone: str,
    sources_weather: list[str],
    sources_quota_share: float,
    weather: dict,
    stations: dict[str, str],
) -> None:
    """Bring the hours and days of a cell up to the day before the clock, in one commit.

    Parameters
    ----------
    clock
        Clock file.
    pointer, status
        Pointer and status to write.
    cell
        Key of the cube.
    place
        Latitude and longitude [degrees] of the cell.
    zone
        Whose civil days the daily table holds.
    sources_weather, sources_quota_share
        Names of sources, in order; share of their limits that may be used.
    weather
        ``first_day`` and ``refetch_days``.
    stations
        Station code of sources that need one; others choose, and the choice is recorded.

    Raises
    ------
    SourceError
        When no source answers and nothing is kept from before.
    """
    as_of = dt.date.fromisoformat(read_json(clock)["as_of"])
    store, _ = cube("weather", cell)
    first, last = dt.date.fromisoformat(weather["first_day"]), as_of - dt.timedelta(days=1)
    failures: list[SourceError] = []
    items = 0
    if is_past(store, as_of.isoformat()):
        log.info("%s was written later than %s: it is seen as it was then, and nothing is fetched", store, as_of)
    else:
        ranges = _ranges(store, first, last, weather["refetch_days"])
        sources = [
            open_source("weather", name, **({"station": stations[name]} if name in stations else {}))
            for name in sources_weather
        ]
        task = _Task(Where(latitude=place[0], longitude=place[1]), zone, sources, sources_quota_share, failures)
        with weather_cube.editing(store, f"weather up to {last}", first) as kept:
            items = task.bring_up(kept, ranges, first, last)
    if head(store) is None:
        raise failures[0] if failures else SourceError(sources_weather[0], f"has no hour of {first} to {last}")
    known = weather_cube.open_hourly(store, known_at(store, as_of.isoformat()))
    finite = np.isfinite(known["air_temperature"].to_numpy())
    write_pointer(Path(pointer), store, weather_cube.HOURLY, synthetic=is_synthetic(known))
    write_status(
        Path(status),
        kind="weather",
        sources=sources_weather,
        last_value=str(known["time"].to_numpy()[finite][-1].astype("datetime64[h]")) if finite.any() else None,
        failures=failures,
        items=items,
        missing_days=[[str(begin), str(end)] for begin, end in weather_cube.missing_ranges(store, first, last)],
        stations=weather_cube.note(store, "station_attributes") or {},
    )


class _Task:
    """One refresh of a cube: whom to ask, for where, and what failed."""

    def __init__(
        self, where: Where, zone: str, sources: list[Source], quota_share: float, failures: list[SourceError]
    ) -> None:
        self.where, self.zone, self.sources = where, zone, sources
        self.quota_share, self.failures = quota_share, failures
        self.silent: set[str] = set()

    def bring_up(self, kept: WeatherCube, ranges: list[tuple[dt.date, dt.date]], first: dt.date, last: dt.date) -> int:
        """Fill the gaps of the hours, make the days of them, and fill days that only daily data have."""
        chosen = self._choose_stations(kept, last)
        pieces = [piece for begin, end in ranges for piece in When(begin, end).by_year()]
        hours = 0
        for piece in pieces:
            sources = [source for source in self._answering() if self._reaches(source, piece, last)]
            if not sources:
                continue
            try:
                dataset = fetch_chain(
                    sources,
                    self.where,
                    piece,
                    before=functools.partial(self._book, when=piece),
                    on_failure=self._failed,
                )
            except SourceError as error:
                if error.temporary:
                    break
                continue
            hours += kept.merge_hours(dataset)
            log.info("%s to %s: %s", piece.start, piece.end, dataset.attrs["source"])
        kept.derive_days(functools.partial(self._days, kept))
        self._fill_days(kept, first, last)
        if chosen:
            kept.remember("station_attributes", chosen)
        return hours

    def _answering(self) -> list[Source]:
        """Sources that have not failed to answer in this refresh: each has one budget of tries and time."""
        return [source for source in self.sources if source.name not in self.silent]

    def _failed(self, error: SourceError) -> None:
        self.failures.append(error)
        if error.temporary:
            self.silent.add(error.source)

    def _book(self, source: Source, when: When, what: str = "plan") -> None:
        quota.book(source, self.where, when, self.quota_share, what)

    @staticmethod
    def _reaches(source: Source, piece: When, last: dt.date) -> bool:
        """Tell whether a source keeps hours as old as a piece; some keep those of the last day only."""
        kept_days = getattr(source, "hours_kept_days", None)
        return kept_days is None or (last - piece.end).days < kept_days

    def _days(self, kept: WeatherCube, hourly: xr.Dataset) -> xr.Dataset:
        # Once for the cube, and of its first year: a day must depend neither on the hours read beside it nor, where the
        # record is longer than that, on when the cube was made.
        elevation = kept.note("elevation_m")
        if elevation is None:
            pressure = float(hourly["surface_pressure"].dropna("time")[:FIRST_YEAR_H].mean()) / 10.0
            elevation = round(float(elevation_from_pressure(pressure)), 1) if np.isfinite(pressure) else 0.0
            kept.remember("elevation_m", elevation)
        return day_table(hourly, self.where.latitude, self.where.longitude, elevation, self.zone)

    def _fill_days(self, kept: WeatherCube, first: dt.date, last: dt.date) -> None:
        """Ask stations for the days of which they keep no hours; such a day says so in its origin."""
        for source in self._answering():
            for begin, end in kept.missing_days(first, last) if hasattr(source, "choose") else []:
                when = When(begin, end)
                try:
                    self._book(source, when, "plan_days")
                    days = with_hargreaves(source.daily(self.where, when), self.where.latitude)  # type: ignore[attr-defined]
                except SourceError as error:
                    self._failed(error)
                    break
                kept.merge_days(days)

    def _choose_stations(self, kept: WeatherCube, last: dt.date) -> dict[str, Any]:
        """Choose once for the cube which station of a network speaks for it, and record why."""
        recorded = dict(kept.note("station_attributes") or {})
        years = When(last.replace(year=last.year - EXAMINED_YEARS, day=min(last.day, 28)), last)
        for source in self.sources:
            if getattr(source, "station", "none") is not None or not hasattr(source, "choose"):
                continue
            if source.name not in recorded:
                try:
                    place = self._with_height()
                    self._book(source, years, "plan_choice")
                    recorded[source.name] = source.choose(place, years).record()  # type: ignore[attr-defined]
                except SourceError as error:
                    self.failures.append(error)
                    continue
            source.station = recorded[source.name]["chosen"]["code"]  # type: ignore[attr-defined]
        return recorded

    def _with_height(self) -> Where:
        """The place with the height of its ground, above or below which a station stands."""
        # Imported here: a choice is made once for a cube.
        from agritwin.sources import open_meteo

        quota.spend(open_meteo.ELEVATION_PLAN, self.quota_share)
        height = open_meteo.elevation(self.where.latitude, self.where.longitude)
        return dataclasses.replace(self.where, elevation_m=height)


def _ranges(store: Path, first: dt.date, last: dt.date, refetch_days: int) -> list[tuple[dt.date, dt.date]]:
    """Return the runs of days to ask for: those that lack, and the newest, which providers still revise."""
    days = When(first, last).dates.astype("datetime64[D]")
    wanted = days > np.datetime64(last - dt.timedelta(days=refetch_days))
    for begin, end in weather_cube.missing_ranges(store, first, last):
        wanted |= (days >= np.datetime64(begin)) & (days <= np.datetime64(end))
    return weather_cube.runs(days, wanted)


if __name__ == "__main__":
    sys.exit(step.main(fetch_weather))
