"""Units of arguments are checked and units of results are written, in one place."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import xarray as xr

from agritwin.errors import DataError


def quantity(units: str, long_name: str, standard_name: str = "", **arguments: str) -> Callable:
    """Declare the unit of a function's result and of its arguments.

    Parameters
    ----------
    units, long_name, standard_name
        Attributes of the result where it is a ``DataArray``.
    **arguments
        Unit that each named argument must carry where it is a ``DataArray`` with an attribute ``units``.

    Raises
    ------
    DataError
        At call time, where an argument is labelled with another unit.
    """
    attributes = {"units": units, "long_name": long_name}
    if standard_name:
        attributes["standard_name"] = standard_name

    def decorate(function: Callable) -> Callable:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs).arguments
            for name, expected in arguments.items():
                _check(function.__name__, name, bound.get(name), expected)
            result = function(*args, **kwargs)
            if isinstance(result, xr.DataArray):
                result.attrs = dict(attributes)
                result.name = None
            return result

        return checked

    return decorate


def _check(function: str, name: str, value: object, expected: str) -> None:
    found = value.attrs.get("units") if isinstance(value, xr.DataArray) else None
    if found is not None and found != expected:
        raise DataError(
            f"{function}: {name} is in '{found}', expected '{expected}'.",
            f"Convert {name} to {expected} before the call.",
        )
