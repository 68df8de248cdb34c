import json

import pytest

from agritwin.errors import ConfigError
from agritwin.report import load


def test_nothing_is_opened_before_it_is_asked_for(tmp_path):
    twin = load(weather=tmp_path / "weather.json")
    (tmp_path / "weather.json").write_text('{"twin": "47-1-0-0-1-1-1", "issue_time": "2025-06-15"}')
    assert twin.product("weather") == {"twin": "47-1-0-0-1-1-1", "issue_time": "2025-06-15"}
    assert twin.code == "47-1-0-0-1-1-1"


def test_a_name_that_the_report_does_not_know_is_refused():
    with pytest.raises(ConfigError, match="yeild"):
        load(yeild="results/x/yield.json")


def test_what_is_missing_is_none_and_only_odd_reasons_are_told(tmp_path):
    (tmp_path / "damaged.json").write_text('{"twin":')
    nothing = {"store": "x.icechunk", "group": "ndvi", "snapshot": None, "reason": "the catalogue holds no scene"}
    (tmp_path / "nothing.json").write_text(json.dumps({"history": nothing, "season": nothing}))
    twin = load(weather=tmp_path / "absent.json", ndvi=tmp_path / "damaged.json", ndvi_pin=tmp_path / "nothing.json")
    assert twin.product("weather") is None
    assert twin.why("weather") == ""
    assert twin.product("ndvi") is None
    assert "damaged" in twin.why("ndvi")
    assert twin.cube("ndvi_season") is None
    assert "the catalogue holds no scene" in twin.why("ndvi_season")


def test_days_are_those_of_the_parcel(twin):
    days = twin.days("weather_season")
    assert str(days["day"].to_numpy()[0])[:10] == "2024-11-01"
    assert str(days["day"].to_numpy()[-1])[:10] == "2025-06-14"
    assert float(days["et0"].isnull().sum()) == 0


def test_the_parcel_is_drawn_in_the_metres_of_its_grid(twin):
    west, south, east, north = twin.polygon_in(twin.cube("terrain")).bounds
    assert (east - west, north - south) == pytest.approx((300, 250), abs=0.01)


def test_synthetic_input_makes_the_twin_synthetic(twin, paths, tmp_path):
    assert twin.synthetic
    observed = tmp_path / "weather.json"
    observed.write_text('{"twin": "a1", "synthetic": false}')
    assert not load(weather=observed).synthetic
    assert load(weather=observed, terrain=paths["terrain"]).synthetic
