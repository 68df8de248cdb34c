"""What a frosty night costs the crop, by the stage that it meets."""

import numpy as np
import xarray as xr

from agritwin.errors import DataError

#: Stage by the dates of the calendar that open and close it.
_WINDOWS = {
    "dormant": (None, "bud_swell"),
    "bud_swell": ("bud_swell", "bloom"),
    "bloom": ("bloom", "fruit_set"),
    "fruit": ("fruit_set", "stage_2"),
}


def killed_share(air_temperature_min: xr.DataArray, t10: xr.DataArray, t90: xr.DataArray) -> xr.DataArray:
    """Share of buds or flowers that a night kills: linear, a tenth at ``t10`` and nine tenths at ``t90`` (degC)."""
    share = 0.1 + 0.8 * (t10 - air_temperature_min) / (t10 - t90)
    return share.clip(0.0, 1.0)


def frost_damage(air_temperature_min: xr.DataArray, calendar: xr.Dataset, parameters: xr.Dataset) -> xr.Dataset:
    """Share of the crop lost to frost in each stage, for every member.

    Parameters
    ----------
    air_temperature_min
        Daily minimum over ``day`` (and ``member``), degC.
    calendar
        Of :func:`agritwin.simulation.orchard.phenology.calendar`.
    parameters
        ``frost_<stage>_t10`` and ``frost_<stage>_t90`` for the stages dormant, bud_swell, bloom and fruit.

    Returns
    -------
    xarray.Dataset
        Over ``member``: ``frost_<stage>`` (1), the share that the worst night of the stage kills; ``frost_damage`` (1),
        that of all stages together, each acting on what the one before left; ``frost_worst_day``.

    Raises
    ------
    DataError
        If a night is missing.
    """
    if not bool(np.isfinite(air_temperature_min).all()):
        raise DataError("Daily minimum temperatures are missing.", "Fill the gaps of the weather first.")
    surviving = xr.ones_like(calendar["chill"])
    nightly = []
    result = xr.Dataset()
    for stage, (opening, closing) in _WINDOWS.items():
        day = air_temperature_min["day"]
        inside = (calendar[closing] > day) | calendar[closing].isnull()
        if opening is not None:
            inside = inside & (calendar[opening] <= day)
        share = killed_share(air_temperature_min, parameters[f"frost_{stage}_t10"], parameters[f"frost_{stage}_t90"])
        share = share.where(inside, 0.0)
        nightly.append(share)
        worst = share.max("day")
        surviving = surviving * (1.0 - worst)
        result[f"frost_{stage}"] = worst.assign_attrs(units="1", long_name=f"share lost to frost, {stage}")
    result["frost_damage"] = (1.0 - surviving).assign_attrs(units="1", long_name="share of the crop lost to frost")
    worst_night = xr.concat(nightly, dim="stage").max("stage")
    day_of_worst = air_temperature_min["day"].isel(day=worst_night.argmax("day"))
    result["frost_worst_day"] = day_of_worst.where(worst_night.max("day") > 0.0).drop_vars("day", errors="ignore")
    return result


def relative_yield(water: xr.DataArray, damage: xr.Dataset) -> xr.DataArray:
    """Yield over that without water stress and frost: the product of both, fruits left not making up for those lost."""
    product = water * (1.0 - damage["frost_damage"])
    return product.assign_attrs(units="1", long_name="relative yield for water and frost, to the last day")
