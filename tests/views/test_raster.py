import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agritwin.views import raster
from agritwin.views.language import language


@given(arrays(np.float64, (3, 4), elements=st.floats(-1, 2)))
def test_bytes_keep_a_value_to_half_a_step(values):
    stored = raster.to_bytes(values, -1.0, 2.0)
    assert stored.dtype == np.uint8
    assert np.abs(stored / raster.STEPS * 3.0 - 1.0 - values).max() <= 3.0 / raster.STEPS / 2 + 1e-9


def test_missing_is_a_hole_and_what_lies_outside_is_at_the_ends():
    assert raster.to_bytes(np.array([np.nan, -5.0, 5.0]), 0.0, 1.0).tolist() == [raster.HOLE, 0, raster.STEPS]


def north_up():
    values = np.arange(12.0).reshape(3, 4)
    return xr.DataArray(values, {"y": [25.0, 15.0, 5.0], "x": [5.0, 15.0, 25.0, 35.0]}, ("y", "x"))


def test_a_cut_is_south_first_and_holds_the_cells_whose_centre_is_inside():
    part = raster.cut(north_up(), raster.Frame(10, 0, 40, 20))
    assert part.to_numpy().tolist() == [[9, 10, 11], [5, 6, 7]]
    assert raster.bounds(part) == {"x": 10, "y": 0, "dw": 30, "dh": 20}


def test_a_frame_stays_within_its_grid():
    frame = raster.Frame(-100, -100, 18, 100).within(north_up())
    assert frame == raster.Frame(0, 0, 18, 30)
    assert frame.aspect == pytest.approx(0.6)


def test_a_drawn_raster_is_named_placed_and_leaves_holes_empty():
    plot = raster.map_figure(raster.Frame(0, 0, 40, 30), language("es"))
    values = raster.cut(north_up().where(lambda cells: cells > 0), raster.Frame(0, 0, 40, 30))
    renderer = raster.draw(plot, values, 0.0, 11.0, raster.NDVI_COLOURS, "layer-0")
    image = renderer.data_source.data["image"][0]
    assert image[2, 0] == raster.HOLE
    assert image[0, 3] == raster.STEPS
    mapper = renderer.glyph.color_mapper
    assert (mapper.high, mapper.high_color) == (raster.STEPS, "rgba(0,0,0,0)")
    assert len(mapper.palette) == 255
