"""Botryosphaeria and psylla: the published thresholds, no more."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.simulation.orchard import risks


def hourly(days: int = 10, temperature: float = 20.0) -> xr.Dataset:
    time = pd.date_range("2025-05-01T01:00", periods=24 * days, freq="h")
    plain = {"air_temperature": temperature, "relative_humidity": 50.0, "precipitation": 0.0}
    return xr.Dataset(
        {name: ("time", np.full(time.size, value)) for name, value in plain.items()}, coords={"time": time}
    ).assign(
        air_temperature=("time", np.full(time.size, temperature), {"units": "degC"}),
        relative_humidity=("time", np.full(time.size, 50.0), {"units": "percent"}),
        precipitation=("time", np.zeros(time.size), {"units": "mm"}),
    )


def wet(weather: xr.Dataset, first: int, hours: int, rain: float) -> None:
    weather["relative_humidity"][first : first + hours] = 95.0
    weather["precipitation"][first] += rain


@pytest.mark.parametrize(
    ("temperature", "medium", "high"), [(11.0, 13.1, 28.29), (20.0, 4.1, 12.05), (27.0, 1.25, 6.9)]
)
def test_wetness_needed_is_that_of_the_source(temperature: float, medium: float, high: float) -> None:
    assert risks.wetness_needed(temperature, "medium") == pytest.approx(medium, abs=0.01)
    assert risks.wetness_needed(temperature, "high") == pytest.approx(high, abs=0.01)


@pytest.mark.parametrize(("hours", "risk"), [(4, "low"), (5, "medium"), (12, "medium"), (13, "high")])
def test_risk_steps_at_the_hours_of_20_degrees(hours: int, risk: str) -> None:
    weather = hourly()
    wet(weather, 30, hours, 6.0)
    events = risks.botryosphaeria_events(weather)
    assert events["risk"].tolist() == [risk]
    assert events["wet_hours"].tolist() == [hours]


def test_rain_below_four_millimetres_is_no_event() -> None:
    weather = hourly()
    wet(weather, 30, 40, 3.9)
    assert risks.botryosphaeria_events(weather).empty
    assert risks.botryosphaeria_events(hourly()).empty


def test_breaks_of_twelve_hours_join_and_longer_ones_part() -> None:
    for gap, sizes in ((12, [14]), (13, [7, 7])):
        weather = hourly()
        wet(weather, 20, 7, 5.0)
        wet(weather, 27 + gap, 7, 5.0)
        assert risks.botryosphaeria_events(weather)["wet_hours"].tolist() == sizes


def test_frost_carries_no_risk_and_gaps_are_refused() -> None:
    cold = hourly(temperature=-1.0)
    wet(cold, 20, 200, 50.0)
    assert risks.botryosphaeria_events(cold)["risk"].tolist() == ["low"]
    cold["precipitation"][5] = np.nan
    with pytest.raises(DataError, match="missing"):
        risks.botryosphaeria_events(cold)


def test_psylla_counts_heat_above_ten_degrees_from_new_year() -> None:
    time = pd.date_range("2024-12-01T01:00", "2025-04-11T00:00", freq="h")
    steady = xr.DataArray(np.full(time.size, 13.333), coords={"time": time}, dims="time", attrs={"units": "degC"})
    found = risks.psylla_generations(steady, "UTC")
    assert found["day"].values[0] == np.datetime64("2025-01-01")
    assert found.sel(day="2025-04-10").item() == pytest.approx(1.0, abs=1e-3)  # 100 days of 3.333
    assert float(risks.psylla_generations(steady - 4.0, "UTC").max()) == 0.0
