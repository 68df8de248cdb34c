"""Vegetation indices: NDVI, and any other by a formula on band names.

Formulas and band letters follow the catalogue of Montero et al. (2023), Scientific Data 10:197,
doi 10.1038/s41597-023-02096-0 ("Awesome Spectral Indices"). A formula is parsed, never executed: numbers, names and
+ - * / ** are all it may hold.
"""

import ast
import operator
from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from agritwin.errors import ConfigError, DataError

BANDS = {
    "B": "blue",
    "G": "green",
    "R": "red",
    "RE1": "rededge1",
    "N": "nir",
    "N2": "nir08",
    "S1": "swir16",
    "S2": "swir22",
}
CONSTANTS = {"L": 0.5, "g": 2.5, "C1": 6.0, "C2": 7.5}
FORMULAS = {
    "ndvi": "(N - R)/(N + R)",  # Rouse et al. 1974
    "gndvi": "(N - G)/(N + G)",  # Gitelson et al. 1996
    "savi": "(1.0 + L) * (N - R)/(N + R + L)",  # Huete 1988
    "osavi": "(N - R)/(N + R + 0.16)",  # Rondeaux et al. 1996
    "msavi": "0.5 * (2.0 * N + 1 - (((2 * N + 1) ** 2) - 8 * (N - R)) ** 0.5)",  # Qi et al. 1994
    "evi": "g * (N - R)/(N + C1 * R - C2 * B + 1.0)",  # Huete et al. 2002
    "evi2": "g * (N - R)/(N + 2.4 * R + 1.0)",  # Jiang et al. 2008
    "ndre": "(N - RE1)/(N + RE1)",  # Barnes et al. 2000
    "ndmi": "(N - S1)/(N + S1)",  # Gao 1996
}
OPERATORS: dict[type[ast.operator], Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
SIGNS: dict[type[ast.unaryop], Callable] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
LONGEST_FORMULA = 500


def ndvi(red: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Return the normalised difference vegetation index, float32 in [-1, 1] (Rouse et al. 1974, NASA SP-351).

    Parameters
    ----------
    red, nir
        Surface reflectance [1] of one shape; below zero, which is legal over very dark pixels, counts as zero.

    Returns
    -------
    xr.DataArray
        NaN where a band is missing or both are zero.
    """
    red, nir = red.clip(min=0.0), nir.clip(min=0.0)
    total = nir + red
    index = ((nir - red) / total.where(total > 0.0)).astype("float32")
    return index.rename("ndvi").assign_attrs(
        units="1",
        standard_name="normalized_difference_vegetation_index",
        long_name="normalised difference vegetation index",
    )


def index(formula: str, bands: xr.Dataset, constants: Mapping[str, float] | None = None) -> xr.DataArray:
    """Return a spectral index of reflectances.

    Parameters
    ----------
    formula
        A name of :data:`FORMULAS`, or a formula such as ``(N - R)/(N + R)``. Names are band letters (:data:`BANDS`),
        variables of the dataset or constants.
    bands
        Surface reflectance [1]; below zero counts as zero.
    constants
        Values beside, or in place of, :data:`CONSTANTS`.

    Returns
    -------
    xr.DataArray
        NaN where the formula has no value (division by zero, root of a negative number).

    Raises
    ------
    ConfigError
        When the formula is no formula, or uses anything but numbers, names and + - * / **.
    DataError
        When a band is not in the dataset.
    """
    text = FORMULAS.get(formula.lower(), formula)
    values = CONSTANTS | dict(constants or {})

    def look_up(name: str) -> xr.DataArray | float:
        variable = BANDS.get(name, name)
        if variable in bands:
            return bands[variable].clip(min=0.0)
        if name in values:
            return np.float64(values[name])
        raise DataError(
            f"Index {formula!r} needs {name} ({variable}), which the images do not hold.",
            f"Available: {', '.join(sorted(map(str, bands.data_vars)))}.",
        )

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        result = _evaluate(_parsed(text), look_up, text)
    if not isinstance(result, xr.DataArray):
        raise ConfigError(f"The formula {text!r} names no band.", f"Use one of {', '.join(BANDS)}.")
    return result.where(np.isfinite(result)).rename("index").assign_attrs(units="1", long_name=formula, formula=text)


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST_FORMULA:
        raise ConfigError(f"The formula has {len(text)} characters.", f"At most {LONGEST_FORMULA} are read.")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ConfigError(f"{text!r} is not a formula.", "Write it like (N - R)/(N + R).") from error


def _evaluate(node: ast.expr, look_up: Callable[[str], xr.DataArray | float], text: str) -> xr.DataArray | float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return np.float64(number)
        case ast.Name(id=name):
            return look_up(name)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in OPERATORS:
            return OPERATORS[type(operation)](_evaluate(left, look_up, text), _evaluate(right, look_up, text))
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in SIGNS:
            return SIGNS[type(sign)](_evaluate(operand, look_up, text))
    raise ConfigError(
        f"The formula {text!r} holds {ast.unparse(node)!r}, which is not allowed.",
        "Only numbers, band names and + - * / ** may stand in it.",
    )
