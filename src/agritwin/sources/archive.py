"""The demo's offline archive: the live clients, answered from ``data/archive`` in place of the network.

Everything in it is synthetic and says so: the datasets carry ``synthetic = "true"`` and the archive's title.
"""

import functools
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import xarray as xr

from agritwin.errors import SourceError
from agritwin.sources import open_meteo, soilgrids
from agritwin.sources.archive_folder import NAME, ArchiveFolder
from agritwin.sources.base import When, Where
from agritwin.sources.quota import Plan

ADDED = ("temperature_2m", "relative_humidity_2m", "wind_speed_10m", "shortwave_radiation", "surface_pressure")
"""Variables whose forecast error is added; that of rain is a factor and a shift in time."""
LIMITS = {"relative_humidity_2m": (0, 100), "wind_speed_10m": (0, None), "shortwave_radiation": (0, None)}


class Archive(ArchiveFolder):
    """The folder with its tables of weather."""

    @functools.cache  # noqa: B019 - an archive lives as long as the program, its files do not change
    def table(self, file: str) -> pd.DataFrame:
        """Return a parquet file of the folder ``weather``."""
        path = self.folder / "weather" / file
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise SourceError(NAME, f"{path} cannot be read", "Restore data/archive from the repository.") from error

    def weather(self, cell: str, start: np.datetime64, end: np.datetime64) -> pd.DataFrame:
        """Return hourly weather of a cell in the provider's names and units, indexed by time, both ends included."""
        table = self.table(f"{cell}.parquet").set_index("time")
        first, last = table.index[0], table.index[-1]
        if start < first.to_numpy() or end > last.to_numpy():
            raise SourceError(
                NAME,
                f"the demo archive holds {first.date()} to {last.date()}, not {start} to {end}",
                "Ask for days within, or choose a live source in the configuration.",
            )
        return table.loc[start:end]


def archive_transport(archive: Archive) -> httpx.BaseTransport:
    """Return a transport that answers the requests of the Open-Meteo and SoilGrids clients from an archive.

    Observed weather ends with the day asked for. An ensemble is the archived weather plus the archived error of each
    member at its lead time; at lead 0, the hour that ends with the issue, it is the weather itself.
    """
    routes = {
        open_meteo.ARCHIVE_URL: _weather,
        open_meteo.ENSEMBLE_URL: _ensemble,
        soilgrids.URL: _soil,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        route = routes.get(str(request.url.copy_with(query=None)))
        if route is None:
            raise SourceError(NAME, f"the demo archive does not answer {request.url.host}", "Choose a live source.")
        return httpx.Response(200, json=route(archive, request.url.params))

    return httpx.MockTransport(answer)


def _weather(archive: Archive, params: httpx.QueryParams) -> dict[str, Any]:
    cell = archive.site(float(params["latitude"]), float(params["longitude"]))["weather_cell"]
    start, end = _span(params)
    return _hourly_answer(cell, {"": archive.weather(cell["name"], start, end)})


def _ensemble(archive: Archive, params: httpx.QueryParams) -> dict[str, Any]:
    cell = archive.site(float(params["latitude"]), float(params["longitude"]))["weather_cell"]
    start, end = _span(params)
    errors = archive.table(f"{cell['name']}.forecast_errors.parquet")
    shift = int(np.abs(errors["precipitation_shift_h"].to_numpy()).max())
    weather = archive.weather(cell["name"], start - np.timedelta64(shift, "h"), end + np.timedelta64(shift, "h"))
    members = {}
    for position, (_, error) in enumerate(errors.groupby("member")):
        ending = f"_member{position:02d}" if position else ""
        members[ending] = _member(weather, error.set_index("lead_hour"), start, end)
    return _hourly_answer(cell, members)


def _member(weather: pd.DataFrame, error: pd.DataFrame, start: np.datetime64, end: np.datetime64) -> pd.DataFrame:
    """Weather of one forecast member; missing beyond the longest lead."""
    truth = weather.loc[start:end]
    error = error.reindex(np.arange(len(truth)))
    error.iloc[0] = 0.0
    error.loc[0, "precipitation_factor"] = 1.0
    member = truth.copy()
    for name in ADDED:
        addend = error[name].to_numpy()
        if name == "shortwave_radiation":
            addend = np.where(truth[name] > 0, addend, addend * 0)
        lower, upper = LIMITS.get(name, (None, None))
        member[name] = (truth[name].to_numpy() + addend).clip(lower, upper) if name in LIMITS else truth[name] + addend
    shift = pd.to_timedelta(error["precipitation_shift_h"].fillna(0).to_numpy(), unit="h")
    shifted = weather["precipitation"].reindex(truth.index - shift).to_numpy()
    member["precipitation"] = shifted * error["precipitation_factor"].to_numpy()
    return member


def _soil(archive: Archive, params: httpx.QueryParams) -> dict[str, Any]:
    site = archive.site(float(params["lat"]), float(params["lon"]))
    answer = json.loads((archive.folder / site["soil"]).read_text(encoding="utf-8"))
    depths = set(params.get_list("depth"))
    for layer in answer["properties"]["layers"]:
        layer["depths"] = [depth for depth in layer["depths"] if depth["label"] in depths]
    return answer


def _span(params: httpx.QueryParams) -> tuple[np.datetime64, np.datetime64]:
    start, end = np.datetime64(params["start_date"], "h"), np.datetime64(params["end_date"], "h")
    return start, end + np.timedelta64(23, "h")


def _hourly_answer(cell: dict[str, Any], members: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return tables as the JSON of Open-Meteo, null for missing; the keys are the endings of the member's names."""
    times = next(iter(members.values())).index.to_numpy()
    hourly: dict[str, list] = {"time": np.datetime_as_string(times, unit="m").tolist()}
    for ending, table in members.items():
        for name in open_meteo.UNITS:
            values = table[name].to_numpy(np.float64).round(2)
            hourly[name + ending] = [None if np.isnan(value) else value for value in values.tolist()]
    units = {key: open_meteo.UNITS[key.partition("_member")[0]] for key in hourly if key != "time"}
    return {
        "latitude": cell["latitude"],
        "longitude": cell["longitude"],
        "elevation": cell["elevation_m"],
        "utc_offset_seconds": 0,
        "hourly_units": {"time": "iso8601", **units},
        "hourly": hourly,
    }


class _FromArchive:
    """What turns a live client into one that the archive answers."""

    name = NAME

    def __init__(self, folder: Path | None = None) -> None:
        self._archive = Archive(folder)
        super().__init__(transport=archive_transport(self._archive))  # type: ignore[call-arg]

    def plan(self, where: Where, when: When) -> Plan:
        """Files of one's own cost nothing."""
        return Plan(NAME, 0, 0.0)

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return what the live client returns, synthetic."""
        return super().fetch(where, when).assign_attrs(self._archive.attributes)  # type: ignore[misc]


class ArchiveWeather(_FromArchive, open_meteo.OpenMeteoWeather):
    """Hourly weather (time) of the demo's cells, nothing after the last day asked for."""


class ArchiveForecast(_FromArchive, open_meteo.OpenMeteoEnsemble):
    """Ensemble forecasts (member, time) of the demo's cells, issued at 00:00 UTC of any day."""

    keeps_issues = True


class ArchiveSoil(_FromArchive, soilgrids.SoilGrids):
    """Soil (depth) of the demo's sites."""


class ArchiveTerrain:
    """Heights around the parcels of the demo's sites.

    Parameters
    ----------
    buffer_m
        Margin around the parcel; the archive reaches about 400 m beyond its parcels.
    resolution_m
        Cell of the grid returned.
    """

    name = NAME
    kind = "terrain"

    def __init__(self, folder: Path | None = None, buffer_m: float = 400.0, resolution_m: float = 5.0) -> None:
        self._archive = Archive(folder)
        self.buffer_m = buffer_m
        self.resolution_m = resolution_m

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return heights (y, x), synthetic. ``when`` does not matter."""
        # Imported here, since the daily steps read weather and need no rasters.
        from agritwin.sources.grids import surroundings
        from agritwin.sources.heights import complete, opened, read_heights, terrain_dataset

        site = self._archive.site(where.latitude, where.longitude)
        grid = surroundings(where, self.buffer_m, self.resolution_m)
        with opened(self._archive.folder / site["terrain"], self.name) as raster:
            heights = read_heights([raster], grid)
        return terrain_dataset(complete(heights, self.name), grid, self._archive.attributes)
