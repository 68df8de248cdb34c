"""WOFOST corrected by observations: what it is without them, what leaf area and stages teach, and real fields."""

import datetime

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import ConfigError
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.annual.parameters import sample
from agritwin.simulation.annual.weather import drivers
from agritwin.simulation.annual.wofost import simulate
from agritwin.simulation.assimilation.annual import SCALES, AnnualModel
from agritwin.simulation.assimilation.cycle import assimilate, open_loop
from agritwin.simulation.assimilation.observations import Observation
from benchmarks import wheat_fields

MEMBERS = 60
UNKNOWNS = ("TSUM1", "TDWI", "SLA_FACTOR", "AMAX_FACTOR")
STAGES = np.array([[0.0, 12.0], [1.0, 65.0], [2.0, 89.0]])
CROPPING = Cropping(datetime.date(2022, 1, 1), "emergence", production="potential")


@pytest.fixture(scope="module")
def spring():
    """Half a year of made-up weather."""
    day = pd.date_range("2022-01-01", periods=200)
    phase = np.sin(2 * np.pi * (np.arange(200) - 105) / 365)
    values = {
        "air_temperature_min": (4 + 9 * phase, "degC"),
        "air_temperature_max": (14 + 9 * phase, "degC"),
        "vapour_pressure": (0.9 + 0.4 * phase, "kPa"),
        "wind_speed": (np.full(200, 2.0), "m s-1"),
        "shortwave_radiation": (14 + 9 * phase, "MJ m-2 d-1"),
        "precipitation": (np.full(200, 2.0), "mm"),
    }
    weather = xr.Dataset(
        {name: ("day", data, {"units": units}) for name, (data, units) in values.items()}, {"day": day}
    )
    return drivers(weather, 47.0, 450.0, (0.25, 0.50))


def test_it_is_wofost_day_by_day(spring):
    parameters = sample("wheat", MEMBERS, 1)
    model = AnnualModel(spring, parameters, CROPPING)
    free, _ = open_loop(model, model.prior(*UNKNOWNS))
    grown = simulate(spring, parameters, None, CROPPING)
    for name in ("leaf_area_index", "development_stage"):
        np.testing.assert_array_equal(free[name], grown[name].fillna(0.0), err_msg=name)
    found = assimilate(model, model.prior(*UNKNOWNS), [SCALES[name] for name in UNKNOWNS], [])
    assert found.smoothed.equals(free)


def test_leaf_area_and_stages_of_a_truth_are_met(spring):
    secret = {"TSUM1": np.array([1230.0]), "TDWI": np.array([260.0]), "AMAX_FACTOR": np.array([1.1])}
    truth = AnnualModel(spring, sample("wheat", 1, 0, **secret), CROPPING, STAGES)
    course, _ = open_loop(truth, truth.prior(*UNKNOWNS))
    random, seen = np.random.default_rng(3), []
    for day in (80, 95, 110, 125):
        when = (datetime.date(2022, 1, 1) + datetime.timedelta(day), day)
        leaf = float(course["leaf_area_index"][0, day]) * (1 + 0.05 * random.standard_normal())
        stage = float(np.interp(course["development_stage"][0, day], *STAGES.T))
        seen.append(Observation(when[0], "leaf_area_index", leaf, 0.05 * leaf, "visit"))
        seen.append(Observation(when[0], "bbch", stage, 1.5, "stage"))
    model = AnnualModel(spring, sample("wheat", MEMBERS, 1), CROPPING, STAGES)
    prior = model.prior(*UNKNOWNS)
    found = assimilate(model, prior, [SCALES[name] for name in UNKNOWNS], seen)
    free, _ = open_loop(model, prior)
    for name in ("leaf_area_index", "development_stage"):
        before, after = (
            float(abs(run[name].mean("member") - course[name][0]).isel(day=slice(126, 160)).mean())
            for run in (free, found.smoothed)
        )
        assert after < 0.7 * before, name
    before, after = prior["TSUM1"], found.unknowns["TSUM1"]
    assert abs(after.mean() - 1230.0) < 0.75 * abs(before.mean() - 1230.0)
    assert after.std() < 0.9 * before.std()


def test_what_it_cannot_predict_is_refused(spring):
    model = AnnualModel(spring, sample("wheat", 3, 1), CROPPING)
    with pytest.raises(ConfigError, match="bbch"):
        assimilate(model, {}, [], [Observation(datetime.date(2022, 4, 1), "bbch", 31.0, 2.0, "visit")])


def test_real_fields_are_told_better_after_their_own_visits(shared, thorough):
    """The means of the table in docs/science.md."""
    if not thorough:
        pytest.skip("half a minute of computing: pytest --thorough, or python -m benchmarks.wheat_fields")
    table = wheat_fields.leave_one_out(shared).mean()
    assert table["visits", "lai"] < table["before", "lai"] < table["shipped", "lai"]
    assert table["visits", "bbch"] < table["before", "bbch"]
