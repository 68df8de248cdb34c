"""The command that compares a twin's NDVI with its past, its neighbours and decades of MODIS."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from typer.testing import CliRunner

from agritwin import workspace
from agritwin.cli import app
from agritwin.sources import base
from agritwin.vegetation.store import write_scenes
from agritwin.workspace import write_json
from tests.products.test_ndvi import scenes

PARCEL = {"type": "Polygon", "coordinates": [[[-4.82, 41.27], [-4.81, 41.27], [-4.81, 41.28], [-4.82, 41.27]]]}


@pytest.fixture
def holding(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five twins with a product each; the last grows almonds."""
    (tmp_path / "config/twins").mkdir(parents=True)
    (tmp_path / "Snakefile").touch()
    shutil.copy(root / "config/config.yaml", tmp_path / "config")
    for name, level, species in (
        ("a", 0.4, "olive"),
        ("b", 0.5, "olive"),
        ("c", 0.6, "olive"),
        ("d", 0.7, "olive"),
        ("e", 0.1, "almond"),
    ):
        twin = f"field-{name}"
        settings = {"name": name, "parcel": {"geometry": PARCEL}, "planting": {"species": species}}
        (tmp_path / f"config/twins/{twin}.yaml").write_text(yaml.safe_dump(settings))
        product = {
            "last": {"time": "2025-06-08T11:06:42", "mean": level},
            "anomaly": {"median": 0.45, "years": 6} if name == "b" else "no past",
        }
        (tmp_path / "results" / twin).mkdir(parents=True)
        (tmp_path / "results" / twin / "ndvi.json").write_text(json.dumps(product))
        parcel = {"latitude": 41.273, "longitude": -4.815, "planting": {"species": species}}
        (tmp_path / "results" / twin / "parcel.json").write_text(json.dumps(parcel))
    monkeypatch.chdir(tmp_path)
    write_json(workspace.CLOCK, {"as_of": "2025-06-09"})
    for name, level in (("a", 0.4), ("b", 0.5), ("c", 0.6), ("d", 0.7), ("e", 0.1)):
        write_scenes(workspace.cube("ndvi", f"field-{name}")[0], None, scenes(level, "2025-06-08"), "a scene")
    return tmp_path


def test_a_twin_is_told_its_place_among_neighbours_with_the_same_crop(holding: Path) -> None:
    told = CliRunner().invoke(app, ["greenness", "field-b"]).output
    assert "NDVI of 2025-06-08: 0.50" in told
    assert "6 seasons: median 0.45" in told
    assert "3 neighbours with the same crop: median 0.60, greener than 33 % of them" in told


def test_too_few_neighbours_are_said_to_be_too_few(holding: Path) -> None:
    told = CliRunner().invoke(app, ["greenness", "field-e"]).output
    assert "Neighbours with the same crop: 0, at least 3 are needed." in told


def test_decades_are_compared_over_the_same_part_of_the_season(holding: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    time = np.arange("2020-01-05", "2025-06-20", 16, dtype="datetime64[D]").astype("datetime64[ns]")
    year = time.astype("datetime64[Y]").astype(int) + 1970

    class Landscape:
        def fetch(self, where, when):
            cloudy = np.arange(time.size) % 5 == 0
            values = np.where(cloudy, -0.1, 0.2 + 0.01 * (year - 2020))
            return xr.Dataset(
                {"ndvi": ("time", values), "reliability": ("time", np.where(cloudy, 3, 0))}, {"time": time}
            )

    monkeypatch.setattr(base, "open_source", lambda kind, name: Landscape())
    told = CliRunner().invoke(app, ["greenness", "field-b", "--since", "2022"]).output
    rows = [line for line in told.splitlines() if " to " in line and "2022" in line]
    assert "2021-11-01 to 2022-06-08" in rows[0]
    # Eight months: some composites of 2021 (0.21), most of 2022 (0.22).
    assert 0.215 < float(rows[0].split("│")[2]) < 0.22
