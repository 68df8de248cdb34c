"""The rows that PCSE ships for its own tests: six crops in grid 31031 (37.64 N), year 2000, with weather and soil.

They are read from the SQL text inside the installed package, which is not imported for it.
"""

import importlib.util
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

GRID, YEAR = 31031, 2000
CROPS = {"wheat": 1, "maize": 2, "barley": 3, "potato": 7, "rapeseed": 10, "sunflower": 11}
TABLES = ("AMAXTB", "DTSMTB", "FLTB", "FOTB", "FRTB", "FSTB", "RDRRTB", "RDRSTB", "RFSETB", "SLATB", "TMNFTB", "TMPFTB")
NUMBERS = (
    "CFET", "CVL", "CVO", "CVR", "CVS", "DEPNR", "DLC", "DLO", "DVSEND", "EFF", "IAIRDU", "IDSL", "KDIF", "PERDL",
    "Q10", "RDI", "RDMCR", "RGRLAI", "RML", "RMO", "RMR", "RMS", "RRI", "SPA", "SPAN", "SSA", "TBASE", "TBASEM",
    "TDWI", "TEFFMX", "TSUM1", "TSUM2", "TSUMEM", "IOX",
)  # fmt: skip
SOIL = {
    "CRAIRC": "CRITICAL_AIR_CONTENT",
    "SOPE": "MAX_PERCOL_ROOT_ZONE",
    "KSUB": "MAX_PERCOL_SUBSOIL",
    "SMFCF": "SOIL_MOISTURE_CONTENT_FC",
    "SM0": "SOIL_MOISTURE_CONTENT_SAT",
    "SMW": "SOIL_MOISTURE_CONTENT_WP",
}


def packaged(name: str) -> Path:
    """A file of the package's test data; skips the test where the package is not installed."""
    found = importlib.util.find_spec("pcse")
    if found is None or found.origin is None:
        pytest.skip("PCSE is not installed: pip install pcse")
    return Path(found.origin).parent / "tests" / "test_data" / name


@cache
def database() -> sqlite3.Connection:
    """The package's demonstration data, in memory."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(packaged("pcse_dump.sql").read_text(encoding="utf-8"))
    return connection


def _rows(query: str, *arguments: Any) -> list[tuple]:
    return database().execute(query, arguments).fetchall()


@cache
def parameters(crop: str) -> dict[str, Any]:
    """Parameters of a crop, its soil and site in WOFOST's names."""
    number = CROPS[crop]
    ((variety,),) = _rows("select variety_no from crop_calendar where grid_no=? and crop_no=?", GRID, number)
    found: dict[str, Any] = {}
    for source, key in (("crop_parameter_value", ()), ("variety_parameter_value", (variety,))):
        where = "crop_no=?" + " and variety_no=?" * len(key)
        rows = _rows(
            f"select parameter_code, parameter_xvalue, parameter_yvalue from {source} where {where}", number, *key
        )
        found |= {code: float(x) for code, x, _ in rows if code in NUMBERS}
        for name in TABLES:
            pairs = [(float(x), float(y)) for code, x, y in rows if code.startswith(name)]
            if pairs:
                found[name] = _rising(pairs)
    found["SSATB"] = [(0.0, found["SSA"]), (2.0, found.pop("SSA"))]
    found["KDIFTB"] = [(0.0, found["KDIF"]), (2.0, found.pop("KDIF"))]
    found["EFFTB"] = [(0.0, found["EFF"]), (40.0, found.pop("EFF"))]
    return found | _place()


def _rising(pairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The pairs of a table without the zeros that fill it up."""
    kept = pairs[:1]
    for pair in pairs[1:]:
        if pair[0] > kept[-1][0]:
            kept.append(pair)
    return kept


def _place() -> dict[str, float]:
    ((soil_type,),) = _rows("select soil_type_no from soil_type where grid_no=?", GRID)
    ((depth, group),) = _rows("select thickness, soil_group_no from soil_layers where soil_type_no=?", soil_type)
    codes = dict(_rows("select parameter_code, parameter_xvalue from soil_physical_group where soil_group_no=?", group))
    names = ("IFUNRN", "SSMAX", "NOTINF", "SSI", "WAV", "SMLIM")
    columns = "ifunrn, max_surface_storage, not_infiltrating_fraction, initial_surface_storage, "
    columns += "inital_water_availability, smlim"
    (site,) = _rows(f"select {columns} from site where grid_no=? and year=?", GRID, YEAR)
    soil = {name: float(codes[code]) for name, code in SOIL.items()}
    return {"RDMSOL": float(depth), **soil, **dict(zip(names, map(float, site), strict=True))}


def start(crop: str) -> str:
    """Day of emergence."""
    ((day,),) = _rows("select crop_start_date from crop_calendar where grid_no=? and crop_no=?", GRID, CROPS[crop])
    return str(day)


@cache
def weather() -> xr.Dataset:
    """Drivers of the year, with the evaporations that the data give."""
    columns = "day, maximum_temperature, minimum_temperature, calculated_radiation, rainfall, e0, es0, et0"
    rows = _rows(f"select {columns} from grid_weather where grid_no=? and day like '{YEAR}%' order by day", GRID)
    ((latitude,),) = _rows("select latitude from grid where grid_no=?", GRID)
    day, warmest, coldest, radiation, rain, water, bare, reference = zip(*rows, strict=True)
    variables = {
        "air_temperature_max": (warmest, "degC"),
        "air_temperature_min": (coldest, "degC"),
        "shortwave_radiation": (np.array(radiation, dtype=float) * 1000.0 / 1e6, "MJ m-2 d-1"),
        "precipitation": (rain, "mm"),
        "open_water_evaporation": (water, "mm"),
        "bare_soil_evaporation": (bare, "mm"),
        "et0": (reference, "mm"),
    }
    return xr.Dataset(
        {name: ("day", np.array(values, dtype=float), {"units": units}) for name, (values, units) in variables.items()},
        coords={"day": pd.DatetimeIndex(day), "latitude": float(latitude)},
        attrs={"synthetic": "false", "source": "PCSE demonstration data"},
    )


def results(crop: str, mode: str) -> pd.DataFrame:
    """The published daily rows, by day."""
    query = "select * from wofost_unittest_benchmarks where grid_no=? and crop_no=? and simulation_mode=? order by day"
    cursor = database().execute(query, (GRID, CROPS[crop], mode))
    frame = pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])
    return frame.set_index(pd.DatetimeIndex(frame.pop("day")))
