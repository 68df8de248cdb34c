import datetime as dt

import numpy as np
import pandas as pd
import pytest

from agritwin.errors import DataError
from agritwin.records.instruments import Flag, define_measure, define_sensor
from agritwin.records.readings import readings, store_readings
from agritwin.records.series import series


@pytest.fixture
def engine(store):
    define_measure(store, "level", "m")
    for name in ("a", "b"):
        define_sensor(store, name, "gauge", ["level"])
        times = pd.date_range("2025-03-29T20:00", periods=48, freq="h")
        values = np.where(np.arange(48) == 5, np.nan, np.arange(48.0) / 7)
        flags = np.where(np.arange(48) == 7, int(Flag.ABSURD), np.where(np.arange(48) == 8, int(Flag.LATE), 0))
        store_readings(
            store,
            pd.DataFrame({"sensor": name, "measure": "level", "time": times, "value": values, "flags": flags}),
        )
    return store


@pytest.mark.parametrize("doubtful", [False, True])
@pytest.mark.parametrize("days", [(None, None), (dt.datetime(2025, 3, 30), dt.datetime(2025, 3, 31))])
def test_the_fast_way_gives_what_the_other_gives(engine, doubtful, days):
    fast = series(engine, "a", "level", *days, doubtful=doubtful)
    start, end = days
    slow = readings(engine, sensor="a", measure="level", start=start, end=end, doubtful=doubtful)
    assert fast.attrs["units"] == "m"
    pd.testing.assert_frame_equal(fast, slow[["time", "value", "flags"]].astype({"time": "datetime64[ms]"}))


def test_nothing_is_an_empty_series_and_the_unknown_an_error(engine):
    empty = series(engine, "a", "level", dt.datetime(2030, 1, 1))
    assert empty.columns.to_list() == ["time", "value", "flags"]
    assert empty.empty
    with pytest.raises(DataError, match="ghost"):
        series(engine, "ghost", "level")
