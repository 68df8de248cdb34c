"""The NDVI cube on disk: what is written is what was joined, and no more is written than changed."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agritwin.cubes import head, open_group
from agritwin.errors import StoreError
from agritwin.vegetation.cube import NDVI_ENCODING
from agritwin.vegetation.store import GROUP, joined_scenes, kept_scenes, read_map, write_scenes

START = np.datetime64("2024-01-01T11:00:00", "ns")


def scenes(days: list[int], *, name: str = "S2A_{}", minutes: int = 0, seed: int = 0) -> xr.Dataset:
    """Scenes of the given days on 6 x 5 pixels."""
    rng = np.random.default_rng([seed, *days])
    values = rng.uniform(-0.2, 0.9, (len(days), 6, 5)).astype("f4")
    values[rng.random(values.shape) < 0.1] = np.nan
    shift = np.timedelta64(minutes, "m")
    cube = xr.Dataset(
        {
            "ndvi": (("time", "y", "x"), values, {"units": "1"}),
            "valid": (("time", "y", "x"), np.ones(values.shape, "u1")),
            "ndvi_mean": ("time", rng.random(len(days))),
            "scene_id": ("time", np.array([name.format(day) for day in days])),
            "platform": ("time", np.array(["sentinel-2a"] * len(days))),
        },
        {
            "time": np.array([START + np.timedelta64(day, "D") + shift for day in days]),
            "x": np.arange(5.0), "y": np.arange(6.0), "spatial_ref": ((), 0, {"crs_wkt": "none"}),
        },
        {"synthetic": "true"},
    )  # fmt: skip
    cube["ndvi"].encoding = dict(NDVI_ENCODING)
    return cube


def chunks_on_disk(store: Path) -> set[Path]:
    return set((store / "chunks").rglob("*")) - {store / "chunks"}


@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_any_order_of_writes_gives_the_joined_scenes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    store = tmp_path_factory.mktemp("store") / "twin.icechunk"
    expected: dict[int, xr.Dataset] = {}
    for turn in range(data.draw(st.integers(1, 4), "writes")):
        days = sorted(data.draw(st.sets(st.integers(0, 80), min_size=1, max_size=40), "days"))
        fresh = scenes(days, minutes=turn, seed=turn, name="S2A_{}" + "_again" * (turn // 2))
        write_scenes(store, kept_scenes(store), fresh, "more")
        expected |= {day: fresh.isel(time=[place]) for place, day in enumerate(days)}
    found = kept_scenes(store)
    assert found is not None
    together = xr.concat(
        [expected[day] for day in sorted(expected)],
        "time",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="override",
    )
    assert found["scene_id"].values.tolist() == together["scene_id"].values.tolist()
    assert np.array_equal(found["time"], together["time"])
    np.testing.assert_allclose(found["ndvi"], together["ndvi"], atol=0.51e-4)
    np.testing.assert_array_equal(found["ndvi_mean"], together["ndvi_mean"])


def test_a_new_scene_rewrites_the_last_chunk_of_time_only(tmp_path: Path) -> None:
    store = tmp_path / "twin.icechunk"
    write_scenes(store, None, scenes(list(range(100))), "first")
    before = chunks_on_disk(store)
    write_scenes(store, kept_scenes(store), scenes([100]), "one more")
    touched = chunks_on_disk(store) - before
    cube = open_group(store, GROUP)
    assert cube.sizes["time"] == 101
    assert cube["ndvi"].encoding["chunks"] == (32, 6, 5)
    assert len(touched) <= len(cube.variables), "one object a variable at most; 4 chunks of time are there"


def test_equal_scenes_commit_nothing_and_a_snapshot_stays_what_it_was(tmp_path: Path) -> None:
    store = tmp_path / "twin.icechunk"
    write_scenes(store, None, scenes([1, 5, 9]), "first")
    first = head(store)
    write_scenes(store, kept_scenes(store), scenes([1, 5, 9]).isel(time=[2]), "again")
    assert head(store) == first
    write_scenes(store, kept_scenes(store), scenes([5], seed=1, minutes=3), "reprocessed")
    assert head(store) != first
    old, new = open_group(store, GROUP, first).load(), open_group(store, GROUP).load()
    assert (old.sizes["time"], new.sizes["time"]) == (3, 3)
    assert not np.allclose(old["ndvi"][1], new["ndvi"][1], equal_nan=True)
    np.testing.assert_array_equal(old["ndvi"][2], new["ndvi"][2])


def test_two_versions_of_an_overpass_become_one() -> None:
    joined = joined_scenes(scenes([1, 5, 9]), scenes([5], minutes=4, name="better"))
    assert joined["scene_id"].values.tolist() == ["S2A_1", "better", "S2A_9"]


def test_a_map_is_the_newest_scene_up_to_a_moment_as_the_cube_has_it(tmp_path: Path) -> None:
    store = tmp_path / "twin.icechunk"
    write_scenes(store, None, scenes([1, 5, 9]), "first")
    first = head(store)
    write_scenes(store, kept_scenes(store), scenes([5], seed=1, minutes=3), "reprocessed")
    for snapshot in (first, None):
        cube = open_group(store, GROUP, snapshot)["ndvi"]
        for number, moment in enumerate(("2024-01-05", "2024-01-09", "2024-02-01")):
            found = read_map(store, moment, snapshot)
            xr.testing.assert_allclose(found, cube[number].drop_vars("spatial_ref"), atol=1e-6)
            assert found["time"] == cube["time"][number]
    with pytest.raises(StoreError, match="no scene up to 2024-01-01"):
        read_map(store, "2024-01-01")
    with pytest.raises(StoreError, match="no cube"):
        read_map(tmp_path / "none.icechunk", "2024-01-09")


def test_a_map_of_512_pixels_a_side_is_one_chunk(tmp_path: Path) -> None:
    store = tmp_path / "twin.icechunk"
    large = scenes([1, 5]).drop_vars(("x", "y")).pad(y=(0, 506), x=(0, 507))
    large["ndvi"].encoding = dict(NDVI_ENCODING)
    write_scenes(store, None, large, "first")
    assert open_group(store, GROUP)["ndvi"].encoding["chunks"] == (1, 512, 512)
