"""What the weather product says of a short record."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.products.weather import rain_return_levels


def rain(years: int) -> xr.Dataset:
    time = pd.date_range("2010-10-01T01", periods=years * 8766, freq="h")
    amounts = np.random.default_rng(1).gamma(0.05, 4.0, time.size)
    return xr.Dataset({"precipitation": ("time", amounts, {"units": "mm"})}, {"time": time})


@pytest.mark.parametrize("years", [1, 12])
def test_how_rare_rain_is_is_told_of_enough_years_only(years):
    whole = rain(years)
    levels = rain_return_levels(whole.isel(time=slice(0, 8000)), whole.isel(time=slice(8000, None)))
    if years == 1:
        assert "Too few whole years of rain (1)" in levels
    else:
        assert isinstance(levels, list)
        amounts = [level["mm_per_day"] for level in levels]
        assert np.isfinite(amounts).all()
        assert amounts == sorted(amounts)
