"""Items of four catalogue flavours, read into one form."""

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.errors import DataError
from agritwin.sources.stac_items import Scene, deduplicated, overpasses, read_item

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "providers" / "eo_samples"


def recorded(name: str, item_id: str | None = None) -> dict:
    """One item of a recorded answer."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"recorded answer {name} is not here")
    document = json.loads(path.read_text())
    items = document.get("features", [document])
    return next(item for item in items if item_id in (None, item["id"]))


@pytest.mark.parametrize(
    ("file", "item_id", "expected"),
    [
        (
            "stac/earthsearch_search_cql2_page1.json",
            "S2B_T20EPT_20250731T131905_L2A",
            {"platform": "sentinel-2b", "tile": "20EPT", "epsg": 32720, "baseline": "05.11", "boa_offset": -0.1},
        ),
        (
            "stac/earthsearch_search_cql2_page1.json",
            "S2B_20EPT_20250731_0_L2A",
            {"platform": "sentinel-2b", "tile": "20EPT", "epsg": 32720, "baseline": "05.11", "boa_offset": 0.0},
        ),
        (
            "stac/earthsearch_search_point_2023_page1.json",
            "S2A_13TDE_20231008_0_L2A",
            {"platform": "sentinel-2a", "tile": "13TDE", "epsg": 32613, "baseline": "05.09", "boa_offset": 0.0},
        ),
        (
            "stac/pc_item_s2_l2a_2019.json",
            None,
            {"platform": "sentinel-2b", "tile": "06VVN", "epsg": 32606, "baseline": "02.12", "boa_offset": 0.0},
        ),
        (
            "stac/cdse_search_s2_l2a_2020.json",
            None,
            {"platform": "sentinel-2b", "tile": "36NYH", "epsg": 32636, "baseline": "05.00", "boa_offset": -0.1},
        ),
        (
            "stac/cdse_search_s2_l2a_2026.json",
            None,
            {"platform": "sentinel-2c", "tile": "55WFR", "epsg": 32655, "baseline": "05.12", "boa_offset": -0.1},
        ),
        (
            "stac/earthsearch_v0_item_s2_l2a_2020.json",
            None,
            {"platform": "sentinel-2a", "tile": "28QCH", "epsg": 32628, "baseline": "02.14", "boa_offset": 0.0},
        ),
        (
            "s2_cog_scene_2020/S2A_29RKH_20200219_0_L2A.json",
            None,
            {"platform": "sentinel-2a", "tile": "29RKH", "epsg": 32629, "baseline": "02.14", "boa_offset": 0.0},
        ),
    ],
)
def test_each_catalogue_flavour_is_read_into_the_same_form(file: str, item_id: str | None, expected: dict) -> None:
    scene = read_item(recorded(file, item_id))
    assert {field: getattr(scene, field) for field in expected} == expected
    assert (scene.red[-3:], scene.nir[-3:], scene.scl[-3:]) in {("tif",) * 3, ("jp2",) * 3}
    assert "B04" in scene.red
    assert "B08" in scene.nir
    assert "SCL" in scene.scl


def test_planetary_computer_states_no_offset_so_the_baseline_decides() -> None:
    item = recorded("stac/pc_item_s2_l2a_2019.json")
    for baseline, offset in [("02.12", 0.0), ("03.01", 0.0), ("04.00", -0.1), ("05.10", -0.1), ("99.99", -0.1)]:
        item["properties"]["s2:processing_baseline"] = baseline
        assert read_item(item).boa_offset == offset


def test_a_flag_that_is_false_leaves_the_decision_to_the_baseline() -> None:
    item = recorded("stac/earthsearch_search_point_2023_page1.json", "S2A_13TDE_20231008_0_L2A")
    item["properties"]["earthsearch:boa_offset_applied"] = False
    assert read_item(item).boa_offset == -0.1


def test_the_same_acquisition_has_one_identity_in_both_collections_and_the_better_collection_is_kept() -> None:
    file = "stac/earthsearch_search_cql2_page1.json"
    old = read_item(recorded(file, "S2B_20EPT_20250731_0_L2A"))
    new = read_item(recorded(file, "S2B_T20EPT_20250731T131905_L2A"))
    assert old.created > new.created
    assert deduplicated([old, new]) == deduplicated([new, old]) == [new]


def test_acquisition_is_the_start_of_the_datatake_to_the_second() -> None:
    scene = read_item(recorded("stac/earthsearch_search_point_2023_page1.json", "S2A_13TDE_20231008_0_L2A"))
    assert scene.acquired == dt.datetime(2023, 10, 8, 17, 52, 31)


@pytest.mark.parametrize("missing", ["s2:processing_baseline", "assets", "platform"])
def test_an_item_without_what_is_needed_is_refused_with_its_name(missing: str) -> None:
    item = recorded("stac/pc_item_s2_l2a_2019.json")
    item["id"] = "renamed"
    item["properties"].pop("s2:product_uri")
    (item if missing == "assets" else item["properties"]).pop(missing)
    with pytest.raises(DataError, match="renamed"):
        read_item(item)


def named(safe: str) -> Scene:
    """A scene as a SAFE name alone describes it, in the way of Planetary Computer."""
    assets = {key: {"href": f"{safe}/{key}.tif"} for key in ("B04", "B08", "SCL")}
    created = f"{safe[-15:-11]}-{safe[-11:-9]}-{safe[-9:-7]}"
    return read_item({"id": safe, "collection": "sentinel-2-l2a", "properties": {"created": created}, "assets": assets})


def test_sixty_files_of_one_field_are_37_overpasses() -> None:
    folder = SAMPLES / "s2_wheat_arenenberg_2022"
    if not folder.exists():
        pytest.skip("wheat field samples are not here")
    scenes = [named(path.stem) for path in folder.glob("*.tif")]
    assert len(scenes) == 60
    assert len(deduplicated(scenes)) == 57
    groups = overpasses(scenes)
    assert len(groups) == 37
    assert all({scene.tile for scene in group} <= {"32TMT", "32TNT"} for group in groups)


def test_of_reprocessed_twins_the_highest_baseline_then_the_latest_is_kept_and_a_placeholder_baseline_loses() -> None:
    first = named("S2A_MSIL2A_20220620T102041_N0400_R065_T32TNT_20220620T162319")
    placeholder = named("S2A_MSIL2A_20220620T102041_N9999_R065_T32TNT_20221231T145333")
    reprocessed = named("S2A_MSIL2A_20220620T102041_N0510_R065_T32TNT_20240101T000000")
    again = dataclasses.replace(first, id="again", created="2023")
    assert placeholder.boa_offset == -0.1
    assert deduplicated([placeholder, first]) == [first]
    assert deduplicated([first, again]) == [again]
    assert deduplicated([again, reprocessed, placeholder]) == [reprocessed]


def test_two_halves_of_a_tile_are_both_kept_in_one_overpass() -> None:
    first = named("S2C_MSIL2A_20250729T175521_N0511_R141_T13TDE_20250729T210000")
    halves = [dataclasses.replace(first, id=strip, strip=strip) for strip in ("20250729T175521", "20250729T180310")]
    assert [len(group) for group in overpasses(halves)] == [2]


SCENES = st.builds(
    lambda platform, second, tile, baseline, created: Scene(
        id=f"{platform}{second}{tile}{baseline}{created}",
        collection="sentinel-2-l2a",
        platform=platform,
        acquired=dt.datetime(2024, 1, 1) + dt.timedelta(seconds=second),
        strip="",
        tile=tile,
        baseline=baseline,
        boa_offset=0.0,
        created=created,
        cloud_cover=0.0,
        epsg=32630,
        red="",
        nir="",
        scl="",
    ),
    platform=st.sampled_from(["sentinel-2a", "sentinel-2b"]),
    second=st.sampled_from([0, 4, 3000, 100000]),
    tile=st.sampled_from(["30TUL", "30TUM"]),
    baseline=st.sampled_from(["02.14", "04.00", "05.11", "99.99"]),
    created=st.sampled_from(["2024-01-01", "2024-06-01"]),
)


@given(st.lists(SCENES, max_size=12))
def test_deduplication_keeps_every_acquisition_once_whatever_the_order(scenes: list[Scene]) -> None:
    kept = deduplicated(scenes)
    identity = [(scene.platform, scene.acquired, scene.tile) for scene in kept]
    assert len(set(identity)) == len(identity)
    assert set(identity) == {(scene.platform, scene.acquired, scene.tile) for scene in scenes}
    assert deduplicated(list(reversed(scenes))) == kept
    assert [scene for group in overpasses(scenes) for scene in group if scene not in kept] == []
    assert sum(map(len, overpasses(scenes))) == len(kept)
