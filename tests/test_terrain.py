import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from agritwin.errors import DataError
from agritwin.terrain import drainage, hillshade, parcel_summary, slope_and_aspect


def grid(heights, cell=5.0):
    heights = np.asarray(heights, float)
    rows, columns = heights.shape
    x, y = (np.arange(columns) + 0.5) * cell, (rows - np.arange(rows) - 0.5) * cell
    return xr.DataArray(heights, {"y": y, "x": x}, ("y", "x"), attrs={"units": "m"})


def plane(rise_east, rise_north, rows=30, columns=40, cell=5.0):
    flat = grid(np.zeros((rows, columns)), cell)
    return flat + 100 + flat["x"] * rise_east + flat["y"] * rise_north


# Worked examples of the ArcGIS documentation for the same method: a 3 x 3 window, cell of 5 m.
def test_slope_of_a_published_worked_example():
    window = grid([[50, 45, 50], [30, 30, 30], [8, 10, 10]])
    assert float(slope_and_aspect(window)["slope"][1, 1]) == pytest.approx(75.25762, abs=1e-4)


def test_aspect_of_a_published_worked_example():
    window = grid([[101, 92, 85], [101, 92, 85], [101, 91, 84]])
    assert float(slope_and_aspect(window)["aspect"][1, 1]) == pytest.approx(92.64, abs=0.01)


def test_hillshade_of_a_published_worked_example():
    window = grid([[2450, 2461, 2483], [2452, 2461, 2483], [2447, 2455, 2477]])
    # The documentation rounds between its steps and prints 153.82 of 255.
    assert 255 * float(hillshade(window)[1, 1]) == pytest.approx(153.82, abs=0.3)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_plane_has_one_slope_and_aspect_to_its_very_edge(east, north):
    found = slope_and_aspect(plane(east, north, 5, 6))
    assert found["slope"].values == pytest.approx(np.degrees(np.arctan(np.hypot(east, north))), abs=1e-4)
    if np.hypot(east, north) > 1e-6:
        difference = found["aspect"].values - np.degrees(np.arctan2(-east, -north))
        assert np.abs((difference + 180) % 360 - 180).max() < 1e-2


@pytest.mark.parametrize(("east", "north", "aspect"), [(0, -0.1, 0), (-0.1, 0, 90), (0, 0.1, 180), (0.1, 0, 270)])
def test_a_slope_faces_the_way_it_falls(east, north, aspect):
    assert slope_and_aspect(plane(east, north))["aspect"].values[3, 3] == pytest.approx(aspect)


def test_flat_land_faces_nowhere():
    found = slope_and_aspect(plane(0, 0))
    assert (found["slope"] == 0).all()
    assert found["aspect"].isnull().all()
    assert hillshade(plane(0, 0)).values == pytest.approx(np.sin(np.radians(45)))


def valley(rows=40, columns=41):
    """Two hillsides of 10 % that meet in a channel which falls southwards by 1 %."""
    flat = grid(np.zeros((rows, columns)))
    middle = float(flat["x"][columns // 2])
    return flat + 100 + 0.1 * abs(flat["x"] - middle) + 0.01 * flat["y"]


def test_a_valley_gathers_its_slopes_in_the_channel():
    found = drainage(valley(), stream_area_m2=41 * 25 * 3)
    columns = np.flatnonzero(found["stream"].any("y"))
    assert columns.tolist() == [20]
    # Every row of 41 cells of 25 m2 reaches the channel, which leaves the grid at its southern end.
    assert float(found["upstream_area"][-1, 20]) == 40 * 41 * 25
    assert float(found["upstream_area"][4, 20]) == 5 * 41 * 25


def test_height_above_drainage_is_the_height_above_the_channel():
    land = valley()
    found = drainage(land, stream_area_m2=41 * 25 * 3)
    height = found["height_above_nearest_drainage"].values[5:]
    above_channel = (land - land.isel(x=20)).values[5:]
    assert height == pytest.approx(above_channel, abs=1e-4)


def test_water_that_leaves_without_meeting_a_stream_has_no_drainage_height():
    found = drainage(plane(0, 0.02), stream_area_m2=1e9)
    assert found["height_above_nearest_drainage"].isnull().all()
    assert not found["stream"].any()


def test_a_pit_is_filled_and_drains():
    """A hole 5 m deep near the top gathers its neighbours' water and passes it on, no lower than its rim."""
    land = plane(0, 0.02)
    land[5, 20] -= 5
    found = drainage(land, stream_area_m2=900)
    # Without the hole each column carries at most 30 cells of 25 m2; with it one beside it carries more: the stream.
    (column,) = np.flatnonzero(found["stream"].any("y"))
    assert abs(column - 20) <= 1
    assert float(found["height_above_nearest_drainage"][5, 20]) > 0
    assert float(found["height_above_nearest_drainage"].min()) >= 0


def test_missing_heights_stay_missing():
    land = plane(0, 0.02)
    land[:5, :5] = np.nan
    found = drainage(land, stream_area_m2=500)
    assert found["upstream_area"][:5, :5].isnull().all()
    assert found["upstream_area"][6:, 6:].notnull().all()


@given(st.integers(0, 2**32 - 1))
def test_no_water_is_lost(seed):
    """What drains through the cells whose water leaves the grid adds up to the whole area."""
    land = grid(np.random.default_rng(seed).normal(100, 3, (12, 15)))
    found = drainage(land, stream_area_m2=200)
    leaving = found["flow_direction"].values == 0
    assert float(found["upstream_area"].values[leaving].sum()) == pytest.approx(12 * 15 * 25)


def test_the_summary_of_a_parcel():
    land = plane(0.03, 0.04)
    parts = {"surface_altitude": land} | dict(slope_and_aspect(land).data_vars)
    parts["height_above_nearest_drainage"] = drainage(land, 1000)["height_above_nearest_drainage"]
    parcel = box(50, 50, 100, 100)
    summary = parcel_summary(xr.Dataset(parts), parcel)
    assert summary["slope_mean_percent"] == pytest.approx(5.0, abs=1e-3)
    assert summary["altitude_mean_m"] == pytest.approx(100 + 75 * 0.07)
    assert summary["aspect_deg"] == pytest.approx(np.degrees(np.arctan2(-3, -4)) % 360, abs=1e-3)
    assert summary["altitude_min_m"] < summary["altitude_mean_m"] < summary["altitude_max_m"]
    assert summary["drainage_min_m"] is not None


def test_water_leaves_over_the_edge_and_does_not_run_along_it():
    found = drainage(plane(0, 0.02), 500)
    assert set(found["flow_direction"].values[-1]) == {0}
    assert set(found["upstream_area"].values[-1]) == {30 * 25.0}


def test_a_transposed_grid_is_refused():
    with pytest.raises(DataError, match="not y and x"):
        drainage(plane(0, 0.1).transpose("x", "y"), 500)


@pytest.mark.parametrize(
    ("east", "north", "code"), [(-1, 0, 1), (-1, 1, 2), (0, 1, 4), (1, 1, 8), (1, 0, 16), (0, -1, 64)]
)
def test_water_on_a_plane_runs_straight_down(east, north, code):
    found = drainage(plane(east / 50, north / 50), 500)["flow_direction"]
    assert set(np.unique(found[1:-1, 1:-1])) == {code}


def test_a_grid_that_runs_from_south_to_north_is_refused():
    with pytest.raises(DataError, match="north-west to south-east"):
        slope_and_aspect(plane(0, 0.1).isel(y=slice(None, None, -1)))


def test_real_lidar_terrain_drains_through_its_gully(recorded_terrain):
    found = drainage(recorded_terrain, stream_area_m2=20_000)
    gully = recorded_terrain.where(found["stream"] == 1)
    assert 0.005 < float(found["stream"].mean()) < 0.1
    assert float(gully.median()) < float(recorded_terrain.median())
    assert float(found["height_above_nearest_drainage"].min()) >= 0


@pytest.fixture
def recorded_terrain():
    from pathlib import Path

    from agritwin.sources.heights import ascii_grid

    path = Path(__file__).parents[2] / "shared/providers/eo_samples/dem/bijou_gully_5m.asc"
    if not path.exists():
        pytest.skip("the recorded lidar grid is not here")
    cells, transform = ascii_grid(path.read_text())
    return grid(cells, transform.a)
