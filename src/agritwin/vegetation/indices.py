"""Vegetation indices: NDVI, and any other by a formula on band names.

Formulas and band letters follow the catalogue of Montero et al. (2023), Scientific Data 10:197,
doi 10.1038/s41597-023-02096-0 ("Awesome Spectral Indices"). A formula is parsed, never executed: numbers, names and
+ - * / ** are all it may hold.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr

from agritwin.errors import ConfigError, DataError

BANDS = {
    "A": "coastal",
    "B": "blue",
    "G": "green",
    "R": "red",
    "RE1": "rededge1",
    "RE2": "rededge2",
    "RE3": "rededge3",
    "N": "nir",
    "N2": "nir08",
    "WV": "nir09",
    "S1": "swir16",
    "S2": "swir22",
}
CONSTANTS = {"L": 0.5, "g": 2.5, "C1": 6.0, "C2": 7.5, "gamma": 1.0, "alpha": 0.1}
FORMULAS = {
    "ndvi": "(N - R)/(N + R)",  # Rouse et al. 1974
    "gndvi": "(N - G)/(N + G)",  # Gitelson et al. 1996
    "savi": "(1.0 + L) * (N - R)/(N + R + L)",  # Huete 1988
    "osavi": "(N - R)/(N + R + 0.16)",  # Rondeaux et al. 1996
    "msavi": "0.5 * (2.0 * N + 1 - (((2 * N + 1) ** 2) - 8 * (N - R)) ** 0.5)",  # Qi et al. 1994
    "evi": "g * (N - R)/(N + C1 * R - C2 * B + 1.0)",  # Huete et al. 2002
    "evi2": "g * (N - R)/(N + 2.4 * R + 1.0)",  # Jiang et al. 2008
    "arvi": "(N - (R - gamma * (R - B)))/(N + (R - gamma * (R - B)))",  # Kaufman and Tanré 1992
    "wdrvi": "(alpha * N - R)/(alpha * N + R)",  # Gitelson 2004
    "nirv": "((N - R)/(N + R)) * N",  # Badgley et al. 2017
    "ndre": "(N - RE1)/(N + RE1)",  # Barnes et al. 2000
    "ndrei": "(N - RE1)/(N + RE1)",  # the catalogue's name of the same
    "cire": "(N / RE1) - 1",  # Gitelson et al. 2003
    "cig": "(N / G) - 1",  # Gitelson et al. 2003
    "ireci": "(RE3 - R)/(RE1 / RE2)",  # Frampton et al. 2013
    "s2rep": "705.0 + 35.0 * ((((RE3 + R)/2.0) - RE1)/(RE2 - RE1))",  # Frampton et al. 2013, nanometres
    "mtci": "(RE2 - RE1)/(RE1 - R)",  # Dash and Curran 2004
    "mcari": "((RE1 - R) - 0.2 * (RE1 - G)) * (RE1 / R)",  # Daughtry et al. 2000
    "psri": "(R - B)/RE2",  # Merzlyak et al. 1999
    "ndmi": "(N - S1)/(N + S1)",  # Gao 1996
    "msi": "S1/N",  # Hunt and Rock 1989
    "ndwi": "(G - N)/(G + N)",  # McFeeters 1996
    "mndwi": "(G - S1)/(G + S1)",  # Xu 2006
    "nbr": "(N - S2)/(N + S2)",  # Key and Benson 2006
    "nbr2": "(S1 - S2)/(S1 + S2)",
    "ndti": "(S1 - S2)/(S1 + S2)",  # van Deventer et al. 1997, tillage and residues
    "bsi": "((S1 + R) - (N + B))/((S1 + R) + (N + B))",  # Rikimaru et al. 2002
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
NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


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


def named(choices: Sequence[str]) -> dict[str, str]:
    """Return variable name -> formula of indices as the configuration names them.

    Parameters
    ----------
    choices
        Each a name of :data:`FORMULAS`, or ``name = formula``.

    Raises
    ------
    ConfigError
        For an unknown name, a name that cannot name a variable, one that stands twice, and for what is no formula.
    """
    indices: dict[str, str] = {}
    for choice in choices:
        name, equals, formula = (part.strip() for part in choice.partition("="))
        name = name.lower()
        if not equals and name not in FORMULAS:
            raise ConfigError(
                f"There is no index {choice!r}.", f"Use one of {', '.join(FORMULAS)}, or write name = formula."
            )
        if not NAME.fullmatch(name) or name in indices or (equals and name in FORMULAS):
            raise ConfigError(
                f"{choice!r} cannot name an index of its own.",
                "Use a new name of small letters, digits and _, each once.",
            )
        indices[name] = formula if equals else FORMULAS[name]
        _names(_parsed(indices[name]))
    return indices


def bands_of(choices: Sequence[str]) -> list[str]:
    """Return the bands that indices need (see :func:`named`), by the names that imagery sources give them."""
    letters = {letter for formula in named(choices).values() for letter in _names(_parsed(formula))}
    return [band for letter, band in BANDS.items() if letter in letters or band in letters]


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


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
