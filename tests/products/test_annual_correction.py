"""The season of a field corrected by images, probes and the harvest."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.products import annual
from agritwin.products import annual_correction as product
from agritwin.simulation.annual.canopy import CLOSED_NDVI, SOIL_NDVI, cover, cover_from_ndvi, leaf_area_from_cover
from agritwin.simulation.annual.management import Cropping
from tests.products.test_annual import CROP, WHEAT, site
from tests.simulation.annual.conftest import wageningen

CROPPING = Cropping(dt.date(1988, 1, 1), start="emergence")
LAST = dt.date(1988, 8, 31)
NOTHING = pd.DataFrame(index=pd.date_range("1988-01-01", LAST))


@pytest.fixture(scope="module")
def weather() -> xr.Dataset:
    days = annual.for_growth(wageningen(1988).sel(day=slice(None, str(LAST))), site())
    return days.expand_dims(member=np.arange(12)).assign_coords(latitude=51.97)


@pytest.fixture(scope="module")
def members() -> xr.Dataset:
    return annual.parameters(site(), WHEAT, CROP)


@pytest.fixture(scope="module")
def free(weather: xr.Dataset, members: xr.Dataset) -> xr.Dataset:
    return annual.run(weather, members, CROPPING)


def scenes(free: xr.Dataset, days: list[str], share: float) -> xr.Dataset:
    """Scenes that see a share of the leaf area that the middle member has."""
    leaves = share * free["leaf_area_index"].median("member").sel(day=days).to_numpy()
    ndvi = SOIL_NDVI + (CLOSED_NDVI - SOIL_NDVI) * cover(leaves)
    time = pd.DatetimeIndex(days) + pd.Timedelta(hours=11)
    return xr.Dataset({"ndvi_mean": ("time", ndvi), "usable": ("time", np.ones(len(days)))}, {"time": time})


GREEN = ["1988-04-10", "1988-04-25", "1988-05-10", "1988-05-25"]


def test_images_count_while_the_crop_is_green_and_probes_every_third_day(free: xr.Dataset) -> None:
    seen = scenes(free, ["1988-01-01", *GREEN], 1.0)
    seen["time"] = pd.DatetimeIndex(["1987-12-20T11", *seen["time"].to_numpy()[1:]])
    context = NOTHING.assign(soil_moisture_30cm=np.where(NOTHING.index < "1988-03-10", 0.25, np.nan))
    found = product.observations(
        seen, context.loc["1988-03-01":], site(soil=site()["soil"] | {"root_depth_m": 1.0}), free
    )
    areas = [one for one in found if one.quantity == "leaf_area_index"]
    assert [str(one.day) for one in areas] == GREEN
    assert areas[0].value == pytest.approx(float(leaf_area_from_cover(cover_from_ndvi(seen["ndvi_mean"][1].item()))))
    assert areas[-1].error > areas[0].error  # closing stands look alike
    water = [one for one in found if one.quantity == "soil_moisture"]
    assert len(water) == 3
    assert {one.bias for one in water} == {"probe_bias"}
    assert product.observations(None, context, site(soil=None), free) == []


@pytest.mark.parametrize(
    ("column", "weighed", "expected"),
    [("harvest_dry_per_area", [4000.0, 2000.0], 6000.0), ("harvest_dry", [30_000.0, 30_000.0], 6000.0)],
)
def test_a_harvest_weighed_dry_is_one_observation_on_its_last_day(
    free: xr.Dataset, column: str, weighed: list[float], expected: float
) -> None:
    context = NOTHING.assign(**{column: np.nan})
    context.loc[["1988-08-10", "1988-08-12"], column] = weighed
    (found,) = product.observations(None, context, site(soil=None, area_ha=10.0), free)
    assert (found.quantity, str(found.day), found.value) == ("yield", "1988-08-12", expected)
    assert found.error == pytest.approx(600.0)
    if column == "harvest_dry":
        assert product.observations(None, context, site(soil=None, area_ha=None), free) == []


def test_fewer_scenes_than_three_correct_nothing_and_say_so(
    weather: xr.Dataset, members: xr.Dataset, free: xr.Dataset
) -> None:
    seen = product.observations(scenes(free, GREEN[:2], 0.5), NOTHING, site(soil=None), free)
    found = product.correct(weather, members, CROPPING, seen, 1, LAST)
    assert found.outcome == "Not enough scenes: 2 since emergence, at least 3 are needed; 0 other observations."
    xr.testing.assert_identical(found.parameters, members)


def test_sparse_leaves_in_images_make_the_field_s_leaves_sparser(
    weather: xr.Dataset, members: xr.Dataset, free: xr.Dataset
) -> None:
    seen = product.observations(scenes(free, GREEN, 0.6), NOTHING, site(soil=None), free)
    found = product.correct(weather, members, CROPPING, seen, 1, LAST)
    assert found.outcome == "4 observations, 4 of them from images."
    run = annual.run(weather, found.parameters, CROPPING)
    for day in GREEN[1:]:
        before, after = (float(each["leaf_area_index"].median("member").sel(day=day)) for each in (free, run))
        assert 0.6 * before <= after < 0.95 * before, day
    told = product.told(found, run, free, LAST)
    assert told["used"] == 4
    assert told["open_loop"]["leaf_area_index"] == float(free["leaf_area_index"].isel(day=-1).median())
    for row in told["observations"]:
        assert row["shown"] == pytest.approx(float(cover(row["value"])))
    learnt = {row["unknown"] for row in told["unknowns"]}
    assert learnt <= set(product.GROWTH)
    assert "SLA_FACTOR" in learnt


def test_a_wet_soil_in_probes_is_believed_within_its_bias(
    weather: xr.Dataset, members: xr.Dataset, free: xr.Dataset
) -> None:
    place = site(soil=site()["soil"] | {"root_depth_m": 1.0})
    context = NOTHING.assign(soil_moisture_30cm=0.05 + float(members["SMFCF"].median()))
    seen = product.observations(None, context.loc["1988-02-01":"1988-04-30"], place, free)
    found = product.correct(weather, members, CROPPING, seen, 1, LAST)
    assert float(found.parameters["SMFCF"].median()) > float(members["SMFCF"].median())
    told = product.told(found, annual.run(weather, found.parameters, CROPPING), free, LAST)
    (bias,) = (row["posterior"]["p50"] for row in told["unknowns"] if row["unknown"] == "probe_bias")
    assert 0.0 < bias < 0.05 + 0.03
    used = [row["shown"] for row in told["observations"] if row["verdict"] in ("good", "supported")]
    assert used
    assert max(abs(value) for value in used) < 60.0  # mm, less the bias
