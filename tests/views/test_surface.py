"""The land in relief: what is near hides what is far, water lies where it stands, the page's script is complete."""

import numpy as np
import pytest
import xarray as xr
from shapely.geometry import box

from agritwin.terrain import slope_and_aspect
from agritwin.views import maps
from agritwin.views.language import language
from agritwin.views.raster import HOLE
from agritwin.views.surface import EARTH, EDGE, TALL, WIDE, _rgb, render, surface

FLAT = np.zeros((40, 40), np.float32)
LIT, NOTHING, DRY = (np.full((40, 40), value, np.uint8) for value in (255, 0, HOLE))


def test_flat_land_is_a_lozenge_with_an_edge_of_earth():
    image = render(FLAT, LIT, NOTHING, DRY, 2)
    assert image.shape == (TALL, WIDE)
    assert image[TALL // 3, WIDE // 2] != 0
    assert image[-1].max() == 0
    assert (image == _rgb(*EARTH)).any()


def test_a_wall_in_front_hides_what_lies_behind():
    height, edge = FLAT.copy(), NOTHING.copy()
    edge[30, 18:22] = 255
    height[4:8] = 1.0
    seen = (render(FLAT, LIT, edge, DRY, 0) == _rgb(*EDGE)).sum()
    hidden = (render(height, LIT, edge, DRY, 0) == _rgb(*EDGE)).sum()
    assert seen > 0
    assert hidden < seen
    assert (render(height, LIT, edge, DRY, 8) == _rgb(*EDGE)).sum() > 0


def test_deeper_water_is_darker_and_dry_land_has_none():
    shallow, deep = DRY.copy(), DRY.copy()
    shallow[20, 20], deep[20, 20] = 0, 254
    dry = render(FLAT, LIT, NOTHING, DRY, 0)
    for water in (shallow, deep):
        assert (render(FLAT, LIT, NOTHING, water, 0) != dry).sum() > 10
    assert (render(FLAT, LIT, NOTHING, shallow, 0) != render(FLAT, LIT, NOTHING, deep, 0)).any()


def test_a_full_turn_is_where_it_began():
    height = np.random.default_rng(1).random((40, 40)).astype(np.float32)
    assert np.array_equal(render(height, LIT, NOTHING, DRY, 0), render(height, LIT, NOTHING, DRY, 16))


@pytest.mark.parametrize("code", ["en", "es"])
def test_the_plot_has_both_sliders_and_all_that_its_script_names(code):
    y, x = np.arange(595.0, 0, -10), np.arange(5.0, 600, 10)
    altitude = xr.DataArray(0.05 * x[None, :] + 0 * y[:, None], {"y": y, "x": x}, ("y", "x"))
    terrain = slope_and_aspect(altitude).assign(surface_altitude=altitude)
    depth = xr.concat([altitude * 0, altitude * 0 + 0.4], "time")
    say = language(code)
    layer = maps.depth_layer(depth, "depth", "depth")
    plot = surface(say, "relief", "t", "s", layer, ["0 h", "1 h"], box(250, 250, 350, 350), terrain, 1, 150.0)
    assert [control.script for control in plot.controls] == ["relief-step", "relief-heading"]
    for script in plot.figure.tags:
        assert {"ground", "frames", "state", "image", "sizes"} <= set(script.args)
        assert "%s" not in script.code
    (stack,) = [s.args["frames"] for s in plot.figure.tags][:1]
    assert len(stack.data["image"]) == 2
