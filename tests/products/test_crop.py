"""The summary of an orchard: what it says of the water, and when it advises none."""

import datetime as dt

import numpy as np
import pytest
import xarray as xr

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
