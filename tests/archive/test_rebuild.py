"""Writing a part of the archive again gives the same bytes."""

import pandas as pd
import pytest

from scripts.archive import build, catalogue, forecast_errors, landscape
from scripts.archive.sites import MORALEJA, PINILLO_SITE
from scripts.archive.writing import write_json, write_parquet


def same(archive, folder, pattern: str) -> int:
    paths = [path for path in folder.rglob(pattern) if path.is_file()]
    for path in paths:
        assert path.read_bytes() == (archive / path.relative_to(folder)).read_bytes(), path.name
    return len(paths)


def test_contents_parcels_terrain_and_soil(archive, tmp_path):
    write_json(tmp_path / "archive.json", build.contents())
    build.write_places(tmp_path)
    assert same(archive, tmp_path, "*") == 8


def test_forecast_errors(archive, tmp_path):
    name = MORALEJA.cell.name
    notes = {"title": f"Errors of synthetic forecast members for cell {name}"}
    path = tmp_path / "weather" / f"{name}.forecast_errors.parquet"
    write_parquet(path, forecast_errors.of_cell(MORALEJA.cell), notes, forecast_errors.MEANING)
    assert same(archive, tmp_path, "*") == 1


def test_weather_and_holding(archive, tmp_path):
    """The weather is made once for both cells; the holding's files hang on it."""
    build.write_weather(tmp_path)
    build.write_holding(tmp_path)
    assert same(archive, tmp_path, "*.parquet") == 4
    assert same(archive, tmp_path / "", "holding/*") == 4


@pytest.mark.parametrize(
    ("site", "day", "reprocessed"),
    [(MORALEJA, "2025-06-08", False), (MORALEJA, "2021-06-19", True), (PINILLO_SITE, "2020-01-29", False)],
)
def test_scenes(archive, tmp_path, site, day, reprocessed):
    name = catalogue.write_scene(tmp_path / "imagery", site, pd.Timestamp(day), reprocessed=reprocessed)
    assert same(archive, tmp_path, "*") == 4, name


def test_windows_hold_every_parcel_with_its_margin():
    for site in (MORALEJA, PINILLO_SITE):
        here = landscape.ground(site)
        orchard = here.cover == 0
        assert not orchard[:6].any()
        assert not orchard[-6:].any()
        assert not orchard[:, :6].any()
        assert not orchard[:, -6:].any()
