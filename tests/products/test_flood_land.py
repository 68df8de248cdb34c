"""What covers the land, as a file says it: read, laid on the terrain, and part of what a library rests on."""

import json

import numpy as np
import pytest
import xarray as xr
from pyproj import CRS
from shapely.geometry import box, mapping

from agritwin.errors import DataError
from agritwin.geometry import to_crs
from agritwin.products.flood import with_roughness
from agritwin.products.library import mark
from agritwin.simulation.flood.library import Plan

WEST, NORTH = 350_000.0, 4_570_000.0
PLAN = Plan((30.0,), (1.0, 6.0), (0.0, 1.0), 20.0, 78.0, 0.05)


@pytest.fixture
def terrain():
    y, x = NORTH - 10.0 * np.arange(12), WEST + 10.0 * np.arange(12)
    reference = xr.DataArray(0, attrs={"crs_wkt": CRS.from_epsg(32630).to_wkt()})
    return xr.Dataset(
        {"surface_altitude": (("y", "x"), np.zeros((12, 12)))}, {"y": y, "x": x, "spatial_ref": reference}
    )


def written(path, **properties):
    polygon = to_crs(box(WEST - 5, NORTH - 55, WEST + 55, NORTH + 5), 32630, 4326)
    path.write_text(json.dumps({"type": "Feature", "properties": properties, "geometry": mapping(polygon)}))
    return {"land_cover": str(path), "manning": 0.05}


@pytest.mark.parametrize(("told", "n"), [({"land_cover": "woodland"}, 0.1), ({"uso_sigpac": "TA"}, 0.04)])
def test_the_file_s_areas_have_their_roughness_and_the_rest_the_general_one(terrain, tmp_path, told, n):
    found = with_roughness(terrain, written(tmp_path / "cover.geojson", **told))["manning"].to_numpy()
    assert (found[:5, :5] == n).all()
    assert (found[7:] == 0.05).all()
    assert (found[:, 7:] == 0.05).all()


def test_a_feature_that_says_nothing_is_named(terrain, tmp_path):
    with pytest.raises(DataError, match="feature 1, says nothing"):
        with_roughness(terrain, written(tmp_path / "cover.geojson", name="field"))


def test_without_a_file_the_terrain_is_as_it_was_and_a_library_knows_the_difference(terrain, tmp_path):
    assert with_roughness(terrain, {"land_cover": None, "manning": 0.05}) is terrain
    rough = with_roughness(terrain, written(tmp_path / "cover.geojson", land_cover="scrub"))
    parcel = box(WEST, NORTH - 50, WEST + 50, NORTH)
    assert mark(terrain, parcel, PLAN) != mark(rough, parcel, PLAN)
