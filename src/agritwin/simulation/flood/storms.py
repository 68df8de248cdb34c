"""Rain as intervals in time: reading a series or raster, and design storms."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from agritwin.errors import ConfigError, DataError

DEPTH_UNITS = ("mm",)
RATE_UNITS = ("mm h-1", "mm/h", "mm hour-1", "mm/hr")
MM = 1e-3


@dataclass(frozen=True)
class Rain:
    """Rain that is steady within intervals.

    Attributes
    ----------
    bounds_s
        Ends of the intervals in seconds from the start, n + 1 of them.
    totals_m
        Cumulative depth (m) at the bounds, shape (n + 1,) or (n + 1, y, x).
    """

    bounds_s: np.ndarray
    totals_m: np.ndarray

    def between(self, start: float, end: float) -> np.ndarray:
        """Return the depth (m) that falls from `start` to `end` (s): a number or a raster."""
        return self._until(end) - self._until(start)

    def _until(self, t: float) -> np.ndarray:
        t = float(np.clip(t, self.bounds_s[0], self.bounds_s[-1]))
        k = int(np.clip(np.searchsorted(self.bounds_s, t, side="right") - 1, 0, self.bounds_s.size - 2))
        share = (t - self.bounds_s[k]) / (self.bounds_s[k + 1] - self.bounds_s[k])
        return self.totals_m[k] + share * (self.totals_m[k + 1] - self.totals_m[k])


def read_rain(rain: xr.DataArray | None, shape: tuple[int, int]) -> Rain | None:
    """Turn a rain series into cumulative depths.

    Parameters
    ----------
    rain
        (time[, y, x]); `units` either `mm` (per interval) or `mm h-1`. Times name the ends of the intervals: seconds
        from the start, timedelta64, or datetime64 (the simulation then starts one interval before the first stamp).
    shape
        Rows and columns of the terrain.

    Raises
    ------
    DataError
        If units, dimensions or times are not these, or values are negative or missing.
    """
    if rain is None:
        return None
    if rain.dims not in (("time",), ("time", "y", "x")) or (rain.ndim == 3 and rain.shape[1:] != shape):
        raise DataError(
            f"The rain has dimensions {dict(rain.sizes)}; needed is (time) or (time, y, x) of {shape[0]} x {shape[1]}.",
            "Resample the rain to the terrain's raster.",
        )
    units = rain.attrs.get("units", "")
    if units not in DEPTH_UNITS + RATE_UNITS:
        raise DataError(f"The rain's units are {units!r}; allowed are mm and mm h-1.", "Set the attribute units.")
    values = rain.to_numpy().astype(np.float64)
    if not np.isfinite(values).all() or values.min() < 0:
        raise DataError("The rain has missing or negative values.", "Fill the gaps and set negative amounts to zero.")
    bounds = _bounds(rain["time"])
    if units in RATE_UNITS:
        values = values * np.diff(bounds).reshape(-1, *[1] * (values.ndim - 1)) / 3600.0
    return Rain(bounds, np.concatenate([np.zeros_like(values[:1]), np.cumsum(values * MM, axis=0)]))


def _bounds(time: xr.DataArray) -> np.ndarray:
    stamps = time.to_numpy()
    if np.issubdtype(stamps.dtype, np.datetime64):
        if stamps.size < 2:
            raise DataError("The rain has one dated stamp, so its interval is not known.", "Give times in seconds.")
        stamps = stamps - stamps[0] + (stamps[1] - stamps[0])
    if np.issubdtype(stamps.dtype, np.timedelta64):
        stamps = stamps / np.timedelta64(1, "s")
    bounds = np.concatenate([[0.0], stamps.astype(np.float64)])
    if not np.all(np.diff(bounds) > 0):
        raise DataError("The rain's times do not ascend from above zero.", "Name the end of each interval, in order.")
    return bounds


def design_storm(depth_mm: float, duration_h: float, shape: str = "alternating_block") -> xr.DataArray:
    """Return a storm of given depth and duration in intervals of about 5 minutes.

    `alternating_block` takes intensities that fall with duration as d^-0.5 (depth grows with the square root of
    duration), puts the heaviest block in the middle and the others in turn after and before it (Chow, Maidment & Mays
    1988, Applied Hydrology, section 14.4).

    Parameters
    ----------
    depth_mm
        Depth of the whole storm (mm).
    duration_h
        Its duration (h).
    shape
        `alternating_block` or `uniform`.

    Returns
    -------
    xr.DataArray
        `precipitation` (time), mm per interval; `time` is the end of the interval in seconds from the start.

    Raises
    ------
    ConfigError
        If depth or duration are not positive or the shape is not known.
    """
    if depth_mm < 0 or duration_h <= 0:
        raise ConfigError(
            f"A storm of {depth_mm} mm in {duration_h} h cannot be.", "Give a positive depth and duration."
        )
    count = max(round(duration_h * 12), 1)
    if shape == "uniform":
        blocks = np.full(count, depth_mm / count)
    elif shape == "alternating_block":
        totals = depth_mm * np.sqrt(np.arange(count + 1) / count)
        order = np.argsort(np.abs(np.arange(count) - (count // 2) - 0.25), kind="stable")
        blocks = np.empty(count)
        blocks[order] = np.diff(totals)
    else:
        raise ConfigError(f"Storm shape {shape!r} is not known.", "Use alternating_block or uniform.")
    end = duration_h * 3600.0 * np.arange(1, count + 1) / count
    return xr.DataArray(
        blocks,
        {"time": ("time", end, {"units": "s", "long_name": "end of interval after the start"})},
        ("time",),
        "precipitation",
        {"units": "mm", "long_name": "design storm", "cell_methods": "time: sum", "synthetic": "true"},
    )
