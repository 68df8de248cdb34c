"""Evidence of forecast members for the rules."""

import datetime as dt

import numpy as np
import pytest

from agritwin.alerts.rules import Evidence, Rule

NOON = dt.datetime(2025, 4, 10, 12, tzinfo=dt.UTC)


@pytest.fixture
def frost():
    thresholds = {"low": 0.0, "mid": -1.0, "serious": -3.0}
    return Rule("frost", "air_temperature", "degC", thresholds, "below", probability=0.3, hysteresis=0.5)


@pytest.fixture
def temperatures():
    """Make evidence of air temperature (degC), one row a member, from noon of 10 April 2025 on, hour by hour."""

    def make(*members, known_until=NOON, **notes):
        values = np.array(members, float)
        hours = np.datetime64(known_until.replace(tzinfo=None), "s") + np.arange(values.shape[1]) * np.timedelta64(
            1, "h"
        )
        return Evidence("air_temperature", "degC", known_until, hours, values, "forecast", notes)

    return make
