import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import DataError
from agritwin.holding.timelines import end_of_knowledge, events, hourly_context
from agritwin.records.instruments import Flag

ZONE, ISSUE = "Europe/Madrid", dt.date(2025, 6, 3)


def weather(start="2025-06-01T00:00", hours=96):
    time = pd.date_range(start, periods=hours, freq="h")
    rain = ("time", np.ones(hours), {"units": "mm", "long_name": "rain"})
    return xr.Dataset({"precipitation": rain}, {"time": time}, {"synthetic": "true"})


def said(*rows):
    columns = ["sensor", "measure", "unit", "time", "value", "flags"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(time=pd.to_datetime(table["time"]))


READINGS = said(
    ("t/a", "level", "m", "2025-06-01T10:10", 1.0, 0),
    ("t/a", "level", "m", "2025-06-01T11:00", 3.0, 0),  # the hour that ends there
    ("t/a", "level", "m", "2025-06-01T11:30", 5.0, int(Flag.STUCK)),
    ("t/a", "moisture", "1", "2025-06-01T10:10", 0.2, 0),
    ("t/b", "moisture", "1", "2025-06-01T10:10", 0.3, 0),
)


def join(readings=READINGS, ndvi=None, data=None, issue=ISSUE):
    return hourly_context(weather() if data is None else data, ndvi, readings, issue, ZONE)


def test_the_day_of_issue_begins_at_local_midnight():
    assert end_of_knowledge(ISSUE, ZONE) == dt.datetime(2025, 6, 2, 22)
    joined = join()
    # The last hour known ends as the day of issue begins.
    assert joined["time"].values.max() == np.datetime64("2025-06-02T22:00")
    assert joined["day"].values.max() == np.datetime64("2025-06-02")


def test_no_hour_is_counted_twice_and_days_agree_with_the_hours():
    joined = join()
    per_day = joined["precipitation"].groupby("day").sum()
    assert per_day.to_series().to_list() == [23.0, 24.0]  # the record begins an hour into the local day
    twice = xr.concat([weather(), weather()], "time")
    with pytest.raises(DataError, match="twice"):
        join(data=twice)


def test_sensors_are_means_of_the_hour_that_ends_at_the_stamp():
    joined = join()
    at = joined.sel(time="2025-06-01T11:00")
    assert at["level"] == 2.0
    assert np.isnan(joined["level"].sel(time="2025-06-01T12:00"))
    assert (at["moisture_a"], at["moisture_b"]) == (0.2, 0.3)
    assert joined["level"].attrs["units"] == "m"
    assert all("units" in joined[name].attrs and "long_name" in joined[name].attrs for name in joined.data_vars)


def test_a_scene_stands_in_its_hour_the_clearest_of_several():
    time = pd.to_datetime(["2025-06-01T10:58", "2025-06-01T10:59", "2025-06-02T23:00"])
    values = {"ndvi_mean": ("time", [0.5, 0.6, 0.9]), "valid_share": ("time", [0.9, 0.7, 1.0])}
    ndvi = xr.Dataset(values, {"time": time})
    assert join(ndvi=ndvi)["ndvi"].dropna("time").to_series().to_dict() == {pd.Timestamp("2025-06-01T11:00"): 0.5}


def test_nothing_at_all_is_hours_of_weather_alone():
    joined = join(readings=READINGS.iloc[:0])
    assert set(joined.data_vars) == {"precipitation", "ndvi"}


def test_work_as_events():
    work = pd.DataFrame(
        {
            "day": pd.to_datetime(["2025-06-02", "2025-06-01", "2025-06-03"]),
            "category": ["irrigation", "pruning", "pruning"],
            "task": ["RIEGO", "PODA", "PODA"],
            "text": ["RIEGO (14 mm)", "PODA", "PODA"],
            "amount": [14.0, None, None],
            "unit": ["mm", None, None],
        }
    )
    found = events(work, ISSUE)
    assert found["task"].values.tolist() == ["PODA", "RIEGO"]
    assert found["unit"].values.tolist() == ["", "mm"]
    assert events(work.iloc[:0], ISSUE).sizes == {"event": 0}
