"""What both crop engines ask of their inputs: days without gaps, numbers, one number of members, rows for a kernel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from agritwin.errors import ConfigError, DataError


def consecutive_days(drivers: xr.Dataset) -> NDArray[np.datetime64]:
    """Return the days of the drivers, to the second.

    Raises
    ------
    DataError
        If there are none, or they do not follow one another.
    """
    if "day" not in drivers.coords or drivers.sizes.get("day", 0) == 0:
        raise DataError("The drivers have no days.", "Give variables over a coordinate 'day'.")
    days = drivers["day"].to_numpy().astype("datetime64[s]")
    if (np.diff(days) != np.timedelta64(1, "D")).any():
        raise DataError("The days of the drivers do not follow one another.", "Fill or cut the gap first.")
    return days


def common_members(engine: str, *parts: xr.Dataset | None) -> int:
    """Return the number of members of all parts; those without, or with a single one, serve any number.

    Raises
    ------
    ConfigError
        If they differ; ``engine`` begins the sentence.
    """
    sizes = {part.sizes["member"] for part in parts if part is not None and "member" in part.dims}
    sizes.discard(1)
    if len(sizes) > 1:
        raise ConfigError(
            f"{engine}: drivers, parameters and state have {sorted(sizes)} members.",
            "Give all the same number, or one.",
        )
    return sizes.pop() if sizes else 1


def per_member(engine: str, name: str, given: Any, dtype: str = "float64") -> NDArray:
    """Return a parameter as a number, or as one a member; of the type ``datetime64[s]`` as days.

    Raises
    ------
    ConfigError
        If it is neither; ``engine`` begins the sentence.
    """
    kind = "a number" if dtype == "float64" else "a day"
    try:
        values = np.asarray(given).astype(dtype)
    except (TypeError, ValueError):
        raise ConfigError(f"{engine}: {name} is {given!r}.", f"Give {kind}, or one a member.") from None
    if values.ndim > 1:
        raise ConfigError(f"{engine}: {name} has the shape {values.shape}.", f"Give {kind}, or one a member.")
    return values


def check_state(engine: str, state: xr.Dataset, names: Sequence[str]) -> None:
    """Refuse a state that lacks some of its variables.

    Raises
    ------
    ConfigError
        Naming them; ``engine`` begins the sentence.
    """
    missing = [name for name in names if name not in state]
    if missing:
        raise ConfigError(f"{engine}: the state lacks {', '.join(missing)}.", "Give what final_state() gives.")


def daily_names(engine: str, wanted: bool | Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the daily variables wanted: all, none, or those named.

    Raises
    ------
    ConfigError
        If one is unknown; ``engine`` begins the sentence.
    """
    if isinstance(wanted, bool):
        return tuple(known) if wanted else ()
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise ConfigError(f"{engine}: unknown daily variable {', '.join(unknown)}.", f"Known are {', '.join(known)}.")
    return tuple(wanted)


def stacked_rows(rows: Sequence[xr.DataArray], days: int, members: int) -> NDArray[np.float64]:
    """Return drivers as (row, day, 1 or member): one column where all members share them."""
    width = members if any("member" in row.dims for row in rows) else 1
    forcing = np.empty((len(rows), days, width))
    for position, row in enumerate(rows):
        dims = ("day", "member") if "member" in row.dims else ("day",)
        values = row.transpose(*dims).to_numpy()
        forcing[position] = values if values.ndim == 2 else values[:, None]
    return forcing
