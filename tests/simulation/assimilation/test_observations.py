"""Which observations are believed."""

import datetime

import numpy as np
import pytest

from agritwin.errors import ConfigError
from agritwin.simulation.assimilation.observations import Checks, Observation, QualityControl

FIRST = datetime.date(2024, 6, 1)


def judge(values, control=None, days=0, spread=1.0, stream="probe"):
    """Judge values of one day against an ensemble about zero; errors of 1."""
    control = control or QualityControl(Checks())
    day = FIRST + datetime.timedelta(days)
    batch = [Observation(day, "water", value, 1.0, f"{stream} {at}") for at, value in enumerate(values)]
    return control.judge(batch, np.array(values, float), np.full(len(values), spread))


def test_far_from_the_ensemble_is_gross():
    assert judge([5.6]) == ["good"]  # 4 sd of the difference are 5.66
    assert judge([5.7]) == ["gross"]
    assert judge([-5.7]) == ["gross"]
    assert judge([5.7], spread=2.0) == ["good"]


def test_buddies_decide_between_observation_and_ensemble():
    assert judge([9.0, 9.5, 8.8]) == ["supported"] * 3  # they agree: the ensemble is wrong
    assert judge([0.1, -0.3, 5.5]) == ["good", "good", "buddy"]  # within the ensemble, but not where its buddies are
    assert judge([0.1, -0.3, 9.0]) == ["good", "good", "buddy"]


def test_two_observations_are_no_majority():
    assert judge([0.0, 9.0]) == ["good", "gross"]


def test_a_stream_that_insists_is_believed_at_last():
    control = QualityControl(Checks())
    assert [judge([8.0], control, day)[0] for day in (0, 3, 6)] == ["gross", "gross", "supported"]
    assert judge([-8.0], control, 7) == ["gross"]  # not on the other side
    assert judge([8.0], control, 60) == ["gross"]  # nor much later


def test_a_gap_is_no_observation():
    assert judge([float("nan")]) == ["missing"]
    assert judge([float("nan"), 0.1, 0.2, 0.3]) == ["missing", "good", "good", "good"]


@pytest.mark.parametrize("error", [0.0, -0.1, float("nan"), float("inf")])
def test_nothing_is_observed_without_an_error(error):
    with pytest.raises(ConfigError, match=f"the error {error:g}.*above 0"):
        Observation(FIRST, "water", 1.0, error, "probe")


def rested(values, expected, bias="offset"):
    """Verdicts on an instrument's values (errors of 1), a day each, of which an ensemble expected others."""
    control = QualityControl(Checks())
    batches = [
        [Observation(FIRST + datetime.timedelta(at), "water", one, 1.0, "probe", bias)] for at, one in enumerate(values)
    ]
    differences = [np.array([one - other]) for one, other in zip(values, expected, strict=True)]
    return [control.judge(*each, np.ones(1))[0] for each in zip(batches, differences, strict=True)]


def test_an_instrument_at_rest_while_its_soil_dries_is_stuck():
    drying = [0.0, -0.5, -1.0, -1.5, -2.0, -2.5]
    assert rested([0.0] * 6, drying) == ["good"] * 3 + ["stuck"] * 3
    assert rested([0.0] * 6, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]) == ["good"] * 6  # no more than its error was to be seen
    assert rested([0.0] * 5 + [-2.0], drying) == ["good"] * 3 + ["stuck"] * 2 + ["good"]  # mended
    assert rested([0.0] * 6, drying, bias=None) == ["good"] * 6  # a cover that is none for weeks is no instrument's


def test_a_stuck_instrument_does_not_support_itself():
    assert set(rested([0.0] * 9, [-8.0 - day for day in range(9)])[3:]) == {"stuck"}


@pytest.mark.parametrize("gross", [3.0, 5.0])
def test_the_limit_is_the_callers(gross):
    control = QualityControl(Checks(gross=gross))
    assert judge([gross * 2**0.5 * 1.01], control) == ["gross"]
    assert judge([gross * 2**0.5 * 0.99], control) == ["good"]
