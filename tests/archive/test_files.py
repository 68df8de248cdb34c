"""The archive as a whole: small, labelled, complete, silent about where and when it was made."""

import datetime
import json
import re
import zipfile

import pyarrow.parquet as pq
import pytest
import rasterio
import shapely


def test_it_stays_small(archive):
    files = [path for path in archive.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 5.0e6
    imagery = [path for path in files if "imagery" in path.parts]
    assert sum(path.stat().st_size for path in imagery) < 3.8e6


def test_the_contents_name_files_that_exist(archive):
    contents = json.loads((archive / "archive.json").read_text())
    assert contents["as_of"] == "2025-06-15"
    assert contents["synthetic"] is True
    assert set(contents["sites"]) == {"moraleja", "pinillo"}
    for site in contents["sites"].values():
        assert (archive / site["terrain"]).exists()
        assert (archive / site["soil"]).exists()
        assert (archive / "weather" / f"{site['weather_cell']['name']}.parquet").exists()
        for path in site["parcels"].values():
            assert (archive / path).exists()


def test_every_json_and_parquet_file_says_that_it_is_synthetic(archive):
    real_outlines = {"47-96-0-0-5-20-1.geojson", "47-96-0-0-5-25-1.geojson"}
    for path in [*archive.rglob("*.json"), *archive.rglob("*.geojson")]:
        content = json.loads(path.read_text())
        if path.name.startswith("harvest"):
            assert all(row["sintetico"] is True for row in content), path
            continue
        label = content["synthetic"] if "synthetic" in content else content["properties"]["synthetic"]
        assert label is (path.name not in real_outlines), path
    for path in archive.rglob("*.parquet"):
        assert pq.read_schema(path).metadata[b"synthetic"] == b"true", path


def test_every_raster_says_that_it_is_synthetic_and_is_cloud_optimised(archive):
    paths = sorted(archive.rglob("*.tif"))
    for path in paths[::25] + sorted((archive / "terrain").glob("*.tif")):
        with rasterio.open(path) as file:
            assert file.tags()["TIFFTAG_IMAGEDESCRIPTION"].startswith("synthetic"), path
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG", path
            assert file.crs.to_epsg() == 32630


def test_no_file_tells_of_a_machine_or_a_moment(archive):
    year = str(datetime.datetime.now(tz=datetime.UTC).year).encode()
    for path in archive.rglob("*"):
        if not path.is_file() or "imagery" in path.parts:
            continue
        content = path.read_bytes()
        assert not re.search(rb"/(root|home|tmp|Users|work)/", content), path
        assert b"DateTime" not in content, path
    with zipfile.ZipFile(archive / "holding" / "activities.xlsx") as book:
        assert {member.date_time for member in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not any(year + b"-" in book.read(name) for name in book.namelist() if name.startswith("docProps"))


@pytest.mark.parametrize(
    ("identity", "hectares"),
    [("47-96-0-0-5-20-1", 13.628), ("47-96-0-0-5-25-1", 6.202), ("47-124-0-0-1-53-1", 12.91)],
)
def test_parcels_have_the_area_they_should(archive, identity, hectares):
    feature = json.loads((archive / "parcels" / f"{identity}.geojson").read_text())
    outline = shapely.from_geojson(json.dumps(feature["geometry"]))
    assert outline.is_valid
    middle = outline.centroid
    # small-area check by hand: a degree of latitude is 111.06 km, of longitude 83.7 km at 41.3 N
    assert outline.area * 111.06 * 83.73 * 100 == pytest.approx(hectares, rel=0.005)
    assert -5.0 < middle.x < -4.8
    assert 41.2 < middle.y < 41.4
    assert ("not surveyed" in feature["properties"]["source"]) == (identity == "47-124-0-0-1-53-1")
