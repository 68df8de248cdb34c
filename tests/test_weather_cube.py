import datetime as dt

import numpy as np
import pytest
import xarray as xr

from agritwin import cubes, forecast_cube, provenance, weather_cube
from agritwin.errors import DataError, StoreError
from agritwin.stacked import Stacked


@pytest.fixture
def store(tmp_path):
    return tmp_path / "weather.icechunk"


def test_hours_come_back_as_they_went_in(store, hourly):
    assert weather_cube.write_hourly(store, hourly, "first") == hourly.sizes["time"]
    read = weather_cube.open_hourly(store)
    for name in hourly.data_vars:
        np.testing.assert_array_equal(read[name], hourly[name].astype("f4"))
        assert read[name].attrs == hourly[name].attrs
    assert read.attrs == hourly.attrs
    assert (read["time"] == hourly["time"]).all()


def test_the_same_hours_again_commit_nothing(store, hourly):
    weather_cube.write_hourly(store, hourly, "first")
    before = cubes.head(store)
    assert weather_cube.write_hourly(store, hourly, "again") == 0
    assert cubes.head(store) == before


def test_hours_in_two_pieces_equal_hours_in_one(tmp_path, hourly):
    weather_cube.write_hourly(tmp_path / "one.icechunk", hourly, "all")
    weather_cube.write_hourly(tmp_path / "two.icechunk", hourly.isel(time=slice(0, 50)), "first")
    weather_cube.write_hourly(tmp_path / "two.icechunk", hourly.isel(time=slice(30, None)), "rest")
    one, two = (weather_cube.open_hourly(tmp_path / f"{name}.icechunk") for name in ("one", "two"))
    assert cubes.digest(one) == cubes.digest(two)


def test_a_revised_hour_replaces_and_a_missing_one_never_erases(store, hourly):
    weather_cube.write_hourly(store, hourly, "first")
    later = hourly.isel(time=slice(10, 20)).copy(deep=True)
    later["air_temperature"][0] = 99.0
    later["air_temperature"][1] = np.nan
    assert weather_cube.write_hourly(store, later, "revised") == 1
    read = weather_cube.open_hourly(store)["air_temperature"]
    assert float(read[10]) == 99.0
    assert float(read[11]) == pytest.approx(float(hourly["air_temperature"][11]))


def test_a_gap_is_missing_and_is_found_and_filled(store, hourly):
    holed = hourly.isel(time=np.r_[0:24, 48:96])
    weather_cube.write_hourly(store, holed, "with a gap")
    read = weather_cube.open_hourly(store)
    assert np.isnan(read["air_temperature"][24:48]).all()
    gap = weather_cube.missing_ranges(store, dt.date(2025, 6, 1), dt.date(2025, 6, 5))
    assert gap == [(dt.date(2025, 6, 2), dt.date(2025, 6, 2)), (dt.date(2025, 6, 5), dt.date(2025, 6, 5))]
    weather_cube.write_hourly(store, hourly.isel(time=slice(24, 48)), "filled")
    np.testing.assert_array_equal(
        weather_cube.open_hourly(store)["air_temperature"], hourly["air_temperature"].astype("f4")
    )
    assert weather_cube.missing_ranges(store, dt.date(2025, 6, 1), dt.date(2025, 6, 4)) == []


def test_everything_is_missing_before_the_first_fetch(store):
    day = dt.date(2025, 6, 1)
    assert weather_cube.missing_ranges(store, day, day) == [(day, day)]


def test_slices_include_both_ends(store, hourly):
    weather_cube.write_hourly(store, hourly, "all")
    part = weather_cube.open_hourly(store, None, "2025-06-02T03:00:00", "2025-06-02T05:00:00")
    assert part["time"].dt.hour.to_numpy().tolist() == [3, 4, 5]


@pytest.mark.parametrize("fault", ["half hour", "twice", "before the cube", "other variables"])
def test_wrong_hours_are_refused_and_change_nothing(store, hourly, fault):
    weather_cube.write_hourly(store, hourly.isel(time=slice(5, None)), "first")
    before = cubes.head(store)
    wrong = {
        "half hour": hourly.assign_coords(time=hourly["time"] + np.timedelta64(30, "m")),
        "twice": xr.concat([hourly, hourly], "time"),
        "before the cube": hourly,
        "other variables": hourly.drop_vars("precipitation").isel(time=slice(5, None)),
    }[fault]
    with pytest.raises((DataError, StoreError)):
        weather_cube.write_hourly(store, wrong, "wrong")
    assert cubes.head(store) == before


@pytest.fixture
def issue(hourly):
    def make(day, shift=0.0):
        start = np.datetime64(day, "ns")
        members = xr.concat([hourly["air_temperature"] + member for member in range(3)], "member")
        times = start + (np.arange(hourly.sizes["time"]) + 1) * np.timedelta64(1, "h")
        return xr.Dataset(
            {"air_temperature": members.assign_coords(time=times) + shift}, {"issue_time": start}, hourly.attrs
        ).transpose("member", "time")

    return make


def test_every_issue_is_kept_and_the_newest_up_to_a_moment_is_read(store, issue):
    assert forecast_cube.write_issue(store, issue("2025-06-01"), "a")
    assert forecast_cube.write_issue(store, issue("2025-06-02", 5.0), "b")
    then, now = forecast_cube.open_issue(store, until="2025-06-01T23:00"), forecast_cube.open_issue(store)
    assert str(then["issue_time"].dt.date.item()) == "2025-06-01"
    assert float((now["air_temperature"].isel(time=0) - then["air_temperature"].isel(time=0)).mean()) == pytest.approx(
        5.0
    )
    assert now["time"][0] == np.datetime64("2025-06-02T01")


def test_an_issue_again_commits_nothing(store, issue):
    forecast_cube.write_issue(store, issue("2025-06-01"), "a")
    before = cubes.head(store)
    assert not forecast_cube.write_issue(store, issue("2025-06-01", 1.0), "again")
    assert cubes.head(store) == before


def test_a_run_with_fewer_members_leaves_the_others_missing(store, issue):
    forecast_cube.write_issue(store, issue("2025-06-01"), "a")
    forecast_cube.write_issue(store, issue("2025-06-02").isel(member=[0, 1], time=slice(0, 40)), "b")
    read = forecast_cube.open_issue(store)["air_temperature"]
    assert read.sizes == {"member": 3, "time": 96}
    assert int(np.isfinite(read).sum()) == 80


def test_each_issue_names_the_source_that_gave_it(store, issue):
    """The demo's archive first, a live source after it: nothing of the one sticks to the other."""
    live = {"source": "live", "synthetic": "false", "attribution": "by the live source"}
    forecast_cube.write_issue(store, issue("2025-06-01"), "a")
    forecast_cube.write_issue(store, issue("2025-06-02").assign_attrs(live), "b")
    assert forecast_cube.open_issue(store).attrs.items() >= live.items()
    assert forecast_cube.open_issue(store, until="2025-06-01T23:00").attrs == issue("2025-06-01").attrs
    every = forecast_cube.open_issues(store).attrs
    assert (every["source"], every["synthetic"]) == ("test; live", "true")


def test_an_issue_with_other_variables_is_refused(store, issue):
    forecast_cube.write_issue(store, issue("2025-06-01"), "a")
    with pytest.raises(StoreError, match="the source gives wind_speed"):
        forecast_cube.write_issue(store, issue("2025-06-02").rename(air_temperature="wind_speed"), "b")


def test_an_issue_that_begins_later_keeps_its_leads(store, issue):
    forecast_cube.write_issue(store, issue("2025-06-01"), "a")
    late = issue("2025-06-02")
    late = late.assign_coords(time=late["time"] + np.timedelta64(3, "h"))
    forecast_cube.write_issue(store, late, "b")
    read = forecast_cube.open_issue(store)["air_temperature"]
    assert read[:, :3].isnull().all()
    np.testing.assert_allclose(read[:, 3:], late["air_temperature"][:, :-3])


def test_no_issue_is_old_enough(store, issue):
    forecast_cube.write_issue(store, issue("2025-06-02"), "a")
    with pytest.raises(StoreError, match="no forecast issued"):
        forecast_cube.open_issue(store, until="2025-06-01T00:00")


def from_source(hourly, source, shift, kind="modelled"):
    """The same hours as another source gives them."""
    given = (hourly + shift).assign_attrs(hourly.attrs | {"source": source, "attribution": f"by {source}"})
    for name in given.data_vars:
        given[name].attrs = hourly[name].attrs | ({"origin": kind} if kind else {})
    return given


def ranked(dataset, preference):
    """A dataset with provenance whose sources are ranked."""
    origin = provenance.of(dataset, sorted(map(str, dataset.data_vars)), "time")
    origin.preference = preference
    names = sorted(map(str, dataset.data_vars))
    return dataset.assign(origin=(("time", "variable"), origin.codes, origin.attributes())).assign_coords(
        variable=names
    )


def test_every_value_says_who_gave_it_and_whether_it_was_measured(store, hourly):
    weather_cube.write_hourly(store, from_source(hourly.isel(time=slice(0, 48)), "grid", 0.0), "a")
    weather_cube.write_hourly(store, from_source(hourly.isel(time=slice(48, 96)), "station", 1.0, "measured"), "b")
    read = weather_cube.open_hourly(store)
    meanings = np.array(read["origin"].attrs["flag_meanings"].split())
    assert set(meanings[read["origin"][:48]].ravel()) == {"grid.modelled"}
    assert set(meanings[read["origin"][48:]].ravel()) == {"station.measured"}
    assert read.attrs["attribution"] == "by grid; by station"
    assert read["air_temperature"].attrs["origin"] == "modelled, measured"


def test_a_slice_does_not_change_when_another_source_fills_other_hours(store, hourly):
    weather_cube.write_hourly(store, from_source(hourly.isel(time=slice(0, 48)), "grid", 0.0), "a")
    end = "2025-06-02T23:00"
    before = cubes.digest(weather_cube.open_hourly(store, end=end))
    weather_cube.write_hourly(store, from_source(hourly.isel(time=slice(48, 96)), "station", 1.0, "measured"), "b")
    assert cubes.digest(weather_cube.open_hourly(store, end=end)) == before


def test_a_worse_source_never_replaces_a_better_one_and_a_better_one_does(store, hourly):
    order = ["station", "grid"]
    part = hourly.isel(time=slice(0, 48))
    weather_cube.write_hourly(store, ranked(from_source(part, "station", 0.0), order), "a")
    assert weather_cube.write_hourly(store, ranked(from_source(part, "grid", 5.0), order), "outage") == 0
    weather_cube.write_hourly(store, ranked(from_source(hourly, "grid", 5.0), order), "the rest")
    read = weather_cube.open_hourly(store)["air_temperature"] - hourly["air_temperature"]
    np.testing.assert_allclose(read[:48], 0.0, atol=1e-5)
    np.testing.assert_allclose(read[48:], 5.0, atol=1e-5)
    weather_cube.write_hourly(store, ranked(from_source(hourly, "station", 0.0), order), "back again")
    read = weather_cube.open_hourly(store)
    np.testing.assert_allclose(read["air_temperature"], hourly["air_temperature"], atol=1e-5)
    assert read["origin"].attrs["flag_meanings"] == "missing station.modelled"


def test_a_cube_of_another_layout_is_refused_with_a_remedy(store, hourly):
    weather_cube.write_hourly(store, hourly, "a")
    with cubes.writing(store, "as an older version would") as session:
        Stacked.open(session, weather_cube.HOURLY).remember("layout", 1)
    with pytest.raises(StoreError, match="another version") as caught:
        weather_cube.open_hourly(store)
    assert "Delete" in caught.value.remedy
