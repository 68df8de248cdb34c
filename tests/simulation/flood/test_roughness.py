"""Roughness by land cover: published values where something grows, the general one elsewhere; water feels it."""

import numpy as np
import pytest
import xarray as xr
from shapely.geometry import box

from agritwin.errors import DataError
from agritwin.simulation.flood import simulate
from agritwin.simulation.flood.library import coarsened
from agritwin.simulation.flood.roughness import MANNING, SIGPAC, manning_of, roughness


def test_each_cell_has_the_roughness_of_what_covers_its_centre(raster):
    land = raster(np.zeros((4, 6)), 10.0)
    west, north = float(land["x"][0]) - 5, float(land["y"].max()) + 5
    areas = [(box(west, north - 40, west + 30, north), "woodland"), (box(west, north - 20, west + 10, north), "CA")]
    found = roughness(land, areas, 0.05).sel(y=sorted(land["y"].to_numpy(), reverse=True)).to_numpy()
    expected = np.full((4, 6), 0.05)
    expected[:, :3], expected[:2, 0] = 0.1, 0.016
    assert found == pytest.approx(expected)


def test_rows_may_run_north_or_south(raster):
    land = raster(np.zeros((4, 6)), 10.0)
    areas = [(box(*map(float, (land["x"][0], land["y"].min(), land["x"][2], land["y"].min() + 12))), "scrub")]
    turned = land.isel(y=slice(None, None, -1))
    xr.testing.assert_allclose(roughness(turned, areas, 0.05).sortby("y"), roughness(land, areas, 0.05).sortby("y"))


def test_uses_of_sigpac_have_the_roughness_of_their_cover_or_none():
    assert manning_of("FS") == MANNING["orchard"]
    assert manning_of("ED") is None
    assert set(SIGPAC.values()) <= set(MANNING)


def test_a_cover_that_nobody_knows_is_refused(raster):
    with pytest.raises(DataError, match="moon"):
        roughness(raster(np.zeros((3, 3)), 10.0), [(box(0, 0, 10, 10), "moon")], 0.05)


def test_rough_land_holds_water_back_and_coarse_cells_keep_its_mean(raster, steady_rain):
    land = raster(np.tile(0.02 * 10.0 * np.arange(20, 0, -1)[:, None], (1, 6)), 10.0)
    rough = land.assign(manning=roughness(land, [(box(-1e7, -1e7, 1e7, 1e7), "woodland")], 0.03))
    out = {
        name: simulate(
            each, steady_rain(30.0, 1200.0), duration_s=1200.0, output_times_s=[], manning=each.get("manning", 0.03)
        )
        for name, each in (("smooth", land), ("rough", rough))
    }
    assert float(out["rough"]["outflow_volume"]) < 0.8 * float(out["smooth"]["outflow_volume"])
    assert coarsened(rough, 20.0)["manning"].to_numpy() == pytest.approx(0.1)
    assert "manning" not in coarsened(land, 20.0)
