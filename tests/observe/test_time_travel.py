"""``as_of`` of a past day gives what was known then, and a year of days recomputes nothing that did not change."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from agritwin import cubes, forecast_cube, pins, weather_cube
from agritwin.observe import forecast
from agritwin.observe.clock import set_clock
from agritwin.observe.pin import pin
from agritwin.pins import open_pointer
from agritwin.sources.quota import Plan

from .conftest import CELL

NAMES = ("weather_pin", "forecast_pin", "ndvi_pin")


def pins_of(workspace, as_of):
    """Write the pins of a twin; return their bytes."""
    set_clock(clock="data/as_of.json", as_of=as_of)
    for kind in ("forecast", "ndvi"):
        path = Path(f"data/cubes/{kind}/none.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"store": "none", "group": kind, "snapshot": None}))
    files = {name: f"data/twins/t/{name}.json" for name in NAMES}
    pin(
        clock="data/as_of.json",
        weather=str(workspace.pointer),
        forecast="data/cubes/forecast/none.json",
        ndvi="data/cubes/ndvi/none.json",
        **files,
        season_start="11-01",
        weather_first_day=workspace.weather["first_day"],
        zone="Europe/Madrid",
    )
    weather = json.loads(Path(files["weather_pin"]).read_text())
    return {
        "forecast": Path(files["forecast_pin"]).read_bytes(),
        "ndvi": Path(files["ndvi_pin"]).read_bytes(),
        **weather,
    }


def test_the_pins_of_a_past_day_are_those_of_that_day(workspace, source):
    grid = source("grid")
    workspace.add(grid)
    workspace.weather |= {"first_day": "2024-09-01", "refetch_days": 40}
    workspace.run("2025-05-01")
    then = pins_of(workspace, "2025-05-01")
    hours = open_pointer("data/twins/t/weather_pin.json", "season")
    grid.shift = 2.0  # the provider revises its newest days
    workspace.run("2025-05-20")
    now = pins_of(workspace, "2025-05-20")
    assert now["season"] != then["season"]
    assert now["history"] == then["history"]
    workspace.run("2025-05-01")
    assert pins_of(workspace, "2025-05-01") == then
    assert cubes.digest(open_pointer("data/twins/t/weather_pin.json", "season")) == cubes.digest(hours)
    workspace.run("2025-05-20")
    assert pins_of(workspace, "2025-05-20") == now


def test_a_snapshot_between_two_commits_is_that_of_the_first(workspace, source):
    workspace.add(source("grid"))
    workspace.run("2025-05-10")
    first = cubes.head(workspace.store)
    workspace.run("2025-05-20")
    known = {day: cubes.known_at(workspace.store, day) for day in ("2025-05-01", "2025-05-10", "2025-05-19")}
    assert set(known.values()) == {first}, "before the first commit nothing older is there than the first"
    assert weather_cube.open_hourly(workspace.store, first)["time"][-1].dt.strftime("%F %H") == "2025-05-09 23"


def test_without_a_store_nothing_is_known(tmp_path):
    assert cubes.known_at(tmp_path / "none.icechunk", "2025-05-01") is None
    assert not cubes.is_past(tmp_path / "none.icechunk", "2025-05-01")


class Issues:
    """A forecast that says on which day it was asked for."""

    name, kind = "issues", "forecast"
    asked: list = []  # noqa: RUF012

    def plan(self, where, when):
        return Plan(self.name, 1, 1.0)

    def fetch(self, where, when):
        self.asked.append(str(when.start))
        values = np.full((2, when.hours.size), float(when.start.day))
        about = {"source": "issues", "synthetic": "true"}
        data = {"air_temperature": (("member", "time"), values, {"units": "degC"})}
        return xr.Dataset(data, {"time": when.hours, "issue_time": when.hours[0]}, about)


@pytest.fixture
def issue(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(forecast, "open_source", lambda kind, name: Issues())
    Issues.asked.clear()

    def run(as_of):
        set_clock(clock="data/as_of.json", as_of=as_of)
        forecast.fetch_forecast(
            clock="data/as_of.json",
            pointer="p.json",
            status=f"{CELL}.status.json",
            cell=CELL,
            place=[41.3, -4.8],
            sources_forecast=["issues"],
            sources_quota_share=0.5,
        )
        return json.loads(Path(f"{CELL}.status.json").read_text())

    return run


def test_every_issue_is_kept_and_none_is_asked_for_afterwards(issue):
    for day in ("2025-05-01", "2025-05-03", "2025-05-03"):
        issue(day)
    assert Issues.asked == ["2025-05-01", "2025-05-03"], "an issue that is kept is not asked for again"
    assert issue("2025-05-02")["last_value"] == "2025-05-01T00"
    assert len(Issues.asked) == 2, "what was issued on a day gone by cannot be asked for"
    store = Path(f"data/cubes/forecast/{CELL}.icechunk")
    kept = forecast_cube.open_issues(store)
    assert kept["air_temperature"].isel(member=0, lead=0).to_numpy().tolist() == [1.0, 3.0]
    assert kept["valid_time"].isel(issue=1, lead=24).dt.strftime("%F %H") == "2025-05-04 00"


def test_a_simulated_year_recomputes_nothing_that_did_not_change(workspace, source, thorough):
    """Each day once more changes no file; the closed seasons keep their pin until the season turns."""
    workspace.add(source("grid"))
    workspace.weather["first_day"] = "2024-06-01"
    first, last = ("2024-10-20", "2025-10-20") if thorough else ("2024-10-28", "2024-11-06")
    histories, seasons = [], []
    for as_of in np.arange(np.datetime64(first), np.datetime64(last)).astype(str):
        workspace.run(as_of)
        written = pins_of(workspace, as_of)
        histories.append(written["history"]["digest"])
        seasons.append(written["season"]["digest"])
        if as_of[-1] in "05":
            before = {
                path: path.stat().st_mtime_ns for path in Path("data").rglob("*.json") if "quota" not in path.name
            }
            commits = len(list(cubes.repository(workspace.store).ancestry(branch="main")))
            workspace.run(as_of)
            pins_of(workspace, as_of)
            after = {path: path.stat().st_mtime_ns for path in Path("data").rglob("*.json") if "quota" not in path.name}
            none = {path for path in after if path.name == "none.json"}
            assert {path for path in after if after[path] != before.get(path)} <= none
            assert len(list(cubes.repository(workspace.store).ancestry(branch="main"))) == commits
    assert len(set(histories)) == 2, "one turn of the season, one new history"
    assert len(set(seasons)) == len(seasons), "every day a new one"
    assert pins.read_pointer("data/twins/t/weather_pin.json", "history")["digest"]
