"""What the holding wrote down of its irrigation reaches the roots; what nobody has written yet comes as needed."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.products.season import from_now_on, written_irrigation
from agritwin.simulation.orchard.management import Irrigation

TODAY = dt.date(2025, 6, 14)


def test_water_written_down_is_given_on_its_day_less_what_is_lost_on_the_way():
    days = pd.date_range("2025-06-10", "2025-06-14")
    context = pd.DataFrame({"irrigation_mm": [np.nan, 16.0]}, pd.DatetimeIndex(["2025-06-11", "2025-06-12"]))
    given = written_irrigation(context, xr.Dataset(coords={"day": days}))
    assert given.to_numpy() == pytest.approx([0.0, 0.0, 16.0 * Irrigation().efficiency, 0.0, 0.0])
    assert given.attrs["units"] == "mm"
    assert written_irrigation(pd.DataFrame(), xr.Dataset(coords={"day": days})).to_numpy().tolist() == [0.0] * 5


@pytest.mark.parametrize(("leaves", "first"), [(None, 15), (dt.date(2025, 4, 20), 15), (dt.date(2025, 6, 20), 20)])
def test_after_records_come_refills_from_tomorrow_but_not_before_the_leaves(leaves, first):
    ahead = from_now_on(Irrigation(first_day=leaves), "records", TODAY)
    assert (ahead.rule, ahead.first_day) == ("refill", dt.date(2025, 6, first))


def test_on_the_last_day_of_a_season_nothing_is_ahead():
    management = Irrigation(rule="none", first_day=dt.date(2025, 4, 20), last_day=TODAY)
    assert from_now_on(management, "records", TODAY) is management
    assert from_now_on(management, "records", TODAY - dt.timedelta(days=1)).rule == "refill"


@pytest.mark.parametrize("rule", ["none", "refill"])
def test_every_other_rule_goes_on_as_it_is(rule):
    management = Irrigation(rule=rule, first_day=dt.date(2025, 4, 20))
    assert from_now_on(management, rule, TODAY) is management
