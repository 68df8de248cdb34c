"""Terrain and soil of the two sites."""

import json

import numpy as np
import pytest
import rasterio
import rasterio.features
import shapely

from scripts.archive.sites import SITES, parcel_utm

SITE_NAMES = [site.name for site in SITES]


@pytest.mark.parametrize("site", SITES, ids=SITE_NAMES)
def test_heights_are_gentle_and_cover_the_parcels(archive, site):
    path = archive / "terrain" / f"{site.name}.tif"
    assert path.stat().st_size < 350_000
    with rasterio.open(path) as file:
        assert file.res == (5.0, 5.0)
        assert (file.bounds.left % 5, file.bounds.top % 5) == (0, 0)
        assert file.dtypes == ("float32",)
        heights, bounds = file.read(1), shapely.box(*file.bounds)
    assert bounds.contains(shapely.unary_union([parcel_utm(p) for p in site.parcels]).buffer(200))
    assert 725 < heights.min() < heights.max() < 770
    assert np.abs(heights * 100 - np.round(heights.astype(float) * 100)).max() < 0.01
    slope = np.hypot(*np.gradient(heights.astype(float), 5.0))
    assert np.median(slope) < 0.04


def test_the_stream_runs_downhill_through_the_low_edge_of_the_first_parcel(archive):
    with rasterio.open(archive / "terrain" / "moraleja.tif") as file:
        heights, transform = file.read(1), file.transform
    inside = rasterio.features.geometry_mask([parcel_utm("47-96-0-0-5-20-1")], heights.shape, transform, invert=True)
    lowest = np.unravel_index(np.where(inside, heights, np.inf).argmin(), heights.shape)
    below = inside & (heights < heights[lowest] + 2.5)
    assert 0.02 < below.sum() / inside.sum() < 0.45
    assert heights[inside].max() - heights[inside].min() > 5
    assert heights[0].min() < heights[lowest] < heights[-1].min()


@pytest.mark.parametrize("site", SITE_NAMES)
def test_soil_answers_have_the_form_of_soilgrids_and_are_a_sandy_loam(archive, site):
    answer = json.loads((archive / "soil" / f"{site}.json").read_text())
    layers = {layer["name"]: layer for layer in answer["properties"]["layers"]}
    assert set(layers) == {"bdod", "cfvo", "clay", "phh2o", "sand", "silt", "soc"}
    means = {}
    for name, layer in layers.items():
        assert [depth["label"] for depth in layer["depths"]] == [
            "0-5cm", "5-15cm", "15-30cm", "30-60cm", "60-100cm", "100-200cm"
        ]  # fmt: skip
        for depth in layer["depths"]:
            values = depth["values"]
            assert all(isinstance(value, int) for value in values.values())
            assert values["Q0.05"] < values["mean"] < values["Q0.95"]
        means[name] = np.array([d["values"]["mean"] for d in layer["depths"]]) / layer["unit_measure"]["d_factor"]
    assert np.allclose(means["clay"] + means["sand"] + means["silt"], 100)
    # USDA sandy loam: sand over 52 percent and clay under 20
    assert (means["sand"] > 52).all()
    assert (means["clay"] < 20).all()
    assert (np.diff(means["soc"]) < 0).all()
