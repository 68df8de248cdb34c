"""The offline archive's clock moved on day by day: what did not change is not written, so that nothing runs again."""

import json
from pathlib import Path

import numpy as np

from agritwin import config
from agritwin.observe.clock import set_clock
from agritwin.observe.forecast import fetch_forecast
from agritwin.observe.ndvi import fetch_ndvi
from agritwin.observe.pin import pin
from agritwin.observe.weather import fetch_weather
from tests.conftest import DEMO, clone

CELL = "archive-n413w048"
PINS = ("weather", "forecast", "ndvi")
PARTS = [("weather", "history"), ("weather", "season"), ("forecast", None), ("ndvi", "history"), ("ndvi", "season")]
VOLATILE = ("journal.jsonl", "quota.json")


def observe(as_of):
    """All that a day's observe does, in this process."""
    settings = config.load(Path("config"), DEMO)[DEMO]
    set_clock(clock="data/as_of.json", as_of=as_of)
    shared = {"clock": "data/as_of.json", "cell": CELL, "place": [41.3, -4.8], "sources_quota_share": 0.5}
    paths = {kind: f"data/cubes/{kind}/{CELL}" for kind in ("weather", "forecast")}
    fetch_weather(
        **shared,
        pointer=f"{paths['weather']}.json",
        status=f"{paths['weather']}.status.json",
        zone=settings.zone,
        sources_weather=["archive"],
        weather=config.at(settings, "weather") | {"first_day": "2024-06-01"},
        stations={},
    )
    fetch_forecast(
        **shared,
        pointer=f"{paths['forecast']}.json",
        status=f"{paths['forecast']}.status.json",
        sources_forecast=["archive"],
    )
    fetch_ndvi(
        clock="data/as_of.json",
        parcel="parcel.geojson",
        pointer=f"data/cubes/ndvi/{DEMO}.json",
        status=f"data/cubes/ndvi/{DEMO}.status.json",
        twin=DEMO,
        imagery=config.at(settings, "imagery") | {"first_day": "2025-03-01"},
        sources_imagery=["archive"],
    )
    pin(
        clock="data/as_of.json",
        weather=f"{paths['weather']}.json",
        forecast=f"{paths['forecast']}.json",
        ndvi=f"data/cubes/ndvi/{DEMO}.json",
        **{f"{name}_pin": f"data/twins/{DEMO}/{name}.json" for name in PINS},
        twin=DEMO,
        season_start=settings.season.start,
        weather_first_day="2024-06-01",
        zone=settings.zone,
    )


def written():
    """Every file that the workflow compares, with its content and time."""
    files = [*Path("data/cubes").glob("*/*.json"), *Path("data/twins").rglob("*.json"), Path("data/as_of.json")]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files if path.name not in VOLATILE}


def content(file, part):
    """A pin, or a part of it, as it was written."""
    pin = json.loads(file[0])
    return pin if part is None else pin[part]


def test_a_year_of_days_changes_only_what_is_new(tmp_path, monkeypatch, thorough):
    folder = clone(tmp_path / "workspace")
    monkeypatch.chdir(folder)
    outline = json.loads(Path(f"config/twins/{DEMO}.geojson").read_text())
    Path("parcel.geojson").write_text(json.dumps(outline if "geometry" in outline else outline["features"][0]))
    first, days = ("2025-06-15", 365) if thorough else ("2025-10-31", 4)
    before, changes = {}, {name: [] for name in PARTS}
    scenes = []
    for number, as_of in enumerate((np.datetime64(first) + np.arange(days)).astype(str)):
        observe(as_of)
        now = written()
        for name, part in PARTS:
            path = f"data/twins/{DEMO}/{name}.json"
            if before and content(now[path], part) != content(before[path], part):
                changes[name, part].append(as_of)
        path = f"data/cubes/ndvi/{DEMO}.json"
        if before and now[path] != before[path]:
            scenes.append(as_of)
        if number % 25 == 1:
            observe(as_of)
            assert written() == now, "the same day again writes nothing"
        before = now
    assert changes["weather", "history"] == ["2025-11-02"], "a new history once a year, when the season has turned"
    assert set(changes["ndvi", "history"]) <= {"2025-11-02", *scenes}
    assert set(changes["ndvi", "season"]) <= {"2025-11-02", *scenes}, "no scene, no new pin"
    assert len(changes["weather", "season"]) == len(changes["forecast", None]) == days - 1
    assert len(scenes) < 0.6 * days
