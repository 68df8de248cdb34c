"""The weather step: gaps first, one commit, days beside hours, each value with its origin, stations with reasons."""

import json

import numpy as np
import pytest

from agritwin import cubes, weather_cube
from agritwin.errors import SourceError
from agritwin.observe import journal
from agritwin.sources import canonical, quota
from agritwin.sources.base import Where
from agritwin.sources.stations import Station, choose

from .conftest import CELL, values_of


def commits(store):
    return len(list(cubes.repository(store).ancestry(branch="main"))) - 1


def meanings(dataset, variable):
    names = np.array(str(dataset["origin"].attrs["flag_meanings"]).split())
    return names[dataset["origin"].sel(variable=variable).to_numpy()]


def test_only_the_missing_days_are_asked_for_and_a_refresh_is_one_commit(workspace, source):
    grid = source("grid", lacks=["2025-05-10", "2025-05-20"])
    workspace.add(grid)
    assert workspace.run("2025-06-01")["missing_days"] == [["2025-05-10", "2025-05-10"], ["2025-05-20", "2025-05-20"]]
    assert commits(workspace.store) == 1
    grid.asked.clear()
    grid.lacks = []
    status = workspace.run("2025-06-03")
    assert [(str(when.start), str(when.end)) for when in grid.asked] == [
        ("2025-05-10", "2025-05-10"),
        ("2025-05-20", "2025-05-20"),
        ("2025-06-01", "2025-06-02"),
    ]
    assert status["missing_days"] == []
    assert commits(workspace.store) == 2


def test_weeks_of_downtime_are_caught_up_to_the_same_cube(workspace, source, tmp_path, monkeypatch):
    workspace.add(source("grid"))
    for day in ("2025-05-10", "2025-05-11", "2025-05-12", "2025-06-12"):
        workspace.run(day)
    late = weather_cube.open_hourly(workspace.store), weather_cube.open_daily(workspace.store)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    workspace.run("2025-06-12")
    at_once = weather_cube.open_hourly(workspace.store), weather_cube.open_daily(workspace.store)
    assert [cubes.digest(each) for each in late] == [cubes.digest(each) for each in at_once]


def test_a_cube_that_grew_after_its_first_year_is_the_one_made_at_once(workspace, source, tmp_path, monkeypatch):
    workspace.add(source("grid"))
    workspace.weather["first_day"] = "2024-01-01"
    for day in ("2025-01-10", "2025-03-01"):
        workspace.run(day)
    grown = weather_cube.open_daily(workspace.store)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    workspace.run("2025-03-01")
    assert cubes.digest(grown) == cubes.digest(weather_cube.open_daily(workspace.store))


def test_days_are_local_count_their_hours_and_know_their_means(workspace, source):
    workspace.weather["first_day"] = "2025-03-20"
    workspace.add(source("grid", origin="measured"))
    workspace.run("2025-04-05")
    days = weather_cube.open_daily(workspace.store)
    assert days["day"].attrs["zone"] == "Europe/Madrid"
    assert days["hours_in_day"].sel(day="2025-03-30") == 23
    hours = weather_cube.open_hourly(workspace.store, None, "2025-03-31T23:00", "2025-04-01T22:00")
    one = days.sel(day="2025-04-01")
    assert float(one["precipitation"]) == pytest.approx(float(hours["precipitation"].sum()))
    assert float(one["air_temperature_max"]) == pytest.approx(float(hours["air_temperature"].max()))
    assert one["air_temperature_max"].attrs["cell_methods"] == "time: maximum"
    assert one["precipitation"].attrs["cell_methods"] == "time: sum"
    assert 3.0 < float(one["et0"]) < 8.0
    assert set(meanings(days.sel(day=["2025-04-01"]), "air_temperature_max")) == {"grid.measured"}
    assert set(meanings(days.sel(day=["2025-04-01"]), "et0")) == {"fao56_penman_monteith.estimated"}
    assert days.attrs["synthetic"] == "true"


def test_a_day_without_wind_has_the_evapotranspiration_of_hargreaves_and_says_so(workspace, source):
    class Calm(source):
        def fetch(self, where, when):
            answer = super().fetch(where, when)
            return answer.assign(wind_speed=answer["wind_speed"] * np.nan)

    workspace.add(Calm("grid"))
    workspace.run("2025-05-05")
    days = weather_cube.open_daily(workspace.store).sel(day=["2025-05-02"])
    assert set(meanings(days, "et0")) == {"hargreaves.estimated"}
    assert days["et0"].item() == pytest.approx(5.0, abs=2.0)
    assert set(meanings(days, "wind_speed")) == {"missing"}


def test_the_second_source_fills_and_gives_way_when_the_first_is_back(workspace, source):
    first, second = source("station", origin="measured"), source("grid", shift=3.0)
    workspace.add(first, second)
    workspace.weather["refetch_days"] = 5
    first.fault = "did not answer"
    status = workspace.run("2025-05-04")
    assert status["state"] == "stale"
    assert status["failures"] == [{"source": "station", "what": "did not answer"}]
    assert set(meanings(weather_cube.open_hourly(workspace.store), "air_temperature")) == {"grid.modelled"}
    first.fault = None
    assert workspace.run("2025-05-05")["state"] == "ok"
    assert set(meanings(weather_cube.open_hourly(workspace.store), "air_temperature")) == {"station.measured"}
    first.fault = "did not answer"
    before = cubes.digest(weather_cube.open_hourly(workspace.store, end="2025-05-04T23:00"))
    workspace.run("2025-05-06")
    assert cubes.digest(weather_cube.open_hourly(workspace.store, end="2025-05-04T23:00")) == before


def test_the_journal_tells_each_source_of_each_refresh(workspace, source):
    workspace.add(source("station", fault="did not answer"), source("grid", lacks=["2025-05-02"]))
    workspace.run("2025-05-05")
    lines = journal.read({CELL})
    assert [(line["source"], line["failure"], line["items"], line["gaps"]) for line in lines] == [
        ("station", "did not answer", 72, 1),
        ("grid", None, 72, 1),
    ]
    assert lines[0]["as_of"] == "2025-05-05"
    assert journal.read({"another"}) == []


class Network:
    """A network of stations that keeps the hours of the last day only, and all days."""

    name, kind, hours_kept_days = "network", "weather", 1

    def __init__(self):
        self.station, self.examined = None, []

    def plan_choice(self, where, when):
        return quota.Plan("network", 7, 7.0)

    def fetch(self, where, when):
        about = {"source": self.name, "synthetic": "false"}
        old = when.hours < when.hours[-min(48, when.hours.size)]
        values = {name: np.where(old, np.nan, given) for name, given in values_of(when.hours).items()}
        return canonical.hourly_dataset(when.hours, values, origin="measured", attributes=about)

    def daily(self, where, when):
        about = {"source": self.name, "attribution": "by the network", "synthetic": "false"}
        ones = np.ones(when.days)
        values = {"air_temperature": 15 * ones, "air_temperature_max": 22 * ones, "air_temperature_min": 8 * ones}
        values["precipitation"] = 0 * ones
        days = canonical.daily_dataset(when.dates, values, zone="UTC", origin="measured", attributes=about)
        return days.assign(precipitation_trace=("day", np.ones(when.days, np.uint8), {"units": "1"}))

    def choose(self, where, when):
        share = {"near": 0.4, "middle": 0.95, "far": 0.99}

        def completeness(code):
            self.examined.append((code, when.days))
            return share[code]

        stations = [Station(code, code, 41.3, -4.8 + step, 800.0) for step, code in ((0.1, "near"), (0.2, "middle"))]
        return choose([*stations, Station("far", "far", 41.3, -4.5, 700.0)], where, self.name, completeness)


def test_days_that_only_a_station_has_are_filled_with_its_name_and_its_trace_of_rain(workspace):
    workspace.add(Network())
    workspace.run("2025-05-11")
    days = weather_cube.open_daily(workspace.store)
    old, new = days.sel(day=["2025-05-05"]), days.sel(day=["2025-05-10"])
    assert set(meanings(old, "air_temperature_max")) == {"network.measured"}
    assert set(meanings(old, "et0")) == {"network.estimated"}
    assert old["precipitation_trace"].item() == 1.0
    assert set(meanings(new, "et0")) != {"network.estimated"}


def test_the_station_is_chosen_once_and_the_choice_is_recorded(workspace):
    network = Network()
    workspace.add(network)
    choice = workspace.run("2025-05-11")["stations"]["network"]
    assert choice["chosen"] == {
        "code": "middle",
        "name": "middle",
        "distance_km": pytest.approx(16.75, abs=0.1),
        "height_difference_m": 50.0,
        "completeness": 0.95,
    }
    assert choice["second"]["code"] == "far"
    assert network.station == "middle"
    assert all(days > 3650 for _, days in network.examined)
    network.station = None
    network.examined.clear()
    assert workspace.run("2025-05-12")["stations"]["network"] == choice
    assert network.examined == []


def test_a_choice_that_the_quota_does_not_allow_waits_and_says_so(workspace, monkeypatch):
    network = Network()
    workspace.add(network)
    monkeypatch.setitem(quota.LIMITS, "network", quota.Limits(day=10))
    status = workspace.run("2025-05-11")
    assert (status["stations"], network.examined) == ({}, [])
    assert "7 requests of 7 cost units were planned, 5 of the 5 allowed a day" in status["failures"][0]["what"]
    monkeypatch.setitem(quota.LIMITS, "network", quota.Limits(day=14))
    assert workspace.run("2025-05-12")["stations"]["network"]["chosen"]["code"] == "middle"


def test_a_source_that_does_not_answer_is_asked_once_in_a_refresh(workspace, source):
    """Its tries and time are spent: ten years would cost ten budgets."""
    down, up = source("down", fault="did not answer in time"), source("up")
    workspace.add(down, up)
    workspace.weather["first_day"] = "2021-01-01"
    status = workspace.run("2025-06-01")
    assert (len(down.asked), len(up.asked)) == (1, 5)
    assert status["missing_days"] == []
    assert status["failures"] == [{"source": "down", "what": "did not answer in time"}]
    workspace.run("2025-06-02")
    assert len(down.asked) == 2, "the next refresh asks it again"


def test_height_counts_in_the_choice_of_a_station():
    stations = [Station("peak", "peak", 41.3, -4.75, 1500.0), Station("plain", "plain", 41.3, -4.6, 760.0)]
    place = Where(41.3, -4.8, elevation_m=750.0)
    assert choose(stations, place, "network", lambda code: 1.0).chosen.code == "plain"


def test_a_station_whose_completeness_cannot_be_told_is_taken_when_no_other_is_complete():
    def unknown(code):
        raise SourceError("network", "refused")

    choice = choose([Station("a", "a", 41.3, -4.7, 0.0)], Where(41.3, -4.8), "network", unknown)
    assert choice.record()["chosen"]["completeness"] is None
    assert choice.second is None


def test_a_used_up_quota_stops_the_fetch_keeps_what_came_and_goes_on_the_next_day(workspace, source, monkeypatch):
    grid = source("grid", provider="test")
    workspace.add(grid, source("other", shift=9.0))
    workspace.weather["first_day"] = "2021-01-01"
    workspace.share = 0.5
    monkeypatch.setitem(quota.LIMITS, "test", quota.Limits(day=6))
    status = workspace.run("2025-06-01")
    assert [when.start.year for when in grid.asked] == [2021, 2022, 2023]
    assert "3 requests" not in status["failures"][0]["what"]
    assert "0 of the 3 allowed a day are left" in status["failures"][0]["what"]
    assert status["missing_days"] == [["2024-01-01", "2025-05-31"]]
    assert workspace.sources["other"].asked == []
    path = quota.LEDGER
    book = {"test": {"2021-01-01T00": {"requests": 3, "units": 3.0}}}
    path.write_text(json.dumps(book))
    assert workspace.run("2025-06-01")["missing_days"] == []


def test_a_past_day_is_seen_as_it_was_and_asks_nobody(workspace, source):
    grid = source("grid")
    workspace.add(grid)
    workspace.run("2025-05-10")
    then = cubes.head(workspace.store)
    grid.shift = 1.0
    workspace.weather["refetch_days"] = 30
    workspace.run("2025-06-10")
    assert cubes.head(workspace.store) != then
    grid.asked.clear()
    workspace.run("2025-05-10")
    assert grid.asked == []
    assert cubes.known_at(workspace.store, "2025-05-10") == then
    assert cubes.known_at(workspace.store, "2025-05-20") == then
    assert cubes.known_at(workspace.store, "2025-06-10") == cubes.head(workspace.store)
