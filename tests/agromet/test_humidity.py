"""Humidity of the air against FAO-56 chapter 3 and against itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.agromet import humidity


def test_example_4_psychrometer() -> None:
    pressure = humidity.air_pressure(1200.0)
    relative_humidity = 100.0 * 1.91 / humidity.saturation_vapour_pressure(25.6)
    assert humidity.wet_bulb(25.6, relative_humidity, pressure) == pytest.approx(19.5, abs=0.05)


def test_example_2_psychrometric_constant() -> None:
    assert humidity.air_pressure(1800.0) == pytest.approx(81.8, abs=0.05)
    assert humidity.psychrometric_constant(81.8) == pytest.approx(0.054, abs=5e-4)


@given(st.floats(-30.0, 50.0))
def test_dew_point_inverts_saturation(temperature: float) -> None:
    assert humidity.dew_point(humidity.saturation_vapour_pressure(temperature)) == pytest.approx(temperature, abs=1e-9)


@given(st.floats(-10.0, 45.0), st.floats(5.0, 100.0))
def test_wet_bulb_lies_between_dew_point_and_air(temperature: float, relative_humidity: float) -> None:
    wet = humidity.wet_bulb(temperature, relative_humidity, 95.0)
    dew = humidity.dew_point(humidity.actual_vapour_pressure(temperature, relative_humidity))
    assert dew - 1e-9 <= wet <= temperature + 1e-9
    residual = humidity.saturation_vapour_pressure(wet) - humidity.actual_vapour_pressure(
        temperature, relative_humidity
    )
    assert residual == pytest.approx(humidity.VENTILATED_PSYCHROMETER * 95.0 * (temperature - wet), abs=1e-10)


def test_slope_is_the_derivative() -> None:
    step = 1e-4
    for temperature in (0.0, 20.0, 40.0):
        numeric = (
            humidity.saturation_vapour_pressure(temperature + step)
            - humidity.saturation_vapour_pressure(temperature - step)
        ) / (2 * step)
        assert humidity.saturation_slope(temperature) == pytest.approx(numeric, rel=1e-4)


def test_deficit_is_never_negative_and_keeps_missing() -> None:
    found = humidity.vapour_pressure_deficit(np.array([20.0, 20.0, np.nan]), np.array([50.0, 103.0, 50.0]))
    np.testing.assert_allclose(found, [1.169, 0.0, np.nan], atol=1e-3)
