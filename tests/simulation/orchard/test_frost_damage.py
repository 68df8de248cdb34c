"""Frost by stage: the same night costs nothing in winter and the crop at bloom."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.simulation.orchard import parameters
from agritwin.simulation.orchard.frost_damage import frost_damage, killed_share, relative_yield


def grove(members: int = 1) -> xr.Dataset:
    days = {"bud_swell": "2024-03-25", "bloom": "2024-04-15", "fruit_set": "2024-04-27", "stage_2": "2024-06-05"}
    dates = {name: ("member", np.repeat(np.datetime64(day, "s"), members)) for name, day in days.items()}
    return xr.Dataset({**dates, "chill": ("member", np.ones(members))}, coords={"member": np.arange(members)})


@pytest.fixture
def calendar() -> xr.Dataset:
    days = {"bud_swell": "2024-03-25", "bloom": "2024-04-15", "fruit_set": "2024-04-27", "stage_2": "2024-06-05"}
    dates = {name: ("member", np.repeat(np.datetime64(day, "s"), 2)) for name, day in days.items()}
    dates["bloom"][1][1] = np.datetime64("2024-04-25", "s")
    return xr.Dataset({**dates, "chill": ("member", np.ones(2))}, coords={"member": [0, 1]})


@pytest.fixture
def trees() -> xr.Dataset:
    drawn = parameters.sample("pistachio", 2, seed=0)
    return drawn.isel(member=[0, 0]).assign_coords(member=[0, 1])


def nights(**cold: float) -> xr.DataArray:
    day = pd.date_range("2023-11-01", "2024-07-01", freq="D")
    lowest = xr.DataArray(np.full(len(day), 5.0), coords={"day": day}, dims="day")
    for date, value in cold.items():
        lowest.loc[{"day": date.replace("_", "-").removeprefix("d")}] = value
    return lowest


def test_a_tenth_and_nine_tenths_where_they_are_said_to_be() -> None:
    t10, t90 = xr.DataArray(-1.0), xr.DataArray(-4.0)
    found = killed_share(xr.DataArray([2.0, -1.0, -2.5, -4.0, -9.0]), t10, t90)
    np.testing.assert_allclose(found, [0.0, 0.1, 0.5, 0.9, 1.0])


def test_three_degrees_below_zero_in_january_and_in_bloom(calendar: xr.Dataset, trees: xr.Dataset) -> None:
    winter = frost_damage(nights(d2024_01_10=-3.0), calendar, trees)
    bloom = frost_damage(nights(d2024_04_20=-3.0), calendar, trees)
    assert winter["frost_damage"].values.tolist() == [0.0, 0.0]
    assert np.isnat(winter["frost_worst_day"]).all()
    assert bloom["frost_bloom"].values == pytest.approx([0.1 + 0.8 * 2 / 3, 0.0])
    assert bloom["frost_bud_swell"].values[1] == pytest.approx(0.0, abs=0.01)  # the late member is still in bud
    assert bloom["frost_worst_day"].values[0] == np.datetime64("2024-04-20")


def test_the_worst_night_of_a_stage_counts_once_and_stages_multiply(calendar: xr.Dataset, trees: xr.Dataset) -> None:
    twice = frost_damage(nights(d2024_04_18=-2.0, d2024_04_20=-2.5), calendar, trees).isel(member=0)
    assert twice["frost_bloom"].item() == pytest.approx(0.5)
    both = frost_damage(nights(d2024_04_20=-2.5, d2024_05_02=-2.5), calendar, trees).isel(member=0)
    assert both["frost_damage"].item() == pytest.approx(0.75)
    assert relative_yield(xr.DataArray(0.8), both).item() == pytest.approx(0.2)


CASES = 400


def springs(first: np.ndarray, cold: np.ndarray) -> xr.DataArray:
    """One night of frost for each case, as members."""
    rows = nights().expand_dims(member=CASES).copy()
    rows.values[np.arange(CASES), first] = np.minimum(rows.values[np.arange(CASES), first], cold)
    return rows


def lost(springs: xr.DataArray, species: str) -> np.ndarray:
    values = parameters.sample(species, 1, seed=0).isel(member=np.zeros(CASES, dtype=int))
    values = values.assign_coords(member=np.arange(CASES))
    return frost_damage(springs, grove(CASES), values)["frost_damage"].to_numpy()


@pytest.mark.parametrize("species", parameters.SPECIES)
def test_a_frost_that_comes_later_never_raises_the_yield(species: str) -> None:
    """Buds only lose hardiness up to the setting of the fruit; what comes when the shell is hard harms nothing here."""
    random = np.random.default_rng(4)
    last = int((grove()["stage_2"].values[0] - nights()["day"].values[0]) / np.timedelta64(1, "D")) - 1
    first, delay = random.integers(0, last, CASES), random.integers(0, 120, CASES)
    cold = random.uniform(-35.0, 1.0, CASES)
    early = lost(springs(first, cold), species)
    late = lost(springs(np.minimum(first + delay, last), cold), species)
    assert (late >= early - 1e-12).all()
    assert (late > early).sum() > CASES / 10
    assert early.max() > 0.9


@pytest.mark.parametrize("species", parameters.SPECIES)
def test_one_more_frost_or_a_harder_one_never_raises_the_yield(species: str) -> None:
    random = np.random.default_rng(5)
    one, other = random.integers(0, 240, (2, CASES))
    cold = random.uniform(-12.0, 1.0, CASES)
    less = lost(springs(one, cold), species)
    more = lost(np.minimum(springs(one, cold), springs(other, cold)), species)
    harder = lost(springs(one, cold - random.uniform(0, 10, CASES)), species)
    assert (more >= less - 1e-12).all()
    assert (harder >= less - 1e-12).all()
    assert (more > less).any()


def test_missing_nights_are_refused(calendar: xr.Dataset, trees: xr.Dataset) -> None:
    with pytest.raises(DataError, match="minimum"):
        frost_damage(nights(d2024_04_20=np.nan), calendar, trees)
