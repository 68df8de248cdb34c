"""A season of an orchard, in small."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr


def season(days: int = 365, members: int | None = None, seed: int = 0, first: str = "2023-11-01") -> xr.Dataset:
    """Made-up weather over days (and members): dry summer, showers from autumn to spring."""
    random = np.random.default_rng(seed)
    shape = (days,) if members is None else (members, days)
    dims = ("day",) if members is None else ("member", "day")
    phase = np.arange(days) / 365.0 * 2.0 * np.pi
    summer = (1.0 - np.cos(phase - 0.9)) / 2.0
    rain = random.gamma(0.9, 9.0, shape) * (random.uniform(size=shape) < 0.3 * (1.0 - 0.9 * summer))
    variables = {
        "precipitation": (rain, "mm"),
        "et0": (0.7 + 6.0 * summer + random.uniform(0.0, 0.8, shape), "mm"),
        "wind_speed": (random.uniform(1.0, 4.0, shape), "m s-1"),
        "relative_humidity_min": (np.clip(65.0 - 40.0 * summer + random.normal(0.0, 5.0, shape), 5, 95), "percent"),
    }
    return xr.Dataset(
        {name: (dims, values, {"units": units}) for name, (values, units) in variables.items()},
        coords={"day": pd.date_range(first, periods=days, freq="D")},
        attrs={"synthetic": "true"},
    )


def orchard(**changes: Any) -> dict[str, Any]:
    """Parameters of one young grove."""
    date = np.datetime64
    parameters: dict[str, Any] = {
        "total_available_water": 140.0,
        "total_evaporable_water": 20.0,
        "readily_evaporable_water": 8.0,
        "curve_number": 75.0,
        "depletion_fraction": 0.4,
        "depletion_adjustment": 0.04,
        "kcb_initial": 0.15,
        "kcb_mid": 0.75,
        "kcb_end": 0.4,
        "height": 3.5,
        "cover_minimum": 0.02,
        "cover_maximum": 0.4,
        "leaf_out": date("2024-04-12"),
        "full_canopy": date("2024-06-05"),
        "senescence": date("2024-09-10"),
        "leaf_fall": date("2024-10-20"),
        "leafless": date("2024-11-05"),
        "stage_2": date("2024-06-01"),
        "stage_3": date("2024-07-12"),
        "maturity": date("2024-09-15"),
        "initial_depletion_share": 0.3,
        "ky_stage_1": 0.8,
        "ky_stage_2": 0.4,
        "ky_stage_3": 0.9,
    }
    return {**parameters, **changes}


@pytest.fixture
def weather() -> xr.Dataset:
    return season()
