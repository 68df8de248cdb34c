"""Fetch the hourly weather of a cell: only the days that the cube lacks, and those that providers still revise."""

import datetime as dt
import logging
import sys
from pathlib import Path

import numpy as np

from agritwin import weather_cube
from agritwin.cubes import head
from agritwin.errors import SourceError
from agritwin.observe import step
from agritwin.observe.status import write_status
from agritwin.pins import write_pointer
from agritwin.sources.base import When, Where, fetch_chain, open_source
from agritwin.workspace import cube, read_json

log = logging.getLogger(__name__)


def fetch_weather(
    *,
    clock: str,
    pointer: str,
    status: str,
    cell: str,
    place: list[float],
    sources_weather: list[str],
    weather: dict,
    stations: dict[str, str],
) -> None:
    """Bring the hourly cube of a cell up to the day before the clock.

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
    sources_weather
        Names of sources, in order.
    weather
        ``first_day`` and ``refetch_days``.
    stations
        Station code of sources that need one.

    Raises
    ------
    SourceError
        When no source answers and nothing is kept from before.
    """
    as_of = dt.date.fromisoformat(read_json(clock)["as_of"])
    store, _ = cube("weather", cell)
    first, last = dt.date.fromisoformat(weather["first_day"]), as_of - dt.timedelta(days=1)
    sources = [
        open_source("weather", name, **({"station": stations[name]} if name in stations else {}))
        for name in sources_weather
    ]
    where = Where(latitude=place[0], longitude=place[1])
    failures: list[SourceError] = []
    for begin, end in _ranges(store, first, last, weather["refetch_days"]):
        try:
            dataset = fetch_chain(sources, where, When(begin, end), on_failure=failures.append)
        except SourceError:
            break
        hours = weather_cube.write_hourly(store, dataset, f"weather {begin} to {end}")
        log.info("%s: %d hours changed from %s to %s", cell, hours, begin, end)
    if head(store) is None:
        raise failures[0]
    newest = weather_cube.open_hourly(store)
    finite = np.isfinite(newest["air_temperature"].to_numpy())
    write_pointer(Path(pointer), store, weather_cube.HOURLY, synthetic=newest.attrs.get("synthetic") == "true")
    write_status(
        Path(status),
        kind="weather",
        sources=sources_weather,
        last_value=str(newest["time"].to_numpy()[finite][-1].astype("datetime64[h]")) if finite.any() else None,
        failures=failures,
        missing_days=[[str(begin), str(end)] for begin, end in weather_cube.missing_ranges(store, first, last)],
    )


def _ranges(store: Path, first: dt.date, last: dt.date, refetch_days: int) -> list[tuple[dt.date, dt.date]]:
    ranges = weather_cube.missing_ranges(store, first, last)
    recent = last - dt.timedelta(days=refetch_days - 1)
    if refetch_days and recent > first and not any(begin <= recent for begin, _ in ranges):
        ranges = [pair for pair in ranges if pair[0] < recent] + [(recent, last)]
    return ranges


if __name__ == "__main__":
    sys.exit(step.main(fetch_weather))
