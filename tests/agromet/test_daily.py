"""Local days out of UTC hours: boundaries, clock changes, missing hours, units."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.agromet.daily import daily
from agritwin.errors import DataError

UNITS = {
    "air_temperature": "degC",
    "relative_humidity": "percent",
    "wind_speed": "m s-1",
    "precipitation": "mm",
    "shortwave_radiation": "W m-2",
    "surface_pressure": "hPa",
}
PLACE = {"latitude": 41.5, "longitude": -5.7, "elevation_m": 700.0, "zone": "Europe/Madrid"}


def weather(first: str, hours: int) -> xr.Dataset:
    time = pd.date_range(first, periods=hours, freq="h")
    random = np.random.default_rng(1)
    ranges = [(5.0, 25.0), (30.0, 95.0), (0.5, 4.0), (0.0, 1.0), (0.0, 600.0), (920.0, 940.0)]
    return xr.Dataset(
        {
            name: ("time", random.uniform(low, high, hours), {"units": units})
            for (name, units), (low, high) in zip(UNITS.items(), ranges, strict=True)
        },
        coords={"time": time},
        attrs={"synthetic": "true", "source": "test"},
    )


def test_the_stamp_of_local_midnight_belongs_to_the_day_before() -> None:
    hourly = weather("2024-01-09T00:00", 24)  # 00:00 UTC is 01:00 in Madrid
    hourly["precipitation"][:] = 0.0
    hourly["precipitation"].loc[{"time": "2024-01-09T23:00"}] = 7.0  # local 00:00 of the 10th
    found = daily(hourly, **PLACE)
    assert found["day"].values.astype("datetime64[D]").tolist() == [np.datetime64("2024-01-09").astype(object)]
    assert found["precipitation"].item() == 7.0
    assert found["day"].attrs["zone"] == "Europe/Madrid"


def test_a_day_is_the_plain_statistic_of_its_hours() -> None:
    hourly = weather("2024-07-01T23:00", 24)  # 2 July local, summer time: stamps 01:00 to 24:00
    found = daily(hourly, **PLACE).isel(day=0)
    assert found["air_temperature"].item() == pytest.approx(float(hourly["air_temperature"].mean()), rel=1e-12)
    assert found["air_temperature_max"].item() == float(hourly["air_temperature"].max())
    assert found["relative_humidity_min"].item() == float(hourly["relative_humidity"].min())
    assert found["shortwave_radiation"].item() == pytest.approx(
        float(hourly["shortwave_radiation"].sum()) * 0.0036, rel=1e-12
    )
    assert found["shortwave_radiation"].attrs["units"] == "MJ m-2 d-1"
    assert 0.0 < found["et0"].item() < 10.0
    assert found["precipitation_hours"].item() == 24


@pytest.mark.parametrize(("first", "hours"), [("2024-03-31T00:00", 23), ("2024-10-27T23:00", 25)])
def test_days_on_which_the_clock_changes_have_23_or_25_hours(first: str, hours: int) -> None:
    start = pd.Timestamp(first) if hours == 23 else pd.Timestamp("2024-10-26T23:00")
    found = daily(weather(str(start), hours), **PLACE)
    assert found.sizes["day"] == 1
    assert found["hours_in_day"].item() == hours
    assert np.isfinite(found["et0"].item())
    assert np.isnan(daily(weather(str(start), hours - 1), **PLACE)["precipitation"].item())


def test_a_missing_hour_makes_only_its_variable_missing() -> None:
    hourly = weather("2024-07-01T23:00", 48)
    hourly["precipitation"][3] = np.nan
    found = daily(hourly, **PLACE)
    assert np.isnan(found["precipitation"].values).tolist() == [True, False]
    assert found["precipitation_hours"].values.tolist() == [23, 24]
    assert np.isfinite(found["et0"]).all()


def test_a_missing_day_stands_as_nan_between_its_neighbours() -> None:
    hourly = weather("2024-07-01T23:00", 96)
    hourly = hourly.isel(time=np.r_[0:24, 48:60, 72:96])
    found = daily(hourly, **PLACE)
    assert found.sizes["day"] == 4
    assert np.isfinite(found["air_temperature"].values).tolist() == [True, False, False, True]
    assert found["air_temperature_hours"].values.tolist() == [24, 0, 12, 24]


def test_members_are_days_of_their_own() -> None:
    one = weather("2024-07-01T23:00", 48)
    both = xr.concat([one, one + 1.0], dim="member")
    for name, units in UNITS.items():
        both[name].attrs["units"] = units
    found = daily(both, **PLACE)
    assert found["et0"].dims == ("member", "day")
    xr.testing.assert_allclose(found["et0"].isel(member=0), daily(one, **PLACE)["et0"])


def test_kelvin_is_refused() -> None:
    hourly = weather("2024-07-01T23:00", 24)
    hourly["air_temperature"].attrs["units"] = "K"
    with pytest.raises(DataError, match=r"'K', expected 'degC'"):
        daily(hourly, **PLACE)


def test_repeated_stamps_are_refused() -> None:
    hourly = weather("2024-07-01T23:00", 24)
    with pytest.raises(DataError, match="do not rise"):
        daily(xr.concat([hourly, hourly], dim="time"), **PLACE)
