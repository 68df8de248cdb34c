"""The NDVI cube of a parcel."""

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from rasterio.features import geometry_mask

from agritwin.errors import DataError
from agritwin.geometry import to_crs
from agritwin.vegetation.cube import ndvi_cube
from agritwin.vegetation.parcel_statistics import parcel_statistics

# Median of (B8A - B04)/(B8A + B04) over pixel centres within the field where the class is 4 or 5, computed once by
# other code, by month and day of 2022.
WITZWIL_MEDIANS = {
    "03-05": 0.664, "03-10": 0.592, "03-20": 0.717, "03-25": 0.785, "04-04": 0.847, "04-14": 0.899, "05-14": 0.865,
    "05-19": 0.904, "06-13": 0.834, "06-18": 0.763, "06-23": 0.656, "07-08": 0.246, "07-13": 0.230, "07-18": 0.225,
    "07-28": 0.222,
}  # fmt: skip


def test_medians_of_a_wheat_season_are_those_of_the_reference(wheat_imagery, wheat_parcel) -> None:
    imagery, parcel = wheat_imagery("witzwil"), to_crs(wheat_parcel("witzwil"), 4326, 32632)
    cube = ndvi_cube(imagery, wheat_parcel("witzwil"))
    x, y = imagery["x"].values, imagery["y"].values
    place = Affine(10, 0, x[0] - 5, 0, -10, y[0] + 5)
    centres = geometry_mask([parcel], (y.size, x.size), place, invert=True).astype(float)
    seen = cube["ndvi"].where(imagery["scl"].isin([4, 5]))
    medians = parcel_statistics(seen, xr.DataArray(centres, dims=("y", "x")))["median"]
    found = dict(zip(medians["time"].dt.strftime("%m-%d").values, medians.values.round(3), strict=True))
    assert found == pytest.approx(WITZWIL_MEDIANS, abs=1e-9)


def test_the_season_of_the_cube_rises_and_falls_with_the_wheat(wheat_imagery, wheat_parcel) -> None:
    cube = ndvi_cube(wheat_imagery("witzwil"), wheat_parcel("witzwil"))
    usable = cube["ndvi_median"][cube["usable"]]
    assert usable.max().item() == pytest.approx(0.90, abs=0.02)
    assert (usable.sel(time="2022-07") < 0.28).all()
    assert (cube["ndvi_p10"] <= cube["ndvi_median"]).all()
    assert (cube["ndvi_median"] <= cube["ndvi_p90"]).all()


def test_half_clouded_and_suspect_scenes_are_flagged_not_dropped(wheat_imagery, wheat_parcel) -> None:
    imagery = wheat_imagery("arenenberg")
    cube = ndvi_cube(imagery, wheat_parcel("arenenberg"))
    assert cube.sizes["time"] == 60
    assert not cube["usable"][cube["scene_id"] == "S2B_MSIL2A_20220516T101559_N0400_R065_T32TMT_20220516T133430"]
    twin = cube["scene_id"] == "S2A_MSIL2A_20220620T102041_N9999_R065_T32TNT_20221231T145333"
    assert cube["valid_share"][twin] > 0.5
    assert cube["offset_suspect"][twin].all()
    assert not cube["usable"][twin].any()
    assert cube["usable"].sum() > 20


def made(scl: np.ndarray) -> tuple[xr.Dataset, object]:
    """Uniform vegetation of NDVI 0.8 on 10 x 10 pixels, and a parcel that covers all of them."""
    from pyproj import CRS
    from shapely.geometry import box

    shape = scl.shape
    imagery = xr.Dataset(
        {
            "red": (("time", "y", "x"), np.full(shape, 0.05, "f4")),
            "nir": (("time", "y", "x"), np.full(shape, 0.45, "f4")),
            "scl": (("time", "y", "x"), scl),
            "scene_id": ("time", [f"scene{number}" for number in range(shape[0])]),
            "boa_offset": ("time", np.zeros(shape[0])),
        },
        coords={
            "time": np.datetime64("2024-05-01T11:00:00", "ns") + np.arange(shape[0]) * np.timedelta64(5, "D"),
            "y": 4570795.0 - 10 * np.arange(10),
            "x": 347305.0 + 10 * np.arange(10),
            "spatial_ref": ((), 0, {"crs_wkt": CRS.from_epsg(32630).to_wkt()}),
        },
        attrs={"source": "test", "synthetic": "true", "skipped": "[]"},
    )
    return imagery, to_crs(box(347300, 4570700, 347400, 4570800), 32630, 4326)


def test_usable_from_the_minimum_share_on() -> None:
    scl = np.full((3, 10, 10), 4, "u1")
    scl[1, :, :4] = 9
    scl[2, :, :5] = 9
    cube = ndvi_cube(*made(scl), margin=0, minimum_valid_share=0.6)
    np.testing.assert_allclose(cube["valid_share"], [1.0, 0.6, 0.5], atol=1e-6)
    assert cube["usable"].values.tolist() == [True, True, False]
    assert cube["valid"].values[1, 0].tolist() == [0] * 4 + [1] * 6
    np.testing.assert_allclose(cube["ndvi_mean"], 0.8, atol=1e-6)
    assert not np.isnan(cube["ndvi"]).any()


def test_attributes_units_and_origin_are_there() -> None:
    cube = ndvi_cube(*made(np.full((1, 10, 10), 4, "u1")))
    assert cube.attrs["synthetic"] == "true"
    assert "skipped" not in cube.attrs
    assert "mask grown by 2 pixels" in cube.attrs["history"]
    assert cube["ndvi"].dtype == np.float32
    assert cube["valid"].dtype == np.uint8
    assert [name for name, variable in cube.data_vars.items() if "long_name" not in variable.attrs] == [
        "scene_id",
        "boa_offset",
    ]


def test_the_cube_survives_a_store_within_half_a_step_of_its_encoding(tmp_path, wheat_imagery, wheat_parcel) -> None:
    cube = ndvi_cube(wheat_imagery("witzwil"), wheat_parcel("witzwil"))
    cube.to_zarr(tmp_path / "cube.zarr", zarr_format=3, consolidated=False)
    with xr.open_zarr(tmp_path / "cube.zarr", consolidated=False, mask_and_scale=False) as raw:
        assert raw["ndvi"].dtype == np.int16
    with xr.open_zarr(tmp_path / "cube.zarr", consolidated=False) as stored:
        np.testing.assert_allclose(stored["ndvi"], cube["ndvi"], atol=0.51e-4)
        assert stored["usable"].dtype == bool
        assert stored["scene_id"].values.tolist() == cube["scene_id"].values.tolist()


def test_no_scene_gives_an_empty_cube() -> None:
    cube = ndvi_cube(*made(np.empty((0, 10, 10), "u1")))
    assert dict(cube.sizes) == {"time": 0, "y": 10, "x": 10}


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match=r"1\.5 makes no sense"):
        ndvi_cube(*made(np.full((1, 10, 10), 4, "u1")), minimum_valid_share=1.5)
