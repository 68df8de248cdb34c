"""Design storms, and how a rain series is read."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agritwin.errors import ConfigError, DataError
from agritwin.simulation.flood import design_storm
from agritwin.simulation.flood.storms import read_rain


@given(depth=st.floats(0, 500), duration=st.floats(0.25, 72), shape=st.sampled_from(["alternating_block", "uniform"]))
def test_storm_holds_its_depth_and_duration(depth, duration, shape):
    storm = design_storm(depth, duration, shape)
    assert float(storm.sum()) == pytest.approx(depth, abs=1e-9)
    assert float(storm["time"][-1]) == pytest.approx(duration * 3600)
    assert float(storm.min()) >= 0


def test_alternating_blocks_peak_in_the_middle_and_fall_to_both_sides():
    storm = design_storm(60, 1).to_numpy()
    peak = int(storm.argmax())
    assert peak == 6
    assert (np.diff(storm[peak:]) < 0).all()
    assert (np.diff(storm[: peak + 1]) > 0).all()
    # any centred stretch holds the depth of its duration: half the time, 1/sqrt(2) of the rain
    assert storm[4:10].sum() == pytest.approx(60 / np.sqrt(2), rel=0.02)


def test_unknown_shape_or_length_is_refused():
    with pytest.raises(ConfigError, match="alternating_block or uniform"):
        design_storm(60, 1, "triangle")
    with pytest.raises(ConfigError, match="positive"):
        design_storm(60, 0)


def series(values, time, units="mm"):
    return xr.DataArray(values, {"time": time}, ("time",), attrs={"units": units})


def test_dated_stamps_name_the_end_of_their_interval():
    hours = np.array(["2025-06-01T01", "2025-06-01T02", "2025-06-01T03"], "datetime64[ns]")
    rain = read_rain(series([6.0, 0.0, 3.0], hours), (3, 3))
    assert rain is not None
    assert rain.between(0, 1800) == pytest.approx(0.003)
    assert rain.between(3600, 7200) == 0
    assert rain.between(0, 1e6) == pytest.approx(0.009)


def test_depths_and_rates_are_told_apart_by_their_units():
    depth = read_rain(series([10.0], [1800.0]), (3, 3))
    rate = read_rain(series([20.0], [1800.0], "mm h-1"), (3, 3))
    assert depth is not None
    assert rate is not None
    assert depth.between(0, 1800) == pytest.approx(0.010)
    assert rate.between(0, 1800) == pytest.approx(0.010)


@pytest.mark.parametrize(
    ("rain", "reason"),
    [
        (series([1.0], [600.0], "inch"), "inch"),
        (series([-1.0], [600.0]), "negative"),
        (series([np.nan], [600.0]), "missing"),
        (series([1.0, 1.0], [600.0, 600.0]), "ascend"),
        (series([1.0], np.array(["2025-06-01"], "datetime64[ns]")), "one dated stamp"),
        (xr.DataArray(np.ones((1, 4, 4)), {"time": [600.0]}, ("time", "y", "x"), attrs={"units": "mm"}), "3 x 3"),
    ],
)
def test_rain_that_cannot_be_meant_is_refused(rain, reason):
    with pytest.raises(DataError, match=reason):
        read_rain(rain, (3, 3))
