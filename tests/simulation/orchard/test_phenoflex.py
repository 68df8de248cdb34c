"""PhenoFlex against the bloom that its reference implementation gives for sweet cherries at Klein-Altendorf."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.agromet import chill
from agritwin.agromet.hourly_temperature import hourly_temperature
from agritwin.errors import DataError
from agritwin.simulation.orchard.phenoflex import PhenoFlex, bloom


@pytest.fixture(scope="module")
def klein_altendorf(shared: Path) -> xr.DataArray:
    record = pd.read_csv(shared / "science_samples/ka_weather.csv")
    record.index = pd.to_datetime(record[["Year", "Month", "Day"]]).rename("day")
    extremes = record[["Tmax", "Tmin"]].to_xarray()
    return hourly_temperature(extremes["Tmax"], extremes["Tmin"], 50.4)


def season(hours: xr.DataArray, year: int) -> xr.DataArray:
    """Hours from August to June, as the reference cuts a season."""
    celsius = hours.sel(day=slice(f"{year - 1}-08-01", f"{year}-06-30"))
    return xr.DataArray(celsius.to_numpy().ravel(), dims="time", attrs={"units": "degC"})


def test_bloom_of_2009_is_where_the_reference_has_it(klein_altendorf: xr.DataArray) -> None:
    found = bloom(season(klein_altendorf, 2009))
    assert found.hours is not None
    # the reference counts the state before the first hour as its first: its 6181 is the state after 6180 hours
    assert found.hours + 1 == 6181
    assert found.heat >= 190.0


def test_ten_years_with_default_parameters_miss_by_what_is_known_of_them(
    klein_altendorf: xr.DataArray, shared: Path
) -> None:
    observed = pd.read_csv(shared / "science_samples/ka_bloom.csv").set_index("Year")["pheno"]
    errors = []
    for year in range(1999, 2009):
        hours = bloom(season(klein_altendorf, year)).hours
        assert hours is not None
        day = pd.Timestamp(f"{year - 1}-08-01") + pd.Timedelta(hours=hours - 1)
        errors.append(day.day_of_year - observed[year])
    assert np.mean(errors) == pytest.approx(-5.0, abs=0.5)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(7.4, abs=0.5)


def test_its_chill_is_that_of_the_dynamic_model() -> None:
    hour = np.arange(2000)
    celsius = xr.DataArray(6 + 6 * np.sin(2 * np.pi * hour / 24), dims="time", attrs={"units": "degC"})
    model = PhenoFlex(e0=4153.5, e1=12888.8, a0=139_500.0, a1=2.567e18, chill_requirement=1e3, heat_requirement=1e9)
    found = bloom(celsius, model)
    assert found.hours is None
    assert found.chill == pytest.approx(float(chill.chill_portions(celsius).sum()), rel=1e-12)


def test_a_gap_is_refused() -> None:
    with pytest.raises(DataError, match="without gaps"):
        bloom(xr.DataArray([5.0, np.nan], dims="time"))
