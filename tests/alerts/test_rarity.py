"""How rare a rain is: against the published table of quantile factors, and as the inverse of what it was made of."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agritwin.agromet.rain import intensity_duration
from agritwin.alerts.rarity import (
    Frequency,
    intensity_ratio,
    local_frequency,
    quantile_factors,
    spanish_frequency,
)
from agritwin.errors import DataError

YEARS = (2, 5, 10, 25, 50, 100)
FREQUENCY = spanish_frequency(34.0, 0.35, 10.0)
# Ministerio de Fomento (1999), Máximas lluvias diarias en la España peninsular, table of the factor K_T: its figures
# were not read at their source; those of the calculation below were.
PUBLISHED = {
    0.30: (0.935, 1.194, 1.377, 1.625, 1.823, 2.022),
    0.35: (0.921, 1.217, 1.438, 1.732, 1.961, 2.220),
    0.40: (0.909, 1.247, 1.492, 1.839, 2.113, 2.403),
}


@pytest.mark.parametrize("variation", PUBLISHED)
def test_quantile_factors_are_those_of_the_published_table(variation):
    assert quantile_factors(variation, YEARS) == pytest.approx(PUBLISHED[variation], abs=0.008)


def test_quantiles_are_those_of_a_published_calculation():
    """Worked example to Zorraquino (2004), La función SQRT-ET max, Revista de Obras Públicas 3447, 33-37."""
    mean, deviation = 51.73, 16.35
    amounts = mean * quantile_factors(deviation / mean, (5, 10, 25, 50, 100, 200, 500))
    assert amounts == pytest.approx([62.0, 72.0, 85.7, 96.5, 107.9, 119.8, 136.3], rel=0.0025)
    assert mean * quantile_factors(deviation / mean, [1 / 0.1149]) == pytest.approx([70.0], rel=0.0025)


def test_a_variation_that_no_map_has_is_refused():
    with pytest.raises(DataError, match="variation"):
        quantile_factors(2.0, YEARS)


def test_intensity_within_the_day():
    """By definition the hour has the torrentiality and 28 hours the day itself; the exponent of 15 min by hand."""
    assert intensity_ratio(1.0, 10.0) == pytest.approx(10.0)
    assert intensity_ratio(28.0, 10.0) == pytest.approx(1.0)
    assert intensity_ratio(0.25, 9.0) == pytest.approx(9.0 ** (3.5287 - 2.5287 * 0.25**0.1), rel=1e-3)


def test_the_return_period_of_the_tables_own_rain_is_its_own():
    for duration, row in zip(FREQUENCY.durations_h, FREQUENCY.amounts_mm, strict=True):
        for years, amount in zip(FREQUENCY.years, row, strict=True):
            assert FREQUENCY.return_years(amount, duration) == pytest.approx(years, rel=1e-6)


@given(st.floats(0.5, 30), st.floats(1, 200), st.floats(1, 50))
def test_more_rain_is_never_more_frequent(duration, amount, more):
    before, after = (FREQUENCY.return_years(mm, duration) or 0.0 for mm in (amount, amount + more))
    assert after >= before
    assert after <= 100.0001


def test_rain_that_comes_every_year_has_no_return_period():
    assert FREQUENCY.return_years(3.0, 1.0) is None


def test_it_survives_its_way_through_json():
    again = Frequency.of(FREQUENCY.as_dict())
    assert again.return_years(30.0, 2.0) == pytest.approx(FREQUENCY.return_years(30.0, 2.0), rel=0.01)
    assert Frequency.of(None) is None


def test_local_records_give_a_table_once_there_are_years_enough():
    time = np.arange("2015-10-01T01", "2024-10-01T01", dtype="datetime64[h]").astype("datetime64[ns]")
    rain = np.zeros(time.size)
    for year in range(9):
        rain[year * 8760 + 3000] = 10.0 + 2 * year
    hourly = xr.DataArray(rain, {"time": time}, ("time",), "precipitation", {"units": "mm"})
    frequency = local_frequency(intensity_duration(hourly, (1, 6), YEARS), "weather")
    assert 16.0 < frequency.amounts(1.0)[0] < 20.0
    assert local_frequency(intensity_duration(hourly[:9000], (1, 6), YEARS), "weather") is None


def test_rain_past_the_rarest_of_the_table_is_only_said_to_be_rarer():
    rarest = FREQUENCY.amounts(2.0)[-1]
    assert FREQUENCY.notes(0.9 * rarest, 2.0)["return_years"] < FREQUENCY.years[-1]
    assert FREQUENCY.notes(1.1 * rarest, 2.0) == {"rarer_than_years": FREQUENCY.years[-1]}
    assert FREQUENCY.notes(0.1, 2.0) == {}


def test_years_are_told_as_precisely_as_a_record_can():
    told = {mm: FREQUENCY.return_years(mm, 2.0) for mm in FREQUENCY.amounts(2.0)[1:-1] * 1.05}
    assert max(told.values()) > 10.0
    for amount, years in told.items():
        assert FREQUENCY.notes(amount, 2.0) == {"return_years": round(years, 0 if years > 5.0 else 1)}
