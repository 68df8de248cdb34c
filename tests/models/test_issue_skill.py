"""Kept forecasts scored against what came: by lead day, and only where there are enough."""

import numpy as np
import pytest
import xarray as xr

from agritwin import forecast_cube, weather_cube
from agritwin.models.issue_skill import skill_by_lead

START = np.datetime64("2025-01-01T00", "ns")
HOUR = np.timedelta64(1, "h")
DAYS = 60


def hours(count=24 * (DAYS + 8)):
    return START + np.arange(count) * HOUR


@pytest.fixture
def observed():
    chance = np.random.default_rng(3)
    time = hours()
    values = (
        10 + 8 * np.sin(np.arange(time.size) / 24 * 2 * np.pi) + np.repeat(chance.normal(0, 3, time.size // 24), 24)
    )
    return xr.Dataset({"air_temperature": ("time", values, {"units": "degC"})}, {"time": time})


def ensemble(observed, issues, spread, bias=0.0, members=40, seed=5):
    """Members that err independently, by a spread that grows with the lead day."""
    chance = np.random.default_rng(seed)
    lead = np.arange(0, 3 * 24 + 1)
    days = 24 * np.arange(2, 2 + issues)
    place = days[:, None] + lead
    truth = observed["air_temperature"].to_numpy()[place]
    scale = spread * np.maximum((lead - 1) // 24 + 1, 1)
    centre = truth + bias + chance.normal(0, 1, truth.shape) * scale
    values = centre[:, None, :] + chance.normal(0, 1, (issues, members, lead.size)) * scale
    coordinates = {"issue": START + days * HOUR, "lead": lead, "valid_time": (("issue", "lead"), START + place * HOUR)}
    return xr.Dataset({"air_temperature": (("issue", "member", "lead"), values)}, coordinates)


def test_a_calibrated_ensemble_scores_as_theory_says_and_worse_with_lead(observed):
    found = skill_by_lead(ensemble(observed, 50, 1.0), observed).sel(variable="air_temperature")
    # Truth and members are drawn around the same centre: the fair CRPS of N(0, s) is s / sqrt(pi).
    np.testing.assert_allclose(found["crps"], np.array([1, 2, 3]) / np.sqrt(np.pi), rtol=0.05)
    assert found["lead_day"].to_numpy().tolist() == [1, 2, 3]
    assert found["issues"].to_numpy().tolist() == [50, 50, 50]


def test_a_bias_shows_as_one(observed):
    found = skill_by_lead(ensemble(observed, 50, 0.5, bias=2.0), observed)
    assert float(found["bias"].isel(variable=0, lead_day=0)) == pytest.approx(2.0, abs=0.05)


def test_persistence_is_the_same_hour_of_the_last_day_known(observed):
    steady = observed.copy(deep=True)
    steady["air_temperature"][:] = 10 + 8 * np.sin(np.arange(steady.sizes["time"]) / 24 * 2 * np.pi)
    found = skill_by_lead(ensemble(steady, 50, 0.5), steady)
    np.testing.assert_allclose(found["crps_persistence"], 0.0, atol=1e-9)
    varied = skill_by_lead(ensemble(observed, 50, 0.3), observed)
    assert (varied["crps_skill"] > 0.5).all()


def test_below_the_minimum_there_is_no_score_and_the_count_says_why(observed):
    found = skill_by_lead(ensemble(observed, 19, 1.0), observed)
    assert found["crps"].isnull().all()
    assert (found["issues"] == 19).all()


def test_hours_that_are_not_observed_yet_are_not_scored(observed):
    known = observed.isel(time=slice(0, 24 * 32))
    found = skill_by_lead(ensemble(observed, 50, 1.0), known)
    assert found["issues"].to_numpy().ravel().tolist() == [30, 29, 28]


def test_issues_from_a_cube_are_scored(tmp_path, observed):
    store = tmp_path / "forecast.icechunk"
    kept = ensemble(observed, 21, 1.0, members=3)
    for number in range(21):
        one = kept.isel(issue=number)
        times = one["valid_time"].to_numpy()
        data = {"air_temperature": (("member", "time"), one["air_temperature"].to_numpy(), {"units": "degC"})}
        issue = xr.Dataset(data, {"time": times, "issue_time": one["issue"].to_numpy()}, {"source": "test"})
        forecast_cube.write_issue(store, issue, "issue")
    weather_cube.write_hourly(tmp_path / "w.icechunk", observed.assign_attrs(source="test"), "weather")
    direct = skill_by_lead(kept, observed)
    stored = skill_by_lead(forecast_cube.open_issues(store), weather_cube.open_hourly(tmp_path / "w.icechunk"))
    np.testing.assert_allclose(stored["crps"], direct["crps"], rtol=1e-4)
