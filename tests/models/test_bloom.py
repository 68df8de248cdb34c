"""Requirements of chill and heat, from dates of bloom: found again where they are known, and real dates foretold."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.models import bloom
from benchmarks.validation import klein_altendorf


def winter(seed: int) -> xr.DataArray:
    """Eight months of hours, each season warmer or colder, later or earlier than the others."""
    random = np.random.default_rng(seed)
    hour = np.arange(242 * 24)
    level, phase = random.normal(0.0, 1.5), random.normal(0.0, 10.0)
    yearly = 9.0 - 8.0 * np.cos(2 * np.pi * (hour / 24 - 75 - phase) / 365)
    celsius = level + yearly + 5.0 * np.sin(2 * np.pi * (hour - 9) / 24)
    return xr.DataArray(celsius, dims="time", attrs={"units": "degC"})


def test_known_requirements_are_found_again() -> None:
    days = np.stack([bloom.bloom_days(winter(seed)) for seed in range(12)])
    true = list(bloom.CHILL).index(60.0), list(bloom.HEAT).index(5000.0)
    found = bloom.fit(days, days[:, true[0], true[1]] + np.random.default_rng(0).normal(0, 1.0, 12))
    assert found.chill_requirement == pytest.approx(60.0, abs=6.0)
    assert found.heat_requirement == pytest.approx(5000.0, rel=0.1)
    assert found.error == pytest.approx(1.0, abs=0.5)
    assert found.weight.sum() == pytest.approx(1.0)


def test_more_chill_or_more_heat_never_means_earlier_bloom() -> None:
    days = bloom.bloom_days(winter(1))
    assert (np.diff(days, axis=1)[np.isfinite(np.diff(days, axis=1))] >= 0).all()
    assert (np.diff(days, axis=0)[np.isfinite(np.diff(days, axis=0))] >= 0).all()


def test_too_few_dates_are_no_fit() -> None:
    days = np.stack([bloom.bloom_days(winter(seed)) for seed in range(2)])
    with pytest.raises(DataError, match="2 dates"):
        bloom.fit(days, np.array([150.0, 151.0]))
    with pytest.raises(DataError, match="No pair"):
        bloom.fit(np.full((3, *days.shape[1:]), np.nan), np.array([150.0, 151.0, 152.0]))


def test_real_dates_are_foretold_better_than_by_default_parameters_and_by_their_mean(shared: Path) -> None:
    """Sweet cherries at Klein-Altendorf: ten dates of bloom that have weather, each foretold from the other nine."""
    days, observed = klein_altendorf(shared)
    table = bloom.leave_one_out(days, observed)

    def rmse(name: str) -> float:
        return float(np.sqrt(((table[name] - table["observed"]) ** 2).mean()))

    assert list(observed.index) == list(range(1999, 2009))
    assert rmse("predicted") < 2.5
    assert rmse("predicted") < 7.4 / 2  # PhenoFlex with default parameters
    assert rmse("predicted") < rmse("mean") / 2
    inside = abs(table["predicted"] - table["observed"]) <= 1.645 * table["spread"]
    assert 0.7 <= inside.mean() <= 1.0


def test_the_first_half_foretells_the_second(shared: Path) -> None:
    days, observed = klein_altendorf(shared)
    found = bloom.fit(days[:5], observed.to_numpy()[:5])
    errors = [bloom.predict(found, day)[0] - date for day, date in zip(days[5:], observed.to_numpy()[5:], strict=True)]
    assert np.sqrt(np.mean(np.square(errors))) < 2.5
    assert isinstance(pd.Series(errors).iloc[0], float)
