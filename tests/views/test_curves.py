import numpy as np
import pytest
import xarray as xr

from agritwin.views import floods, forecasts, harvests, vegetation, water
from agritwin.views.language import language

SAY = language("en")


def columns(plot, renderer):
    return plot.figure.select_one({"name": renderer}).data_source.data


@pytest.fixture
def scenes():
    time = np.arange("2025-03-01", "2025-03-31", 10, dtype="datetime64[D]").astype("datetime64[ns]")
    mean = np.array([0.2, 0.3, 0.1])
    return xr.Dataset(
        {
            **{f"ndvi_{name}": ("time", mean + step) for name, step in (("mean", 0), ("p10", -0.1), ("p90", 0.1))},
            "valid_share": ("time", [1.0, 0.2, 0.9]),
            "usable": ("time", [True, False, False]),
            "offset_suspect": ("time", [False, False, True]),
        },
        {"time": time},
    )


def test_usable_clouded_and_doubtful_scenes_are_drawn_apart(scenes):
    plot = vegetation.season_curve(SAY, scenes, {})
    assert columns(plot, "ndvi-usable")["mean"].tolist() == [0.2]
    assert columns(plot, "ndvi-clouded")["mean"].tolist() == [0.3]
    assert columns(plot, "ndvi-suspect")["mean"].tolist() == [0.1]
    assert plot.figure.select_one({"name": "ndvi-clouded"}).glyph.fill_color is None
    assert "1 of 3 scenes" in plot.summary


def test_the_smoothed_curve_is_cut_to_the_season(scenes):
    product = {
        "band": {"day": ["2025-02-01", "2025-04-01"], "p10": [0.1, None], "p90": [0.2, None]},
        "smoothed": {"day": ["2024-06-01", "2025-02-01", "2025-03-01"], "value": [0.5, 0.2, 0.25]},
    }
    plot = vegetation.season_curve(SAY, scenes, product)
    assert columns(plot, "ndvi-smooth")["value"].tolist() == [0.2, 0.25]
    assert np.isnan(columns(plot, "ndvi-band")["low"][1])


def test_the_highest_value_of_a_running_season_is_no_peak():
    phenology = {"status": "running", "start": "2025-03-01", "peak": "2025-06-01", "end": None}
    assert [vegetation.phase_day(phenology, phase) for phase in vegetation.PHASES] == ["2025-03-01", None, None]
    assert vegetation.phase_day(phenology | {"status": "complete"}, "peak") == "2025-06-01"
    assert vegetation.phase_day("too few scenes", "start") is None


def series(**changes):
    day = np.arange("2025-06-13", "2025-06-17", dtype="datetime64[D]").astype("datetime64[ns]")
    values = {
        "day": day,
        "low": np.array([10.0, 20, 28, 30]),
        "middle": np.array([10.0, 20, 30, 40]),
        "high": np.array([10.0, 20, 33, 55]),
        "readily": np.full(4, 35.0),
        "total": np.full(4, np.nan),
        "rain": np.array([2.0, 3, np.nan, np.nan]),
        "irrigation": np.array([0.0, 5, 0, 9]),
        "issue": np.datetime64("2025-06-15", "ns"),
    }
    return water.WaterSeries(**(values | changes))


def test_depletion_is_drawn_downwards_with_what_is_known_of_its_limits():
    plot = water.depletion(SAY, series(), "summary")
    assert plot.figure.y_range.start > 55
    assert plot.figure.y_range.end == 0
    assert {key.name for key in plot.keys} == {"depletion", "depletion-band", "limit-readily"}


def test_supply_counts_the_days_that_have_been_and_stacks_irrigation_on_rain():
    plot = water.supply(SAY, series(), water.depletion(SAY, series(), "s").figure.x_range)
    assert "So far: 5\u00a0mm of rain and 5\u00a0mm of simulated irrigation" in plot.summary
    noted = water.supply(SAY, series(), plot.figure.x_range, "records").summary
    assert "5\u00a0mm of irrigation by the diary and what was seen" in noted
    bars = columns(plot, "supply-irrigation")
    assert (bars["top"] - bars["base"]).tolist() == [0, 5, 0, 9]


def test_members_give_their_quantiles_by_day():
    values = xr.DataArray(np.arange(11.0)[:, None] * [1.0, 2.0], dims=("member", "day"))
    assert [part.tolist() for part in water.members(values)] == [[1, 2], [5, 10], [9, 18]]


FORECAST = {
    "units": "degC",
    "days": ["2025-06-15", "2025-06-16"],
    "quantiles": {"0.05": [5.0, 4.0], "0.25": [7.0, 7.0], "0.5": [9.0, 10.0], "0.95": [14.0, 16.0]},
    "recent": {"day": ["2025-06-14"], "value": [8.5]},
    "chosen": "sarimax",
}


def test_the_fan_reaches_from_the_lowest_to_the_highest_quantile():
    plot = forecasts.fan(SAY, "air_temperature", FORECAST)
    assert columns(plot, "air_temperature-fan")["low"].tolist() == [5, 4]
    assert columns(plot, "air_temperature-fan")["high"].tolist() == [14, 16]
    assert columns(plot, "air_temperature-recent")["value"].tolist() == [8.5]
    assert "90\u00a0% interval between 4.0\u00a0°C and 16.0\u00a0°C" in plot.summary


def test_scores_mark_the_model_that_is_published():
    rows = [
        {"model": "climatology", "rmse": 2.0, "crps": 1.0, "coverage_90": 0.9, "crps_skill": 0.0},
        {"model": "sarimax", "rmse": 1.5, "crps": 0.8, "coverage_90": 0.88, "crps_skill": 0.2},
    ]
    table = forecasts.scores(SAY, rows, "sarimax", "°C", "caption")
    assert table.header == ("Model", "RMSE (°C)", "CRPS (°C)", "90 % coverage", "Skill")
    assert table.rows[1] == ("seasonal ARIMA · published", "1.50", "0.80", "88\u00a0%", "20\u00a0%")
    assert table.marks == ("plain", "good")


def test_a_prediction_adds_its_season_and_interval():
    past = [{"season": 2023, "kg_per_ha": 900.0}, {"season": 2024, "kg_per_ha": 1100.0}]
    prediction = {"season": 2025, "value": 1000.0, "low": 600.0, "high": 1900.0}
    plot = harvests.harvests(SAY, past, prediction, "summary")
    assert plot.figure.x_range.factors == ["2023", "2024", "2025"]
    assert plot.figure.y_range.end > 1900
    assert columns(plot, "harvest-bars")["value"].tolist() == [900, 1100]
    alone = harvests.harvests(SAY, past, None, "summary")
    assert alone.figure.x_range.factors == ["2023", "2024"]


def test_the_hydrograph_tells_peak_and_hour_and_leaves_out_what_never_flows():
    seconds = ("monitor_time", [0.0, 3600.0, 7200.0], {"units": "s"})
    flood = xr.Dataset(
        {"outflow_rate": ("monitor_time", [0.0, 3.5, 1.0]), "inflow_rate": ("monitor_time", [0.0, 0.0, 0.0])},
        {"monitor_time": seconds},
    )
    plot = floods.hydrograph(SAY, flood)
    assert [key.name for key in plot.keys] == ["outflow_rate"]
    assert "Peak of 3.50\u00a0m³/s, 1\u00a0h 00\u00a0min after" in plot.summary
    assert floods.hydrograph(SAY, flood * 0) is None
