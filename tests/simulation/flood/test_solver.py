"""Inputs that are refused, edges, and what the dataset says."""

import numpy as np
import pytest
import xarray as xr

from agritwin.errors import ConfigError, DataError
from agritwin.simulation.flood import (
    DischargeEdge,
    FreeEdge,
    PointInflow,
    StageEdge,
    parcel_summary,
    simulate,
)

FLAT = np.zeros((6, 8))


def pool(raster, **options):
    wanted = {"duration_s": 100, "output_times_s": [100], "boundaries": "closed"} | options
    return simulate(raster(FLAT, 5.0), wanted.pop("rain", None), **wanted)


def test_dataset_is_labelled(raster, steady_rain):
    result = pool(raster, rain=steady_rain(36, 100), output_times_s=[0, 50, 100], gauges={"weir": (12, 12)})
    assert result["water_depth"].dims == ("time", "y", "x")
    assert result["time"].to_numpy().tolist() == [0, 50, 100]
    assert all("units" in v.attrs and "long_name" in v.attrs for v in result.data_vars.values())
    assert result["water_depth"].attrs["standard_name"] == "flood_water_thickness"
    assert result.attrs["synthetic"] == "true"
    assert result["water_depth"][:, 2, 2].to_numpy() == pytest.approx([0, 0.0005, 0.001], rel=1e-5)
    assert float(result["gauge_depth"].sel(gauge="weir")[-1]) == pytest.approx(0.001, rel=1e-5)
    assert float(result["stored_volume"]) == pytest.approx(0.001 * 48 * 25)


def test_records_of_a_filling_pool(raster):
    """1 m3/s into 1200 m2 rises 1 mm in 1.2 s: arrival, durations and maxima follow by hand."""
    result = pool(
        raster, duration_s=600, output_times_s=[600], inflows=[PointInflow(12, 12, [0, 300, 301], [1, 1, 0])],
        monitor_step_s=1, thresholds_m=(0.1, 0.2),
    )  # fmt: skip
    assert float(result["water_depth"][0].mean()) == pytest.approx(300.5 / 1200, rel=1e-6)
    assert 0 < float(result["water_depth_max"].median()) - 300.5 / 1200 < 0.02  # it sloshes
    assert float(result["arrival_time"].median()) == pytest.approx(120, abs=12)
    assert result["duration_above"].median(["y", "x"]).to_numpy() == pytest.approx([480, 360], abs=15)
    summary = parcel_summary(result, xr.ones_like(result["arrival_time"], dtype=bool))
    assert summary["share_over_10_cm_percent"] == 100
    assert summary["share_over_30_cm_percent"] == 0
    assert 480 / 3600 < summary["hours_above"]["0.1"] <= 600 / 3600  # longest where the water comes in
    assert summary["first_arrival_s"] < 120
    assert float(result["inflow_volume"]) == pytest.approx(300.5, rel=1e-6)


def test_hazard_of_a_steady_stream(raster):
    """Uniform flow: q = 0.5 m2/s on a slope of 0.01 with n = 0.05 runs 0.43 m deep (Manning), 1.16 m/s fast."""
    bed = np.tile(0.01 * (800 - (np.arange(80) + 0.5) * 10), (3, 1))
    result = simulate(
        raster(bed, 10.0), None, duration_s=3600, output_times_s=[3600], manning=0.05, boundaries={"east": "free"},
        inflows=[DischargeEdge("west", [0], [15.0])],
    )  # fmt: skip
    depth = (0.5 * 0.05 / np.sqrt(0.01)) ** (3 / 5)
    speed = 0.5 / depth
    middle = result.isel(x=slice(30, 70), y=1)
    assert middle["water_depth"][0].to_numpy() == pytest.approx(depth, rel=0.005)
    assert middle["velocity_x"][0].to_numpy() == pytest.approx(speed, rel=0.005)
    assert middle["hazard_max"].to_numpy() == pytest.approx(depth * (speed + 0.5), rel=0.02)
    assert float(result["outflow_rate"][-1]) == pytest.approx(15.0, rel=1e-3)


def test_stage_edge_fills_the_basin_to_its_level(raster):
    result = pool(raster, boundaries=[StageEdge("north", [0, 600], [0, 0.4])], duration_s=3600, output_times_s=[3600])
    assert result["water_depth"][0].to_numpy() == pytest.approx(0.4, abs=3e-3)
    assert float(result["inflow_volume"] - result["outflow_volume"]) == pytest.approx(0.4 * 48 * 25, rel=5e-3)


def test_free_edge_lets_nothing_in_and_only_where_it_is(raster, steady_rain):
    bed = np.tile(np.linspace(0, 1, 8), (6, 1))
    options = {"duration_s": 7200, "output_times_s": [7200], "manning": 0.03}
    gate = simulate(raster(bed, 5.0), steady_rain(60, 600), boundaries=[FreeEdge("west", 10, 15)], **options)
    wall = simulate(raster(bed, 5.0), steady_rain(60, 600), boundaries={"east": "free"}, **options)
    assert float(gate["outflow_volume"]) > 0.9 * float(gate["rain_volume"])
    assert float(wall["outflow_volume"]) == 0
    assert float(wall["inflow_volume"]) == 0


def test_raised_bed_is_a_building(raster):
    bed = FLAT.copy()
    bed[2:4, 3:5] = 8.0
    result = simulate(
        raster(bed, 5.0), None, duration_s=600, output_times_s=[600], boundaries="closed",
        inflows=[PointInflow(2.5, 2.5, [0], [1.0])],
    )  # fmt: skip
    assert (result["water_depth_max"].to_numpy()[2:4, 3:5] == 0).all()
    assert float(result["water_depth"].max()) == pytest.approx(600 / (44 * 25), rel=0.05)


@pytest.mark.parametrize(("slope", "expected"), [(0.0005, "false"), (0.1, "true")])
def test_advection_is_on_where_flow_can_be_fast(raster, steady_rain, slope, expected):
    bed = np.tile(slope * 5 * np.arange(8.0), (6, 1))
    result = simulate(raster(bed, 5.0), steady_rain(10, 60), duration_s=60, output_times_s=[60])
    assert result.attrs["advection"] == expected


def with_gap(terrain):
    return terrain.where(terrain["x"] > 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_gap, "6 cells without a height"),
        (lambda t: t.rename(surface_altitude="height"), "no variable surface_altitude"),
        (lambda t: t.expand_dims(time=2), "has dimensions"),
        (lambda t: t.assign_coords(x=t["x"] * 2), "not square"),
        (lambda t: t.isel(x=slice(None, None, -1)), "not square"),
    ],
)
def test_unfit_terrain_is_refused(raster, change, reason):
    with pytest.raises(DataError, match=reason):
        simulate(change(raster(FLAT, 5.0)), None, duration_s=10, output_times_s=[10])


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"manning": 0.0}, DataError, "manning"),
        ({"manning": xr.DataArray(np.ones((2, 2)), dims=("y", "x"))}, DataError, "manning has shape"),
        ({"initial_depth": -1.0}, DataError, "initial_depth"),
        ({"boundaries": "open"}, ConfigError, "free and closed"),
        ({"boundaries": {"up": "free"}}, ConfigError, "sides are"),
        ({"boundaries": [FreeEdge("west", 500, 600)]}, ConfigError, "No cell"),
        ({"inflows": [PointInflow(500, 5, [0], [1])]}, DataError, "outside the terrain"),
        ({"inflows": [PointInflow(5, 5, [0, 0], [1, 1])]}, ConfigError, "ascending"),
        ({"inflows": [DischargeEdge("west", [0], [-1])]}, ConfigError, "positive"),
        ({"output_times_s": [200]}, ConfigError, "output"),
        ({"precision": "f16"}, ConfigError, "f32 or f64"),
        ({"advection": "maybe"}, ConfigError, "auto"),
        ({"thresholds_m": (0.3, 0.1)}, ConfigError, "ascend"),
    ],
)
def test_impossible_options_are_refused_with_a_remedy(raster, options, error, reason):
    with pytest.raises(error, match=reason) as caught:
        pool(raster, **options)
    assert caught.value.remedy


def test_summary_needs_a_parcel(raster):
    result = pool(raster)
    with pytest.raises(DataError, match="0 cells inside"):
        parcel_summary(result, xr.zeros_like(result["arrival_time"], dtype=bool))
    dry = parcel_summary(result, xr.ones_like(result["arrival_time"], dtype=bool))
    assert dry["first_arrival_s"] is None
    assert dry["max_depth_m"] == 0
