"""A parcel among its neighbours with the same crop, by the scenes that were known the day before."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from agritwin import workspace
from agritwin.products.ndvi import among_neighbours, by_day, neighbours
from agritwin.vegetation.store import write_scenes
from agritwin.workspace import write_json

HERE = (41.27, -4.82)
START = np.datetime64("2024-11-01")
TODAY = "2025-06-10"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def scenes(level: float, *days: str) -> xr.Dataset:
    """A cube of one pixel; the scene of the seventh of June is not usable."""
    time = np.array([f"{day}T11:00:00" for day in days], "datetime64[ns]")
    return xr.Dataset(
        {
            "ndvi": (("time", "y", "x"), np.full((len(days), 1, 1), level, "f4")),
            "ndvi_mean": ("time", np.full(len(days), level)),
            "usable": ("time", np.array([day != "2025-06-07" for day in days])),
            "platform": ("time", np.array(["sentinel-2a"] * len(days))),
        },
        {"time": time, "y": [0.0], "x": [0.0]},
    )


def publish(
    twin: str, level: float, *, north: float = 0.01, species: str = "pistachio", clock: str = "2025-06-09"
) -> None:
    """Describe a twin and, under a clock, write its scenes."""
    parcel = {"latitude": HERE[0] + north, "longitude": HERE[1], "planting": {"species": species}}
    write_json(workspace.RESULTS / twin / "parcel.json", parcel)
    write_json(workspace.CLOCK, {"as_of": clock})
    write_scenes(workspace.cube("ndvi", twin)[0], None, scenes(level, "2025-06-07", "2025-06-08"), "scenes")


def own(*values: float) -> xr.DataArray:
    days = np.array("2025-06-08", "datetime64[ns]") + np.arange(len(values)).astype("timedelta64[D]")
    return by_day(xr.DataArray(list(values), {"time": days + np.timedelta64(11, "h")}, ("time",)))


def told() -> dict[str, Any]:
    return among_neighbours(own(0.5, 0.6), START, neighbours(workspace.RESULTS, "mine", HERE, "pistachio", TODAY))


def test_the_newest_scene_that_enough_neighbours_have_is_compared() -> None:
    publish("mine", 0.9)
    for twin, level in (("a", 0.3), ("b", 0.4), ("c", 0.7)):
        publish(twin, level)
    found = told()
    assert str(found["day"])[:10] == "2025-06-08", "on the ninth the neighbours have no scene"
    assert found["outcome"] == "compared"
    assert (found["value"], found["median"], found["neighbours"]) == (0.5, 0.4, 3)
    assert found["difference"] == pytest.approx(0.1)
    assert found["rank"] == pytest.approx(2 / 3)
    assert found["z"] == pytest.approx(0.1 / (1.4826 * 0.1))
    assert found["twins"] == ["a", "b", "c"]


def test_other_crops_and_far_parcels_are_no_neighbours() -> None:
    publish("almonds", 0.3, species="almond")
    publish("far", 0.3, north=0.6)
    assert told() == {"outcome": "no_neighbour"}
    write_json(workspace.RESULTS / "new" / "parcel.json", {
        "latitude": 41.27, "longitude": -4.82, "planting": {"species": "pistachio"},
    })  # fmt: skip
    assert told() == {"outcome": "no_neighbour"}, "one without a scene is none"


def test_two_neighbours_are_too_few_and_no_scene_is_said_to_be_none() -> None:
    publish("a", 0.3)
    publish("b", 0.4)
    assert told() == {"outcome": "too_few"}
    assert among_neighbours(None, START, {})["outcome"] == "no_scene"


def test_it_does_not_matter_whether_neighbours_were_made_first_or_last() -> None:
    for twin, level in (("a", 0.3), ("b", 0.4), ("c", 0.7)):
        publish(twin, level)
    first = told()
    publish("d", 0.8, clock=TODAY)
    assert told() == first, "a twin that was made today is a neighbour from tomorrow on"
    store, _ = workspace.cube("ndvi", "a")
    write_scenes(store, None, scenes(0.9, "2025-06-08", "2025-06-09"), "a new scene, an older one made better")
    assert told() == first, "nor does it matter who saw today's scene first"
    assert len(neighbours(workspace.RESULTS, "mine", HERE, "pistachio", "2025-06-11")) == 4


def test_of_many_neighbours_the_nearest_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agritwin.products.ndvi.MOST_NEIGHBOURS", 4)
    for number in range(6):
        publish(f"n{number}", 0.3, north=0.3 - 0.01 * number)
    found = neighbours(workspace.RESULTS, "mine", HERE, "pistachio", TODAY)
    assert list(found) == ["n5", "n4", "n3", "n2"]
