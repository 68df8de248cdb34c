"""Rasters of rain in time, such as radar composites: the rain over a piece of land, kept as a gauge's readings are.

A file has one variable in mm (within each interval) or mm h-1 over `time` and two coordinates of space, each stamp the
end of its interval: Zarr or NetCDF.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from agritwin.errors import DataError
from agritwin.records.readings import store_readings
from agritwin.sensors.definitions import define
from agritwin.sensors.netcdf import open_netcdf
from agritwin.sensors.registry import Registry, Stream

DEPTH_UNITS = ("mm", "kg m-2")
RATE_UNITS = ("mm h-1", "mm/h", "mm hour-1", "mm/hr", "kg m-2 h-1")
SENSOR, MEASURE = "radar", "precipitation"
AXES = (("x", "y"), ("lon", "lat"), ("longitude", "latitude"))
WGS84 = CRS.from_epsg(4326)
STREAM = Stream(column=MEASURE, sensor=SENSOR, measure=MEASURE, unit="mm", minimum=0.0)
REGISTRY = Registry(name="rain rasters", streams=(STREAM,))


@dataclass(frozen=True)
class RainRaster:
    """Rain of each interval, mm (time, y, x); NaN where the file has none."""

    name: str
    rain: xr.DataArray
    crs: CRS

    def over(self, x: NDArray, y: NDArray, crs: CRS) -> pd.Series:
        """Return the mean rain (mm) of each interval at places, each with the cell of the raster in which it lies.

        Raises
        ------
        DataError
            When a place is outside of the raster.
        """
        rows, columns = self._cells(x, y, crs)
        found = self.rain.to_numpy()[:, rows, columns]
        return pd.Series(found.mean(axis=1), self.rain["time"].to_numpy(), name="value")

    def upon(self, terrain: xr.Dataset, crs: CRS) -> xr.DataArray:
        """Return the rain (time, y, x) of each interval on a terrain's cells, mm, each from the cell in which it lies.

        Raises
        ------
        DataError
            When the raster does not cover the terrain, or has gaps on it.
        """
        x, y = np.meshgrid(terrain["x"].to_numpy(), terrain["y"].to_numpy())
        rows, columns = self._cells(x.ravel(), y.ravel(), crs)
        values = self.rain.to_numpy()[:, rows, columns].reshape(-1, *x.shape)
        if gaps := int((~np.isfinite(values)).any(axis=(1, 2)).sum()):
            remedy = "Fill them: the flood needs the rain of every interval on every cell."
            raise DataError(f"{self.name} has {gaps} intervals with gaps on the terrain.", remedy)
        axes = {"time": self.rain["time"].to_numpy(), "y": terrain["y"], "x": terrain["x"]}
        return xr.DataArray(values, axes, ("time", "y", "x"), "precipitation", {"units": "mm"})

    def _cells(self, x: NDArray, y: NDArray, crs: CRS) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns in which places lie."""
        across, along = Transformer.from_crs(crs, self.crs, always_xy=True).transform(x, y)
        columns, rows = (
            _cells(self.rain[axis].to_numpy(), at, self.name) for axis, at in (("x", across), ("y", along))
        )
        return rows, columns


def read_rain_raster(path: Path) -> RainRaster:
    """Read a file of rain in time.

    Raises
    ------
    DataError
        When it cannot be opened, has no rain, or does not say in which units, when or where.
    """
    try:
        dataset = xr.open_zarr(path, consolidated=False) if path.suffix == ".zarr" else open_netcdf(path)
    except (ValueError, OSError) as error:
        raise DataError(f"{path.name} cannot be opened as a raster of rain.", "Give Zarr or NetCDF.") from error
    with dataset:
        rain = _rain(path.name, dataset)
        crs = _reference(path.name, dataset, rain)
        across, along = next(pair for pair in AXES if set(pair) <= set(rain.dims))
        told = rain.transpose("time", along, across).rename({across: "x", along: "y"}).sortby("time").load()
    return RainRaster(path.name, _in_millimetres(path.name, told), crs)


def store_rain(engine: sa.Engine, twin_id: str, raster: RainRaster, places: tuple[NDArray, NDArray, CRS]) -> str:
    """Store the rain over places as readings of the twin's radar, and return what became of them as a sentence.

    Raises
    ------
    DataError
        When the raster does not cover the places, or has no value there.
    """
    series = raster.over(*places).dropna()
    if series.empty:
        raise DataError(f"{raster.name} has no value over {twin_id}.", "Give a raster that its radar sees.")
    sensor = define(engine, REGISTRY, STREAM, twin_id).sensor
    table = pd.DataFrame({"sensor": sensor, "measure": MEASURE, "time": series.index, "value": series.to_numpy()})
    new, known = store_readings(engine, table)
    missing = raster.rain.sizes["time"] - len(series)
    gaps = f", {missing} without a value" if missing else ""
    return f"{raster.name}: {new} readings stored, {known} known before{gaps}; {series.sum():.1f} mm over {twin_id}"


def _rain(name: str, dataset: xr.Dataset) -> xr.DataArray:
    known = DEPTH_UNITS + RATE_UNITS
    shaped = [
        values
        for values in dataset.data_vars.values()
        if "time" in values.dims and values.ndim == 3 and any(set(pair) <= set(values.dims) for pair in AXES)
    ]
    found = [values for values in shaped if values.attrs.get("units") in known]
    if len(found) != 1:
        stated = ", ".join(f"{values.name} in {values.attrs.get('units')!r}" for values in shaped) or "none"
        remedy = "Keep one, and set its attribute 'units' to 'mm' (within each interval) or 'mm h-1'."
        raise DataError(f"{name} has no single variable of rain over time, y and x: {stated}.", remedy)
    return found[0]


def _reference(name: str, dataset: xr.Dataset, rain: xr.DataArray) -> CRS:
    if set(AXES[1]) <= set(rain.dims) or set(AXES[2]) <= set(rain.dims):
        return WGS84
    mapping = rain.attrs.get("grid_mapping") or rain.encoding.get("grid_mapping") or "spatial_ref"
    try:
        return CRS.from_cf(dict(dataset[mapping].attrs))
    except (KeyError, CRSError) as error:
        remedy = "Write a grid mapping (CF, appendix F) with crs_wkt, or use longitude and latitude."
        raise DataError(f"{name} does not say in which reference system its x and y are.", remedy) from error


def _in_millimetres(name: str, rain: xr.DataArray) -> xr.DataArray:
    steps = np.diff(rain["time"].to_numpy()) / np.timedelta64(1, "h")
    if not steps.size or steps.min() <= 0:
        raise DataError(f"{name} has fewer than two different times.", "Give several intervals in one file.")
    if (rain < 0).any():
        raise DataError(f"{name} has negative rain.", "Mark what is missing by _FillValue.")
    if rain.attrs["units"] in RATE_UNITS:
        # Of a gap nothing is known: what comes after it counts for the usual interval.
        hours = np.minimum(np.concatenate([steps[:1], steps]), np.median(steps))
        rain = rain * xr.DataArray(hours, dims="time")
    return rain.assign_attrs(units="mm")


def _cells(axis: NDArray, at: NDArray, name: str) -> NDArray[np.intp]:
    """Indices of the cells of an axis in which places lie."""
    if axis.size < 2:
        raise DataError(f"{name} is one cell wide.", "Give at least two cells in each direction.")
    order = np.argsort(axis)
    middles = axis[order]
    bounds = np.concatenate([[1.5 * middles[0] - 0.5 * middles[1]], 0.5 * (middles[1:] + middles[:-1])])
    bounds = np.append(bounds, 1.5 * middles[-1] - 0.5 * middles[-2])
    if np.min(at) < bounds[0] or np.max(at) > bounds[-1]:
        remedy = "Give a raster that covers the parcel and the land that drains to it; a flood, all of its terrain."
        raise DataError(f"{name} does not cover the land above the parcel.", remedy)
    return order[np.clip(np.searchsorted(bounds, at, side="right") - 1, 0, axis.size - 1)]
