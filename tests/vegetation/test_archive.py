"""The demo's imagery from catalogue to cube, with the faults that were planted in it."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from agritwin.sources.base import When, Where
from agritwin.sources.stac import ArchiveImagery
from agritwin.vegetation.cube import ndvi_cube

ARCHIVE = Path(__file__).parents[2] / "data" / "archive"


@pytest.fixture(scope="module")
def parcel() -> BaseGeometry:
    if not (ARCHIVE / "imagery" / "catalog.json").exists():
        pytest.skip("the demonstration archive is not here")
    document = json.loads((ARCHIVE / "parcels" / "47-96-0-0-5-20-1.geojson").read_text())
    return shape(document.get("features", [document])[0].get("geometry", document))


def fetched(parcel: BaseGeometry, first: dt.date, last: dt.date, known: set[str] | None = None) -> xr.Dataset:
    where = Where(parcel.centroid.y, parcel.centroid.x, parcel)
    return ArchiveImagery(ARCHIVE).fetch(where, When(first, last), known=known or set())


def test_the_missing_offset_of_july_2024_is_the_only_one_suspected(parcel: BaseGeometry) -> None:
    cube = ndvi_cube(fetched(parcel, dt.date(2024, 5, 1), dt.date(2024, 10, 31)), parcel)
    suspect = cube["time"][cube["offset_suspect"]].dt.strftime("%Y-%m-%d")
    assert suspect.values.tolist() == ["2024-07-23"]
    assert not cube["usable"][cube["offset_suspect"]].any()
    assert cube.attrs["synthetic"] == "true"


def test_a_day_that_was_processed_twice_comes_once_as_reprocessed_and_without_a_jump(parcel: BaseGeometry) -> None:
    imagery = fetched(parcel, dt.date(2021, 6, 1), dt.date(2021, 7, 31))
    day = imagery.sel(time="2021-06-19")
    assert day["processing_baseline"].values.tolist() == ["05.00"]
    assert day["boa_offset"].values.tolist() == [-0.1]
    assert set(imagery["processing_baseline"].values) > {"05.00"}
    cube = ndvi_cube(imagery, parcel)
    assert np.ptp(cube["ndvi_mean"][cube["usable"]].values) < 0.1


def test_a_refresh_reads_only_what_is_new(parcel: BaseGeometry) -> None:
    first, last = dt.date(2024, 5, 1), dt.date(2024, 6, 30)
    whole = fetched(parcel, first, last)
    known = set(whole["scene_id"].values[:-1])
    assert fetched(parcel, first, last, known)["scene_id"].values.tolist() == whole["scene_id"].values[-1:].tolist()
