import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agritwin.errors import DataError
from agritwin.holding.context import context, to_frame

ZONE = "Europe/Madrid"
NO_WORK = pd.DataFrame({"day": pd.to_datetime([]), "category": [], "amount": [], "unit": [], "occurrence": []})
NO_HARVEST = pd.DataFrame({"year": [], "day": pd.to_datetime([]), "amount": [], "unit": [], "state": [], "source": []})


def weather(start="2020-01-01", days=400):
    day = pd.date_range(start, periods=days)
    rain = ("day", np.ones(days), {"units": "mm", "long_name": "rain"})
    data = xr.Dataset({"precipitation": rain}, {"day": day}, {"synthetic": "true"})
    data["day"].attrs["zone"] = ZONE
    return data


def work(*rows):
    table = pd.DataFrame(rows, columns=["day", "category", "amount", "unit", "occurrence"])
    return table.assign(day=pd.to_datetime(table["day"]))


def harvest(*rows):
    table = pd.DataFrame(rows, columns=["year", "day", "amount", "unit", "state", "source"])
    return table.assign(day=pd.to_datetime(table["day"]))


def join(activities=NO_WORK, harvests=NO_HARVEST, ndvi=None, issue=dt.date(2021, 1, 15), data=None):
    return context(weather() if data is None else data, ndvi, activities, harvests, issue, ZONE)


def test_everything_has_units_and_stands_on_the_days_of_the_weather():
    joined = join(
        work(("2020-05-01", "irrigation", 14.0, "mm", 1)), harvest((2020, "2020-09-30", 500, "kg ha-1", "dry", "a"))
    )
    assert joined.sizes == {"day": 380}
    assert all("units" in joined[name].attrs and "long_name" in joined[name].attrs for name in joined.data_vars)
    assert joined["day"].attrs["zone"] == ZONE
    assert joined.attrs["synthetic"] == "true"
    assert joined["irrigation_mm"].sel(day="2020-05-01") == 14.0
    assert joined["harvest_dry_per_area"].dropna("day").to_series().to_dict() == {pd.Timestamp("2020-09-30"): 500.0}


def test_nothing_of_the_issue_date_or_after_enters():
    activities = work(*((f"2020-01-{d:02}", "pruning", None, None, 1) for d in range(8, 13)))
    harvests = harvest((2020, "2020-01-10", 1.0, "kg", "dry", "a"), (2020, "2020-01-09", 1.0, "kg", "dry", "a"))
    time = pd.date_range("2020-01-08T11:00", periods=5)
    ndvi = xr.Dataset({"ndvi_mean": ("time", np.linspace(0.1, 0.5, 5))}, {"time": time})
    joined = join(activities, harvests, ndvi, issue=dt.date(2020, 1, 10))
    assert joined["day"].values.max() == np.datetime64("2020-01-09")
    assert joined["activity_pruning"].sum() == 2
    assert joined["harvest_dry"].sum() == 1.0
    assert joined["ndvi"].count() == 2


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_a_later_issue_never_changes_an_earlier_day(first, more):
    activities = work(*((f"2020-01-{d:02}", "pruning", 1.0, "h", 1) for d in range(1, 29)))
    harvests = harvest((2020, None, 10.0, "kg", "dry", "a"), (2020, "2020-02-03", 10.0, "kg", "wet", "a"))
    start = dt.date(2020, 1, 1)
    early = join(activities, harvests, issue=start + dt.timedelta(first))
    late = join(activities, harvests, issue=start + dt.timedelta(first + more))
    for name in early.data_vars:
        before, after = early[name].values, late[name].sel(day=early["day"]).values
        assert np.array_equal(before, after, equal_nan=True)


def test_lines_of_work_count_and_their_amount_does_not_multiply():
    lines = [("2020-03-02", "irrigation", 10.0, "mm", n) for n in (1, 2, 3)]
    joined = join(work(*lines))
    assert joined["activity_irrigation"].sel(day="2020-03-02") == 3
    assert joined["irrigation_mm"].sel(day="2020-03-02") == 10.0


def test_no_work_is_zero_after_the_first_line_and_unknown_before():
    joined = join(work(("2020-03-02", "pruning", None, None, 1)))
    assert np.isnan(joined["activity_pruning"].sel(day="2020-03-01"))
    assert joined["activity_mowing"].sel(day="2020-03-02") == 0
    assert join()["activity_pruning"].isnull().all()


def test_a_total_of_the_year_stands_on_its_last_day_of_harvest_work():
    activities = work(("2020-09-20", "harvest", None, None, 1), ("2020-09-25", "harvest", None, None, 1))
    total = harvest((2020, None, 900.0, "kg", "wet", "a"))
    assert join(activities, total)["harvest_wet"].dropna("day")["day"].dt.day.item() == 25
    alone = join(harvests=total)["harvest_wet"].dropna("day")
    assert alone["day"].values[0] == np.datetime64("2020-12-31")
    assert "harvest_wet" not in join(activities, total, issue=dt.date(2020, 12, 31))


def test_sources_that_tell_of_the_same_harvest_are_not_added_up():
    joined = join(
        harvests=harvest(
            (2019, "2019-09-30", 1.0, "t", "dry", "long"),
            (2020, "2020-09-30", 1.0, "t", "dry", "long"),
            (2020, "2020-10-01", 0.5, "t", "dry", "long"),
            (2020, "2020-09-30", 2.0, "t", "dry", "short"),
        )
    )
    assert joined["harvest_dry"].dropna("day").to_numpy().tolist() == [1000.0, 500.0]
    assert joined["harvest_dry"].attrs["source"] == "long"


def test_the_clearer_of_two_scenes_of_a_local_day_counts():
    # 23:30 UTC is the next day in Madrid.
    time = pd.to_datetime(["2020-06-01T11:00", "2020-06-01T11:10", "2020-06-01T23:30"])
    ndvi = xr.Dataset(
        {"ndvi_mean": ("time", [0.3, 0.4, 0.5]), "valid_share": ("time", [0.9, 0.6, 1.0])}, {"time": time}
    )
    observed = join(ndvi=ndvi)["ndvi"].dropna("day")
    assert observed.to_series().to_dict() == {pd.Timestamp("2020-06-01"): 0.3, pd.Timestamp("2020-06-02"): 0.5}


def test_weather_that_cannot_be_joined_is_refused():
    twice = xr.concat([weather(), weather().isel(day=[-1])], "day")
    other = weather()
    other["day"].attrs["zone"] = "UTC"
    bare = weather()
    bare["precipitation"].attrs.clear()
    for data in (twice, other, bare):
        with pytest.raises(DataError):
            join(data=data)
    with pytest.raises(DataError, match="dimensions"):
        join(ndvi=xr.Dataset({"ndvi": (("time", "x"), [[1.0]])}, {"time": pd.to_datetime(["2020-01-01"])}))


def test_the_table_keeps_days_and_units(tmp_path):
    table = to_frame(join(work(("2020-05-01", "irrigation", 14.0, "mm", 1))))
    table.to_parquet(tmp_path / "context.parquet")
    back = pd.read_parquet(tmp_path / "context.parquet")
    assert back.index.name == "day"
    assert back.attrs["units"]["irrigation_mm"] == "mm"
    assert set(back.attrs["units"]) == set(back.columns)
