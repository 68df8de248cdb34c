import datetime as dt
import json
import shutil

import geopandas
import pytest
import yaml
from shapely.geometry import shape

from agritwin import config
from agritwin.errors import ConfigError

DEMO = "47-96-0-0-5-20-1"


@pytest.fixture
def folder(tmp_path, root):
    shutil.copytree(root / "config", tmp_path / "config")
    return tmp_path / "config"


def edit(folder, twin, **changes):
    path = folder / "twins" / f"{twin}.yaml"
    path.write_text(yaml.safe_dump(config.merge(yaml.safe_load(path.read_text()), changes)), encoding="utf-8")


def refused(folder, **arguments):
    with pytest.raises(ConfigError) as caught:
        config.load(folder, **arguments)
    return str(caught.value)


def test_three_twins_are_shipped_and_valid(root):
    assert list(config.load(root / "config")) == ["47-124-0-0-1-53-1", DEMO, "47-96-0-0-5-25-1"]


def test_a_twin_differs_only_in_what_its_file_says(folder):
    edit(folder, DEMO, flood={"storm_depth_mm": 80})
    twins = config.load(folder)
    assert twins[DEMO].flood.storm_depth_mm == 80
    assert twins[DEMO].flood.manning == twins["47-96-0-0-5-25-1"].flood.manning == 0.05


def test_the_command_line_goes_above_both_files(folder):
    edit(folder, DEMO, flood={"storm_depth_mm": 80})
    assert config.load(folder, DEMO, {"flood": {"storm_depth_mm": 90}})[DEMO].flood.storm_depth_mm == 90


def test_settings_cannot_be_changed(root):
    with pytest.raises(ValueError, match="frozen"):
        config.load(root / "config")[DEMO].flood.storm_depth_mm = 1


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"flood": {"storm_dept_mm": 3}}, ["flood.storm_dept_mm", "storm_depth_mm"]),
        ({"flood": {"manning": 7}}, ["flood.manning = 7", "less than or equal to 0.5"]),
        ({"planting": {"species": "banana"}}, ["planting.species = 'banana'", "pistachio"]),
        ({"zone": "Europe/Nowhere"}, ["zone = 'Europe/Nowhere'", "Europe/Madrid"]),
        (
            {"sources": {"soil": ["soilgrid"]}},
            ["sources.soil = ['soilgrid']", "no soil source 'soilgrid'", "soilgrids"],
        ),
        ({"season": {"start": "13-01"}}, ["season.start = '13-01'"]),
        ({"alerts": {"frost_deg_c": {"low": None}}}, ["alerts.frost_deg_c.low"]),
        ({"weather": {"first_day": "yesterday"}}, ["weather.first_day = 'yesterday'"]),
    ],
)
def test_a_fault_names_file_key_value_and_what_is_allowed(folder, changes, parts):
    edit(folder, DEMO, **changes)
    message = refused(folder)
    for part in [f"{DEMO}.yaml", *parts]:
        assert part in message


def test_a_fault_in_the_defaults_names_that_file(folder):
    path = folder / "config.yaml"
    path.write_text(path.read_text().replace("manning: 0.05", "manning: high"), encoding="utf-8")
    assert "config.yaml: flood.manning = 'high'" in refused(folder)


def test_all_faults_are_told_at_once(folder):
    edit(folder, DEMO, flood={"manning": 7}, language="fr")
    assert {"flood.manning", "language"} <= set(refused(folder).replace(":", " ").split())


def test_malformed_yaml_names_the_line(folder):
    (folder / "twins" / f"{DEMO}.yaml").write_text("name: x\n  bad: [\n", encoding="utf-8")
    assert "line 2" in refused(folder)


def test_a_key_written_twice_is_refused(folder):
    (folder / "twins" / f"{DEMO}.yaml").write_text("name: a\nname: b\n", encoding="utf-8")
    assert "'name' is written twice" in refused(folder)


def test_an_unknown_twin_suggests_the_nearest(root):
    message = refused(root / "config", wanted="47-96-0-0-5-20-2")
    assert "Did you mean 47-96-0-0-5-20-1?" in message


def test_twins_are_chosen_by_commas(root):
    assert list(config.load(root / "config", f"{DEMO}, 47-96-0-0-5-25-1")) == [DEMO, "47-96-0-0-5-25-1"]


def test_a_file_name_that_is_no_id_is_refused(folder):
    (folder / "twins" / "007.yaml").write_text("name: x\n", encoding="utf-8")
    assert "007" in refused(folder)


def test_a_parcel_needs_exactly_one_outline(folder):
    edit(folder, DEMO, parcel={"geometry": {"type": "Polygon", "coordinates": []}})
    assert "either 'file' or 'geometry'" in refused(folder)


def test_a_static_catalogue_needs_its_place(folder):
    edit(folder, DEMO, sources={"imagery": ["catalogue"]})
    assert "imagery.catalogue" in refused(folder)
    edit(folder, DEMO, imagery={"catalogue": "https://example.org/catalog.json"})
    assert config.load(folder, DEMO)[DEMO].imagery.catalogue == "https://example.org/catalog.json"


def test_the_schemas_in_the_repository_are_those_of_the_models(root):
    for name, content in config.schemas().items():
        kept = json.loads((root / "config" / "schema" / f"{name}.json").read_text(encoding="utf-8"))
        for section, definition in content["$defs"].items():
            assert kept["$defs"][section] == definition, section
        assert kept == content


def test_every_key_of_the_defaults_carries_a_comment(root):
    lines = (root / "config" / "config.yaml").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    top = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert {line.split(":")[0] for line in top} == set(yaml.safe_load("\n".join(lines)))


def test_the_clock_is_what_was_asked_for_then_the_last_observe_then_the_archive(root, tmp_path, monkeypatch):
    twins = config.load(root / "config")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "archive").symlink_to(root / "data" / "archive")
    today = dt.date(2030, 1, 1)
    assert config.clock(None, twins, today) == "2025-06-15"
    (tmp_path / "data" / "as_of.json").write_text('{"as_of": "2025-06-20"}')
    assert config.clock(None, twins, today) == "2025-06-20"
    assert config.clock("2025-07-01", twins, today) == "2025-07-01"
    with pytest.raises(ConfigError, match="is no date"):
        config.clock("1 July", twins, today)


def test_a_missing_record_file_names_key_and_file(folder):
    settings = config.load(folder, DEMO, {"records": {"files": ["no/such.xlsx"]}})[DEMO]
    with pytest.raises(ConfigError, match=r"records.files names no/such.xlsx"):
        config.check_files(DEMO, settings)


def test_outlines_lie_in_the_yaml_or_in_files_of_any_name_and_kind(folder, caplog):
    twins = folder / "twins"
    file = config.read_yaml(twins / f"{DEMO}.yaml")["parcel"]["file"]
    polygon = json.loads((twins / file).read_text(encoding="utf-8"))
    geometry = polygon.get("features", [polygon])[0]["geometry"]
    frame = geopandas.GeoDataFrame(geometry=[shape(geometry)], crs=4326)
    frame.to_crs(25830).to_file(twins / "projected.gpkg")
    written = {
        "written": {"geometry": geometry},
        "other": {"file": "projected.gpkg"},
        "broken": {"file": "none.geojson"},
    }
    for name, parcel in written.items():
        (twins / f"{name}.yaml").write_text(yaml.safe_dump({"parcel": parcel}), encoding="utf-8")
    found = config.outlines(folder)
    assert {DEMO, "written", "other"} <= found.keys()
    assert "broken" not in found
    assert "none.geojson" in caplog.text
    assert shape(found["written"]).equals(shape(found[DEMO]))
    assert shape(found["other"]).symmetric_difference(shape(geometry)).area < 1e-6 * shape(geometry).area


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        ({"type": "Point", "coordinates": [1, 2]}, "a Point is not a parcel"),
        ({"type": "Polygon", "coordinates": []}, "has no corners"),
        ({"type": "Polygon"}, "has no corners"),
        ({"type": "Polygon", "coordinates": "abc"}, "has no corners"),
        ({"coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}, "is not a parcel"),
    ],
)
def test_an_outline_in_the_yaml_that_is_no_area_is_a_sentence(geometry, words, folder):
    twin = {"name": "a", "parcel": {"geometry": geometry}, "planting": {"species": "vine"}}
    (folder / "twins" / "a-field.yaml").write_text(yaml.safe_dump(twin))
    settings = config.load(folder, "a-field")["a-field"]
    with pytest.raises(ConfigError, match=words):
        config.outline(settings, folder / "twins")
