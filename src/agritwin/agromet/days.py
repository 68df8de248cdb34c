"""Local civil days out of UTC hours."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import DataError

type Statistic = Literal["mean", "sum", "min", "max"]

_HALF_HOUR = pd.Timedelta(minutes=30)


@dataclass(frozen=True)
class LocalDays:
    """The civil days of a zone that hours ending at UTC stamps fall into.

    Parameters
    ----------
    time
        Rising UTC stamps, each the end of its hour; the stamp of local midnight belongs to the day before.
    zone
        IANA name of the zone, for example ``Europe/Madrid``.

    Raises
    ------
    DataError
        If there is no stamp, or stamps do not rise.
    """

    time: pd.DatetimeIndex
    zone: str

    def __post_init__(self) -> None:
        if len(self.time) == 0:
            raise DataError("The hourly series is empty.", "Fetch the weather of the period first.")
        if not (np.diff(self.time.asi8) > 0).all():
            raise DataError("The hourly stamps do not rise.", "Sort the series and drop repeated hours.")

    @cached_property
    def _day_of_hour(self) -> pd.DatetimeIndex:
        local = (self.time - _HALF_HOUR).tz_localize("UTC").tz_convert(self.zone)
        return local.tz_localize(None).normalize()

    @cached_property
    def days(self) -> pd.DatetimeIndex:
        """Every day from the first to the last, days without any hour included."""
        return pd.date_range(self._day_of_hour[0], self._day_of_hour[-1], freq="D")

    @cached_property
    def hours_in_day(self) -> NDArray[np.int64]:
        """Length of each day in hours: 24, or 23 and 25 where the clock changes."""
        midnights = pd.date_range(self.days[0], periods=len(self.days) + 1, freq="D")
        absolute = midnights.tz_localize(
            self.zone, ambiguous=np.ones(len(midnights), dtype=bool), nonexistent="shift_forward"
        )
        return (np.diff(absolute.as_unit("s").asi8) // 3600).astype(np.int64)

    @cached_property
    def _position(self) -> NDArray[np.int64]:
        return ((self._day_of_hour - self.days[0]) // pd.Timedelta(days=1)).to_numpy()

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.diff(self._position, prepend=-1))

    def reduce(self, hourly: xr.DataArray, statistic: Statistic) -> xr.DataArray:
        """Statistic of each day; NaN where one of the day's hours is missing or NaN.

        Parameters
        ----------
        hourly
            Floats with the dimension ``time`` of this object's stamps, and any others.
        statistic
            ``mean``, ``sum``, ``min`` or ``max``.
        """
        values = hourly.transpose(..., "time").to_numpy().astype(np.float64, copy=False)
        operation = {"min": np.minimum, "max": np.maximum}.get(statistic, np.add)
        found = operation.reduceat(values, self._starts, axis=-1)
        if statistic == "mean":
            found = found / np.diff(self._starts, append=len(self.time))
        days = np.full((*values.shape[:-1], len(self.days)), np.nan)
        days[..., self._position[self._starts]] = found
        stamps = np.bincount(self._position, minlength=len(self.days))
        days[..., stamps < self.hours_in_day] = np.nan
        return self._labelled(days, hourly)

    def count(self, hourly: xr.DataArray) -> xr.DataArray:
        """Count the hours of each day that are there and not NaN."""
        values = np.isfinite(hourly.transpose(..., "time").to_numpy())
        days = np.zeros((*values.shape[:-1], len(self.days)), dtype=np.int64)
        days[..., self._position[self._starts]] = np.add.reduceat(values, self._starts, axis=-1, dtype=np.int64)
        return self._labelled(days, hourly)

    def _labelled(self, values: NDArray, hourly: xr.DataArray) -> xr.DataArray:
        dims = [str(dim) for dim in hourly.dims if dim != "time"]
        coords = {dim: hourly[dim] for dim in dims if dim in hourly.coords}
        return xr.DataArray(values, dims=[*dims, "day"], coords={**coords, "day": self._coordinate})

    @cached_property
    def _coordinate(self) -> xr.IndexVariable:
        return xr.IndexVariable("day", self.days, {"long_name": "local civil day", "zone": self.zone})

    def coordinate(self) -> xr.DataArray:
        """Coordinate ``day`` with its attribute ``zone``."""
        return xr.DataArray(self._coordinate, dims="day", coords={"day": self._coordinate})
