import numpy as np
import pytest
import xarray as xr

from agritwin.views import weather
from agritwin.views.language import language

SAY = language("en")


def daily(first, last, value):
    day = np.arange(first, last, dtype="datetime64[D]").astype("datetime64[ns]")
    return xr.DataArray(np.broadcast_to(np.asarray(value, float), day.shape).copy(), {"day": day}, ("day",))


def columns(plot, renderer):
    return plot.figure.select_one({"name": renderer}).data_source.data


def test_past_seasons_begin_on_the_same_day_and_are_whole():
    history = daily("2020-11-01", "2024-11-01", 0.0)
    history[:] = history["day"].dt.year
    history.loc[{"day": "2022-12-01"}] = np.nan
    seasons = weather.past_seasons(history, np.datetime64("2024-11-01"), 60)
    assert seasons[:, 0].tolist() == [2023, 2021, 2020]
    assert seasons.shape == (3, 60)


def test_a_band_needs_three_seasons():
    assert weather.season_band(np.ones((2, 5))) is None
    band = weather.season_band(np.array([[0.0], [10.0], [20.0]]))
    assert band is not None
    assert (band.low[0], band.middle[0], band.high[0], band.years) == (2.0, 10.0, 18.0, 3)


def test_rain_adds_up_over_gaps_and_says_that_there_are_some():
    season = daily("2024-11-01", "2024-11-06", [1, np.nan, 2, 0, 4])
    plot = weather.rain(SAY, season, daily("2020-11-01", "2024-11-01", 2.0))
    assert columns(plot, "rain-total")["total"].tolist() == [1, 1, 3, 3, 7]
    assert columns(plot, "rain-median")["middle"].tolist() == [2, 4, 6, 8, 10]
    assert "7\u00a0mm between 1\u00a0Nov\u00a02024 and 5\u00a0Nov\u00a02024" in plot.summary
    assert "median of 4 seasons by this time is 10\u00a0mm" in plot.summary
    assert "1 of 5 days are missing" in plot.summary


def test_rain_without_a_past_has_no_band_and_says_why():
    plot = weather.rain(SAY, daily("2024-11-01", "2024-11-06", 1.0), None)
    assert [key.name for key in plot.keys] == ["rain-total"]
    assert "At least 3 whole seasons" in plot.summary


def test_days_at_or_below_the_limit_are_marked_as_frost():
    low, high = daily("2024-11-01", "2024-11-05", [1.0, 0.0, -2.0, 3.0]), daily("2024-11-01", "2024-11-05", 36.0)
    season = xr.Dataset({"air_temperature_min": low, "air_temperature_max": high})
    plot = weather.temperature(SAY, season, None)
    assert columns(plot, "frost-days")["value"].tolist() == [0.0, -2.0]
    assert len(columns(plot, "heat-days")["value"]) == 4
    assert "2 days with minimum ≤ 0\u00a0°C and 4 with maximum ≥ 36\u00a0°C in 4 days" in plot.summary


def test_the_outlook_draws_median_and_span_of_the_members():
    row = {name: {"p10": 1.0, "p50": 2.0, "p90": 5.0} for name in ("air_temperature_min", "precipitation")}
    row["air_temperature_max"] = {"p10": 20.0, "p50": 22.0, "p90": 25.0}
    forecast = {
        "issue_time": "2025-06-15",
        "members": 12,
        "days": [{"day": "2025-06-15"} | row, {"day": "2025-06-16"} | row],
    }
    rain, heat = weather.outlook(SAY, forecast)
    assert columns(rain, "rain-ahead")["precipitation_p50"].tolist() == [2, 2]
    assert columns(heat, "air_temperature_max-fan")["air_temperature_max_p90"].tolist() == [25, 25]
    assert "over 2 days: 4\u00a0mm; the wettest day up to 5\u00a0mm" in rain.summary
    assert heat.figure.y_range.end == pytest.approx(27)
