"""AEMET OpenData: hourly observations of the last hours and daily climatology of Spain's official stations."""

import datetime as dt
import math
import os
import re
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import xarray as xr
from pydantic import BaseModel

from agritwin.errors import SourceError
from agritwin.sources import canonical
from agritwin.sources.base import When, Where
from agritwin.sources.http import TransientError, ask, client, json_of, require_ok, validated
from agritwin.sources.quota import Plan
from agritwin.sources.stations import EXAMINED, Choice, Station, choose, nearest

NAME = "aemet"
ENCODING = "iso-8859-15"  # which not every answer declares
HOST = "https://opendata.aemet.es/"
BASE = f"{HOST}opendata/api"
KEY = "AEMET_API_KEY"
LIMIT_PAUSE_S = 61.0
DAYS_A_REQUEST = 150
ANEMOMETER_M = 10.0
"""Height of the wind gauge: the standard of synoptic stations; the service does not state it."""

OBSERVED = {
    "ta": "air_temperature",
    "hr": "relative_humidity",
    "vv": "wind_speed",
    "prec": "precipitation",
    "pres": "surface_pressure",
}
DAILY = {
    "tmed": "air_temperature",
    "tmax": "air_temperature_max",
    "tmin": "air_temperature_min",
    "hrMedia": "relative_humidity",
    "hrMax": "relative_humidity_max",
    "hrMin": "relative_humidity_min",
    "velmedia": "wind_speed",
    "sol": "sunshine_duration",
}
ATTRIBUTES = {
    "source": NAME,
    "licence": "reuse authorised citing AEMET, https://www.aemet.es/es/nota_legal",
    "attribution": "© AEMET",
    "synthetic": "false",
}


class _Envelope(BaseModel):
    estado: int
    descripcion: str = ""
    datos: str | None = None


class _Rows(BaseModel):
    rows: list[dict[str, Any]]


class Aemet:
    """Client of AEMET OpenData; the key comes from the environment variable ``AEMET_API_KEY``.

    Parameters
    ----------
    station
        Code (indicativo), for example ``2503X``; by default the nearest of the inventory.
    transport
        Answers in place of the network.
    """

    name = NAME
    kind = "weather"
    hours_kept_days = 1

    def __init__(self, station: str | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self.station = station
        self._transport = transport

    def plan(self, where: Where, when: When) -> Plan:
        """State what hours take of the provider's quota: two steps, and two for the inventory."""
        return _plan(self.station is None, 1)

    def plan_days(self, where: Where, when: When) -> Plan:
        """State what days take: two steps a piece of them."""
        return _plan(self.station is None, len(when.by_days(DAYS_A_REQUEST)))

    def plan_choice(self, where: Where, when: When) -> Plan:
        """State what a choice takes at the most: the inventory, and the days of the stations examined."""
        return _plan(True, EXAMINED * len(when.by_days(DAYS_A_REQUEST)))

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return hourly observations (time); the service keeps the last twelve hours, all others are missing."""
        station = self.station or self.nearest(where).code
        rows = self._rows(f"/observacion/convencional/datos/estacion/{station}")
        attributes = ATTRIBUTES | {"title": f"AEMET conventional observation, station {station}"}
        return canonical.require_values(observations(rows, when, attributes), self.name)

    def daily(self, where: Where, when: When) -> xr.Dataset:
        """Return daily climatology (day); see :func:`climatology`. Days lag about four days behind."""
        station = self.station or self.nearest(where).code
        rows = []
        for span in when.by_days(DAYS_A_REQUEST):
            first, last = f"{span.start}T00:00:00UTC", f"{span.end}T23:59:59UTC"
            rows += self._rows(
                f"/valores/climatologicos/diarios/datos/fechaini/{first}/fechafin/{last}/estacion/{station}"
            )
        attributes = ATTRIBUTES | {"title": f"AEMET daily climatology, station {station}"}
        return canonical.require_values(climatology(rows, when, attributes), self.name)

    def stations(self) -> list[Station]:
        """Return the inventory; that a station is in it does not mean that it reports every variable."""
        return [_station(row) for row in self._rows("/valores/climatologicos/inventarioestaciones/todasestaciones")]

    def nearest(self, where: Where) -> Station:
        """Return the station nearest to a place."""
        return nearest(self.stations(), where, NAME)

    def choose(self, where: Where, when: When) -> Choice:
        """Choose a station for a place by distance, height and the days of ``when`` that it has."""

        def completeness(code: str) -> float:
            days = Aemet(code, self._transport).daily(where, when)
            return float((days["air_temperature_min"].notnull() & days["precipitation"].notnull()).mean())

        return choose(self.stations(), where, NAME, completeness)

    def _rows(self, path: str) -> list[dict[str, Any]]:
        """Follow both steps of the protocol: an envelope that names a temporary address, then the data behind it."""
        key = os.environ.get(KEY)
        if not key:
            raise SourceError(NAME, f"no key in the environment variable {KEY}", "Ask for one at opendata.aemet.es.")
        with client(self._transport, headers={"api_key": key, "cache-control": "no-cache"}) as http:
            for _ in range(2):
                envelope = ask(http, BASE + path, source=NAME, read=_read_envelope, pause_s=LIMIT_PAUSE_S)
                if envelope.datos is None:
                    return []
                if not envelope.datos.startswith(HOST):
                    raise SourceError(NAME, "the data lie on a foreign host, which must not see the key", "Report it.")
                rows = ask(http, envelope.datos, source=NAME, read=_read_rows, pause_s=LIMIT_PAUSE_S)
                if rows is not None:
                    return rows
        raise SourceError(NAME, "the address of the data expired twice", "Try again later.", temporary=True)


def _plan(inventory: bool, answers: int) -> Plan:
    requests = 2 * (inventory + answers)
    return Plan(NAME, requests, requests)


def _read_envelope(response: httpx.Response) -> _Envelope:
    """Read the first answer; the state in its body counts, whatever the HTTP status."""
    if response.status_code == 401:
        require_ok(response, NAME)
    envelope = validated(_Envelope, json_of(response, ENCODING), NAME)
    _check_state(envelope)
    if envelope.estado == 200 and envelope.datos is None:
        raise TransientError("named no address of data")
    return envelope


def _read_rows(response: httpx.Response) -> list[dict[str, Any]] | None:
    """Read the second answer; None where the address has expired, an empty list where there are no data."""
    if response.status_code == 404:
        return None
    require_ok(response, NAME)
    body = json_of(response, ENCODING)
    if isinstance(body, dict):
        _check_state(validated(_Envelope, body, NAME))
        return []
    return validated(_Rows, {"rows": body}, NAME).rows


def _check_state(envelope: _Envelope) -> None:
    state, text = envelope.estado, envelope.descripcion
    if state == 200 or (state == 404 and "rango de fechas" not in text):
        return
    if state == 429:
        raise TransientError(f"refused: {text}", LIMIT_PAUSE_S)
    if state >= 500:
        raise TransientError(f"failed with state {state}: {text}")
    remedy = "Renew the key at opendata.aemet.es." if state in (401, 403) else "Ask for fewer days."
    raise SourceError(NAME, f"refused with state {state}: {text}", remedy)


def number(text: str) -> float:
    """Return a value as AEMET writes it: decimal comma; ``Ip`` (trace) is 0; ``Acum``, ``Varias`` and blanks are NaN.

    Raises
    ------
    SourceError
        For any other text.
    """
    word = text.strip()
    if word in {"", "Acum", "Varias"}:
        return math.nan
    if word == "Ip":
        return 0.0
    if re.fullmatch(r"-?\d+(,\d+)?", word) is None:
        raise SourceError(NAME, f"{word!r} is no number", "The provider may have changed its service: update agritwin.")
    return float(word.replace(",", "."))


def observations(rows: list[dict[str, Any]], when: When, attributes: dict[str, str]) -> xr.Dataset:
    """Return hourly observations in canonical form; ``fint`` is the end of the hour, UTC."""
    times = _times([row.get("fint") for row in rows])
    values = {}
    for key, name in OBSERVED.items():
        given = [row[key] if isinstance(row.get(key), int | float) else math.nan for row in rows]
        values[name] = canonical.on_axis(times, np.array(given, float), when.hours)
    values["wind_speed"] = canonical.wind_at_2m(values["wind_speed"], ANEMOMETER_M)
    return canonical.hourly_dataset(when.hours, values, origin="measured", attributes=attributes)


def climatology(rows: list[dict[str, Any]], when: When, attributes: dict[str, str]) -> xr.Dataset:
    """Return daily climatology in canonical form.

    The mean temperature is the middle of maximum and minimum. A day of rain runs from 07 to 07 UTC. Where a total was
    gathered over several days (``Acum``), none of these days has a precipitation of its own; the total stands in
    ``accumulated_precipitation`` on the last of them. ``precipitation_trace`` marks days with less than 0.1 mm.
    """
    times = _times([row.get("fecha") for row in rows])

    def column(key: str, read: Callable[[str], float] = number) -> np.ndarray:
        given = np.array([read(str(row.get(key, ""))) for row in rows], float)
        return canonical.on_axis(times, given, when.dates)

    values = {name: column(key) for key, name in DAILY.items()}
    values["wind_speed"] = canonical.wind_at_2m(values["wind_speed"], ANEMOMETER_M)
    values["surface_pressure"] = (column("presMax") + column("presMin")) / 2
    _check_middle(values, when.dates)
    gathered = column("prec", lambda text: text.strip() == "Acum") == 1
    trace = column("prec", lambda text: text.strip() == "Ip") == 1
    ends = np.concatenate([[False], gathered[:-1]]) & ~gathered
    rain = column("prec")
    values["precipitation"] = np.where(ends, np.nan, rain)
    dataset = canonical.daily_dataset(when.dates, values, zone="UTC", origin="measured", attributes=attributes)
    dataset["air_temperature"].attrs["cell_methods"] = "time: mid_range"
    dataset["precipitation"].attrs["comment"] = "from 07 to 07 UTC"
    about = {"units": "mm", "long_name": "precipitation of all days since the last with a value of its own"}
    flags = {"flag_values": np.array([0, 1], np.uint8), "flag_meanings": "no yes", "units": "1"}
    return dataset.assign(
        accumulated_precipitation=("day", np.where(ends, rain, np.nan), about),
        precipitation_trace=("day", trace.astype(np.uint8), flags | {"long_name": "less than 0.1 mm"}),
    )


def _times(texts: list[Any]) -> np.ndarray:
    """ISO moments as datetime64[s] without zone, UTC where they name none."""
    try:
        moments = [dt.datetime.fromisoformat(text) for text in texts]
    except (TypeError, ValueError) as error:
        raise SourceError(
            NAME, f"a row has no readable time ({error})", "The provider may have changed its service: update agritwin."
        ) from error
    naive = [moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment for moment in moments]
    return np.array(naive, "datetime64[s]")


def _check_middle(values: dict[str, np.ndarray], days: np.ndarray) -> None:
    middle = (values["air_temperature_max"] + values["air_temperature_min"]) / 2
    wrong = np.abs(values["air_temperature"] - middle) > 0.06
    if wrong.any():
        raise SourceError(
            NAME,
            f"the mean temperature of {str(days[wrong][0])[:10]} is not the middle of maximum and minimum",
            "The provider may have changed its service: update agritwin.",
        )


def _station(row: dict[str, Any]) -> Station:
    try:
        return Station(
            code=row["indicativo"],
            name=row["nombre"].strip(),
            latitude=degrees(row["latitud"]),
            longitude=degrees(row["longitud"]),
            altitude_m=number(row["altitud"]),
        )
    except (KeyError, AttributeError, TypeError) as error:
        raise SourceError(NAME, f"a station of the inventory lacks {error}", "Update agritwin.") from error


def degrees(text: str) -> float:
    """Return degrees from ``DDMMSS`` and a letter; some stations have 60 seconds, which carry.

    Examples
    --------
    >>> round(degrees("044113W"), 4)
    -4.6869
    """
    match = re.fullmatch(r"(\d{2})(\d{2})(\d{2})([NSEWO])", text.strip())
    if match is None:
        raise SourceError(NAME, f"{text!r} is no position", "Update agritwin.")
    whole, minutes, seconds = (int(match[group]) for group in (1, 2, 3))
    return (-1 if match[4] in "SWO" else 1) * (whole + minutes / 60 + seconds / 3600)
