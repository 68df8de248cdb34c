import numpy as np
import pytest
import xarray as xr
from shapely.geometry import Polygon

from agritwin.terrain import hillshade, slope_and_aspect
from agritwin.views import maps
from agritwin.views.language import language

SAY = language("en")
PARCEL = Polygon([(100, 100), (200, 100), (200, 180), (100, 180)])


@pytest.fixture
def terrain():
    y, x = np.arange(295.0, 0, -10), np.arange(5.0, 300, 10)
    east, north = np.meshgrid(x, y)
    altitude = xr.DataArray(0.05 * east + 3 * np.sin(north / 40), {"y": y, "x": x}, ("y", "x"))
    return slope_and_aspect(altitude).assign(surface_altitude=altitude)


def test_the_shade_from_slope_and_aspect_is_that_of_the_heights(terrain):
    assert maps.shade(terrain).to_numpy() == pytest.approx(hillshade(terrain["surface_altitude"]).to_numpy(), abs=1e-5)


def test_flat_land_is_lit_by_the_sine_of_the_sun_s_height(terrain):
    flat = terrain.assign(slope=terrain["slope"] * 0, aspect=terrain["aspect"] * np.nan)
    assert maps.shade(flat, elevation=30.0).to_numpy() == pytest.approx(0.5)


def test_layers_are_chosen_by_a_script_that_names_them_all(terrain):
    layers = [
        maps.slope_layer(terrain["slope"], "Slope", "Slope"),
        maps.depth_layer(terrain["slope"], "Depth", "Depth"),
    ]
    plot = maps.parcel_map(SAY, PARCEL, terrain, layers, "summary")
    (control,) = plot.controls
    assert control.options == ("Slope", "Depth", "Relief")
    (script,) = plot.figure.tags
    assert (script.name, [layer.name for layer in script.args["layers"]]) == ("map-layer", ["layer-0", "layer-1"])
    assert [layer.visible for layer in script.args["layers"]] == [True, False]
    assert control.ramps[0].title == "Slope (%)"
    assert control.ramps[-1] is None


def test_the_map_shows_the_parcel_with_its_surroundings_in_true_proportions(terrain):
    figure = maps.parcel_map(SAY, PARCEL, terrain, [], "summary").figure
    assert (figure.x_range.start, figure.x_range.end, figure.y_range.start, figure.y_range.end) == (0, 300, 0, 300)
    assert figure.aspect_ratio == 1
    (ring,) = figure.select_one({"name": "outline"}).data_source.data["xs"][0][0]
    assert sorted(set(ring)) == [100, 200]


def test_the_slider_starts_at_the_scene_asked_for_and_holds_all_frames():
    y, x = np.arange(295.0, 0, -10), np.arange(5.0, 300, 10)
    stack = xr.DataArray(np.ones((3, 30, 30)) * [[[0.1]], [[0.4]], [[0.9]]], {"y": y, "x": x}, ("time", "y", "x"))
    layer = maps.ndvi_layer(stack, "NDVI", "NDVI")
    plot = maps.leaf_through(SAY, "scenes", "t", "s", "Date", layer, ["a", "b", "c"], PARCEL, None, start=1)
    (script,) = plot.figure.tags
    frames, image = script.args["frames"].data["image"], script.args["image"].data["image"][0]
    assert [int(frame[0, 0]) for frame in frames] == [51, 127, 254]
    assert (image == frames[1]).all()
    assert plot.controls[0].start == 1


def test_shallow_water_is_drawn_dry_and_the_scale_ends_above_the_deepest(terrain):
    depth = xr.full_like(terrain["slope"], 0.004)
    depth[0, 0] = 0.83
    layer = maps.depth_layer(depth, "Depth", "Depth")
    assert int(layer.values.notnull().sum()) == 1
    assert layer.high == pytest.approx(0.9)


def test_long_animations_are_thinned_with_both_ends_kept():
    assert maps.thin(5).tolist() == [0, 1, 2, 3, 4]
    kept = maps.thin(1000)
    assert (kept[0], kept[-1], len(kept)) == (0, 999, maps.MOST_FRAMES)


def test_a_large_raster_is_coarsened_by_the_mean_or_by_the_deepest_cell():
    values = xr.DataArray(np.zeros((1, 400, 400)), dims=("time", "y", "x"), coords={"x": range(400), "y": range(400)})
    values[0, 101, 203] = 2.5
    coarse = maps.coarsen(values, 10_000, deepest=True)
    assert coarse.size <= 10_000
    assert float(coarse.max()) == 2.5
    assert float(maps.coarsen(values, 10_000).max()) == pytest.approx(2.5 / 16)
    assert maps.coarsen(values, values.size) is values
