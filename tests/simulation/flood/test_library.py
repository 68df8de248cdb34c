"""Floods run ahead: read off where they were run, near to runs in between, and growing with the rain."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agritwin.errors import DataError
from agritwin.simulation.flood.events import Event, curve_number, excess_mm, heaviest, soil_water
from agritwin.simulation.flood.library import AFTERWARDS_H, Library, Plan, build, coarsened, run

PLAN = Plan((20.0, 50.0, 110.0), (1.0, 4.0), (0.0, 1.0), 20.0, 80.0, 0.05)


@pytest.fixture(scope="module")
def valley(raster):
    """A valley of 24 x 24 cells of 10 m that falls south, with a hollow at its foot."""
    rows, columns = np.mgrid[:24, :24]
    heights = 0.1 * rows + 0.06 * np.abs(columns - 12) - 1.2 * np.exp(-((rows - 5) ** 2 + (columns - 12) ** 2) / 12)
    return raster(heights + 20.0, 10.0)


@pytest.fixture(scope="module")
def built(valley):
    return build(valley, PLAN)


@pytest.fixture(scope="module")
def library(built):
    return Library.of(built)


def test_curve_numbers_of_dry_and_wet_soil():
    """Chow, Maidment & Mays (1988), table 5.5.2 gives 60 and 88 for dry and wet soil at 77 within two units."""
    assert curve_number(77, 0.0) == pytest.approx(58.4, abs=0.5)
    assert curve_number(77, 0.5) == 77
    assert curve_number(77, 1.0) == pytest.approx(88.5, abs=0.5)


def test_run_off_of_the_worked_example():
    """USDA TR-55 (1986), table 2-1: 4 inches on curve number 80 give 2.04 inches of run-off; 1 inch gives 0.08."""
    assert excess_mm(4 * 25.4, 80) == pytest.approx(2.04 * 25.4, abs=0.15)
    assert excess_mm(25.4, 80) == pytest.approx(0.08 * 25.4, abs=0.15)
    assert excess_mm(5.0, 80) == 0.0


def test_soil_water_from_depletion():
    assert soil_water(0.0, 120.0) == 1.0
    assert soil_water(90.0, 120.0) == 0.25
    assert soil_water(200.0, 120.0) == 0.0
    assert soil_water(0.0, 0.0) == 1.0


def test_heaviest_rain_of_each_duration_and_when_it_ended():
    times = np.datetime64("2025-06-01T01", "ns") + np.arange(6) * np.timedelta64(1, "h")
    rain = xr.DataArray([[0.0, 5, 9, 0, 0, 4], [np.nan, 1, 1, 1, 1, 8]], {"time": times}, ("member", "time"))
    found = heaviest(rain, (1, 2, 6)).transpose("member", "duration")
    assert found.to_numpy()[0].tolist() == [9, 14, 18]
    assert found["end"].transpose("member", "duration").to_numpy()[0].tolist() == times[[2, 2, 5]].astype(int).tolist()
    assert found.to_numpy()[1, :2].tolist() == [8, 9]
    assert np.isnan(found.to_numpy()[1, 2])
    with pytest.raises(DataError, match="whole number"):
        heaviest(rain, (1.5,))


def test_what_was_run_is_read_off_as_it_was(built, library):
    for water in (0, 1):
        for duration in (0, 1):
            for depth in (0, 1, 2):
                event = Event(PLAN.depths_mm[depth], PLAN.durations_h[duration], PLAN.soil_water[water])
                expected = built["water_depth_max"].to_numpy()[water, duration, depth].ravel()
                assert library.maps(event)[0] == pytest.approx(expected, abs=1e-6)


def test_between_the_runs_the_error_is_small(valley, library):
    """Against full runs of the same cells: 4 cm at most and 2 cm on average in water up to a metre."""
    random = np.random.default_rng(3)
    errors = []
    for _ in range(8):
        event = Event(random.uniform(25, 110), float(np.exp(random.uniform(0, np.log(4)))), random.uniform(0, 1))
        full = run(coarsened(valley, PLAN.resolution_m), event, PLAN)["water_depth_max"].to_numpy()
        errors.append(library.read(event).depth_max_m - full.max())
    assert np.abs(errors).mean() < 0.03
    assert np.abs(errors).max() < 0.08


def test_arrival_is_near_that_of_a_run(valley, library):
    event = Event(70.0, 2.0, 0.5)
    found = run(coarsened(valley, PLAN.resolution_m), event, PLAN)["arrival_time"]
    assert library.read(event).arrival_h == pytest.approx(float(found.min()) / 3600, rel=0.35)


def test_no_rain_is_no_water_and_rain_that_soaks_in_neither(library):
    for depth in (0.0, 3.0):
        answer = library.read(Event(depth, 1.0, 0.0))
        assert (answer.depth_max_m, answer.flooded_share, answer.arrival_h) == (0.0, 0.0, None)


@settings(deadline=None)
@given(st.floats(1, 110), st.floats(0.1, 60), st.floats(1, 4), st.floats(0, 1), st.floats(0, 0.5))
def test_more_rain_or_wetter_soil_never_brings_less_water(library, depth, more, duration, water, wetter):
    less = library.read(Event(depth, duration, water)).depth_max_m
    assert library.read(Event(depth + more, duration, water)).depth_max_m >= less - 1e-9
    assert library.read(Event(depth, duration, min(water + wetter, 1.0))).depth_max_m >= less - 0.03


def test_what_lies_outside_of_the_runs_is_said_to(library):
    assert library.read(Event(150.0, 2.0, 0.5)).beyond
    assert library.read(Event(50.0, 12.0, 0.5)).beyond
    assert not library.read(Event(50.0, 2.0, 0.5)).beyond
    assert library.read(Event(150.0, 2.0, 0.5)).depth_max_m > library.read(Event(110.0, 2.0, 0.5)).depth_max_m


def test_arrival_after_the_run_ended_is_none(library):
    answer = library.read(Event(21.0, 1.0, 0.3))
    assert answer.arrival_h is None or answer.arrival_h <= 1.0 + AFTERWARDS_H


def test_cells_outside_of_the_parcel_do_not_count(built):
    inside = np.zeros((built.sizes["y"], built.sizes["x"]), bool)
    inside[-2:, :2] = True
    event = Event(80.0, 2.0, 0.5)
    assert Library.of(built, inside).read(event).depth_max_m < Library.of(built).read(event).depth_max_m
    assert Library.of(built, inside, scale=2.0).read(event).depth_max_m == pytest.approx(
        2 * Library.of(built, inside).read(event).depth_max_m
    )
