"""Units: one pint registry that speaks CF and UCUM spellings, and conversions at the borders."""

import functools
import logging
from typing import TYPE_CHECKING

from agritwin.errors import DataError

if TYPE_CHECKING:
    import pint
    import xarray as xr


@functools.cache
def registry() -> "pint.UnitRegistry":
    """Return the registry of cf-xarray, which reads CF unit strings such as ``m s-1``.

    Imported on first use: pint costs a third of a second that most jobs do not need.
    """
    # cf-xarray redefines a dozen units of pint on purpose, and pint warns of each.
    logging.getLogger("pint.util").setLevel(logging.ERROR)
    from cf_xarray.units import units

    return units


def convert(values: "xr.DataArray", units: str) -> "xr.DataArray":
    """Convert a DataArray to other units.

    Parameters
    ----------
    values
        Any shape, with the attribute ``units``.
    units
        Target units in CF spelling.

    Raises
    ------
    DataError
        Without a ``units`` attribute, or when the dimensions do not agree.
    """
    import pint

    given = values.attrs.get("units")
    if given is None:
        raise DataError(f"Variable {values.name!r} has no units.", "Set the attribute 'units' where the data come in.")
    if given == units:
        return values
    ureg = registry()
    try:
        magnitude = ureg.Quantity(values.to_numpy(), ureg.parse_units(given)).to(ureg.parse_units(units)).magnitude
    except (pint.DimensionalityError, pint.UndefinedUnitError) as error:
        raise DataError(
            f"Variable {values.name!r} is in {given!r}, which cannot become {units!r}: {error}.",
            "Correct the unit where the data come in.",
        ) from error
    return values.copy(data=magnitude).assign_attrs(units=units)
