"""ERA5-Land from public Zarr stores: land reanalysis since 1950 on a grid of 0.1 degree, many parcels in one read.

The stores of ECMWF are chunked for point series (some four years by four by eight cells), so a parcel costs a few
chunks a variable and its neighbours nothing more. Two things differ between stores and are looked at, never assumed:
whether longitudes run from 0 to 360 or -180 to 180 and latitudes up or down, and whether rain and radiation are of the
hour or summed up since 00 UTC.

Source: https://confluence.ecmwf.int/display/CKB/ERA5-Land%3A+data+documentation
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from agritwin.errors import SourceError
from agritwin.sources import canonical
from agritwin.sources.base import When, Where
from agritwin.sources.quota import Plan

if TYPE_CHECKING:
    from zarr.abc.store import Store

NAME = "era5_land"
ROOT = "https://arco.datastores.ecmwf.int/cadl-arco-geo-{number:03d}/arco/reanalysis_era5_land/{group}/geoChunked.zarr"
KEY = "CDS_API_KEY"
KELVIN = 273.15
HOUR_S = 3600.0
FARTHEST_DEGREES = 0.15  # from the middle of a cell of 0.1 degree; beyond lies another one, or the sea
SUMMED = ("tp", "ssrd")
UNITS = {
    "t2m": {"K"}, "d2m": {"K"}, "u10": {"m s**-1", "m s-1", "m/s"}, "v10": {"m s**-1", "m s-1", "m/s"},
    "sp": {"Pa"}, "tp": {"m"}, "ssrd": {"J m**-2", "J m-2", "J/m^2", "J/m2"},
}  # fmt: skip


@dataclass(frozen=True)
class Group:
    """A store: number and name at ECMWF, and the variables wanted of it."""

    number: int
    name: str
    variables: tuple[str, ...]


GROUPS = (
    Group(7, "sfc-2m-temperature", ("t2m", "d2m")),
    Group(8, "sfc-wind", ("u10", "v10")),
    Group(9, "sfc-pressure-precipitation", ("sp", "tp")),
    Group(10, "sfc-radiation-heat", ("ssrd",)),
)
ATTRIBUTES = {
    "source": NAME,
    "title": "ERA5-Land hourly",
    "licence": "CC BY 4.0, Copernicus notice due",
    "attribution": "Contains modified Copernicus Climate Change Service information (ERA5-Land, "
    "doi 10.24381/cds.e2161bac); neither the European Commission nor ECMWF is responsible for any use of it",
    "synthetic": "false",
}


class Era5Land:
    """Hourly weather of land cells, without correction for the height of the place.

    Parameters
    ----------
    root
        Address or path of the stores, with ``{number}`` and ``{group}``; ECMWF's need a key of the Climate Data Store
        in the environment: ``CDS_API_KEY``.
    """

    name = NAME
    kind = "weather"

    def __init__(self, root: str = ROOT) -> None:
        self.root = root

    def plan(self, where: Where, when: When) -> Plan:
        """State what a fetch takes: a chunk a variable and four years, and the coordinates."""
        requests = sum(len(group.variables) for group in GROUPS) * (1 + when.days // 1400) + 4 * len(GROUPS)
        return Plan(NAME, requests, requests)

    def fetch(self, where: Where, when: When) -> xr.Dataset:
        """Return hourly weather (time) of the cell around a place."""
        return self.fetch_many([where], when)[0]

    def fetch_many(self, places: Sequence[Where], when: When) -> list[xr.Dataset]:
        """Return hourly weather (time) of each place, all from one read of each variable.

        Raises
        ------
        SourceError
            When a store cannot be read, has other units or does not hold the days, or a place is sea.
        """
        # The hour before the first tells what a sum since midnight has added.
        hours = np.concatenate([when.hours[:1] - np.timedelta64(1, "h"), when.hours])
        read: dict[str, np.ndarray] = {}
        for group in GROUPS:
            read |= self._read(group, places, hours)
        summed = all(summed_since_midnight(read[name], hours) for name in SUMMED)
        for name, values in read.items():
            read[name] = hourly_sums(values, hours) if name in SUMMED and summed else values[1:]
        series = ({name: values[:, column] for name, values in read.items()} for column in range(len(places)))
        return [self._dataset(each, when, where) for each, where in zip(series, places, strict=True)]

    def _read(self, group: Group, places: Sequence[Where], hours: np.ndarray) -> dict[str, np.ndarray]:
        """Values of a store by variable, shape (hours, places)."""
        # Its failures are no OSErrors.
        from obstore.exceptions import BaseError

        address = self.root.format(number=group.number, group=group.name)
        try:
            with xr.open_zarr(_store(address), chunks=None) as store:
                return {name: _series(store, name, places, hours) for name in group.variables}
        except (BaseError, OSError, ValueError, KeyError, RuntimeError) as error:
            text = str(error).split("\n\nDebug source")[0].strip()
            raise SourceError(
                NAME,
                f"{address} cannot be read ({text[:300]})",
                "Try again later, or name another source.",
                temporary=True,
            ) from error

    def _dataset(self, read: dict[str, np.ndarray], when: When, where: Where) -> xr.Dataset:
        celsius, dew_point = read["t2m"] - KELVIN, read["d2m"] - KELVIN
        humidity = 100.0 * saturation_pressure(dew_point) / saturation_pressure(celsius)
        values = {
            "air_temperature": celsius,
            "relative_humidity": humidity.clip(0.0, 100.0),
            "wind_speed": canonical.wind_at_2m(np.hypot(read["u10"], read["v10"]), 10.0),
            # Packing leaves tiny negative rains and radiations.
            "precipitation": read["tp"].clip(min=0.0) * 1000.0,
            "shortwave_radiation": read["ssrd"].clip(min=0.0) / HOUR_S,
            "surface_pressure": read["sp"] / 100.0,
        }
        dataset = canonical.hourly_dataset(when.hours, values, origin="modelled", attributes=ATTRIBUTES)
        if all(bool(variable.isnull().all()) for variable in dataset.data_vars.values()):
            place = f"{where.latitude:.3f}, {where.longitude:.3f}"
            raise SourceError(
                NAME, f"the cell of {place} is sea, or these days are not yet there", "Name another source."
            )
        return dataset


COORDINATES = (("valid_time", "time"), ("latitude", "lat"), ("longitude", "lon"))


def saturation_pressure(celsius: np.ndarray) -> np.ndarray:
    """Return the saturation vapour pressure over water [kPa] of a temperature [degC] (FAO-56, Eq. 11)."""
    return 0.6108 * np.exp(17.27 * celsius / (celsius + 237.3))


def summed_since_midnight(values: np.ndarray, hours: np.ndarray) -> bool:
    """Tell whether values run as sums since 00 UTC: such sums never fall within a day, values of hours do.

    Parameters
    ----------
    values
        Shape (hours, places); NaN is nothing.
    hours
        Stamps, datetime64, UTC.
    """
    steps = np.where(_first_of_day(hours[1:])[:, None], 0.0, np.nan_to_num(np.diff(values, axis=0)))
    return bool(-steps[steps < 0].sum() <= 0.01 * steps[steps > 0].sum())


def hourly_sums(values: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """Return sums of the hour before each stamp from sums since 00 UTC, shape (hours - 1, places).

    The value at 01 is that of one hour, the one at 00 of the next day that of all 24.

    Parameters
    ----------
    values, hours
        As for :func:`summed_since_midnight`; the first stamp is that of the hour before the first wanted.
    """
    return np.where(_first_of_day(hours[1:])[:, None], values[1:], np.diff(values, axis=0))


def _first_of_day(hours: np.ndarray) -> np.ndarray:
    return hours.astype("datetime64[h]").astype(int) % 24 == 1


def _series(store: xr.Dataset, name: str, places: Sequence[Where], hours: np.ndarray) -> np.ndarray:
    """Values of a variable, shape (hours, places): one read for each tile of chunks that holds places."""
    time, latitude, longitude = (_coordinate(store, names) for names in COORDINATES)
    units = str(store[name].attrs.get("units", ""))
    if units not in UNITS[name]:
        expected = " or ".join(sorted(UNITS[name]))
        raise SourceError(NAME, f"{name} came in {units!r}, not {expected}", "The provider changed its stores.")
    variable = store[name].transpose(time, latitude, longitude)
    chunks = dict(zip(store[name].dims, store[name].encoding["chunks"], strict=True))
    rows, columns = _cells(store, latitude, longitude, places)
    position = _positions(store[time].to_numpy(), hours)
    held = position >= 0
    span = slice(int(position[held].min()), int(position[held].max()) + 1)
    values = np.full((hours.size, len(places)), np.nan)
    tiles = np.stack([rows // chunks[latitude], columns // chunks[longitude]], axis=1)
    for tile in np.unique(tiles, axis=0):
        members = np.flatnonzero((tiles == tile).all(axis=1))
        down, along = rows[members], columns[members]
        block = variable[span, down.min() : down.max() + 1, along.min() : along.max() + 1].to_numpy()
        series = block[:, down - down.min(), along - along.min()]
        values[np.ix_(held, members)] = series[position[held] - span.start]
    return values


def _store(address: str) -> "Store | str":
    if "://" not in address:
        return address
    from agritwin.sources.zarr_store import remote_store

    return remote_store(address, {"Authorization": f"Bearer {_key()}"} if "ecmwf.int" in address else None)


def _key() -> str:
    key = os.environ.get(KEY)
    if not key:
        raise SourceError(
            NAME,
            f"{KEY} is not set in the environment",
            "Make a key at cds.climate.copernicus.eu and set it, or name another source.",
        )
    return key


def _coordinate(store: xr.Dataset, names: tuple[str, ...]) -> str:
    for name in names:
        if name in store.dims:
            return name
    raise SourceError(
        NAME, f"the store has no dimension {' or '.join(names)}", "The provider may have changed its stores."
    )


def _cells(store: xr.Dataset, latitude: str, longitude: str, places: Sequence[Where]) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the cell nearest to each place, whichever way the axes run."""
    north, east = store[latitude].to_numpy().astype(float), store[longitude].to_numpy().astype(float)
    south_away = np.abs(north[None, :] - np.array([place.latitude for place in places])[:, None])
    turn = (east[None, :] - np.array([place.longitude for place in places])[:, None] + 180.0) % 360.0 - 180.0
    rows, columns = south_away.argmin(axis=1), np.abs(turn).argmin(axis=1)
    away = np.maximum(south_away.min(axis=1), np.abs(turn).min(axis=1))
    if (away > FARTHEST_DEGREES).any():
        place = places[int(away.argmax())]
        raise SourceError(
            NAME, f"the store has no cell at {place.latitude:.3f}, {place.longitude:.3f}", "Name another source."
        )
    return rows, columns


def _positions(times: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """Position of each hour on the store's axis, -1 where it has none."""
    axis = times.astype("datetime64[h]")
    position = np.searchsorted(axis, hours.astype("datetime64[h]")).clip(max=axis.size - 1)
    found = np.where(axis[position] == hours.astype("datetime64[h]"), position, -1)
    if (found[1:] < 0).all():
        raise SourceError(
            NAME, f"the store holds {axis[0]} to {axis[-1]}, not {hours[1]} to {hours[-1]}", "Ask for other days."
        )
    return found
