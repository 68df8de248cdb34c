"""What a page is made from: the published products of one twin, opened when they are asked for."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from agritwin.agromet.daily import daily
from agritwin.agromet.days import LocalDays
from agritwin.errors import ConfigError, StoreError
from agritwin.geometry import to_crs, utm_epsg
from agritwin.pins import is_synthetic, open_pointer
from agritwin.workspace import read_json

log = logging.getLogger(__name__)

PINNED = {
    "weather_history": ("weather_pin", "history"),
    "weather_season": ("weather_pin", "season"),
    "forecast_season": ("forecast_pin", None),
    "ndvi_history": ("ndvi_pin", "history"),
    "ndvi_season": ("ndvi_pin", "season"),
}
CUBES = ("terrain", *PINNED)
PINS = ("weather_pin", "forecast_pin", "ndvi_pin")
SIMULATIONS = ("crop", "flood")
PRODUCTS = ("parcel", "weather", "ndvi", "records", "forecast", "yields", *SIMULATIONS, "alerts")
OTHERS = ("outline", "context")


@dataclass(frozen=True)
class Twin:
    """A twin's published products; what is missing is None and has a reason.

    Attributes
    ----------
    paths
        Name to file, the names being those of the rule that builds the report.
    name
        Of the parcel, for people.
    twin
        Id.
    zone
        IANA zone of the parcel's days.
    what_if, flood_what_if
        Results of scenarios, of the crop and of floods.
    """

    paths: Mapping[str, Path]
    name: str | None = None
    twin: str | None = None
    zone: str = "Europe/Madrid"
    what_if: tuple[Path, ...] = ()
    flood_what_if: tuple[Path, ...] = ()
    _opened: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _reasons: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def product(self, name: str) -> dict[str, Any] | None:
        """Return a product's JSON, or None where it is missing, damaged or null."""
        return self._open(f"product {name}", name, read_json)

    def summary(self, name: str) -> dict[str, Any] | None:
        """Return the summary of a simulation, or None."""
        return (self.product(name) or {}).get("summary")

    def cube(self, name: str) -> xr.Dataset | None:
        """Return what a pointer or pin names, or None where it names nothing."""
        _, part = PINNED.get(name, (name, None))
        opened = self._open(f"cube {name}", name, lambda path: open_pointer(path, part))
        return None if opened is None or 0 in opened.sizes.values() else opened

    def pointer(self, name: str) -> dict[str, Any] | None:
        """Return the content of a cube's pointer or part of a pin, or None where it is missing."""
        file, part = PINNED.get(name, (name, None))
        content = self.product(file)
        return content.get(part) if content is not None and part is not None else content

    def scenarios(self) -> list[tuple[dict[str, Any], xr.Dataset]]:
        """Return results and simulations of the crop's scenarios; one that cannot be opened is left out and logged."""
        return self._results(self.what_if)

    def flood_scenarios(self) -> list[tuple[dict[str, Any], xr.Dataset]]:
        """Return results and simulations of the flood's scenarios, as :meth:`scenarios` those of the crop."""
        return self._results(self.flood_what_if)

    def _results(self, paths: tuple[Path, ...]) -> list[tuple[dict[str, Any], xr.Dataset]]:
        opened = []
        for path in paths:
            try:
                opened.append((read_json(path), open_pointer(path)))
            except StoreError as error:
                log.warning("scenario left out: %s", error)
        return opened

    def why(self, name: str) -> str:
        """Return why a product or cube is missing; empty where nothing is told."""
        product = self._opened.get(f"product {name}")
        told = product.get("reason") if isinstance(product, dict) else None
        return told or self._reasons.get(name, "")

    def _open(self, key: str, name: str, opener: Any) -> Any:
        if key not in self._opened:
            self._opened[key] = None
            path = self.paths.get(PINNED.get(name, (name,))[0])
            try:
                self._opened[key] = opener(path) if path is not None else None
            except StoreError as error:
                # That a file is not there yet is told in the language of the page; anything else needs these words.
                if path is not None and path.exists():
                    self._reasons[name] = error.message
        return self._opened[key]

    @cached_property
    def polygon(self) -> BaseGeometry | None:
        """The parcel, EPSG:4326."""
        feature = self.product("outline")
        return shape(feature["geometry"]) if feature else None

    def polygon_in(self, grid: xr.Dataset) -> BaseGeometry | None:
        """Return the parcel in the metres of a grid."""
        if self.polygon is None:
            return None
        return to_crs(self.polygon, 4326, self.epsg(grid))

    def epsg(self, grid: xr.Dataset) -> int:
        """Return the EPSG code of a grid; the parcel's UTM zone where the grid names none."""
        from pyproj import CRS

        wkt = grid["spatial_ref"].attrs.get("crs_wkt") if "spatial_ref" in grid.variables else None
        code = CRS.from_wkt(wkt).to_epsg() if wkt else None
        if code is None:
            centre = self.polygon.centroid if self.polygon is not None else None
            return utm_epsg(centre.x, centre.y) if centre is not None else 4326
        return code

    def terrain_of(self, grid: xr.Dataset) -> xr.Dataset | None:
        """Return the terrain where it lies in the same metres as a grid, else None."""
        terrain = self.cube("terrain")
        return terrain if terrain is not None and self.epsg(terrain) == self.epsg(grid) else None

    @cached_property
    def place(self) -> dict[str, float] | None:
        """Latitude, longitude [degrees] and elevation [m] (0 where it is not known)."""
        parcel = self.product("parcel")
        if parcel:
            keys = ("latitude", "longitude", "elevation_m")
            return {key: float(parcel.get(key) or 0.0) for key in keys}
        if self.polygon is not None:
            centre = self.polygon.centroid
            return {"latitude": centre.y, "longitude": centre.x, "elevation_m": 0.0}
        return None

    def days(self, name: str) -> xr.Dataset | None:
        """Return the local days of a weather pin with ET0, or None."""
        key = f"days {name}"
        if key not in self._opened:
            hourly = self.cube(name)
            known = hourly is not None and self.place is not None
            self._opened[key] = _days(hourly, self.place, self.zone) if known else None  # type: ignore[arg-type]
        return self._opened[key]

    @cached_property
    def issue_time(self) -> str | None:
        """ISO day after the last one that any product has seen."""
        times = [str(product["issue_time"]) for product in self._products() if product.get("issue_time")]
        return max(times)[:10] if times else None

    @cached_property
    def synthetic(self) -> bool:
        """True where anything on the page comes from synthetic data."""
        if any(product.get("synthetic") in (True, "true") for product in self._products()):
            return True
        return any(is_synthetic(cube) for cube in map(self.cube, CUBES) if cube is not None)

    @property
    def title(self) -> str:
        """Name of the parcel, or the twin's id, or a dash."""
        return self.name or (self.product("parcel") or {}).get("name") or self.code

    @property
    def code(self) -> str:
        """Id of the twin."""
        found = (product["twin"] for product in self._products() if product.get("twin"))
        return self.twin or next(found, None) or (self.product("outline") or {}).get("id") or "–"

    def _products(self) -> list[dict[str, Any]]:
        return [product for product in map(self.product, PRODUCTS) if product]


def _days(hourly: xr.Dataset, place: dict[str, float], zone: str) -> xr.Dataset:
    weather = hourly.drop_vars(["origin", "variable"], errors="ignore")
    days = daily(weather, place["latitude"], place["longitude"], place["elevation_m"], zone)
    # A slice of UTC hours may begin or end within a day of the parcel; such a piece is no day.
    hours = LocalDays(pd.DatetimeIndex(weather["time"].to_numpy()), zone).count(xr.ones_like(weather["time"], float))
    whole = np.flatnonzero(hours.to_numpy() == days["hours_in_day"].to_numpy())
    return days.isel(day=slice(whole[0], whole[-1] + 1)) if whole.size else days


def load(
    *,
    name: str | None = None,
    twin: str | None = None,
    zone: str = "Europe/Madrid",
    scenarios: str | Path | None = None,
    **paths: str | Path | None,
) -> Twin:
    """Return a twin's products, opened lazily.

    Parameters
    ----------
    name, twin, zone
        Name for people, id, and IANA zone of the parcel's days.
    scenarios
        Folder with results of scenarios, those of floods in ``floods`` within it; it need not be there.
    paths
        ``outline, terrain, weather_pin, forecast_pin, ndvi_pin, context, parcel, weather, ndvi, records, forecast,
        yields, crop, flood, alerts``: files; what is left out or None is shown as missing.

    Raises
    ------
    ConfigError
        For a name that is none of these.
    """
    known = {"terrain", *PINS, *PRODUCTS, *OTHERS}
    if unknown := sorted(paths.keys() - known):
        raise ConfigError(f"The report takes no {', '.join(unknown)}.", f"It takes {', '.join(sorted(known))}.")
    given = {key: Path(path) for key, path in paths.items() if path is not None}
    crop, floods = (
        tuple(sorted(Path(scenarios).glob(pattern))) if scenarios is not None else ()
        for pattern in ("*.json", "floods/*.json")
    )
    return Twin(given, name, twin, zone, crop, floods)
