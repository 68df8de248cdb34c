"""The offline archive's clock moved on day by day: what did not change is not written, so that nothing runs again.

In full this is a year of days, each made by the steps of `observe` in this process, and a sample of days on which
`agritwin refresh` comes to what the steps come to.
"""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agritwin import config, cubes, forecast_cube, weather_cube
from agritwin.observe.clock import set_clock
from agritwin.observe.forecast import fetch_forecast
from agritwin.observe.ndvi import fetch_ndvi
from agritwin.observe.pin import pin
from agritwin.observe.weather import fetch_weather
from tests.conftest import DEMO, clone

CELL = "archive-n413w048"
PINS = ("weather", "forecast", "ndvi")
PARTS = [("weather", "history"), ("weather", "season"), ("forecast", None), ("ndvi", "history"), ("ndvi", "season")]
SHORT = "weather: {first_day: 2024-06-01}\nimagery: {first_day: 2025-03-01}\n"
VOLATILE = ("journal.jsonl", "quota.json")
TURN = "2025-11-02"
"""Up to the day before, all that is known belongs to the season that ended in October."""
SAMPLE = ("2025-11-01", TURN, "2026-03-16", "2026-03-17")
"""Days on which a workspace is refreshed for real."""


def laid_out(folder, record=SHORT):
    """A fresh workspace, with settings that make its record short, or others."""
    clone(folder)
    twin = folder / "config/twins" / f"{DEMO}.yaml"
    twin.write_text(twin.read_text() + record)
    outline = json.loads((folder / f"config/twins/{DEMO}.geojson").read_text())
    parcel = folder / f"data/twins/{DEMO}/parcel.geojson"
    parcel.parent.mkdir(parents=True)
    parcel.write_text(json.dumps(outline if "geometry" in outline else outline["features"][0]))
    return folder


def observe(as_of):
    """All that a day's observe does, in this process."""
    settings = config.load(Path("config"), DEMO)[DEMO]
    set_clock(clock="data/as_of.json", as_of=as_of)
    shared = {"clock": "data/as_of.json", "cell": CELL, "place": [41.3, -4.8], "sources_quota_share": 0.5}
    files = {
        kind: {"pointer": f"data/cubes/{kind}/{name}.json", "status": f"data/cubes/{kind}/{name}.status.json"}
        for kind, name in (("weather", CELL), ("forecast", CELL), ("ndvi", DEMO))
    }
    weather = config.at(settings, "weather")
    fetch_weather(
        **shared, **files["weather"], zone=settings.zone, sources_weather=["archive"], weather=weather, stations={}
    )
    fetch_forecast(**shared, **files["forecast"], sources_forecast=["archive"])
    fetch_ndvi(
        clock="data/as_of.json",
        parcel=f"data/twins/{DEMO}/parcel.geojson",
        **files["ndvi"],
        twin=DEMO,
        imagery=config.at(settings, "imagery"),
        sources_imagery=["archive"],
    )
    pin(
        clock="data/as_of.json",
        **{kind: each["pointer"] for kind, each in files.items()},
        **{f"{name}_pin": f"data/twins/{DEMO}/{name}.json" for name in PINS},
        season_start=settings.season.start,
        weather_first_day=weather["first_day"],
        zone=settings.zone,
    )


def written():
    """Every file that the workflow compares, with its content and time."""
    files = [*Path("data/cubes").glob("*/*.json"), *Path("data/twins").rglob("*.json"), Path("data/as_of.json")]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files if path.name not in VOLATILE}


def pinned(folder=Path()):
    """What a twin sees: beginning and digest of each slice."""
    seen = {}
    for name, part in PARTS:
        content = json.loads((folder / f"data/twins/{DEMO}/{name}.json").read_text())
        content = content if part is None else content[part]
        seen[name, part] = (content.get("start"), content["digest"])
    return seen


def held(folder=Path()):
    """What is in the cubes: hours, days, scenes, and the newest forecast."""
    weather = folder / f"data/cubes/weather/{CELL}.icechunk"
    return {
        "hours": cubes.digest(weather_cube.open_hourly(weather)),
        "days": cubes.digest(weather_cube.open_daily(weather)),
        "scenes": cubes.digest(cubes.open_group(folder / f"data/cubes/ndvi/{DEMO}.icechunk", "ndvi").load()),
        "forecast": cubes.digest(forecast_cube.open_issue(folder / f"data/cubes/forecast/{CELL}.icechunk")),
    }


@pytest.fixture(scope="module")
def year(tmp_path_factory, thorough):
    """Each day with what it wrote, what a twin saw, and how much of the catalogue was there."""
    first, days = ("2025-06-15", 365) if thorough else ("2025-11-01", 3)
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(laid_out(tmp_path_factory.mktemp("year") / "workspace"))
        for number, as_of in enumerate((np.datetime64(first) + np.arange(days)).astype(str)):
            observe(as_of)
            now = written()
            if number % 25 == 1:
                observe(as_of)
                assert written() == now, "the same day again writes nothing"
            made[as_of] = {"written": now, "pinned": pinned()}
        made[as_of]["held"] = held()
    return made


def changed(year, what, key):
    """Days on which something became another thing than on the day before."""
    return [day for before, day in itertools.pairwise(year) if year[day][what][key] != year[before][what][key]]


def test_only_what_is_new_is_written(year):
    scenes = changed(year, "written", f"data/cubes/ndvi/{DEMO}.json")
    assert changed(year, "pinned", ("weather", "history")) == [TURN], "a new history when the season has turned"
    for part in ("history", "season"):
        assert set(changed(year, "pinned", ("ndvi", part))) <= {TURN, *scenes}, "no scene, no new pin"
    assert set(changed(year, "written", f"data/twins/{DEMO}/ndvi.json")) <= {TURN, *scenes}, "not even its time"
    assert changed(year, "pinned", ("weather", "season")) == list(year)[1:]
    assert changed(year, "pinned", ("forecast", None)) == list(year)[1:]
    assert len(scenes) < 0.6 * len(year)


def test_the_cubes_of_many_days_are_those_of_one_undisturbed_run(year, tmp_path, monkeypatch):
    last = list(year)[-1]
    monkeypatch.chdir(laid_out(tmp_path / "workspace"))
    observe(last)
    assert held() == year[last]["held"]
    assert pinned() == year[last]["pinned"]


def test_a_refresh_comes_to_the_same_and_runs_only_what_changed(tmp_path, monkeypatch, thorough):
    if not thorough:
        pytest.skip("eight refreshes of the whole workflow: part of the acceptance campaign (--thorough)")
    folder = laid_out(tmp_path / "refreshed", "")
    monkeypatch.chdir(laid_out(tmp_path / "steps", ""))
    before = None
    for as_of in SAMPLE:
        observe(as_of)
        ran = refreshed(folder, as_of)
        assert (pinned(folder), held(folder)) == (pinned(), held()), as_of
        if before is not None:
            scenes = any(pinned()["ndvi", part] != before["ndvi", part] for part in ("history", "season"))
            assert ("30_ndvi.ipynb" in ran) is scenes, as_of
            assert "20_weather.ipynb" in ran
            assert not ran & {"fetch_site.log", "10_parcel.ipynb"}
        before = pinned()
        assert refreshed(folder, as_of) == set(), "the same day again runs nothing"


def refreshed(folder, as_of):
    """Refresh as cron does; return the logs of the jobs that ran."""
    logs = {path: path.stat().st_mtime_ns for path in folder.glob("logs/**/*")}
    program = Path(sys.executable).with_name("agritwin")
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    command = [program, "refresh", "--twin", DEMO, "--as-of", as_of]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = {path for path in folder.glob("logs/**/*") if path.is_file() and path.stat().st_mtime_ns != logs.get(path)}
    return {path.name for path in ran} - {"warm.log"}
