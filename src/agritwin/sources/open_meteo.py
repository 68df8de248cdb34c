"""Open-Meteo: hourly reanalysis, forecasts, ensemble forecasts and heights, without a key (CC BY 4.0)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import numpy as np
import xarray as xr
from pydantic import BaseModel

from agritwin.errors import SourceError
from agritwin.sources import canonical
from agritwin.sources.base import When, Where
from agritwin.sources.http import client, get_json, validated
from agritwin.sources.quota import Plan

ARCHIVE_URL = "https://archive-api.open-meteo.com/v1/archive"
FORECAST_URL = "https://api.open-meteo.com/v1/forecast"
ENSEMBLE_URL = "https://ensemble-api.open-meteo.com/v1/ensemble"
ELEVATION_URL = "https://api.open-meteo.com/v1/elevation"

UNITS = {
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "wind_speed_10m": "m/s",
    "precipitation": "mm",
    "shortwave_radiation": "W/m²",
    "surface_pressure": "hPa",
}
CANONICAL = {
    "temperature_2m": "air_temperature",
    "relative_humidity_2m": "relative_humidity",
    "wind_speed_10m": "wind_speed",
    "precipitation": "precipitation",
    "shortwave_radiation": "shortwave_radiation",
    "surface_pressure": "surface_pressure",
}
MEMBER = re.compile(r"(?P<variable>[a-z0-9_]+?)(?:_member(?P<number>\d+))?")

ATTRIBUTES = {
    "licence": "CC BY 4.0",
    "attribution": "Weather data by Open-Meteo.com (https://open-meteo.com/), doi:10.5281/zenodo.7970649",
    "synthetic": "false",
}
ERA5_NOTICE = (
    "; contains modified Copernicus Climate Change Service information (ERA5, doi:10.24381/cds.adbb2d47; "
    "ERA5-Land, doi:10.24381/cds.e2161bac)"
)


class _Answer(BaseModel):
    latitude: float
    longitude: float
    elevation: float | None = None
    utc_offset_seconds: int
    hourly_units: dict[str, str]
    hourly: dict[str, list[str] | list[float | None]]


class _Elevation(BaseModel):
    elevation: list[float]


@dataclass(frozen=True)
class Request:
    """One request: the span it covers and its parameters."""

    when: When
    params: dict[str, str]


def requests_of(where: Where, when: When, model: str) -> tuple[Request, ...]:
    """Return the requests for one point: one a calendar year."""
    return tuple(_request(where, span, model) for span in when.by_year())


def cost(when: When, series: int = 1) -> float:
    """Return how many calls the provider counts: max(1, v/10, v/10 x d/14) for v variables x members over d days."""
    tens = len(UNITS) * series / 10
    return max(1.0, tens, tens * when.days / 14)


class OpenMeteoWeather:
    """Hourly weather of the past from a reanalysis grid.

    Parameters
    ----------
    model
        ``era5_seamless`` (ERA5 with ERA5-Land, homogeneous since 1940, five days late) or another archive model.
    transport
        Answers in place of the network.
    """

    name = "open_meteo"
    kind = "weather"

    def __init__(self, model: str = "era5_seamless", transport: httpx.BaseTransport | None = None) -> None:
        self.model = model
        self._http = client(transport)

    def plan(self, where: Where, when: When) -> Plan:
        """State what a fetch takes of the provider's quota."""
        requests = requests_of(where, when, self.model)
        return Plan("open_meteo", len(requests), sum(cost(request.when) for request in requests))

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return hourly weather (time) from 00:00 of the first to 23:00 of the last UTC day; one request a year."""
        parts = []
        for request in requests_of(where, when, self.model):
            answer = _ask(self._http, ARCHIVE_URL, request, self.name)
            parts.append(_member_values(answer, self.name)["control"])
        values = {name: np.concatenate([part[name] for part in parts]) for name in CANONICAL.values()}
        attributes = ATTRIBUTES | {
            "source": self.name,
            "title": f"Open-Meteo historical weather, model {self.model}",
            "attribution": ATTRIBUTES["attribution"] + (ERA5_NOTICE if "era5" in self.model else ""),
        }
        dataset = canonical.hourly_dataset(when.hours, values, origin="modelled", attributes=attributes)
        return canonical.require_values(dataset, self.name)


class OpenMeteoForecast:
    """Hourly deterministic forecast, one member.

    ``When.start`` is the day of issue; the provider's answer does not say when its model ran.
    """

    name = "open_meteo_single"
    kind = "forecast"
    url = FORECAST_URL
    title = "Open-Meteo forecast"
    members = 1

    def __init__(self, model: str = "best_match", transport: httpx.BaseTransport | None = None) -> None:
        self.model = model
        self._http = client(transport)

    def plan(self, where: Where, when: When) -> Plan:
        """State what a fetch takes of the provider's quota."""
        return Plan("open_meteo", 1, cost(when, self.members))

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return hourly weather (member, time) from 00:00 UTC of the first day on, as far as the model reaches.

        The scalar coordinate ``issue_time`` is 00:00 UTC of the first day. The stamp at that time closes the hour
        before it, so that weather up to the day before and the forecast leave no hour out.
        """
        answer = _ask(self._http, self.url, _request(where, when, self.model), self.name)
        members = _member_values(answer, self.name)
        values = {name: np.stack([member[name] for member in members.values()]) for name in CANONICAL.values()}
        attributes = ATTRIBUTES | {"source": self.name, "title": f"{self.title}, model {self.model}"}
        dataset = canonical.hourly_dataset(when.hours, values, origin="modelled", attributes=attributes)
        dataset = _until_last_value(canonical.require_values(dataset, self.name))
        return dataset.assign_coords(
            member=("member", np.arange(len(members)), {"long_name": "ensemble member, 0 the control run"}),
            issue_time=((), when.hours[0], {"standard_name": "forecast_reference_time", "long_name": "issue time"}),
        )


class OpenMeteoEnsemble(OpenMeteoForecast):
    """Hourly ensemble forecast: the control run and its perturbed members."""

    name = "open_meteo"
    url = ENSEMBLE_URL
    members = 31
    title = "Open-Meteo ensemble forecast"

    def __init__(self, model: str = "ncep_gefs_seamless", transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(model, transport)


ELEVATION_PLAN = Plan("open_meteo", 1, 1.0)


def elevation(latitude: float, longitude: float, transport: httpx.BaseTransport | None = None) -> float:
    """Return the altitude [m] of a place in the Copernicus GLO-90 model."""
    params = {"latitude": f"{latitude:.5f}", "longitude": f"{longitude:.5f}"}
    with client(transport) as http:
        payload = get_json(http, ELEVATION_URL, params, source="open_meteo")
    heights = validated(_Elevation, payload, "open_meteo").elevation
    if len(heights) != 1:
        raise SourceError("open_meteo", f"{len(heights)} heights came back for one place", "Try again later.")
    return heights[0]


def _request(where: Where, when: When, model: str) -> Request:
    params = {
        "latitude": f"{where.latitude:.5f}",
        "longitude": f"{where.longitude:.5f}",
        "start_date": when.start.isoformat(),
        "end_date": when.end.isoformat(),
        "hourly": ",".join(UNITS),
        "models": model,
        "wind_speed_unit": "ms",
        "timezone": "GMT",
    }
    if where.elevation_m is not None:
        params["elevation"] = f"{where.elevation_m:.0f}"
    return Request(when, params)


def _ask(http: httpx.Client, url: str, request: Request, source: str) -> _Answer:
    answer = validated(_Answer, get_json(http, url, request.params, source=source), source)
    _check_time(answer, request.when, source)
    return answer


def _check_time(answer: _Answer, when: When, source: str) -> None:
    if answer.utc_offset_seconds != 0:
        raise SourceError(source, f"times came {answer.utc_offset_seconds} s off UTC though GMT was asked", "")
    expected = np.datetime_as_string(when.hours, unit="m")
    if answer.hourly.get("time") != expected.tolist():
        raise SourceError(
            source, f"the answer does not cover every hour of {when.start} to {when.end}", "Ask for a shorter span."
        )


def _member_values(answer: _Answer, source: str) -> dict[str, dict[str, np.ndarray]]:
    """Member name -> canonical name -> values; the member ``control`` first, then the others by number."""
    members: dict[str, dict[str, np.ndarray]] = {"control": {}}
    for key, variable, member in _series(answer):
        if answer.hourly_units.get(key) != UNITS[variable]:
            raise SourceError(
                source,
                f"{key} came in {answer.hourly_units.get(key)!r}, expected {UNITS[variable]!r}",
                "The provider may have changed its service: update agritwin or name another source.",
            )
        if any(isinstance(value, str) for value in answer.hourly[key]):
            raise SourceError(source, f"{key} holds text in place of numbers", "Try again later.")
        values = np.array(answer.hourly[key], np.float64)
        if variable == "wind_speed_10m":
            values = canonical.wind_at_2m(values, 10.0)
        members.setdefault(member, {})[CANONICAL[variable]] = values
    length = len(answer.hourly["time"])
    for member, values in members.items():
        missing = set(CANONICAL.values()) - set(values)
        if missing:
            raise SourceError(source, f"{member} lacks {', '.join(sorted(missing))}", "Choose another model.")
        if any(len(array) != length for array in values.values()):
            raise SourceError(source, f"{member} has series of unequal length", "Try again later.")
    return members


def _series(answer: _Answer) -> Iterator[tuple[str, str, str]]:
    for key in sorted(answer.hourly, key=lambda name: (len(name), name)):
        match = MEMBER.fullmatch(key)
        if match is not None and match["variable"] in UNITS:
            yield key, match["variable"], f"member {int(match['number'])}" if match["number"] else "control"


def _until_last_value(dataset: xr.Dataset) -> xr.Dataset:
    """Cut the hours after the end of the model's run, which come as nulls throughout."""
    present = dataset.to_dataarray().notnull().any(["variable", "member"]).to_numpy()
    return dataset.isel(time=slice(0, int(np.flatnonzero(present)[-1]) + 1))
