"""Rasters of rain in time: over the land above a parcel they say what a gauge there says."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pyproj import CRS
from shapely.geometry import Point, box

from agritwin.alerts.live import RainReading
from agritwin.config import read_yaml
from agritwin.errors import AgritwinError, DataError
from agritwin.geometry import to_crs
from agritwin.products.gauges import from_gauges, gauges
from agritwin.products.rain_rasters import catchment_cells, falls
from agritwin.sensors.rain_raster import read_rain_raster, store_rain
from agritwin.simulation.flood.storms import read_rain
from agritwin.terrain import drainage
from tests.conftest import ROOT

ALERTS = read_yaml(ROOT / "config" / "config.yaml")["alerts"]
UNTIL = dt.datetime(2025, 6, 15, tzinfo=dt.UTC)
UTM = CRS.from_epsg(32630)
UPSTREAM = (np.array([500_500.0, 500_600.0]), np.array([4_600_500.0, 4_600_600.0]), UTM)
TIMES = pd.date_range("2025-06-14 20:15", periods=4, freq="15min")
HARD = [5.0, 20.0, 10.0, 5.0]


def composite(units="mm", factor=1.0, **attributes):
    """Cells of 1 km, of which the one at (500500, 4600500) has hard rain."""
    rain = np.zeros((4, 3, 3))
    rain[:, 1, 1] = np.array(HARD) * factor
    return xr.Dataset(
        {
            "rain": (("time", "y", "x"), rain, {"units": units, "grid_mapping": "crs"} | attributes),
            "crs": ((), 0, UTM.to_cf()),
        },
        {"time": TIMES, "y": [4_601_500.0, 4_600_500.0, 4_599_500.0], "x": [499_500.0, 500_500.0, 501_500.0]},
    )


def kept(dataset, folder, name="radar.zarr"):
    path = folder / name
    if name.endswith(".zarr"):
        dataset.to_zarr(path, consolidated=False)
    else:
        dataset.to_netcdf(path, engine="scipy")
    return path


def levels(told):
    return {one.rule: (one.level, one.value) for one in from_gauges(told, ALERTS, None, None, None)}


@pytest.mark.parametrize(("name", "units", "factor"), [("a.zarr", "mm", 1), ("a.nc", "mm", 1), ("a.zarr", "mm h-1", 4)])
def test_a_cell_of_hard_rain_upstream_is_the_danger_that_its_gauge_measures(engine, tmp_path, name, units, factor):
    told = store_rain(engine, "t", read_rain_raster(kept(composite(units, factor), tmp_path, name)), UPSTREAM)
    assert "4 readings stored, 0 known before; 40.0 mm over t" in told
    gauge = [
        RainReading("g", time.to_pydatetime().replace(tzinfo=dt.UTC), mm) for time, mm in zip(TIMES, HARD, strict=True)
    ]
    found = levels(gauges(engine, "t", UNTIL))
    assert found == levels({"g": gauge})
    assert found["downpour"] == ("mid", 40.0)


def test_the_same_file_again_changes_nothing_and_rain_elsewhere_is_none_here(engine, tmp_path):
    raster = read_rain_raster(kept(composite(), tmp_path))
    store_rain(engine, "t", raster, UPSTREAM)
    assert "0 readings stored, 4 known before" in store_rain(engine, "t", raster, UPSTREAM)
    beside = (UPSTREAM[0] + 1000.0, UPSTREAM[1], UTM)
    assert raster.over(*beside).tolist() == [0.0] * 4


def test_land_below_two_cells_has_their_mean(tmp_path):
    raster = read_rain_raster(kept(composite(), tmp_path))
    half = (np.array([500_500.0, 501_500.0]), np.array([4_600_500.0, 4_600_500.0]), UTM)
    assert raster.over(*half).tolist() == [mm / 2 for mm in HARD]


def test_degrees_need_no_grid_mapping(tmp_path):
    dataset = composite().drop_vars("crs").rename(x="longitude", y="latitude")
    dataset = dataset.assign_coords(longitude=[-3.01, -3.0, -2.99], latitude=[41.56, 41.55, 41.54])
    raster = read_rain_raster(kept(dataset, tmp_path))
    assert raster.over(np.array([-3.001]), np.array([41.551]), CRS.from_epsg(4326)).tolist() == HARD


def without_values(dataset):
    return dataset.assign(rain=dataset["rain"].copy(data=np.full(dataset["rain"].shape, np.nan)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.assign(rain=d["rain"].assign_attrs(units="dBZ")), "rain in 'dBZ'.*'mm'"),
        (lambda d: d.drop_vars("crs"), "reference system.*grid mapping"),
        (lambda d: d.isel(time=[0]), "fewer than two different times.*several intervals"),
        (lambda d: d.assign(rain=d["rain"].copy(data=d["rain"].data - 1.0)), "negative rain.*_FillValue"),
        (lambda d: d.isel(x=[0]), "one cell wide.*two cells"),
        (lambda d: d.assign_coords(x=d["x"] + 50_000), "does not cover.*covers the parcel"),
        (without_values, "no value over t.*radar sees"),
    ],
)
def test_what_is_no_rain_here_is_a_sentence_with_a_remedy(engine, tmp_path, change, says):
    path = kept(change(composite()), tmp_path)
    with pytest.raises(DataError, match=says):
        store_rain(engine, "t", read_rain_raster(path), UPSTREAM)


@pytest.mark.parametrize("content", [b"no NetCDF", b"\x89HDF\r\n\x1a\nand then nothing"])
def test_what_cannot_be_opened_is_told(tmp_path, content):
    (tmp_path / "x.nc").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be opened.*Zarr or NetCDF"):
        read_rain_raster(tmp_path / "x.nc")


def test_a_file_that_the_library_of_netcdf4_wrote_is_the_same_rain(tmp_path):
    """Packed in two bytes, compressed, minutes since, bounds of time, an unlimited dimension; mm h-1."""
    written = read_rain_raster(ROOT / "tests" / "reference" / "rain_netcdf4.nc")
    known = read_rain_raster(kept(composite(), tmp_path))
    xr.testing.assert_allclose(written.rain.drop_vars("time"), known.rain.drop_vars("time"))
    assert written.crs == known.crs
    assert (written.rain["time"].to_numpy() == known.rain["time"].to_numpy()).all()


FLOOD = {"storm_depth_mm": 60.0, "storm_duration_h": 2.0, "simulated_h": 3.0, "rain_raster": None}
LAND = xr.Dataset(coords={"y": 4_600_995.0 - 100 * np.arange(12), "x": 499_905.0 + 100 * np.arange(12)})


def test_rain_on_a_terrain_is_that_of_the_cell_above_it_and_lasts_as_long(tmp_path):
    file = kept(composite(), tmp_path)
    rain, storm = falls(LAND, 32630, FLOOD | {"rain_raster": str(file)})
    under = (LAND["y"] > 4_600_000) & (LAND["x"] > 500_000) & (LAND["x"] < 501_000)
    sums = rain.sum("time")
    assert (sums.where(under, 40.0) == sum(HARD)).all()
    assert (sums.where(~under, 0.0) == 0).all()
    assert storm == {"depth_mm": pytest.approx(40 * float(under.mean())), "duration_h": 1.0}
    assert read_rain(rain, (12, 12)).bounds_s.tolist() == [0, 900, 1800, 2700, 3600]


def test_a_scenario_overrules_the_raster_of_the_twin_and_the_other_way_round(tmp_path):
    own = FLOOD | {"rain_raster": str(kept(composite(), tmp_path))}
    assert falls(LAND, 32630, own, {"depth_mm": 90.0})[1] == {"depth_mm": 90.0, "duration_h": 2.0}
    assert falls(LAND, 32630, FLOOD)[1] == {"depth_mm": 60.0, "duration_h": 2.0}
    assert falls(LAND, 32630, FLOOD, {"rain_raster": own["rain_raster"]})[1]["duration_h"] == 1.0


@pytest.mark.parametrize(
    ("change", "flood", "says"),
    [
        (lambda d: d.where(d["x"] < 501_000), {}, "4 intervals with gaps on the terrain.*every cell"),
        (lambda d: d.isel(x=slice(0, 2)), {}, "does not cover.*all of its terrain"),
        (lambda d: d, {"simulated_h": 0.5}, "lasts 1 h, and 0.5 h are simulated.*simulated_h"),
    ],
)
def test_a_raster_that_cannot_drive_a_flood_is_refused(tmp_path, change, flood, says):
    dataset = composite()
    file = kept(change(dataset[["rain"]]).assign(crs=dataset["crs"]), tmp_path)
    with pytest.raises(AgritwinError, match=says):
        falls(LAND, 32630, FLOOD | {"rain_raster": str(file)} | flood)


def test_land_is_what_drains_to_the_parcel_and_without_terrain_a_place_in_it():
    x, y = 500_005.0 + 10 * np.arange(20), 4_600_195.0 - 10 * np.arange(20)
    slope = np.broadcast_to(5.0 - 0.1 * np.arange(20.0)[:, None], (20, 20)).copy()
    altitude = xr.DataArray(slope, {"y": y, "x": x}, ("y", "x"))
    terrain = xr.merge([altitude.rename("surface_altitude"), drainage(altitude, 1e6)])
    terrain["spatial_ref"] = ((), 0, {"crs_wkt": UTM.to_wkt()})
    parcel = to_crs(box(500_050, 4_600_050, 500_100, 4_600_080), 32630, 4326)
    xs, ys, _ = catchment_cells(parcel, terrain)
    assert ys.max() == y.max()  # the top of the slope drains to it
    assert (xs.min(), xs.max(), ys.min()) == (500_055.0, 500_095.0, 4_600_055.0)
    (longitude,), (latitude,), crs = catchment_cells(parcel, None)
    assert parcel.contains(Point(longitude, latitude))
    assert crs.to_epsg() == 4326
