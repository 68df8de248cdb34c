"""What must hold for any terrain: water is conserved, never negative, blind to direction, threads and dry land."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agritwin.simulation.flood import DischargeEdge, PointInflow, simulate

PROPERTY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MASS = {"f32": 1e-7, "f64": 1e-12}


def rough(seed, shape=(40, 60), relief=2.0):
    """Hills and hollows: sums of random cosines."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    waves = [np.cos(rng.uniform(-0.5, 0.5) * x + rng.uniform(-0.5, 0.5) * y + rng.uniform(0, 6)) for _ in range(6)]
    return relief * sum(waves) / 6 + 0.05 * rng.standard_normal(shape)


def run(raster, steady_rain, bed, **options):
    wanted = {"duration_s": 400, "output_times_s": [200, 400], "boundaries": "closed", "cell": 4.0} | options
    return simulate(raster(bed, wanted.pop("cell")), steady_rain(120, 300), **wanted)


@PROPERTY
@given(
    seed=st.integers(0, 10_000),
    precision=st.sampled_from(["f32", "f64"]),
    advection=st.booleans(),
    boundaries=st.sampled_from(["closed", "free"]),
    relief=st.floats(0, 20),
)
def test_volume_closes_and_nothing_is_negative(raster, steady_rain, seed, precision, advection, boundaries, relief):
    result = run(
        raster, steady_rain, rough(seed, relief=relief), precision=precision, advection=advection, boundaries=boundaries
    )
    assert abs(float(result["mass_error_relative"])) < MASS[precision]
    assert float(result["water_depth"].min()) > -1e-6
    assert float(result["rain_volume"]) == pytest.approx(0.120 * 300 / 3600 * 40 * 60 * 16, rel=1e-9)
    assert np.isfinite(result["speed_max"]).all()
    assert float(result["outflow_volume"]) > 0 or boundaries == "closed"


@PROPERTY
@given(seed=st.integers(0, 10_000), axis=st.sampled_from([0, 1]), advection=st.booleans())
def test_mirrored_terrain_gives_the_mirrored_flood(raster, steady_rain, seed, axis, advection):
    bed = rough(seed)
    there = run(raster, steady_rain, bed, precision="f64", advection=advection, duration_s=200, output_times_s=[200])
    back = run(
        raster, steady_rain, np.flip(bed, axis), precision="f64", advection=advection, duration_s=200,
        output_times_s=[200],
    )  # fmt: skip
    mirrored = np.flip(back["water_depth"][0].to_numpy(), axis)
    assert np.abs(mirrored - there["water_depth"][0].to_numpy()).max() < 1e-9


def test_turned_terrain_gives_the_turned_flood(raster, steady_rain):
    bed = rough(5, (40, 40))
    there = run(raster, steady_rain, bed, precision="f64", advection=True)
    turned = run(raster, steady_rain, bed.T.copy(), precision="f64", advection=True)
    assert np.abs(turned["water_depth"][1].to_numpy().T - there["water_depth"][1].to_numpy()).max() < 1e-9


@pytest.mark.parametrize("advection", [False, True])
def test_number_of_threads_changes_no_bit(raster, steady_rain, advection):
    bed = rough(3, (61, 90))
    one, two, three = (
        run(raster, steady_rain, bed, threads=n, advection=advection, boundaries="free") for n in (1, 2, 3)
    )
    for name in one:
        assert one[name].to_numpy().tobytes() == two[name].to_numpy().tobytes() == three[name].to_numpy().tobytes()


def test_row_order_and_datum_do_not_matter(raster, steady_rain):
    bed = rough(9)
    there = run(raster, steady_rain, bed, precision="f32", advection=True)
    terrain = raster(bed + 1500.0, 4.0).isel(y=slice(None, None, -1))
    high = simulate(
        terrain, steady_rain(120, 300), duration_s=400, output_times_s=[200, 400], boundaries="closed", advection=True
    )
    difference = high.sortby("y")["water_depth"] - there["water_depth"]
    assert float(np.abs(difference).max()) < 1e-3
    north = high.sortby("y")["velocity_y"][1] - there["velocity_y"][1]
    assert float(np.abs(north).mean()) < 1e-3


def test_dry_land_is_left_alone_and_does_not_change_the_wet(raster):
    """A source in a corner of a wide plain floods it as it floods a plain just wide enough."""
    inflow = [PointInflow(42.5, 42.5, [0], [1.0])]
    wide, narrow = (
        simulate(
            raster(np.zeros((n, n)), 5.0), None, duration_s=600, output_times_s=[600], inflows=inflow,
            boundaries="closed", precision="f64",
        )["water_depth"][0].to_numpy()
        for n in (120, 60)
    )  # fmt: skip
    assert np.abs(wide[:60, :60] - narrow).max() < 1e-12
    assert (narrow[-1] == 0).all()
    assert narrow.sum() * 25 == pytest.approx(600, rel=1e-12)


def test_drizzle_on_deep_water_is_not_lost_in_single_precision(raster):
    """0.1 mm/h on 4 m of water is below the last digit of a float32 depth at every single step."""
    rain = xr.DataArray([0.1], {"time": [3600.0]}, ("time",), attrs={"units": "mm h-1"})
    result = simulate(
        raster(np.zeros((6, 6)), 10.0), rain, duration_s=3600, output_times_s=[3600], boundaries="closed",
        initial_depth=4.0,
    )  # fmt: skip
    risen = float(result["water_depth"][0].astype(float).mean()) - 4.0
    assert risen == pytest.approx(1e-4, abs=5e-7)
    assert abs(float(result["mass_error_relative"])) < 1e-7


def test_flood_wave_in_a_rough_steep_valley_stays_sane(raster):
    """A dam failure of 300 m3/s down a valley of 1.5 %: speeds stay near those of uniform flow, water is conserved."""
    rng = np.random.default_rng(0)
    x, y = np.meshgrid((np.arange(200) + 0.5) * 10, (np.arange(60) + 0.5) * 10)
    bed = -0.015 * x + 4e-4 * (y - 300) ** 2 + rng.normal(0, 0.3, x.shape)
    result = simulate(
        raster(bed - bed.min(), 10.0), None, duration_s=1200, output_times_s=[600, 1200], manning=0.04,
        inflows=[DischargeEdge("west", [0, 120, 900, 1200], [0, 300, 300, 0], 250, 350)], boundaries={"east": "free"},
    )  # fmt: skip
    assert result.attrs["advection"] == "true"
    assert float(result["speed_max"].max()) < 12
    assert float(result["water_depth_max"].max()) < 5
    assert float(result["outflow_volume"]) > 0.3 * float(result["inflow_volume"])
    assert abs(float(result["mass_error_relative"])) < 1e-7
    assert float(result["water_depth"].min()) > -1e-6
