"""From a history and a season to a published forecast."""

import numpy as np
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.models.forecast import forecast_report, join


@pytest.fixture(scope="module")
def report(daily):
    return forecast_report(
        daily.sel(day=slice(None, "2023-12-31")), daily.sel(day=slice("2024-01-01", "2024-06-15")), 14
    )


def test_the_forecast_begins_the_day_after_the_season_ends(report):
    forecast = report["forecast"]["air_temperature"]
    assert forecast["issue_time"].values == np.datetime64("2024-06-15")
    assert forecast["day"].values[0] == np.datetime64("2024-06-16")
    assert forecast.sizes == {"quantile": 19, "lead": 14}
    assert forecast.attrs["units"] == "degC"


def test_every_model_is_scored_beside_the_one_published(report):
    assert set(report["scores"].index) == {"persistence", "seasonal_naive", "climatology", "damped_anomaly", "sarimax"}
    assert report["choice"]["model"] in report["scores"].index
    assert set(report["forecast"]["model"].values) == set(report["scores"].index)


def test_the_measured_coverage_of_the_published_interval_is_in_its_target(report):
    assert report["interval"]["in_target"]
    assert report["interval"]["n"] > 2500


def test_scores_come_from_the_history_and_do_not_move_with_the_season(report, daily):
    """A day of weather must not refit or rescore anything."""
    season = daily.sel(day=slice("2024-01-01", "2024-06-16"))
    later = forecast_report(daily.sel(day=slice(None, "2023-12-31")), season, 14)
    assert later["scores"].equals(report["scores"])
    assert later["forecast"]["issue_time"].values == np.datetime64("2024-06-16")
    assert not later["forecast"]["air_temperature"].equals(report["forecast"]["air_temperature"])


def test_a_physical_bound_holds_for_every_quantile_of_every_model(daily):
    small = (daily - 12).clip(min=0).rename("et0").assign_attrs(units="mm")
    result = forecast_report(small[: 4 * 365], small[4 * 365 : 5 * 365], 7, lower=0.0, origins=40)
    assert float(result["forecast"]["et0"].min()) >= 0
    assert float(result["forecast"]["models"].min()) >= 0


def test_less_than_three_years_is_refused_with_a_remedy(daily):
    with pytest.raises(DataError) as refused:
        forecast_report(daily[:1090], daily[1090:1200])
    assert "1095" in refused.value.message
    assert refused.value.remedy


def test_gaps_in_the_history_and_on_the_day_of_issue_leave_a_whole_forecast(daily):
    holed = daily[: 5 * 365].copy()
    holed[np.random.default_rng(2).choice(holed.size, 60, replace=False)] = np.nan
    holed[-2:] = np.nan
    result = forecast_report(holed[: 4 * 365], holed[4 * 365 :], 5, origins=60)
    assert bool(np.isfinite(result["forecast"]["air_temperature"]).all())
    assert (result["scores"]["n"] > 100).all()


def test_joining_prefers_the_season_and_leaves_gaps_missing(daily):
    history, season = daily[:10], daily[8:15].copy() + 1
    together = join(history, season.drop_isel(day=3))
    assert together.size == 15
    assert float(together[9]) == pytest.approx(float(daily[9]) + 1)
    assert np.isnan(together[11])
    assert together.attrs["units"] == "degC"


def test_without_a_season_the_forecast_follows_the_history(daily):
    result = forecast_report(daily[:1100], daily[:0], 7, origins=20)
    assert isinstance(result["forecast"], xr.Dataset)
    assert result["forecast"]["issue_time"].values == daily["day"].values[1099]
