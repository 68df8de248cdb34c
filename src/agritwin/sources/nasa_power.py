"""NASA POWER: hourly and daily weather of a coarse grid, worldwide, without a key."""

import datetime as dt

import httpx
import numpy as np
import xarray as xr
from pydantic import BaseModel

from agritwin.errors import SourceError
from agritwin.sources import canonical
from agritwin.sources.base import When, Where
from agritwin.sources.http import client, get_json, validated
from agritwin.sources.quota import Plan

URL = "https://power.larc.nasa.gov/api/temporal/{step}/point"

HOURLY = {
    "T2M": "air_temperature",
    "RH2M": "relative_humidity",
    "WS2M": "wind_speed",
    "PRECTOTCORR": "precipitation",
    "ALLSKY_SFC_SW_DWN": "shortwave_radiation",
    "PS": "surface_pressure",
}
DAILY = HOURLY | {"T2M_MAX": "air_temperature_max", "T2M_MIN": "air_temperature_min"}

FACTORS = {
    ("degC", "C"): 1.0,
    ("percent", "%"): 1.0,
    ("m s-1", "m/s"): 1.0,
    ("hPa", "kPa"): 10.0,
    ("mm", "mm/hour"): 1.0,
    ("mm", "mm/day"): 1.0,
    ("W m-2", "W/m^2"): 1.0,
    ("W m-2", "Wh/m^2"): 1.0,
    ("W m-2", "MJ/hr"): 1e6 / 3600,
    ("W m-2", "MJ/m^2/hr"): 1e6 / 3600,
    ("W m-2", "MJ/m^2/hour"): 1e6 / 3600,
    ("MJ m-2 d-1", "MJ/m^2/day"): 1.0,
    ("MJ m-2 d-1", "kW-hr/m^2/day"): 3.6,
}
"""Canonical unit, unit in the answer -> factor."""

ATTRIBUTES = {
    "source": "nasa_power",
    "licence": "open data of NASA, no restriction",
    "attribution": "Data from the NASA Langley Research Center POWER Project, funded through the NASA Earth Science "
    "Directorate Applied Science Program",
    "synthetic": "false",
}


class _Header(BaseModel):
    fill_value: float


class _Parameters(BaseModel):
    parameter: dict[str, dict[str, float]]


class _Unit(BaseModel):
    units: str


class _Answer(BaseModel):
    header: _Header
    properties: _Parameters
    parameters: dict[str, _Unit]


class NasaPower:
    """Hourly weather from MERRA-2, GEOS and CERES, without correction for the height of the place.

    POWER labels an hour by its beginning (its radiation is centred on the sun's highest point only so); the stamps
    returned name the end, as everywhere in agritwin.
    """

    name = "nasa_power"
    kind = "weather"

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._http = client(transport)

    def plan(self, where: Where, when: When) -> Plan:
        """State what a fetch takes of the provider's quota: a request a year."""
        return Plan(self.name, len(when.by_year()), len(when.by_year()))

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return hourly weather (time) from 00:00 of the first to 23:00 of the last UTC day; one request a year."""
        parts = []
        for span in when.by_year():
            from_the_evening_before = When(span.start - dt.timedelta(days=1), span.end)
            labels = [str(hour)[:13] for hour in span.hours - np.timedelta64(1, "h")]
            answer = self._request("hourly", where, from_the_evening_before, HOURLY)
            parts.append(_values(answer, HOURLY, canonical.HOURLY, [_digits(label) for label in labels]))
        values = {name: np.concatenate([part[name] for part in parts]) for name in HOURLY.values()}
        attributes = ATTRIBUTES | {"title": "NASA POWER hourly, MERRA-2 and CERES SYN1deg"}
        dataset = canonical.hourly_dataset(when.hours, values, origin="modelled", attributes=attributes)
        return canonical.require_values(dataset, self.name)

    def daily(self, where: Where, when: When) -> xr.Dataset:
        """Return daily weather (day), UTC days; values of the last months are replaced later by the provider."""
        answer = self._request("daily", where, when, DAILY)
        values = _values(answer, DAILY, canonical.DAILY, [_digits(str(day)[:10]) for day in when.dates])
        attributes = ATTRIBUTES | {"title": "NASA POWER daily, MERRA-2 and CERES SYN1deg"}
        dataset = canonical.daily_dataset(when.dates, values, zone="UTC", origin="modelled", attributes=attributes)
        return canonical.require_values(dataset, self.name)

    def _request(self, step: str, where: Where, when: When, names: dict[str, str]) -> _Answer:
        params = {
            "parameters": ",".join(names),
            "community": "AG",
            "longitude": f"{where.longitude:.5f}",
            "latitude": f"{where.latitude:.5f}",
            "start": f"{when.start:%Y%m%d}",
            "end": f"{when.end:%Y%m%d}",
            "format": "JSON",
            "time-standard": "UTC",
        }
        payload = get_json(self._http, URL.format(step=step), params, source=self.name)
        return validated(_Answer, payload, self.name)


def _values(
    answer: _Answer, names: dict[str, str], about: dict[str, dict[str, str]], labels: list[str]
) -> dict[str, np.ndarray]:
    values = {}
    for key, name in names.items():
        series, unit = answer.properties.parameter.get(key), answer.parameters.get(key)
        if series is None or unit is None:
            raise SourceError("nasa_power", f"the answer lacks {key}", "Try again later, or name another source.")
        factor = FACTORS.get((about[name]["units"], unit.units))
        if factor is None:
            raise SourceError(
                "nasa_power",
                f"{key} came in {unit.units!r}",
                "The provider may have changed its service: update agritwin or name another source.",
            )
        missing = set(labels) - set(series)
        if missing:
            raise SourceError("nasa_power", f"{key} lacks {len(missing)} of {len(labels)} times", "Try again later.")
        given = np.array([series[label] for label in labels])
        values[name] = np.where(given == answer.header.fill_value, np.nan, given) * factor
    return values


def _digits(label: str) -> str:
    return label.replace("-", "").replace("T", "")
