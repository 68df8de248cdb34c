"""A twin made of formulas: five years of hours, two forecast members, a soil of two layers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.scenarios.courses import Known
from agritwin.scenarios.definition import Scenario
from agritwin.scenarios.variants import Twin

ZONE = "Europe/Madrid"
SITE: dict[str, Any] = {
    "latitude": 41.3,
    "longitude": -4.8,
    "elevation_m": 750.0,
    "soil": {
        "root_depth_m": 1.2,
        "total_available_water_mm": 130.0,
        "layers": [
            {
                "depth_top_m": 0.0,
                "depth_bottom_m": 0.4,
                "field_capacity": 0.24,
                "wilting_point": 0.12,
                "coarse_fragments": 5.0,
            },
            {
                "depth_top_m": 0.4,
                "depth_bottom_m": 2.0,
                "field_capacity": 0.26,
                "wilting_point": 0.15,
                "coarse_fragments": 10.0,
            },
        ],
    },
}
SETTINGS = {"members": 40, "seed": 1, "root_depth_m": 1.2, "initial_depletion_share": 0.3, "horizon_days": 5}
PLANTING = {
    "species": "pistachio", "variety": None, "year": 2010, "trees_per_ha": 250.0, "canopy_height_m": 3.2,
    "canopy_cover": 0.35,
}  # fmt: skip
IRRIGATION = {
    "system": "drip", "rule": "refill", "threshold_share_of_raw": 0.9, "wetted_fraction": 0.3,
    "maximum_mm_per_day": 6.0,
}  # fmt: skip


def hours(first: str, last: str, seed: int, warmer: float = 0.0) -> xr.Dataset:
    """Made-up hourly weather with the seasons of Castile."""
    time = pd.date_range(first, last, freq="h")
    random = np.random.default_rng(seed)
    summer = (1.0 - np.cos(2 * np.pi * (time.day_of_year.to_numpy() - 20) / 365.25)) / 2.0
    noon = np.sin(2 * np.pi * (time.hour.to_numpy() - 9) / 24)
    year = 0.6 * (time.year.to_numpy() % 3)
    day = np.repeat(random.normal(0.0, 1.5, len(time) // 24 + 1), 24)[: len(time)]
    rain = (random.uniform(size=len(time)) < 0.03 * (1.0 - 0.8 * summer)) * random.gamma(1.0, 2.0, len(time))
    variables = {
        "air_temperature": (2.5 + 20.0 * summer + 6.0 * noon + day + year + warmer, "degC"),
        "relative_humidity": (np.clip(75.0 - 35.0 * summer - 15.0 * noon, 5, 100), "percent"),
        "wind_speed": (np.full(len(time), 1.8), "m s-1"),
        "precipitation": (rain, "mm"),
        "shortwave_radiation": (np.maximum(noon, 0.0) * (250.0 + 600.0 * summer), "W m-2"),
        "surface_pressure": (np.full(len(time), 930.0), "hPa"),
    }
    return xr.Dataset(
        {name: ("time", values, {"units": units, "long_name": name}) for name, (values, units) in variables.items()},
        coords={"time": time},
        attrs={"synthetic": "true", "source": "formula", "title": "t", "licence": "l", "attribution": "a"},
    )


def forecast(first: str, last: str) -> xr.Dataset:
    members = [hours(first, last, seed, warmer) for seed, warmer in ((11, -1.0), (12, 1.5))]
    joined = xr.concat(members, "member").assign_coords(member=[0, 1])
    return joined.assign_coords(issue_time=np.datetime64(first, "ns")).transpose("member", "time")


@pytest.fixture(scope="session")
def known() -> Known:
    return Known.of(
        hours("2020-10-20T01:00", "2024-10-31T23:00", 1),
        hours("2024-11-01T00:00", "2025-06-14T22:00", 2),
        forecast("2025-06-14T23:00", "2025-06-24T22:00"),
        SITE,
        ZONE,
    )


def make_twin(known: Known, **changes: Any) -> Twin:
    parts: dict[str, Any] = {"planting": PLANTING, "irrigation": IRRIGATION, "settings": SETTINGS}
    merged = {name: part | changes.get(name, {}) for name, part in parts.items()}
    return Twin(known=known, ndvi=None, context=None, **merged)


@pytest.fixture(scope="session")
def twin(known: Known) -> Twin:
    return make_twin(known)


def ask(**said: Any) -> Scenario:
    return Scenario.model_validate({"twin": "formula", "title": "what if", **said})
