"""What each crop is judged by, what is too old to be judged, and who is told wherever the outlines of the twins lie."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from shapely.geometry import box, mapping

from agritwin.config import read_yaml
from agritwin.products.alerts import from_crop, from_forecast, told
from tests.conftest import ROOT

ALERTS = read_yaml(ROOT / "config" / "config.yaml")["alerts"]
UNTIL = dt.datetime(2025, 1, 15, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def wet_and_cold():
    """Two days of warm rain, which Botryosphaeria likes, then a night of -4 degrees."""
    time = pd.date_range("2025-01-15 01:00", periods=72, freq="h")
    wet = np.arange(72) < 48
    units = {"air_temperature": "degC", "relative_humidity": "percent", "precipitation": "mm"}
    values = (np.where(wet, 22.0, -4.0), np.where(wet, 98.0, 60.0), np.where(wet, 1.0, 0.0))
    made = {
        name: (("member", "time"), one[None], {"units": units[name]}) for name, one in zip(units, values, strict=True)
    }
    return xr.Dataset(made, {"time": time}, {"source": "test"})


@pytest.mark.parametrize(
    ("species", "infected", "frost"),
    [("pistachio", True, "none"), ("olive", False, "serious"), ("wheat", False, "serious")],
)
def test_what_is_published_of_pistachio_judges_no_other_crop(wet_and_cold, species, infected, frost):
    judged = {one.rule: one.level for one in from_forecast(wet_and_cold, ALERTS, UNTIL, None, species, "dormant")}
    assert ("botryosphaeria" in judged) == infected
    assert judged.get("botryosphaeria") in (None, "serious")
    assert judged["frost"] == frost  # dormant pistachio bears -15 degrees


@pytest.mark.parametrize(("days", "count"), [(0, 1), (6, 1), (7, 1), (8, 0)])
def test_a_simulation_that_ended_before_yesterday_tells_no_drought(days, count):
    day = pd.date_range("2025-01-10", periods=12)
    dry = xr.Dataset(
        {
            "root_zone_depletion": (("member", "day"), np.full((1, 12), 90.0)),
            "readily_available_water": (("member", "day"), np.full((1, 12), 50.0)),
        },
        {"day": day},
    )
    assert len(from_crop(dry, ALERTS, UNTIL, UNTIL + dt.timedelta(days=days))) == count


def test_twins_are_told_by_distance_whether_their_outline_is_in_the_yaml_or_beside_it(tmp_path):
    (tmp_path / "twins").mkdir()
    east = 1 / 83_000  # a metre in degrees of longitude, roughly, at this latitude
    places = {"here": 0.0, "near": 400.0, "far": 5000.0}
    for name, metres in places.items():
        square = mapping(box(-4.8 + metres * east, 41.3, -4.8 + (metres + 100) * east, 41.301))
        (tmp_path / "twins" / f"{name}.yaml").write_text(yaml.safe_dump({"parcel": {"geometry": square}}))
    rows = told(tmp_path, "here", 1000.0)
    assert [(row["twin"], row["reason"]) for row in rows] == [("here", "self"), ("near", "near")]
    assert abs(rows[1]["distance_m"] - 300) < 10
