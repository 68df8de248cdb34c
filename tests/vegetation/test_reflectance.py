"""The dark-pixel test on real scenes, some of which really carry a wrong offset."""

import numpy as np
import pytest
import xarray as xr

from agritwin.vegetation.reflectance import MISSING, NOT_TESTED, PLAUSIBLE, TWICE, offset_verdict


def test_the_reprocessed_twin_with_a_missing_offset_is_caught_and_its_sound_twin_is_not(wheat_imagery) -> None:
    imagery = wheat_imagery("arenenberg")
    verdict = offset_verdict(imagery)["offset_verdict"]
    suspect = imagery["scene_id"].values[verdict.values == MISSING]
    assert sorted(suspect) == [
        "S2A_MSIL2A_20220620T102041_N9999_R065_T32TNT_20221231T145333",  # 0.1 above its twin in all bands
        "S2A_MSIL2A_20220623T103031_N0400_R108_T32TMT_20220623T170319",  # offset or haze, known as suspicious
        "S2A_MSIL2A_20220623T103031_N0400_R108_T32TNT_20220623T170319",
    ]
    assert not (verdict == TWICE).any()


def test_scenes_with_hardly_a_clear_pixel_are_not_judged(wheat_imagery) -> None:
    imagery = wheat_imagery("arenenberg")
    verdict = offset_verdict(imagery)
    untested = imagery["scene_id"].values[verdict["offset_verdict"].values == NOT_TESTED]
    assert {name[11:19] for name in untested} == {"20220406", "20220516"}
    assert np.isnan(verdict["darkest_reflectance"].values[verdict["offset_verdict"].values == NOT_TESTED]).all()


def test_no_sound_scene_of_a_season_is_accused(wheat_imagery) -> None:
    """From bare spring soil by the full canopy to stubble."""
    assert (offset_verdict(wheat_imagery("witzwil"))["offset_verdict"] == PLAUSIBLE).all()


@pytest.mark.parametrize(("error", "expected"), [(0.1, MISSING), (-0.1, TWICE)])
def test_an_offset_planted_in_any_single_scene_is_found(wheat_imagery, error: float, expected: int) -> None:
    imagery = wheat_imagery("witzwil")
    found = []
    for scene in range(imagery.sizes["time"]):
        planted = imagery[["red", "nir"]] + error * (np.arange(imagery.sizes["time"]) == scene)[:, None, None]
        verdict = offset_verdict(imagery.assign(planted))["offset_verdict"].values
        found.append(verdict[scene] == expected and (np.delete(verdict, scene) == PLAUSIBLE).all())
    assert all(found)


def ground(red: list[float], scl: int, difference: float = 0.1) -> xr.Dataset:
    """Scenes of one uniform reflectance each, ten days apart."""
    shape = (len(red), 10, 10)
    values = np.broadcast_to(np.array(red, "f4")[:, None, None], shape)
    return xr.Dataset(
        {
            "red": (("time", "y", "x"), values),
            "nir": (("time", "y", "x"), values + difference),
            "scl": (("time", "y", "x"), np.full(shape, scl, "u1")),
        },
        coords={"time": np.datetime64("2024-05-01", "ns") + np.arange(len(red)) * np.timedelta64(10, "D")},
    )


def test_bright_bare_soil_is_judged_by_its_neighbours_not_by_its_brightness() -> None:
    verdict = offset_verdict(ground([0.18, 0.20, 0.19, 0.30, 0.20, 0.18, 0.19], scl=5))["offset_verdict"]
    assert verdict.values.tolist() == [PLAUSIBLE] * 3 + [MISSING] + [PLAUSIBLE] * 3


def test_soil_that_rain_has_darkened_is_not_accused() -> None:
    verdict = offset_verdict(ground([0.20, 0.20, 0.19, 0.10, 0.20, 0.20, 0.19], scl=5))["offset_verdict"]
    assert (verdict == PLAUSIBLE).all()


def test_ripening_lifts_red_alone_and_is_not_accused() -> None:
    """Red goes from 0.04 to 0.20 in ten days, the near infrared falls."""
    scenes = ground([0.04, 0.04, 0.04, 0.20, 0.20, 0.20], scl=5)
    ripe = xr.zeros_like(scenes["nir"]) + np.array([0.45, 0.45, 0.45, 0.35, 0.35, 0.35], "f4")[:, None, None]
    assert (offset_verdict(scenes.assign(nir=ripe))["offset_verdict"] == PLAUSIBLE).all()


def test_a_whole_series_without_subtraction_is_caught_over_dense_vegetation() -> None:
    assert (offset_verdict(ground([0.13, 0.14, 0.15], 4, difference=0.35))["offset_verdict"] == MISSING).all()


def test_sparse_vegetation_is_not_accused_for_the_soil_between() -> None:
    """An orchard in summer: red 0.13, near infrared 0.30, class 4."""
    assert (offset_verdict(ground([0.13, 0.14, 0.13], 4, difference=0.17))["offset_verdict"] == PLAUSIBLE).all()


def test_dark_water_may_be_slightly_negative() -> None:
    assert (offset_verdict(ground([-0.01, -0.01], scl=6))["offset_verdict"] == PLAUSIBLE).all()
