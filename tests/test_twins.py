"""The life of a twin, through the command line as people use it."""

import json
import shutil
import zipfile

import pytest
from shapely.geometry import box, mapping
from typer.testing import CliRunner

from agritwin import config, twins
from agritwin.cli import app
from agritwin.errors import DataError
from tests.conftest import DEMO, clone


@pytest.fixture
def folder(tmp_path, monkeypatch):
    workspace = clone(tmp_path / "workspace")
    monkeypatch.chdir(workspace)
    return workspace


def run(*arguments, **options):
    return CliRunner().invoke(app, list(arguments), **options)


def parcel(folder, polygon=None, name="parcel.geojson", **properties):
    polygon = polygon or box(-4.70, 41.30, -4.697, 41.302)
    feature = {
        "type": "Feature",
        "id": properties.pop("id", None),
        "properties": properties,
        "geometry": mapping(polygon),
    }
    path = folder / name
    path.write_text(json.dumps(feature))
    return str(path)


def test_a_twin_of_the_south_has_a_season_of_the_south(folder):
    assert run("new", parcel(folder, box(-70.70, -33.50, -70.697, -33.498)), "--id", "maipo").exit_code == 0
    chosen = config.load(folder / "config")
    assert chosen["maipo"].season.start == "05-01"


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (["--species", "wheat"], "none"),
        (["--species", "wheat", "--irrigation", "refill"], "refill"),
        (["--species", "olive"], "refill"),
        (["--species", "olive", "--irrigation", "none"], "none"),
    ],
)
def test_new_fields_live_on_rain_and_new_groves_are_watered_unless_said_otherwise(folder, options, rule):
    assert run("new", parcel(folder), "--id", "north-field", *options).exit_code == 0
    assert config.load(folder / "config", "north-field")["north-field"].irrigation.rule == rule


def test_new_makes_a_twin_with_live_sources_that_is_valid(folder):
    done = run("new", parcel(folder), "--id", "north-field", "--year", "2015", "--name", "North field")
    assert done.exit_code == 0, done.output
    assert "snakemake --config twin=north-field" in done.output
    settings = config.load(folder / "config")["north-field"]
    assert settings.name == "North field"
    assert settings.sources.weather == ["open_meteo"]
    assert settings.planting.year == 2015


def test_the_same_file_again_changes_nothing(folder):
    path = parcel(folder, id="north-field")
    assert run("new", path).exit_code == 0
    before = {file: file.read_bytes() for file in (folder / "config" / "twins").iterdir()}
    assert run("new", path).exit_code == 0
    assert {file: file.read_bytes() for file in (folder / "config" / "twins").iterdir()} == before


def test_another_parcel_under_a_known_id_is_refused(folder):
    assert run("new", parcel(folder, id="north-field")).exit_code == 0
    done = run("new", parcel(folder, id="north-field"), "--year", "1990")
    assert done.exit_code == 2
    assert "exists and differs" in done.output


def test_areas_that_disagree_have_to_be_confirmed(folder):
    path = parcel(folder, id="north-field", area=50.0)
    done = run("new", path)
    assert done.exit_code == 2
    assert "50 ha" in done.output
    assert not (folder / "config" / "twins" / "north-field.yaml").exists()
    assert run("new", path, "--area", "polygon").exit_code == 0
    assert config.load(folder / "config")["north-field"].parcel.area_confirmed == "polygon"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: parcel(f, box(-4.7, 41.3, -4.69995, 41.30003), id="tiny-field"), "less than one pixel"),
        (lambda f: parcel(f, box(41.30, -4.70, 41.31, -4.69), id="swapped"), "exchanged"),
        (lambda f: parcel(f), "no id"),
        (lambda f: parcel(f, id="../escape"), "cannot name a twin"),
        (lambda f: parcel(f, id="all"), "cannot name a twin"),
        (lambda f: parcel(f, box(-5, 40, -4, 41), id="province"), "at most 10,000 ha"),
        (lambda f: str(f / "missing.geojson"), "There is no file"),
    ],
)
def test_what_is_no_parcel_is_a_sentence_and_leaves_nothing(folder, make, words):
    before = sorted((folder / "config" / "twins").iterdir())
    done = run("new", make(folder))
    assert done.exit_code == 2, done.output
    assert words in done.output.replace("\n", " ")
    assert "Traceback" not in done.output
    assert sorted((folder / "config" / "twins").iterdir()) == before


def test_of_several_parcels_one_has_to_be_named(folder):
    features = [
        {"type": "Feature", "id": name, "properties": {}, "geometry": mapping(box(x, 41.30, x + 0.003, 41.302))}
        for name, x in (("one-field", -4.70), ("two-field", -4.60))
    ]
    path = folder / "several.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert "Choose one with --parcel" in run("new", str(path)).output.replace("\n", " ")
    assert run("new", str(path), "--id", "two-field").exit_code == 0


@pytest.mark.parametrize(("which", "name"), [("2", "Los Pinos"), ("Los Pinos", "Los Pinos"), ("1", "La Cuesta")])
def test_of_parcels_without_ids_one_is_named_by_its_number_or_name(folder, which, name):
    features = [
        {"type": "Feature", "properties": {"nombre": called}, "geometry": mapping(box(x, 41.30, x + 0.003, 41.302))}
        for called, x in (("La Cuesta", -4.70), ("Los Pinos", -4.60))
    ]
    path = folder / "several.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    refused = run("new", str(path), "--id", "pines").output.replace("\n", " ")
    assert "1 La Cuesta, 2 Los Pinos" in refused
    for wrong in ("3", "0", "Las Eras"):
        assert run("new", str(path), "--id", "pines", "--parcel", wrong).exit_code == 2
    assert run("new", str(path), "--id", "pines", "--parcel", which).exit_code == 0
    assert config.load(folder / "config")["pines"].name == name


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--declared-area-ha", "-3"), "-3 ha is no area. Give hectares above 0"),
        (("--declared-area-ha", "nan"), "nan ha is no area."),
        (("--year", "3000"), "less than or equal to 2200. Correct the keys"),
    ],
)
def test_options_that_cannot_be_are_sentences(folder, options, words):
    done = run("new", parcel(folder, id="north-field"), *options)
    assert done.exit_code == 2
    assert words in done.output.replace("\n", " ")
    assert not (folder / "config" / "twins" / "north-field.yaml").exists()


def test_delete_lists_exports_and_leaves_nothing(folder):
    for path in ("data/twins", "results", "reports", "logs", "data/landing"):
        (folder / path / DEMO).mkdir(parents=True)
        (folder / path / DEMO / "file.txt").write_text("x")
    (folder / "data/cubes/ndvi").mkdir(parents=True)
    (folder / f"data/cubes/ndvi/{DEMO}.json").write_text("{}")
    (folder / "data/cubes/weather").mkdir()
    (folder / "data/cubes/weather/shared.json").write_text("{}")
    done = run("delete", DEMO, "--export", "backup.zip", "--yes")
    assert done.exit_code == 0, done.output
    for shown in (f"reports/{DEMO}", f"config/twins/{DEMO}.yaml", f"data/landing/{DEMO}"):
        assert shown in done.output
    left = [path for path in folder.rglob("*") if DEMO in path.name and "archive" not in path.parts]
    assert left == []
    assert (folder / "data/cubes/weather/shared.json").exists()
    with zipfile.ZipFile(folder / "backup.zip") as archive:
        assert f"reports/{DEMO}/file.txt" in archive.namelist()
        assert "records.json" in archive.namelist()


def test_delete_asks_and_no_keeps_everything(folder):
    done = run("delete", DEMO, input="n\n")
    assert done.exit_code == 1
    assert (folder / "config" / "twins" / f"{DEMO}.yaml").exists()


def test_delete_of_an_unknown_twin_is_a_sentence(folder):
    done = run("delete", "47-96-0-0-5-20-9")
    assert done.exit_code == 2
    assert "Did you mean" in done.output.replace("\n", " ")


def test_a_twin_made_again_after_its_end_starts_empty(folder):
    path = parcel(folder, id="north-field")
    assert run("new", path).exit_code == 0
    (folder / "results" / "north-field").mkdir(parents=True)
    assert run("delete", "north-field", "--yes").exit_code == 0
    assert run("new", path).exit_code == 0
    assert [str(p) for p in twins.belongings(folder, "north-field")] == [
        "config/twins/north-field.geojson",
        "config/twins/north-field.yaml",
    ]


def test_belongings_of_a_dangerous_id_are_never_looked_for(folder):
    with pytest.raises(DataError):
        twins.belongings(folder, "../../etc")


def test_outside_a_workspace_the_command_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("delete", DEMO)
    assert done.exit_code == 2
    assert "no agritwin workspace" in done.output.replace("\n", " ")


def test_schema_check_fails_when_a_file_is_out_of_step(folder):
    assert run("schema", "--check").exit_code == 0
    shutil.copy(folder / "config/schema/twin.json", folder / "config/schema/config.json")
    assert run("schema", "--check").exit_code == 2
    assert run("schema").exit_code == 0
    assert run("schema", "--check").exit_code == 0
