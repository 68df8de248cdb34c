"""What a grove may bear: by its age, and by what it bore last year.

Both are priors (see the parameter files): harvests of the holding, where there are any, tell more.
"""

from typing import Any

import numpy as np
import xarray as xr

from agritwin.errors import ConfigError


def age_share(age_years: Any, parameters: xr.Dataset) -> xr.DataArray:
    """Share of the mature yield that trees of an age bear: nothing at first, then a line up to the full crop.

    Parameters
    ----------
    age_years
        Years since planting or grafting, not negative.
    parameters
        ``first_crop_age`` and ``full_crop_age`` (year) over ``member``.

    Raises
    ------
    ConfigError
        If the age is negative.
    """
    if np.min(age_years) < 0:
        raise ConfigError(f"planting: the trees are {np.min(age_years):g} years old.", "Correct the year of planting.")
    first, full = parameters["first_crop_age"], parameters["full_crop_age"]
    share = ((age_years - first) / (full - first)).clip(0.0, 1.0)
    return share.assign_attrs(units="1", long_name="share of the mature yield by age")


def rhythm(parameters: xr.Dataset, last_crop: float | None = None) -> xr.DataArray:
    """Crop of this year over that of a mean year, as trees alternate.

    Parameters
    ----------
    parameters
        ``alternation`` (1) over ``member``: the index |y2 - y1| / (y1 + y2) of two years.
    last_crop
        Crop of last year over that of a mean year; None where it is not known.

    Returns
    -------
    xarray.DataArray
        Over member, within 1 - alternation and 1 + alternation. After a crop of 1 + a comes one of 1 - a, after half
        that surplus half that lack. Where last year is not known, members stand evenly between both.

    Raises
    ------
    ConfigError
        If ``last_crop`` is negative.
    """
    swing = parameters["alternation"]
    if last_crop is None:
        # The steps of the golden ratio spread evenly whatever the number of members, and go with a member's own number.
        phase = 2.0 * ((0.5 + 0.6180339887498949 * swing["member"]) % 1.0) - 1.0
        factor = 1.0 + swing * phase
    elif last_crop >= 0.0:
        factor = 1.0 - xr.full_like(swing, last_crop - 1.0).clip(-swing, swing)
    else:
        raise ConfigError(f"start.last_crop is {last_crop:g}.", "Give last year's crop over a mean one, 0 or more.")
    return factor.assign_attrs(units="1", long_name="crop of the year over a mean one, by alternate bearing")


def crop(relative_yield: xr.DataArray, parameters: xr.Dataset, age_years: float, last_crop: float | None) -> xr.Dataset:
    """Crop of the year: what the grove may bear, times what water and frost leave of it.

    Parameters
    ----------
    relative_yield
        Over ``member``, of :func:`agritwin.simulation.orchard.frost_damage.relative_yield`.
    parameters
        With ``mature_yield`` (kg ha-1) and those of :func:`age_share` and :func:`rhythm`.
    age_years, last_crop
        See there.

    Returns
    -------
    xarray.Dataset
        Over member: ``age_share``, ``bearing`` (1), ``crop`` (kg ha-1).
    """
    share, factor = age_share(age_years, parameters), rhythm(parameters, last_crop)
    total = parameters["mature_yield"] * share * factor * relative_yield
    attributes = {"units": "kg ha-1", "long_name": "crop of the year, from priors of yield, age and alternate bearing"}
    return xr.Dataset({"age_share": share, "bearing": factor, "crop": total.assign_attrs(attributes)})
