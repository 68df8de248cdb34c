"""The summary of an orchard: what it says of the water, and when it advises none."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import ConfigError
from agritwin.products import crop
from agritwin.simulation.orchard.management import Irrigation
from agritwin.simulation.orchard.parameters import sample
from tests.products.test_assimilation import MEMBERS
from tests.simulation.orchard.conftest import orchard, season


@pytest.fixture(scope="module")
def run() -> tuple[xr.Dataset, xr.Dataset]:
    """A year without rain of a grove that nobody waters, and its calendar."""
    days = season(380, MEMBERS)
    days["precipitation"][:] = 0.0
    days["air_temperature_min"] = xr.full_like(days["et0"], 8.0)
    dates = {name: value for name, value in orchard().items() if isinstance(value, np.datetime64)}
    dates |= dict.fromkeys(("chill_met", "bud_swell", "bloom", "fruit_set"), dates["leaf_out"])
    stages = xr.Dataset({name: ("member", np.repeat(day.astype("M8[s]"), MEMBERS)) for name, day in dates.items()})
    stages["chill"] = ("member", np.full(MEMBERS, 60.0))
    return crop.run(days, sample("pistachio", MEMBERS, 1), stages, Irrigation()), stages


def test_trees_are_what_stood_there_since_they_were_planted():
    """A grove that is a year old is not the vines whose summers the images remember."""
    time = pd.to_datetime(["2023-07-01", "2023-07-11", "2023-07-21", "2024-07-01", "2024-07-11", "2024-07-21"])
    ndvi = xr.Dataset({"ndvi_mean": ("time", [0.6] * 3 + [0.2] * 3), "usable": ("time", [1] * 6)}, {"time": time})
    site = {"latitude": 41.0, "soil": None}
    settings = {"members": 40, "seed": 1, "initial_depletion_share": 0.3}
    planting = {"species": "almond", "canopy_cover": None, "canopy_height_m": None, "year": None}

    def cover(scenes, at=site, **known):
        members, source = crop.parameters(at, planting | known, settings, scenes, 2025)
        return members["cover_maximum"], source

    assert float(cover(ndvi)[0][0]) == pytest.approx(1.26 * 0.6 - 0.18)
    assert float(cover(ndvi, year=2024)[0][0]) == pytest.approx(1.26 * 0.2 - 0.18)
    told, source = cover(ndvi.isel(time=slice(0, 2)), year=2018)
    assert "prior" in source
    assert float(told[0]) == pytest.approx(0.5 * (7 / 14) ** 2)
    told, source = cover(None)
    assert "prior" in source
    assert float(told.std()) > 0.08  # as wide as the species' range, where nothing is known
    assert "prior" in cover(ndvi, site | {"latitude": -33.0})[1]  # its summers are others


@pytest.mark.parametrize(
    ("start", "latitude", "better"), [("2024-11-01", -33.0, "05-01"), ("2025-05-01", 41.0, "11-01")]
)
def test_a_season_of_trees_that_begins_in_spring_is_refused(start, latitude, better):
    with pytest.raises(ConfigError, match=f"latitude {latitude:.1f}.*{better}"):
        crop.check_season(dt.date.fromisoformat(start), latitude)
    assert crop.check_season(dt.date(2025, 5, 1), -33.0)
    assert not crop.check_season(dt.date(2024, 11, 1), 41.0)


def test_evergreens_are_watered_before_they_bloom(run):
    _, stages = run
    refill = {"rule": "refill", "wetted_fraction": 0.3, "system": "drip", "threshold_share_of_raw": 0.9}
    refill |= {"maximum_mm_per_day": 6.0}
    winter = dt.date(2024, 2, 1)
    assert crop.manage(stages, refill, winter).rule == "none"
    evergreen = stages.assign_attrs(evergreen=1)
    assert crop.manage(evergreen, refill, winter).rule == "refill"
    told = crop.summary(run[0], evergreen, Irrigation(), winter, 7)["stages"]
    assert not {"full_canopy", "leaf_fall"} & {row["stage"] for row in told}


@pytest.mark.parametrize(
    ("last", "needed"),
    [("2024-02-01", False), ("2024-08-01", True), ("2024-11-05", False)],
    ids=["before the leaves", "with leaves", "after them"],
)
def test_a_dry_orchard_is_watered_while_it_has_leaves(
    run: tuple[xr.Dataset, xr.Dataset], last: str, needed: bool
) -> None:
    system = Irrigation(maximum_mm_per_day=3.0)
    found = crop.summary(*run, system, dt.date.fromisoformat(last), 7)
    assert found["depletion_mm"] > 0.5 * found["raw_mm"]
    advice = found["advice"]
    assert (advice["probability"] == 1.0) == needed
    assert advice["mm"] == pytest.approx(7 * 3.0 / system.efficiency if needed else 0.0)
    assert advice["left_short"] == float(needed)
    assert advice["days"] == 7
