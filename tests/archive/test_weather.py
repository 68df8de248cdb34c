"""The synthetic weather looks like Valladolid's and holds the events that the demo tells of."""

import numpy as np
import pandas as pd
import pvlib
import pytest

from scripts.archive import normals, sky
from scripts.archive.sites import MORALEJA

CELLS = ("n413w048", "n413w049")
COLUMNS = [
    "time",
    "temperature_2m",
    "relative_humidity_2m",
    "wind_speed_10m",
    "precipitation",
    "shortwave_radiation",
    "surface_pressure",
]


def monthly(values: pd.Series) -> np.ndarray:
    return values.groupby(values.index.month).mean().to_numpy()


@pytest.mark.parametrize("cell", CELLS)
def test_hours_are_complete_and_plain_numbers(archive, cell):
    frame = pd.read_parquet(archive / "weather" / f"{cell}.parquet")
    assert list(frame.columns) == COLUMNS
    expected = pd.date_range("2018-10-01T00:00", "2026-06-30T23:00", freq="h")
    assert (frame["time"].to_numpy() == expected.to_numpy()).all()
    values = frame.drop(columns="time")
    assert (values.dtypes == "float32").all()
    assert values.notna().all(axis=None)
    assert values["relative_humidity_2m"].between(0, 100).all()
    assert (values[["wind_speed_10m", "precipitation", "shortwave_radiation"]] >= 0).all(axis=None)
    assert values["temperature_2m"].between(-16, 43).all()
    assert values["surface_pressure"].between(890, 965).all()


def test_monthly_means_agree_with_the_normals(daily):
    assert np.abs(monthly(daily["high"]) - normals.TEMPERATURE_MAX).max() < 0.9
    assert np.abs(monthly(daily["low"]) - normals.TEMPERATURE_MIN).max() < 0.9
    assert np.abs(monthly(daily["humidity"]) - normals.RELATIVE_HUMIDITY).max() < 2
    assert np.abs(monthly(daily["wind"]) - normals.WIND).max() < 0.4


def test_rain_agrees_with_the_normals(daily):
    assert np.abs(monthly(daily["rain"]) * normals.DAYS - normals.PRECIPITATION).max() < 8
    assert np.abs(monthly(daily["rain"] >= 1) * normals.DAYS - normals.WET_DAYS).max() < 1.5
    assert daily["rain"].sum() / len(daily) * 365.25 == pytest.approx(normals.PRECIPITATION.sum(), rel=0.06)


def test_days_remember_the_day_before(daily):
    middle = (daily["high"] + daily["low"]) / 2
    anomaly = middle - middle.groupby(middle.index.month).transform("mean")
    assert anomaly.autocorr(1) == pytest.approx(normals.TEMPERATURE_PERSISTENCE, abs=0.05)
    assert anomaly.std() == pytest.approx(normals.TEMPERATURE_SD.mean(), rel=0.15)
    wet = (daily["rain"] >= 1).astype(float)
    assert (wet - wet.groupby(wet.index.month).transform("mean")).autocorr(1) == pytest.approx(0.30, abs=0.07)


def test_wet_days_are_dull_and_have_a_small_range(daily):
    wet = daily["rain"] >= 1
    extent = daily["high"] - daily["low"]
    by_month = daily.index.month
    share = extent[wet].groupby(by_month[wet]).mean() / extent[~wet].groupby(by_month[~wet]).mean()
    assert share.between(0.5, 0.9).all()
    dull = (
        daily["radiation"][wet].groupby(by_month[wet]).mean() / daily["radiation"][~wet].groupby(by_month[~wet]).mean()
    )
    assert (dull < 0.85).all()


def test_radiation_stays_below_the_clear_sky(hourly):
    times = hourly.index[:: 24 * 9].append(hourly.index[12 :: 24 * 5]).append(hourly.index[8 :: 24 * 7])
    assert (hourly.loc[times, "shortwave_radiation"].to_numpy() <= sky.clear_sky(times, MORALEJA.cell)).all()


def test_radiation_of_a_year_is_that_of_the_region(daily, hourly):
    """Between 15 and 18 MJ m-2 a day; never above nine tenths of what comes in above the atmosphere (FAO-56 Eq. 21)."""
    assert 15.0 < daily["radiation"].mean() < 18
    above = pvlib.irradiance.get_extra_radiation(hourly.index.day_of_year.to_numpy())
    assert (hourly["shortwave_radiation"].to_numpy() < 0.9 * above).all()
    assert hourly["shortwave_radiation"][hourly.index.hour.isin([23, 0, 1, 2, 3])].max() == 0


def test_the_afternoon_is_warm_windy_and_dry(hourly):
    by_hour = hourly.loc["2024-07"].groupby(hourly.loc["2024-07"].index.hour).mean()
    assert by_hour["temperature_2m"].idxmax() in (14, 15, 16)
    assert by_hour["temperature_2m"].idxmin() in (4, 5, 6)
    assert by_hour["relative_humidity_2m"].idxmin() in (14, 15, 16)
    assert by_hour["wind_speed_10m"].idxmax() in (14, 15, 16, 17, 18)


def test_the_frosts(daily):
    april = daily["low"][daily.index.month == 4].groupby(lambda day: day.year).min()
    assert april[2023] == pytest.approx(-4.5, abs=0.1)
    assert -1.5 < april[2025] < -0.5
    assert april.drop(2023).min() > -2.6


def test_the_cloudbursts(hourly):
    two_hours = hourly["precipitation"].rolling(2).sum()
    assert two_hours["2022-09-14"].max() > 45
    assert 55 <= two_hours["2025-06-18"].max() <= 65
    assert two_hours.idxmax() == pd.Timestamp("2025-06-18T18:00")
    others = two_hours.drop(two_hours.loc["2022-09-14"].index).drop(two_hours.loc["2025-06-18"].index)
    assert others.max() < 30


def test_the_neighbouring_cell_is_close_but_not_the_same(archive, hourly):
    other = pd.read_parquet(archive / "weather" / "n413w049.parquet").set_index("time").astype(float)
    assert other["temperature_2m"].corr(hourly["temperature_2m"]) > 0.99
    assert 0.3 < (other["temperature_2m"] - hourly["temperature_2m"]).abs().mean() + 0.2 < 0.7
    ratio = other["precipitation"].sum() / hourly["precipitation"].sum()
    assert 0.85 < ratio < 1.0
