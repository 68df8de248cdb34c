"""Waves with known solutions: advancing front, dam breaks, bowl, steady channel (Hunter et al. 2005; SWASHES)."""

import numpy as np
import pytest

from benchmarks import flood_cases


@pytest.mark.parametrize(
    ("speed", "manning", "cell", "advection", "tolerance"),
    [
        (0.29, 0.03, 25, False, 0.010),
        (0.29, 0.03, 25, True, 0.010),
        (0.635, 0.03, 25, True, 0.012),
        (0.4, 0.01, 5, True, 0.002),
    ],
)
def test_front_on_a_level_plane(speed, manning, cell, advection, tolerance):
    front = flood_cases.front(speed, manning, cell, advection=advection)
    assert np.sqrt(np.mean(front.error**2)) < tolerance
    assert front.mass_error < 1e-6


@pytest.mark.parametrize(("right", "tolerance"), [(0.0, 0.02), (0.001, 0.008)], ids=["Ritter dry", "Stoker wet"])
@pytest.mark.parametrize("precision", ["f32", "f64"])
def test_dam_break(right, tolerance, precision):
    dam = flood_cases.dam_break(right, precision)
    assert dam.relative_l1 < tolerance
    assert dam.ours.min() >= 0
    assert dam.mass_error < (1e-12 if precision == "f64" else 1e-6)
    assert dam.result.attrs["advection"] == "true"  # switched on by itself


def test_thacker_bowl():
    half, whole = flood_cases.bowl()
    assert half.relative_l1 < 0.02
    assert whole.relative_l1 < 0.04
    # so standing still would not pass
    assert np.abs(half.reference - whole.reference).sum() / whole.reference.sum() > 0.3
    assert whole.mass_error < 1e-12


@pytest.mark.parametrize("rain", [0.0, 0.001], ids=["dry", "with rain"])
def test_macdonald_channel(rain):
    assert np.abs(flood_cases.channel(rain).error).mean() < 0.005
