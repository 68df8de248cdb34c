"""Imagery of a parcel: a small static catalogue of real COGs is written and read back as the contract has it."""

import dataclasses
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import numpy as np
import pystac
import pytest
import rasterio
from affine import Affine
from shapely.geometry import box, mapping

from agritwin.errors import DataError, SourceError
from agritwin.geometry import cell_id, to_crs
from agritwin.sources.base import When, Where
from agritwin.sources.planetary_computer import PlanetaryComputer
from agritwin.sources.stac import ArchiveImagery, CopernicusDataSpace, EarthSearch, StaticCatalogue

PARCEL = to_crs(box(300500, 4599500, 300620, 4599640), 32630, 4326)
WHERE = Where(PARCEL.centroid.y, PARCEL.centroid.x, PARCEL)
SEASON = When(dt.date(2024, 1, 1), dt.date(2024, 12, 31))
SHAPE = (18, 16)  # 140 m and 120 m, 20 m on each side


@dataclasses.dataclass
class Made:
    """A scene to be written: ground reflectance of red, everywhere 0.05 more than elsewhere stated."""

    id: str
    time: str
    tile: str = "30TUL"
    red: float = 0.05
    nir: float = 0.40
    scl: int = 4
    baseline: str = "05.11"
    offset: float = -0.1
    cloud: float = 10.0
    columns: slice = dataclasses.field(default_factory=lambda: slice(None))
    epsg: int = 32630


def write_band(path: Path, value: float, pixel: float, scene: Made, dtype: str) -> None:
    size = int(1280 / pixel)
    values = np.zeros((size, size), dtype)
    values[:, scene.columns] = value
    with rasterio.open(
        path,
        "w",
        driver="COG",
        width=size,
        height=size,
        count=1,
        dtype=dtype,
        crs=f"EPSG:{scene.epsg}",
        transform=Affine(pixel, 0, 300000, 0, -pixel, 4600020),
        nodata=0,
        blocksize=128,
        compress="deflate",
    ) as raster:
        raster.write(values, 1)


def write_catalogue(folder: Path, scenes: Sequence[Made]) -> Path:
    """Write a static catalogue as docs/contracts.md describes the archive's."""
    catalogue = pystac.Catalog("demo", "scenes")
    footprint = to_crs(box(300000, 4598740, 301280, 4600020), 32630, 4326)
    for scene in scenes:
        item = pystac.Item(
            scene.id,
            mapping(footprint),
            list(footprint.bounds),
            dt.datetime.fromisoformat(scene.time).replace(tzinfo=dt.UTC),
            {
                "platform": "sentinel-2a",
                "eo:cloud_cover": scene.cloud,
                "proj:epsg": scene.epsg,
                "grid:code": f"MGRS-{scene.tile}",
                "s2:processing_baseline": scene.baseline,
                "created": f"{scene.time}Z",
            },
            collection="sentinel-2-c1-l2a",
        )
        directory = folder / scene.id
        directory.mkdir(parents=True)
        for band, pixel in (("red", 10.0), ("nir", 10.0), ("scl", 20.0)):
            reflectance = {"red": scene.red, "nir": scene.nir}.get(band)
            number = scene.scl if reflectance is None else round((reflectance - scene.offset) * 10000)
            write_band(directory / f"{band}.tif", number, pixel, scene, "uint8" if band == "scl" else "uint16")
            fields = {} if band == "scl" else {"raster:bands": [{"nodata": 0, "scale": 1e-4, "offset": scene.offset}]}
            item.add_asset(band, pystac.Asset(f"./{band}.tif", extra_fields=fields))
        catalogue.add_item(item)
    catalogue.normalize_hrefs(str(folder))
    catalogue.save(pystac.CatalogType.SELF_CONTAINED)
    return folder


def test_scenes_come_back_as_the_contract_has_them(tmp_path: Path) -> None:
    scenes = [
        Made("S2A_T30TUL_20240301T110000_L2A", "2024-03-01T11:00:05"),
        Made(
            "S2A_T30TUL_20240311T110000_L2A",
            "2024-03-11T11:00:05",
            red=0.10,
            nir=0.30,
            scl=8,
            baseline="03.01",
            offset=0.0,
        ),
    ]
    dataset = StaticCatalogue(write_catalogue(tmp_path, scenes)).fetch(WHERE, SEASON)
    assert dict(dataset.sizes) == {"time": 2, "y": SHAPE[0], "x": SHAPE[1]}
    assert {name: dataset[name].dtype for name in ("red", "nir", "scl")} == {"red": "f4", "nir": "f4", "scl": "u1"}
    np.testing.assert_allclose(dataset["red"].mean(("y", "x")), [0.05, 0.10], atol=1e-6)
    np.testing.assert_allclose(dataset["nir"].mean(("y", "x")), [0.40, 0.30], atol=1e-6)
    assert dataset["scl"].max(("y", "x")).values.tolist() == [4, 8]
    assert dataset["time"].values.astype("datetime64[s]").astype(str).tolist() == [
        "2024-03-01T11:00:05",
        "2024-03-11T11:00:05",
    ]
    assert dataset["scene_id"].values.tolist() == [scene.id for scene in scenes]
    assert dataset["processing_baseline"].values.tolist() == ["05.11", "03.01"]
    assert dataset["boa_offset"].values.tolist() == [-0.1, 0.0]
    assert dataset["cloud_cover"].values.tolist() == [10.0, 10.0]
    assert dataset["platform"].values.tolist() == ["sentinel-2a"] * 2
    assert (dataset["x"].values[0], dataset["y"].values[0]) == (300485.0, 4599655.0)
    assert 'ID["EPSG",32630]' in dataset["spatial_ref"].attrs["crs_wkt"]
    assert dataset["spatial_ref"].attrs["GeoTransform"] == "300480 10 0 4599660 0 -10"
    assert dataset.attrs["synthetic"] == "false"
    assert json.loads(dataset.attrs["skipped"]) == []
    assert all("long_name" in variable.attrs for variable in dataset.data_vars.values())


def test_known_scenes_are_left_out(tmp_path: Path) -> None:
    scenes = [Made(f"S2A_T30TUL_2024030{day}T110000_L2A", f"2024-03-0{day}T11:00:05") for day in (1, 4, 7)]
    source = StaticCatalogue(write_catalogue(tmp_path, scenes))
    fresh = source.fetch(WHERE, SEASON, known={scenes[0].id, scenes[2].id})
    assert fresh["scene_id"].values.tolist() == [scenes[1].id]


def test_days_outside_the_span_and_cloudy_tiles_are_not_read(tmp_path: Path) -> None:
    scenes = [
        Made("before", "2024-02-29T23:59:59"),
        Made("first", "2024-03-01T00:00:00"),
        Made("cloudy", "2024-03-05T11:00:05", cloud=99.0),
        Made("last", "2024-03-10T23:59:59"),
        Made("after", "2024-03-11T00:00:00"),
    ]
    source = StaticCatalogue(write_catalogue(tmp_path, scenes) / "catalog.json")
    dataset = source.fetch(WHERE, When(dt.date(2024, 3, 1), dt.date(2024, 3, 10)))
    assert dataset["scene_id"].values.tolist() == ["first", "last"]


def test_no_scene_is_an_empty_dataset_of_the_right_shape(tmp_path: Path) -> None:
    dataset = StaticCatalogue(write_catalogue(tmp_path, [Made("one", "2024-03-01T11:00:00")])).fetch(
        WHERE, When(dt.date(2020, 1, 1), dt.date(2020, 12, 31))
    )
    assert dict(dataset.sizes) == {"time": 0, "y": SHAPE[0], "x": SHAPE[1]}
    assert dataset["red"].dims == ("time", "y", "x")
    assert dataset["scene_id"].dims == ("time",)


def test_two_tiles_of_one_overpass_become_one_date_the_better_first(tmp_path: Path) -> None:
    """The window's columns 0-7 lie in the old product, 4-15 in the newer one, which wins where both have data."""
    scenes = [
        Made("west", "2024-03-01T11:00:05", baseline="05.10", red=0.02, columns=slice(0, 56)),
        Made("east", "2024-03-01T11:00:09", tile="30TVL", red=0.08, columns=slice(52, None)),
    ]
    dataset = StaticCatalogue(write_catalogue(tmp_path, scenes)).fetch(WHERE, SEASON)
    assert dataset.sizes["time"] == 1
    assert dataset["scene_id"].item() == "east"
    np.testing.assert_allclose(dataset["red"].values[0, 3], [0.02] * 4 + [0.08] * 12, atol=1e-6)


def test_pixels_without_data_are_nan_and_an_overpass_that_misses_the_window_is_left_out(tmp_path: Path) -> None:
    scenes = [
        Made("half", "2024-03-01T11:00:05", columns=slice(0, 56)),
        Made("beside", "2024-03-06T11:00:05", columns=slice(0, 10)),
    ]
    dataset = StaticCatalogue(write_catalogue(tmp_path, scenes)).fetch(WHERE, SEASON)
    assert dataset["scene_id"].values.tolist() == ["half"]
    assert np.isnan(dataset["red"].values[0, :, 8:]).all()
    assert not np.isnan(dataset["red"].values[0, :, :8]).any()
    assert (dataset["scl"].values[0, :, 8:] == 0).all()


def test_a_damaged_scene_is_skipped_with_its_reason_and_the_others_are_whole(tmp_path: Path) -> None:
    scenes = [Made(f"scene{day}", f"2024-03-0{day}T11:00:05") for day in (1, 4)]
    folder = write_catalogue(tmp_path, scenes)
    band = folder / "scene4" / "nir.tif"
    whole = band.read_bytes()
    band.write_bytes(whole[: len(whole) // 2])
    dataset = StaticCatalogue(folder).fetch(WHERE, SEASON)
    assert dataset["scene_id"].values.tolist() == ["scene1"]
    [entry] = json.loads(dataset.attrs["skipped"])
    assert entry["id"] == "scene4"
    assert entry["reason"]


def test_an_item_without_a_baseline_is_skipped_with_its_reason(tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path, [Made("good", "2024-03-01T11:00:05"), Made("bad", "2024-03-04T11:00:05")])
    item = folder / "bad" / "bad.json"
    document = json.loads(item.read_text())
    del document["properties"]["s2:processing_baseline"]
    item.write_text(json.dumps(document))
    dataset = StaticCatalogue(folder).fetch(WHERE, SEASON)
    assert dataset["scene_id"].values.tolist() == ["good"]
    assert "no processing baseline" in json.loads(dataset.attrs["skipped"])[0]["reason"]


def test_when_all_of_several_scenes_are_unreadable_the_source_failed(tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path, [Made(f"scene{day}", f"2024-03-0{day}T11:00:05") for day in (1, 4)])
    for band in folder.glob("*/red.tif"):
        band.unlink()
    with pytest.raises(SourceError, match="none of 2 scenes could be read") as failed:
        StaticCatalogue(folder).fetch(WHERE, SEASON)
    assert failed.value.temporary


def test_a_scene_in_the_neighbouring_zone_lands_on_the_parcels_grid(tmp_path: Path) -> None:
    """The tile is written in zone 31's coordinates at the same place on earth."""
    folder = write_catalogue(tmp_path, [Made("zone31", "2024-03-01T11:00:05")])
    corner = to_crs(box(300000, 4600019, 300001, 4600020), 32630, 32631).centroid
    for band, pixel in (("red", 10.0), ("nir", 10.0), ("scl", 20.0)):
        path = folder / "zone31" / f"{band}.tif"
        with rasterio.open(path) as raster:
            values = raster.read(1)
        values = np.pad(values, 20, mode="edge")
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=values.shape[1],
            height=values.shape[0],
            count=1,
            dtype=values.dtype,
            crs="EPSG:32631",
            transform=Affine(pixel, 0, corner.x - 20 * pixel, 0, -pixel, corner.y + 20 * pixel),
            nodata=0,
        ) as raster:
            raster.write(values, 1)
    dataset = StaticCatalogue(folder).fetch(WHERE, SEASON)
    assert dict(dataset.sizes) == {"time": 1, "y": SHAPE[0], "x": SHAPE[1]}
    np.testing.assert_allclose(dataset["red"].values, 0.05, atol=1e-4)
    assert (dataset["scl"].values == 4).all()


def describe_archive(folder: Path) -> Path:
    cell = {"name": cell_id(WHERE.latitude, WHERE.longitude), "latitude": 41.5, "longitude": -5.4}
    about = {"title": "made up", "notice": "made up", "synthetic": True, "sites": {"here": {"weather_cell": cell}}}
    (folder / "archive.json").write_text(json.dumps(about))
    return folder


def test_the_archive_is_labelled_synthetic(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "imagery", [Made("one", "2024-03-01T11:00:05")])
    dataset = ArchiveImagery(describe_archive(tmp_path)).fetch(WHERE, SEASON)
    assert dataset.attrs["synthetic"] == "true"
    assert dataset.attrs["source"] == "archive"
    assert dataset.attrs["title"] == "made up"
    assert dataset["source"].values.tolist() == ["archive"]


def test_a_place_outside_the_archive_is_refused(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "imagery", [Made("one", "2024-03-01T11:00:05")])
    elsewhere = dataclasses.replace(WHERE, latitude=40.0)
    with pytest.raises(SourceError, match="covers only"):
        ArchiveImagery(describe_archive(tmp_path)).fetch(elsewhere, SEASON)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Address at which the files of ``tmp_path`` are served with byte ranges."""
    command = [sys.executable, str(Path(__file__).with_name("range_server.py")), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


def test_a_remote_catalogue_is_read_by_http_and_a_missing_file_is_skipped(tmp_path: Path, served: str) -> None:
    write_catalogue(tmp_path, [Made(f"scene{day}", f"2024-03-0{day}T11:00:05") for day in (1, 4)])
    (tmp_path / "scene4" / "scl.tif").unlink()
    dataset = StaticCatalogue(f"{served}/catalog.json").fetch(WHERE, SEASON)
    assert dataset["scene_id"].values.tolist() == ["scene1"]
    np.testing.assert_allclose(dataset["red"].values, 0.05, atol=1e-6)
    [entry] = json.loads(dataset.attrs["skipped"])
    assert entry["id"] == "scene4"
    assert "404" in entry["reason"]


def test_a_missing_catalogue_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        StaticCatalogue(tmp_path / "catalog.json").fetch(WHERE, SEASON)


def test_imagery_without_a_parcel_is_refused() -> None:
    with pytest.raises(DataError, match="without a parcel"):
        EarthSearch().fetch(Where(41.0, -4.8), SEASON)


def test_earth_search_reads_each_acquisition_once_from_the_better_collection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same overpass stands in both collections, and one only in the older, whose numbers are already corrected."""
    scenes = [
        Made("both_new", "2024-03-01T11:00:05"),
        Made("both_old", "2024-03-01T11:00:05"),
        Made("old", "2024-03-06T11:00:05"),
    ]
    catalogue = StaticCatalogue(write_catalogue(tmp_path, scenes))
    items = catalogue.items(PARCEL.bounds, SEASON)
    for item in items[1:]:
        item["collection"] = "sentinel-2-l2a"
    items[2]["properties"]["earthsearch:boa_offset_applied"] = True
    asked = []

    def search(url: str, collections: Sequence[str], *args: object, **options: object) -> list[dict]:
        asked.append((url, tuple(collections)))
        return items

    monkeypatch.setattr("agritwin.sources.stac_search.search_api", search)
    dataset = EarthSearch().fetch(WHERE, SEASON)
    assert asked == [("https://earth-search.aws.element84.com/v1", ("sentinel-2-c1-l2a", "sentinel-2-l2a"))]
    assert dataset["scene_id"].values.tolist() == ["both_new", "old"]
    assert dataset["boa_offset"].values.tolist() == [-0.1, 0.0]
    np.testing.assert_allclose(dataset["red"].mean(("y", "x")), [0.05, 0.15], atol=1e-6)


def test_copernicus_without_keys_says_so_before_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    with pytest.raises(SourceError, match="AWS_SECRET_ACCESS_KEY not set") as refused:
        CopernicusDataSpace().fetch(WHERE, SEASON)
    assert not refused.value.temporary


def test_copernicus_files_are_opened_in_gdals_notation() -> None:
    assert CopernicusDataSpace().address("s3://eodata/a/B04.jp2", False) == "/vsis3/eodata/a/B04.jp2"


class Tokens:
    """A token service that counts what it was asked."""

    def __init__(self, lasts: dt.timedelta) -> None:
        self.asked: list[str] = []
        self.lasts = lasts

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path.removeprefix("/api/sas/v1/token/"))
        expiry = (dt.datetime.now(dt.UTC) + self.lasts).isoformat()
        return httpx.Response(200, json={"msft:expiry": expiry, "token": f"st=1&se=2&sig={len(self.asked)}"})


BLOB = "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/30/T/UL/B04.tif"


def test_addresses_are_signed_once_per_container_and_anew_after_a_failure() -> None:
    tokens = Tokens(dt.timedelta(minutes=45))
    source = PlanetaryComputer(transport=httpx.MockTransport(tokens))
    assert source.address(BLOB, False) == f"{BLOB}?st=1&se=2&sig=1"
    assert source.address(BLOB, False).endswith("sig=1")
    assert source.address(BLOB, True).endswith("sig=2")
    assert tokens.asked == ["sentinel2l2a01/sentinel2-l2"] * 2


def test_a_token_about_to_expire_is_renewed() -> None:
    tokens = Tokens(dt.timedelta(seconds=30))
    source = PlanetaryComputer(transport=httpx.MockTransport(tokens))
    assert [source.address(BLOB, False)[-5:] for _ in range(2)] == ["sig=1", "sig=2"]


@pytest.mark.parametrize(
    "href",
    [
        f"{BLOB}?st=1&se=2&sp=r&sig=x",
        "https://ai4edatasetspublicassets.blob.core.windows.net/assets/x.tif",
        "https://sentinel-cogs.s3.us-west-2.amazonaws.com/B04.tif",
    ],
)
def test_signed_public_and_foreign_addresses_are_left_alone(href: str) -> None:
    tokens = Tokens(dt.timedelta(minutes=45))
    assert PlanetaryComputer(transport=httpx.MockTransport(tokens)).address(href, False) == href
    assert tokens.asked == []
