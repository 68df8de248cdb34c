"""Reference evapotranspiration against the worked examples of FAO-56, a Ref-ET station day and a Spanish station."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.agromet import et0, humidity, radiation
from agritwin.errors import DataError
from agritwin.sources.canonical import wind_at_2m

SIAR = Path(__file__).parents[3] / "shared/providers/weather/siar/daily_IB01.csv"


def hours(stamps: list[str], values: list[float], units: str) -> xr.DataArray:
    return xr.DataArray(values, coords={"time": pd.DatetimeIndex(stamps)}, dims="time", attrs={"units": units})


def test_example_17_monthly_bangkok() -> None:
    extraterrestrial = radiation.extraterrestrial_radiation(13.73, 105)
    daylight = radiation.daylight_hours(13.73, 105)
    shortwave = radiation.radiation_from_sunshine(extraterrestrial, 8.5, daylight)
    soil_heat = radiation.monthly_soil_heat_flux(29.2, 30.2)
    assert extraterrestrial == pytest.approx(38.06, abs=0.01)
    assert daylight == pytest.approx(12.31, abs=0.01)
    assert shortwave == pytest.approx(22.65, abs=0.01)
    assert radiation.clear_sky_radiation(extraterrestrial, 2.0) == pytest.approx(28.54, abs=0.01)
    assert soil_heat == pytest.approx(0.14)
    assert et0.penman_monteith_daily(34.8, 25.6, 2.85, shortwave, 2.0, 13.73, 2.0, 105, soil_heat) == pytest.approx(
        5.72, abs=0.005
    )


def test_example_18_daily_uccle() -> None:
    vapour_pressure = humidity.actual_vapour_pressure_from_extremes(21.5, 12.3, 84.0, 63.0)
    extraterrestrial = radiation.extraterrestrial_radiation(50.80, 187)
    shortwave = radiation.radiation_from_sunshine(extraterrestrial, 9.25, radiation.daylight_hours(50.80, 187))
    wind_2m = wind_at_2m(10.0 / 3.6, 10.0)
    assert humidity.air_pressure(100.0) == pytest.approx(100.1, abs=0.05)
    assert humidity.saturation_slope((21.5 + 12.3) / 2) == pytest.approx(0.122, abs=5e-4)
    assert vapour_pressure == pytest.approx(1.409, abs=5e-4)
    assert humidity.mean_saturation_vapour_pressure(21.5, 12.3) == pytest.approx(1.997, abs=5e-4)
    assert (extraterrestrial, shortwave) == pytest.approx((41.09, 22.07), abs=0.01)
    cloud_factor = radiation.cloudiness(shortwave / radiation.clear_sky_radiation(extraterrestrial, 100.0))
    assert radiation.net_longwave(21.5, 12.3, vapour_pressure, cloud_factor) == pytest.approx(3.71, abs=0.01)
    assert wind_2m == pytest.approx(2.078, abs=5e-4)
    assert et0.penman_monteith_daily(
        21.5, 12.3, vapour_pressure, shortwave, wind_2m, 50.80, 100.0, 187
    ) == pytest.approx(3.88, abs=0.005)


def test_example_19_hourly_ndiaye() -> None:
    # 02-03 h and 14-15 h at the meridian of 15 W are the hours that end at 04 and 16 UTC
    stamps = ["2023-10-01T04:00", "2023-10-01T16:00"]
    temperature, wind_2m = hours(stamps, [28.0, 38.0], "degC"), hours(stamps, [1.9, 3.3], "m s-1")
    vapour_pressure = humidity.actual_vapour_pressure(temperature, hours(stamps, [90.0, 52.0], "percent"))
    shortwave = hours(stamps, [0.0, 2.450 / 0.0036], "W m-2")
    extraterrestrial = radiation.extraterrestrial_radiation_hourly(16.22, -16.25, temperature["time"])
    np.testing.assert_allclose(extraterrestrial, [0.0, 3.543], atol=0.001)
    found = et0.penman_monteith_hourly(temperature, vapour_pressure, shortwave, wind_2m, 16.22, -16.25, 8.0, 0.8)
    np.testing.assert_allclose(found, [0.00, 0.63], atol=0.005)
    assert found.attrs["units"] == "mm"


@pytest.mark.parametrize(("wind_2m", "expected"), [(2.0, 4.56), (1.0, 4.23), (3.0, 4.84)])
def test_example_20_missing_data_lyon(wind_2m: float, expected: float) -> None:
    extraterrestrial = radiation.extraterrestrial_radiation(45.72, 196)
    shortwave = radiation.radiation_from_temperature(extraterrestrial, 26.6, 14.8, 0.16)
    assert (extraterrestrial, shortwave) == pytest.approx((40.55, 22.29), abs=0.01)
    vapour_pressure = humidity.saturation_vapour_pressure(14.8)
    found = et0.penman_monteith_daily(26.6, 14.8, vapour_pressure, shortwave, wind_2m, 45.72, 200.0, 196)
    assert found == pytest.approx(expected, abs=0.005)


def test_example_20_hargreaves() -> None:
    assert et0.hargreaves(26.6, 14.8, 45.72, 196) == pytest.approx(5.03, abs=0.005)


def test_example_12_13_14() -> None:
    assert radiation.net_shortwave(14.5) - 3.5 == pytest.approx(7.6, abs=0.1)
    assert (radiation.monthly_soil_heat_flux(14.1, 16.1) + radiation.monthly_soil_heat_flux(16.1, 18.8)) / 2 == (
        pytest.approx(0.33, abs=0.005)
    )
    assert wind_at_2m(3.2, 10.0) == pytest.approx(2.4, abs=0.05)


FALLON = {"latitude": 39.4575, "elevation_m": 1208.5}


def fahrenheit(value: float) -> float:
    return (value - 32.0) * 5.0 / 9.0


def test_fallon_day_agrees_with_ref_et_to_1e_9() -> None:
    wind_2m = wind_at_2m(4.80 * 0.44704, 3.0)
    assert wind_2m == pytest.approx(1.976111757722194, rel=1e-12)
    found = et0.asce_daily(
        fahrenheit(102.80),
        fahrenheit(66.65),
        1.2206674169951346,
        674.07 * 0.041868,
        wind_2m,
        day_of_year=182,
        reference="tall",
        **FALLON,
    )
    assert found == pytest.approx(10.626087665395694, rel=1e-9)


@pytest.mark.parametrize(("reference", "expected"), [("short", 0.6063515410076268), ("tall", 0.7196369609713682)])
def test_fallon_hour_agrees_with_ref_et(reference: et0.Reference, expected: float) -> None:
    stamp = ["2015-07-01T19:00"]
    found = et0.asce_hourly(
        hours(stamp, [fahrenheit(91.80)], "degC"),
        hours(stamp, [1.1990099614301906], "kPa"),
        hours(stamp, [61.16 * 0.041868 / 0.0036], "W m-2"),
        hours(stamp, [1.3709275319197722], "m s-1"),
        longitude=-118.77388,
        reference=reference,
        **FALLON,
    )
    assert found.item() == pytest.approx(expected, rel=2e-6)  # the reference rounds constants differently by hour


def test_siar_station_publishes_the_same_et0() -> None:
    if not SIAR.exists():
        pytest.skip("shared provider samples are not here")
    days = pd.read_csv(SIAR, parse_dates=["Fecha"]).query("EtPMon > 0")
    vapour_pressure = humidity.actual_vapour_pressure_from_extremes(
        days["TempMax"], days["TempMin"], days["HumedadMax"], days["HumedadMin"]
    )
    found = et0.penman_monteith_daily(
        days["TempMax"],
        days["TempMin"],
        vapour_pressure,
        days["Radiacion"],
        days["VelViento"],
        39.01,
        120.0,
        days["Fecha"].dt.day_of_year,
    )
    assert len(days) == 31
    assert np.abs(found - days["EtPMon"]).mean() < 0.02


def test_hours_of_a_clear_day_add_up_to_about_the_day() -> None:
    time = pd.date_range("2024-07-10T01:00", periods=24, freq="h")
    sun = radiation.extraterrestrial_radiation_hourly(41.0, 0.0, xr.DataArray(time, coords={"time": time}, dims="time"))
    assert float(sun.sum()) == pytest.approx(radiation.extraterrestrial_radiation(41.0, 192), rel=2e-3)
    temperature = (24.0 + 8.0 * np.sin(2 * np.pi * (sun["time"].dt.hour - 9) / 24)).drop_attrs()
    shortwave = (0.7 * sun / 0.0036).assign_attrs(units="W m-2")
    vapour_pressure = xr.full_like(temperature, 1.2)
    hourly = et0.penman_monteith_hourly(
        temperature, vapour_pressure, shortwave, xr.full_like(temperature, 2.0), 41.0, 0.0, 700.0
    )
    day = et0.penman_monteith_daily(32.0, 16.0, 1.2, float(shortwave.sum()) * 0.0036, 2.0, 41.0, 700.0, 192)
    assert float(hourly.sum()) == pytest.approx(day, rel=0.05)


def test_a_labelled_argument_in_another_unit_is_refused() -> None:
    kelvin = xr.DataArray([300.0], dims="day", attrs={"units": "K"})
    with pytest.raises(DataError, match=r"air_temperature_max is in 'K', expected 'degC'"):
        et0.hargreaves(kelvin, 14.8, 45.72, 196)
