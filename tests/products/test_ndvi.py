"""A parcel among its neighbours with the same crop, as their products stand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from agritwin.products.ndvi import among_neighbours, daily, neighbours

HERE = (41.27, -4.82)
START = np.datetime64("2024-11-01")


def publish(results: Path, twin: str, level: float, *, north: float = 0.01, species: str = "pistachio") -> None:
    folder = results / twin
    folder.mkdir(parents=True)
    parcel = {"latitude": HERE[0] + north, "longitude": HERE[1], "planting": {"species": species}}
    (folder / "parcel.json").write_text(json.dumps(parcel))
    smoothed = {"day": ["2025-06-07", "2025-06-08", "2025-06-09"], "value": [level, level, None]}
    (folder / "ndvi.json").write_text(json.dumps({"smoothed": smoothed}))


def curve(*values: float) -> xr.DataArray:
    days = np.array("2025-06-08", "datetime64[ns]") + np.arange(len(values)).astype("timedelta64[D]")
    return daily({"day": days.astype("datetime64[D]").astype(str).tolist(), "value": list(values)})


def told(results: Path) -> dict[str, Any]:
    return among_neighbours(curve(0.5, 0.6), START, neighbours(results, "mine", HERE, "pistachio"))


def test_the_newest_day_with_enough_neighbours_is_compared(tmp_path: Path) -> None:
    publish(tmp_path, "mine", 0.9)
    for twin, level in (("a", 0.3), ("b", 0.4), ("c", 0.7)):
        publish(tmp_path, twin, level)
    found = told(tmp_path)
    assert str(found["day"])[:10] == "2025-06-08", "on the ninth the neighbours have no value"
    assert found["outcome"] == "compared"
    assert (found["value"], found["median"], found["neighbours"]) == (0.5, 0.4, 3)
    assert found["difference"] == pytest.approx(0.1)
    assert found["rank"] == pytest.approx(2 / 3)
    assert found["z"] == pytest.approx(0.1 / (1.4826 * 0.1))
    assert found["twins"] == ["a", "b", "c"]


def test_other_crops_and_far_parcels_are_no_neighbours(tmp_path: Path) -> None:
    publish(tmp_path, "almonds", 0.3, species="almond")
    publish(tmp_path, "far", 0.3, north=0.6)
    assert told(tmp_path) == {"outcome": "no_neighbour"}
    (tmp_path / "new").mkdir()
    parcel = {"latitude": 41.27, "longitude": -4.82, "planting": {"species": "pistachio"}}
    (tmp_path / "new" / "parcel.json").write_text(json.dumps(parcel))
    assert told(tmp_path) == {"outcome": "no_neighbour"}, "one without a curve is none"


def test_two_neighbours_are_too_few_and_no_curve_is_said_to_be_none(tmp_path: Path) -> None:
    publish(tmp_path, "a", 0.3)
    publish(tmp_path, "b", 0.4)
    assert told(tmp_path) == {"outcome": "too_few"}
    assert among_neighbours(None, START, {})["outcome"] == "no_curve"


def test_of_many_neighbours_the_nearest_twenty_count(tmp_path: Path) -> None:
    for number in range(25):
        publish(tmp_path, f"n{number:02d}", 0.3, north=0.3 - 0.01 * number)
    assert sorted(neighbours(tmp_path, "mine", HERE, "pistachio")) == [f"n{number:02d}" for number in range(5, 25)]
