import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from agritwin import cubes
from agritwin.errors import StoreError


@pytest.fixture
def dataset():
    return xr.Dataset(
        {"height": (("y", "x"), np.arange(6.0).reshape(2, 3), {"units": "m"})},
        {"x": [1, 2, 3], "y": [5, 4]},
        {"synthetic": "true"},
    )


def test_what_is_written_is_read(tmp_path, dataset):
    cubes.write_group(tmp_path / "a.icechunk", "terrain", dataset, "first")
    xr.testing.assert_identical(cubes.open_group(tmp_path / "a.icechunk", "terrain").load(), dataset)


def test_equal_content_commits_nothing(tmp_path, dataset):
    store = tmp_path / "a.icechunk"
    cubes.write_group(store, "terrain", dataset, "first")
    before = cubes.head(store)
    cubes.write_group(store, "terrain", dataset.copy(deep=True), "again")
    assert cubes.head(store) == before


def test_an_old_snapshot_stays_readable_after_a_change(tmp_path, dataset):
    store = tmp_path / "a.icechunk"
    cubes.write_group(store, "terrain", dataset, "first")
    before = cubes.head(store)
    cubes.write_group(store, "terrain", dataset + 1, "higher")
    assert float(cubes.open_group(store, "terrain", before)["height"][0, 0]) == 0.0
    assert float(cubes.open_group(store, "terrain")["height"][0, 0]) == 1.0


def test_the_newest_snapshot_is_tagged_so_that_expiry_keeps_it(tmp_path, dataset):
    store = tmp_path / "a.icechunk"
    cubes.write_group(store, "terrain", dataset, "first")
    assert f"pin-{cubes.head(store)}" in cubes.repository(store).list_tags()


def test_a_failing_writer_leaves_nothing(tmp_path, dataset):
    store = tmp_path / "a.icechunk"
    cubes.write_group(store, "terrain", dataset, "first")
    before = cubes.head(store)
    with pytest.raises(RuntimeError, match="in the middle"), cubes.writing(store, "second") as session:
        dataset.to_zarr(session.store, group="other", consolidated=False, zarr_format=3)
        raise RuntimeError("in the middle")
    assert cubes.head(store) == before
    with pytest.raises(StoreError, match="no group 'other'"):
        cubes.open_group(store, "other")


def test_a_repository_that_was_killed_while_it_was_made_is_made_again(tmp_path, dataset):
    store = tmp_path / "a.icechunk"
    (store / "refs").mkdir(parents=True)
    (store / "half").write_text("")
    cubes.write_group(store, "terrain", dataset, "first")
    assert cubes.open_group(store, "terrain")["height"].sum() == 15


@pytest.mark.parametrize("missing", ["store", "group", "snapshot"])
def test_what_is_missing_is_named(tmp_path, dataset, missing):
    store = tmp_path / "a.icechunk"
    cubes.write_group(store, "terrain", dataset, "first")
    where = {
        "store": (tmp_path / "b.icechunk", "terrain", None),
        "group": (store, "soil", None),
        "snapshot": (store, "terrain", "0" * 20),
    }
    with pytest.raises(StoreError) as caught:
        cubes.open_group(*where[missing])
    assert caught.value.remedy


def test_the_digest_sees_values_names_and_attributes_but_no_order(dataset):
    same = cubes.digest(dataset)
    assert cubes.digest(dataset.copy(deep=True)) == same
    assert cubes.digest(dataset[["height"]].assign_coords(y=[5, 4])) == same
    assert cubes.digest(dataset + 1e-9) != same
    assert cubes.digest(dataset.rename(height="depth")) != same
    assert cubes.digest(dataset.assign_attrs(synthetic="false")) != same


def test_a_job_with_numpy_arrays_imports_no_other_array_library():
    """Each would cost every step and notebook a third of a second."""
    program = (
        "import sys, numpy, xarray, agritwin.cubes\n"
        "first = xarray.Dataset({'a': ('time', numpy.zeros(3))}, {'time': numpy.arange(3).astype('M8[ns]')})\n"
        "first.reindex(time=first.time[:2]).combine_first(first)\n"
        "print(sorted({'dask.array', 'pint', 'scipy', 'sparse', 'pvlib', 'numba', 'rasterio'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
