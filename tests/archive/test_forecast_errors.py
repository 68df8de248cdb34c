"""Errors of the forecast members: centred, growing with lead time, persistent."""

import numpy as np
import pandas as pd
import pytest

ADDED = ["temperature_2m", "relative_humidity_2m", "wind_speed_10m", "shortwave_radiation", "surface_pressure"]


@pytest.fixture(params=["n413w048", "n413w049"])
def errors(request, archive) -> pd.DataFrame:
    return pd.read_parquet(archive / "weather" / f"{request.param}.forecast_errors.parquet")


def test_twelve_members_of_240_hours(errors):
    assert errors.shape == (12 * 240, 9)
    assert errors.groupby("member")["lead_hour"].apply(list).map(lambda hours: hours == list(range(1, 241))).all()
    assert errors.notna().all(axis=None)


@pytest.mark.parametrize("name", ADDED)
def test_errors_are_centred_and_grow(errors, name):
    early, late = errors[errors["lead_hour"] <= 24], errors[errors["lead_hour"] > 192]
    assert abs(errors[name].mean()) < 0.05 * errors[name].std()
    assert late[name].std() > 1.5 * early[name].std()


def test_errors_last_for_hours(errors):
    one = errors[errors["member"] == 1]["temperature_2m"]
    assert one.autocorr(1) > 0.9


def test_radiation_errors_vanish_at_night(errors):
    assert (errors.loc[(errors["lead_hour"] % 24).isin([0, 1, 2, 3, 22, 23]), "shortwave_radiation"] == 0).all()


def test_rain_factor_is_about_one_on_average_and_spreads(errors):
    factor = errors["precipitation_factor"]
    assert (factor > 0).all()
    assert factor.mean() == pytest.approx(1, abs=0.12)
    storm = errors[errors["lead_hour"].between(89, 92)].groupby("member")["precipitation_factor"].mean()
    assert (storm > 0.75).sum() >= 5
    assert (storm < 0.75).sum() >= 2
    shifts = errors.groupby("member")["precipitation_shift_h"].unique()
    assert all(len(values) == 1 for values in shifts)
    assert np.abs(shifts.map(lambda values: values[0]).to_numpy()).max() <= 3
