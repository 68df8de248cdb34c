"""Predictions as runs of the record store: once each, with their score, and as the interface gives them."""

import datetime as dt

import pandas as pd
import pytest

from agritwin.api.stored import models
from agritwin.products.runs import Issue, keep_forecasts, keep_yield
from agritwin.records.database import reading
from agritwin.records.runs import products, runs

TWIN = "47-96-0-0-5-20-1"
ISSUE = Issue(TWIN, "Europe/Madrid", dt.date(2025, 6, 15), {"weather": "abc"})
SCORES = pd.DataFrame({"model": ["climatology", "damped_anomaly"], "crps": [1.9, 1.7], "n": [900, 900]})
VARIABLES = {
    "et0": {
        "units": "mm",
        "chosen": "damped_anomaly",
        "days": [pd.Timestamp("2025-06-15"), pd.Timestamp("2025-06-16")],
        "quantiles": {"0.05": [3.0, 3.1], "0.5": [5.0, 5.1], "0.95": [7.0, 7.1]},
        "scores": SCORES,
    }
}
PREDICTION = {"season": 2025, "model": "climatology", "low": 84.0, "value": 703.0, "high": 1322.0, "units": "kg/ha"}


def test_a_forecast_is_one_run_however_often_it_is_kept(store):
    assert keep_forecasts(store, ISSUE, VARIABLES) == keep_forecasts(store, ISSUE, VARIABLES)
    table = runs(store, TWIN, "forecast")
    assert table["scenario"].to_list() == ["et0"]
    manifest = table["manifest"][0]
    assert manifest["parameters"] == {"model": "damped_anomaly"}
    assert manifest["metrics"] == {"crps": 1.7, "n": 900.0}
    assert manifest["inputs"] == {"weather": "abc"}


def test_its_values_stand_at_the_local_midnight_of_their_day(store):
    (number,) = keep_forecasts(store, ISSUE, VARIABLES)
    table = products(store, number).set_index(["measure", "time"])["value"]
    assert table["et0_forecast_p50", pd.Timestamp("2025-06-14 22:00")] == 5.0
    assert table["et0_forecast_p95", pd.Timestamp("2025-06-15 22:00")] == 7.1
    assert len(table) == 6


def test_another_issue_is_another_run(store):
    later = Issue(TWIN, "Europe/Madrid", dt.date(2025, 6, 16), {"weather": "def"})
    assert keep_forecasts(store, ISSUE, VARIABLES) != keep_forecasts(store, later, VARIABLES)
    assert len(runs(store, TWIN)) == 2


def test_a_harvest_is_predicted_or_there_is_no_run(store):
    number = keep_yield(store, ISSUE, PREDICTION, SCORES)
    assert number is not None
    assert products(store, number)["value"].to_list() == [84.0, 703.0, 1322.0]
    assert keep_yield(store, ISSUE, None, SCORES) is None


def test_the_interface_lists_and_reads_runs_of_the_workflow(store):
    keep_forecasts(store, ISSUE, VARIABLES)
    span = (dt.datetime(2025, 6, 1, tzinfo=dt.UTC), dt.datetime(2025, 6, 30, tzinfo=dt.UTC))
    with reading(store) as connection:
        (listed,) = models.runs(connection, "forecast", span, None, None)
        found = models.results(connection, listed["id"])
    assert (listed["model_name"], listed["scenario_description"], listed["twin"]) == ("forecast", "et0", TWIN)
    assert set(found) == {f"et0_forecast_{word}" for word in ("p05", "p50", "p95")}
    assert [value for _, _, value, _ in found["et0_forecast_p50"]] == pytest.approx([5.0, 5.1])
