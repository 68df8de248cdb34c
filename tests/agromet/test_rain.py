"""Return levels against scipy's distributions and known fits; too few years as an outcome."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from agritwin.agromet import rain


def maxima(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, coords={"year": 2000 + np.arange(len(values))}, dims="year", attrs={"units": "mm"})


def test_l_moments_of_a_small_sample_by_hand() -> None:
    # all pairs: l2 is half the mean absolute difference; all triples: l3 = mean(largest - 2 middle + smallest) / 3
    l1, l2, t3 = rain.l_moments([1.0, 2.0, 4.0, 9.0])
    assert l1 == pytest.approx(4.0)
    assert l2 == pytest.approx((1 + 3 + 8 + 2 + 7 + 5) / 6 / 2)
    triples = [(4 - 4 + 1), (9 - 4 + 1), (9 - 8 + 1), (9 - 8 + 2)]
    assert t3 * l2 == pytest.approx(np.mean(triples) / 3)


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.15])
def test_quantiles_are_scipys(shape: float) -> None:
    probability = np.array([0.1, 0.5, 0.9, 0.99])
    found = rain.quantile(probability, 30.0, 8.0, shape)
    np.testing.assert_allclose(found, stats.genextreme.ppf(probability, shape, 30.0, 8.0), rtol=1e-10)


@pytest.mark.parametrize(("distribution", "shape"), [("gumbel", 0.0), ("gev", -0.15), ("gev", 0.2)])
def test_a_long_sample_gives_its_parameters_back(distribution: rain.Distribution, shape: float) -> None:
    sample = stats.genextreme.rvs(shape, 30.0, 8.0, size=200_000, random_state=3)
    location, scale, k = rain.fit(sample, distribution)
    assert location == pytest.approx(30.0, abs=0.1)
    assert scale == pytest.approx(8.0, abs=0.1)
    assert k == pytest.approx(shape, abs=0.01)


def test_levels_rise_inside_their_interval_and_repeat() -> None:
    sample = maxima(stats.gumbel_r.rvs(30.0, 8.0, size=25, random_state=1))
    found = rain.return_levels(sample)
    assert found.attrs["outcome"] == "fitted"
    assert (np.diff(found["level"]) > 0).all()
    assert ((found["lower"] < found["level"]) & (found["level"] < found["upper"])).all()
    xr.testing.assert_identical(found, rain.return_levels(sample))


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    truth = stats.gumbel_r.ppf(1 - 1 / 25, 30.0, 8.0)
    inside = 0
    for seed in range(60):
        sample = maxima(stats.gumbel_r.rvs(30.0, 8.0, size=20, random_state=seed))
        level = rain.return_levels(sample, [25], resamples=200, seed=seed)
        inside += bool(level["lower"].item() <= truth <= level["upper"].item())
    assert 46 <= inside <= 60


def test_four_years_are_not_enough() -> None:
    found = rain.return_levels(maxima(np.array([20.0, 30.0, 25.0, 40.0, np.nan])))
    assert found.attrs["outcome"] == "not enough years"
    assert found.attrs["years"] == 4
    assert np.isnan(found["level"]).all()


def hourly_rain(years: int) -> xr.DataArray:
    time = pd.date_range("2015-10-01T01:00", f"{2015 + years}-10-01T00:00", freq="h")
    amount = np.random.default_rng(5).gamma(0.02, 8.0, len(time))
    return xr.DataArray(amount, coords={"time": time}, dims="time", attrs={"units": "mm"})


def test_annual_maxima_by_hydrological_year() -> None:
    amount = hourly_rain(3)
    amount[:] = 0.0
    amount.loc[{"time": slice("2016-09-30T22:00", "2016-09-30T23:00")}] = 10.0
    amount.loc[{"time": "2017-02-01T05:00"}] = 12.0
    amount[-5000:] = np.nan
    found = rain.annual_maxima(amount, duration_hours=2)
    assert found["year"].values.tolist() == [2016, 2017, 2018]
    np.testing.assert_array_equal(found, [20.0, 12.0, np.nan])


def test_longer_rain_is_weaker_and_rarer_rain_stronger() -> None:
    table = rain.intensity_duration(hourly_rain(8))
    assert table["intensity"].attrs["units"] == "mm h-1"
    assert table.attrs["outcome"] == "fitted"
    intensity = table["intensity"].transpose("duration", "return_period")
    assert (np.diff(intensity, axis=0) < 0).all()
    assert (np.diff(intensity, axis=1) > 0).all()
