"""SIAR: Spain's agroclimatic stations for irrigation, with radiation and wind measured at two metres."""

import datetime as dt
import os
import re
from typing import Any

import httpx
import numpy as np
import xarray as xr
from pydantic import AliasChoices, BaseModel, Field

from agritwin.errors import SourceError
from agritwin.sources import canonical
from agritwin.sources.base import When, Where
from agritwin.sources.http import TransientError, ask, client, json_of, require_ok, text_of, validated
from agritwin.sources.quota import Plan
from agritwin.sources.stations import EXAMINED, Choice, Station, choose, nearest

NAME = "siar"
BASE = "https://servicio.mapa.gob.es/siarapi/API/V1"
USER, PASSWORD = "SIAR_USER", "SIAR_PASSWORD"  # names of environment variables
LIMIT_PAUSE_S = 61.0
ROWS_A_DAY = 48
ROWS_A_MINUTE = 100  # where the service does not say
DAYS_A_REQUEST = 366

HOURLY = {
    "tempmedia": "air_temperature",
    "humedadmedia": "relative_humidity",
    "velviento": "wind_speed",
    "precipitacion": "precipitation",
    "radiacion": "shortwave_radiation",
}
DAILY = {
    "tempmedia": "air_temperature",
    "tempmax": "air_temperature_max",
    "tempmin": "air_temperature_min",
    "humedadmedia": "relative_humidity",
    "humedadmax": "relative_humidity_max",
    "humedadmin": "relative_humidity_min",
    "velviento": "wind_speed",
    "precipitacion": "precipitation",
    "radiacion": "shortwave_radiation",
    "etpmon": "et0",
}
ATTRIBUTES = {
    "source": NAME,
    "licence": "reuse citing the source",
    "attribution": "SIAR, Ministerio de Agricultura, Pesca y Alimentación",
    "synthetic": "false",
}


class _Answer(BaseModel):
    datos: list[dict[str, Any]] | None = Field(None, validation_alias=AliasChoices("datos", "Datos"))
    message: str | None = Field(None, validation_alias="MensajeRespuesta")


class _Quota(BaseModel):
    used: int | None = Field(None, validation_alias="registrosacumuladosdia")
    a_day: int | None = Field(None, validation_alias="maxregistrosdia")
    a_minute: int | None = Field(None, validation_alias="maxregistrosminuto")


class _Quotas(BaseModel):
    rows: list[_Quota] = Field(min_length=1)


class Siar:
    """Client of the SIAR service; account from the environment variables ``SIAR_USER`` and ``SIAR_PASSWORD``.

    Identity, password and token travel in the query, so these addresses are never logged in clear nor stored.

    Parameters
    ----------
    station
        Code, for example ``VA102``; by default the nearest open one.
    transport
        Answers in place of the network.
    """

    name = NAME
    kind = "weather"

    def __init__(self, station: str | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self.station = station
        self._http = client(transport)
        self._token: str | None = None

    def plan(self, where: Where, when: When) -> Plan:
        """State what hours take of the account's requests."""
        return self._plan(when, ROWS_A_DAY, 1)

    def plan_days(self, where: Where, when: When) -> Plan:
        """State what days take."""
        return self._plan(when, 1, 1)

    def plan_choice(self, where: Where, when: When) -> Plan:
        """State what a choice takes at the most: the days of the stations examined."""
        return self._plan(when, 1, EXAMINED)

    def _plan(self, when: When, rows_a_day: int, stations: int) -> Plan:
        """Three requests to sign in, the list of stations; for each station the quota and pieces of the span."""
        pieces = when.by_days(max(1, min(ROWS_A_MINUTE // rows_a_day, DAYS_A_REQUEST)))
        requests = 3 + (self.station is None) + stations * (1 + len(pieces))
        return Plan(NAME, requests, requests)

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return hourly weather (time), the mean or sum of half-hourly rows; pressure is not measured."""
        station = self.station or self.nearest(where).code
        # The hour that ends at midnight belongs to the day before.
        rows = self._data("Horarios", station, When(when.start - dt.timedelta(days=1), when.end), ROWS_A_DAY)
        attributes = ATTRIBUTES | {"title": f"SIAR half-hourly data, station {station}"}
        return canonical.require_values(half_hours(rows, when, attributes), self.name)

    def daily(self, where: Where, when: When) -> xr.Dataset:
        """Return daily weather (day) with the network's own reference evapotranspiration."""
        station = self.station or self.nearest(where).code
        rows = self._data("Diarios", station, when, 1)
        attributes = ATTRIBUTES | {"title": f"SIAR daily data, station {station}"}
        return canonical.require_values(days(rows, when, attributes), self.name)

    def stations(self) -> list[Station]:
        """Return all stations that are open."""
        return [station(row) for row in self._ask("Info/ESTACIONES", {}) if not row.get("fecha_baja")]

    def nearest(self, where: Where) -> Station:
        """Return the open station nearest to a place."""
        return nearest(self.stations(), where, NAME)

    def choose(self, where: Where, when: When) -> Choice:
        """Choose a station for a place by distance, height and the days of ``when`` that it has."""

        def completeness(code: str) -> float:
            rows = self._data("Diarios", code, when, 1)
            found = days(rows, when, {})
            return float((found["air_temperature_min"].notnull() & found["precipitation"].notnull()).mean())

        return choose(self.stations(), where, NAME, completeness)

    def _data(self, kind: str, station: str, when: When, rows_a_day: int) -> list[dict[str, Any]]:
        """Fetch rows in pieces that the account's own quota allows."""
        quota = validated(_Quotas, {"rows": self._ask("Info/ACCESOS", {})}, NAME).rows[0]
        needed, used = when.days * rows_a_day, quota.used or 0
        if quota.a_day is not None and used + needed > quota.a_day:
            raise SourceError(
                NAME,
                f"{needed} rows exceed what is left of the day's quota ({quota.a_day - used})",
                "Ask again tomorrow.",
            )
        rows = []
        for span in when.by_days(max(1, min((quota.a_minute or ROWS_A_MINUTE) // rows_a_day, DAYS_A_REQUEST))):
            params = {"Id": station, "FechaInicial": str(span.start), "FechaFinal": str(span.end)}
            rows += self._ask(f"Datos/{kind}/ESTACION", params | {"DatosCalculados": "true"})
        return rows

    def _ask(self, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
        params = {"token": self._sign_in(), **params}
        return ask(self._http, f"{BASE}/{path}", params, source=NAME, read=_read_rows, pause_s=LIMIT_PAUSE_S)

    def _sign_in(self) -> str:
        """Return the token of this client; both halves of the account are ciphered by the service first."""
        if self._token is None:
            if not (os.environ.get(USER) and os.environ.get(PASSWORD)):
                raise SourceError(
                    NAME, f"no account in the environment variables {USER} and {PASSWORD}", "Register with SIAR."
                )
            user, password = (
                self._text("Autenticacion/cifrarCadena", {"cadena": os.environ[name]}) for name in (USER, PASSWORD)
            )
            self._token = self._text("Autenticacion/obtenerToken", {"Usuario": user, "Password": password})
        return self._token

    def _text(self, path: str, params: dict[str, str]) -> str:
        def read(response: httpx.Response) -> str:
            require_ok(response, NAME)
            text = text_of(response).strip().strip('"')
            if not text or text.startswith(("<", "{")):
                raise TransientError("sent no token")
            return text

        return ask(self._http, f"{BASE}/{path}", params, source=NAME, read=read)


def _read_rows(response: httpx.Response) -> list[dict[str, Any]]:
    """Read rows with keys in lower case, since the service varies its capitals; a message instead is an error."""
    if response.status_code not in (200, 403):
        require_ok(response, NAME)
    answer = validated(_Answer, json_of(response), NAME)
    if answer.message and not answer.datos:
        if "minuto" in answer.message.lower():
            raise TransientError("refused for too many requests", LIMIT_PAUSE_S)
        raise SourceError(NAME, f"refused: {answer.message[:200]}", "Check the account, the station and the days.")
    if response.status_code != 200 or answer.datos is None:
        raise SourceError(NAME, f"answered {response.status_code} without data", "Check the account.")
    return [{key.lower(): value for key, value in row.items()} for row in answer.datos]


def half_hours(rows: list[dict[str, Any]], when: When, attributes: dict[str, str]) -> xr.Dataset:
    """Return hourly weather from half-hourly rows.

    The manual does not name the clock. The times of the daily minima lie at sunrise in UTC, so it is taken as UTC, and
    the stamp as the end of the half hour. An hour counts only with both its halves.
    """
    times = _times(rows, clock=True)
    _, first = np.unique(times, return_index=True)
    readings = {name: _column(rows, key)[first] for key, name in HOURLY.items()}
    values = canonical.hourly_values(times[first], np.timedelta64(30, "m"), readings, when.hours)
    dataset = canonical.hourly_dataset(when.hours, values, origin="measured", attributes=attributes)
    for name in ("air_temperature", "relative_humidity", "wind_speed"):
        dataset[name].attrs["cell_methods"] = "time: mean"
    return dataset


def days(rows: list[dict[str, Any]], when: When, attributes: dict[str, str]) -> xr.Dataset:
    """Return daily weather; an evapotranspiration of 0 on a day with sun is the network's error and missing."""
    times = _times(rows, clock=False)
    values = {name: canonical.on_axis(times, _column(rows, key), when.dates) for key, name in DAILY.items()}
    values["et0"] = np.where((values["et0"] == 0) & (values["shortwave_radiation"] > 0), np.nan, values["et0"])
    return canonical.daily_dataset(when.dates, values, zone="UTC", origin="measured", attributes=attributes)


def _times(rows: list[dict[str, Any]], *, clock: bool) -> np.ndarray:
    """Dates, with the time HHMM of the row where asked for (2400 is the end of the day)."""
    try:
        times = []
        for row in rows:
            minutes = int(row["hormin"] if "hormin" in row else row["horamin"]) if clock else 0
            if not 0 <= minutes <= 2400:
                raise ValueError(f"{minutes} is no time")
            since = dt.timedelta(hours=minutes // 100, minutes=minutes % 100)
            times.append(dt.datetime.fromisoformat(str(row["fecha"])[:10]) + since)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SourceError(NAME, f"a row has no readable time ({error})", "Update agritwin.") from error
    return np.array(times, "datetime64[s]")


def _column(rows: list[dict[str, Any]], key: str) -> np.ndarray:
    try:
        return np.array([np.nan if row.get(key) is None else float(row[key]) for row in rows], float)
    except (TypeError, ValueError) as error:
        raise SourceError(NAME, f"{key} holds no number ({error})", "Update agritwin.") from error


def station(row: dict[str, Any]) -> Station:
    """Return a station from a row with lower-case keys."""
    try:
        return Station(
            code=str(row["codigo"]),
            name=str(row["estacion"]).strip(),
            latitude=degrees(str(row["latitud"])),
            longitude=degrees(str(row["longitud"])),
            altitude_m=float(row["altitud"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(NAME, f"a station lacks {error}", "Update agritwin.") from error


def degrees(text: str) -> float:
    """Return degrees from ``DDMMSSsss`` and a letter.

    The metric coordinates of the list are not used: on the Balearic Islands they belong to another zone than it says.

    Examples
    --------
    >>> round(degrees("012623000E"), 4)
    1.4397
    """
    match = re.fullmatch(r"(\d{2})(\d{2})(\d{5})([NSEWO])", text.strip())
    if match is None:
        raise SourceError(NAME, f"{text!r} is no position", "Update agritwin.")
    value = int(match[1]) + int(match[2]) / 60 + int(match[3]) / 3_600_000
    return -value if match[4] in "SWO" else value
