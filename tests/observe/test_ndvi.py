"""The step that keeps the NDVI cube of a twin: reads what is new, and next to nothing where nothing is."""

import dataclasses
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from shapely.geometry import box, mapping

from agritwin.cubes import digest, head, open_group
from agritwin.errors import SourceError
from agritwin.geometry import to_crs
from agritwin.observe import ndvi
from agritwin.sources.stac import StaticCatalogue

PARCEL = to_crs(box(300500, 4599500, 300620, 4599640), 32630, 4326)
FOOTPRINT = to_crs(box(300000, 4598740, 301280, 4600020), 32630, 4326)
IMAGERY = {
    "first_day": "2024-01-01", "max_cloud_cover_percent": 90, "cloud_margin_m": 20, "valid_share_min": 0.6,
    "indices": [],
}  # fmt: skip


@dataclasses.dataclass
class Workspace:
    """A folder with one twin whose scenes lie in a static catalogue that grows."""

    folder: Path
    sources: dict[str, Any] = dataclasses.field(default_factory=dict)
    asked: list[str] = dataclasses.field(default_factory=list)
    read: list[list[str]] = dataclasses.field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.folder / "data/cubes/ndvi/twin.icechunk"

    def scene(self, day: str, *, red: float = 0.05, name: str = "", baseline: str = "05.10") -> Path:
        """Add a scene of a day; a name of its own makes it another product of the same overpass."""
        item = f"S2A_{day}{name}"
        directory = self.folder / "catalogue" / item
        directory.mkdir(parents=True)
        rng = np.random.default_rng(int(day.replace("-", "")))
        for band, pixel, level in (("red", 10, red), ("nir", 10, 0.45), ("scl", 20, None)):
            size = 720 // pixel
            values = np.full((size, size), 4) if level is None else rng.normal(level + 0.1, 0.005, (size, size)) * 10000
            with rasterio.open(
                directory / f"{band}.tif", "w", driver="GTiff", width=size, height=size, count=1, crs="EPSG:32630",
                dtype="uint8" if level is None else "uint16", transform=Affine(pixel, 0, 300000, 0, -pixel, 4600020),
                nodata=0, tiled=True, blockxsize=64, blockysize=64, compress="deflate",
            ) as raster:  # fmt: skip
                raster.write(values.astype(raster.dtypes[0]), 1)
        document = {
            "type": "Feature", "stac_version": "1.0.0", "id": item, "collection": "sentinel-2-c1-l2a", "links": [],
            "geometry": mapping(FOOTPRINT), "bbox": list(FOOTPRINT.bounds),
            "assets": {band: {"href": f"./{band}.tif"} for band in ("red", "nir", "scl")},
            "properties": {
                "datetime": f"{day}T11:00:05Z", "platform": "sentinel-2a", "grid:code": "MGRS-30TUL",
                "proj:epsg": 32630, "s2:processing_baseline": baseline, "eo:cloud_cover": 5.0,
            },
        }  # fmt: skip
        (directory / "item.json").write_text(json.dumps(document))
        items = sorted((self.folder / "catalogue").glob("*/item.json"))
        links = [{"rel": "item", "href": f"./{path.parent.name}/item.json"} for path in items]
        (self.folder / "catalogue" / "catalog.json").write_text(json.dumps({"type": "Catalog", "links": links}))
        return directory

    def refresh(self, as_of: str, sources: tuple[str, ...] = ("first",), **changes: Any) -> dict[str, Any]:
        """Run the step; return its status."""
        (self.folder / "data/as_of.json").write_text(json.dumps({"as_of": as_of}))
        (self.folder / "pointer.json").unlink(missing_ok=True)
        ndvi.fetch_ndvi(
            clock="data/as_of.json", parcel="parcel.geojson", pointer="pointer.json", status="status.json",
            twin="twin", imagery=IMAGERY | changes, sources_imagery=list(sources),
        )  # fmt: skip
        return json.loads((self.folder / "status.json").read_text())

    def cube(self) -> xr.Dataset:
        return open_group(self.store, "ndvi").load()


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Workspace]:
    def made(name: str = "one") -> Workspace:
        workspace = Workspace(tmp_path / name)
        (workspace.folder / "data").mkdir(parents=True)
        feature = {"type": "Feature", "geometry": mapping(PARCEL), "properties": {}}
        (workspace.folder / "parcel.geojson").write_text(json.dumps(feature))
        monkeypatch.chdir(workspace.folder)

        class Noted(StaticCatalogue):
            def items(self, bounds, when):
                workspace.asked.append(str(when.start))
                return super().items(bounds, when)

            def fetch(self, where, when, **options):
                answer = super().fetch(where, when, **options)
                workspace.read.append([str(scene)[4:] for scene in answer["scene_id"].values])
                return answer

        def opened(kind: str, name: str, **options: Any):
            if name in workspace.sources:
                raise workspace.sources[name]
            return Noted(workspace.folder / "catalogue", max_cloud_cover=options["max_cloud_cover"])

        monkeypatch.setattr(ndvi, "open_source", opened)
        return workspace

    return made


def later(day: str, number: int) -> str:
    return (dt.date.fromisoformat(day) + dt.timedelta(days=number)).isoformat()


def days(workspace: Workspace, first: str, number: int, step: int = 5) -> list[str]:
    made = [later(first, step * count) for count in range(number)]
    for day in made:
        workspace.scene(day)
    return made


def test_a_day_without_a_scene_repeats_the_pointer_and_opens_nothing(make) -> None:
    workspace = make()
    days(workspace, "2024-01-03", 4)
    first = workspace.refresh("2024-01-30")
    pointer = (workspace.folder / "pointer.json").read_bytes()
    assert first["scenes"] == 4
    assert workspace.refresh("2024-01-31") == first
    assert (workspace.folder / "pointer.json").read_bytes() == pointer
    assert len(workspace.read) == 1
    program = (
        "import json, sys; from agritwin.observe import ndvi, step; from agritwin.sources.stac import StaticCatalogue\n"
        "ndvi.open_source = lambda kind, name, **options: StaticCatalogue('catalogue')\n"
        "code = step.main(ndvi.fetch_ndvi)\n"
        "heavy = {'numpy', 'xarray', 'icechunk', 'shapely', 'rasterio', 'httpx', 'pystac'} & set(sys.modules)\n"
        "sys.exit(code or str(heavy) if heavy else 0)"
    )
    arguments = {
        "clock": "data/as_of.json", "parcel": "parcel.geojson", "pointer": "pointer.json", "status": "status.json",
        "twin": "twin", "imagery": IMAGERY, "sources_imagery": ["first"],
    }  # fmt: skip
    ran = subprocess.run([sys.executable, "-c", program, json.dumps(arguments)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert (workspace.folder / "pointer.json").read_bytes() == pointer


def test_a_cube_that_grew_day_by_day_is_the_one_made_at_once(make) -> None:
    """A planted offset is judged by its neighbours on both sides, which arrive later."""
    cubes = []
    for name, looks in (
        ("stepwise", ["2024-02-20", "2024-04-01", "2024-07-30"]),
        ("once", ["2024-07-30"]),
    ):
        workspace = make(name)
        for number in range(26):
            day = later("2024-01-03", 5 * number)
            workspace.scene(day, red=0.15 if number in (8, 17) else 0.05)
        for as_of in looks:
            workspace.refresh(as_of)
        cubes.append(workspace.cube())
    xr.testing.assert_identical(*cubes)
    assert digest(cubes[0]) == digest(cubes[1])
    assert cubes[0].sizes["time"] == 26


def test_a_new_scene_reads_its_neighbours_and_no_more(make) -> None:
    workspace = make()
    old = days(workspace, "2024-01-03", 30)
    workspace.refresh(later(old[-1], 1))
    workspace.scene("2024-06-05")
    assert workspace.refresh("2024-06-06")["scenes"] == 31
    [new] = workspace.read[1:]
    assert min(new) >= "2024-03-07"
    assert max(new) == "2024-06-05"
    assert workspace.asked[1] == "2024-01-14", "the catalogue is asked for what may matter, not for all years"


def test_a_reprocessed_scene_takes_the_place_of_the_old_one_in_a_new_commit(make) -> None:
    workspace = make()
    days(workspace, "2024-01-03", 11, 10)
    workspace.refresh("2024-05-01")
    before, snapshot = workspace.cube(), head(workspace.store)
    workspace.scene("2024-03-13", name="_again", baseline="05.11", red=0.08)
    workspace.refresh("2024-06-01")
    after = workspace.cube()
    place = after["scene_id"].values.tolist().index("S2A_2024-03-13_again")
    assert after.sizes["time"] == 11
    assert "S2A_2024-03-13" not in after["scene_id"].values
    assert after["ndvi_mean"].values[place] < before["ndvi_mean"].values[place] - 0.03
    assert head(workspace.store) != snapshot
    earlier = open_group(workspace.store, "ndvi", snapshot)
    assert earlier["scene_id"].values[place] == "S2A_2024-03-13", "the cube as it was can still be opened"


def test_duplicates_of_an_acquisition_are_one_date(make) -> None:
    workspace = make()
    workspace.scene("2024-01-03", baseline="04.00")
    workspace.scene("2024-01-03", name="_better", baseline="05.11")
    workspace.refresh("2024-01-10")
    assert workspace.cube()["scene_id"].values.tolist() == ["S2A_2024-01-03_better"]


def test_a_scene_that_could_not_be_read_is_tried_again(make) -> None:
    workspace = make()
    days(workspace, "2024-01-03", 3)
    band = workspace.folder / "catalogue/S2A_2024-01-08/nir.tif"
    sound = band.read_bytes()
    band.write_bytes(sound[:400])
    status = workspace.refresh("2024-01-20")
    assert status["scenes"] == 2
    assert [entry["id"] for entry in status["skipped"]] == ["S2A_2024-01-08"]
    band.write_bytes(sound)
    status = workspace.refresh("2024-01-21")
    assert (status["scenes"], status["skipped"]) == (3, [])


def test_changed_settings_read_everything_again(make) -> None:
    workspace = make()
    days(workspace, "2024-01-03", 11, 10)
    workspace.refresh("2024-05-01")
    workspace.refresh("2024-05-02", indices=["mine = nir - red"])
    assert len(workspace.read[1]) == 11
    cube = workspace.cube()
    np.testing.assert_allclose(cube["mine_mean"], 0.40, atol=0.01)
    assert cube["mine"].dims == ("time", "y", "x")


def test_when_the_second_source_answers_what_is_known_is_not_read_again(make) -> None:
    workspace = make()
    days(workspace, "2024-01-03", 11, 10)
    workspace.refresh("2024-05-01", ("first", "second"))
    workspace.sources["first"] = SourceError("first", "answered 503", temporary=True)
    status = workspace.refresh("2024-05-02", ("first", "second"))
    assert status["state"] == "stale"
    assert status["failures"] == [{"source": "first", "what": "answered 503"}]
    assert len(workspace.read) == 1
    workspace.scene("2024-05-02")
    assert workspace.refresh("2024-05-03", ("first", "second"))["scenes"] == 12


def test_when_no_source_answers_the_cube_stays_and_the_next_look_makes_up(make) -> None:
    workspace = make()
    days(workspace, "2024-01-03", 5)
    before = workspace.refresh("2024-02-01")
    workspace.sources["first"] = SourceError("first", "answered 503", temporary=True)
    workspace.scene("2024-02-02")
    status = workspace.refresh("2024-02-10")
    assert status["state"] == "stale"
    assert (status["last_value"], status["scenes"]) == (before["last_value"], 5)
    workspace.sources.clear()
    assert workspace.refresh("2024-02-11")["scenes"] == 6


def test_without_any_source_the_pointer_names_nothing_and_says_why(make) -> None:
    workspace = make()
    workspace.sources["first"] = SourceError("first", "answered 503", temporary=True)
    status = workspace.refresh("2024-02-10")
    assert status["state"] == "missing"
    assert "503" in json.loads((workspace.folder / "pointer.json").read_text())["reason"]


def test_a_cube_that_is_gone_is_made_again(make) -> None:
    import shutil

    workspace = make()
    days(workspace, "2024-01-03", 3)
    workspace.refresh("2024-02-01")
    before = digest(workspace.cube())
    shutil.rmtree(workspace.store)
    assert workspace.refresh("2024-02-02")["scenes"] == 3
    assert digest(workspace.cube()) == before


def test_a_day_of_the_past_asks_nobody(make) -> None:
    workspace = make()
    days(workspace, "2024-01-03", 3)
    workspace.refresh("2024-02-01")
    workspace.sources["first"] = AssertionError("nobody is to be asked")
    assert workspace.refresh("2024-01-10")["state"] == "ok"
    assert dt.date.fromisoformat(
        json.loads((workspace.store.with_suffix(".look.json")).read_text())["until"]
    ) == dt.date(2024, 2, 1)
