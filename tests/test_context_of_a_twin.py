"""The one function that gives all that is known of a twin, on the built demo."""

import numpy as np
import pandas as pd

from agritwin.products.context import twin_context
from tests.conftest import DEMO


def test_the_demos_context(demo):
    tree = twin_context(DEMO)
    daily, hourly, events = tree["daily"], tree["hourly"], tree["events"]
    issue = pd.Timestamp(daily.attrs["issue_time"])
    assert daily["day"].values.max() == np.datetime64(issue - pd.Timedelta(days=1))
    assert hourly["day"].values.max() == daily["day"].values.max()
    assert events["day"].values.max() < np.datetime64(issue)
    assert daily.indexes["day"].is_unique
    assert hourly.indexes["time"].is_unique
    assert {"et0", "ndvi", "activity_irrigation", "soil_moisture_20cm"} <= set(daily.data_vars)
    assert {"air_temperature", "ndvi", "water_level", "et0", "leaf_wetness"} <= set(hourly.data_vars)
    assert {"chill_hours", "chill_portions", "leaf_wetness_hours", "wet_bulb_temperature_min"} <= set(daily.data_vars)
    assert any(str(name).startswith("harvest_") for name in daily.data_vars)
    for node in (daily, hourly):
        assert all("units" in node[name].attrs for name in node.data_vars)
    # Rain of the hours is the rain of the days.
    rain = hourly["precipitation"].groupby("day").sum().sel(day=daily["day"])
    np.testing.assert_allclose(rain, daily["precipitation"].fillna(0), atol=1e-3)
    early = twin_context(DEMO, (issue - pd.Timedelta(days=30)).date())
    assert early["daily"]["day"].values.max() == np.datetime64(issue - pd.Timedelta(days=31))
