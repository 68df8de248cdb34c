"""Environment Agency benchmark, tests 2 to 5 (Neelz & Pender 2013, SC120002), beside what peers say to them."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks import flood_ea as ea


@pytest.mark.parametrize(("advection", "precision", "mass"), [(False, "f32", 1e-7), (True, "f64", 1e-12)])
def test_depressions_fill_and_spill(thorough, advection, precision, mass):
    """Test 2: within 1 mm of the peer in full ponds, 1 cm in those that are filled in part, dry where it is dry."""
    if advection and not thorough:
        pytest.skip("the slower of two runs needs --thorough")
    ponds = ea.depressions(precision, advection=advection)
    assert np.delete(ponds.error, ea.ON_THE_WAY) == pytest.approx(0, abs=1e-3)
    assert ponds.error[ea.ON_THE_WAY] == pytest.approx(0, abs=1e-2)
    assert (ponds.ours[12:] == 0).all()
    assert float(ponds.result["inflow_volume"]) == pytest.approx(97200, rel=1e-6)
    assert ponds.mass_error < mass
    assert float(ponds.result["water_depth"].min()) >= 0


def test_momentum_carries_water_over_an_obstruction():
    """Test 3: the inflow would just fill the first hollow; what stands in the second came over by momentum."""
    hollows = ea.obstruction(advection=True)
    first, second = hollows.result["gauge_depth"].to_numpy()[:, -1]
    assert first > 0.1
    assert second > 0.02
    between = hollows.ours[(hollows.along > 180) & (hollows.along < 220)]
    assert between.min() < 10.0  # nothing runs over any more
    assert float(hollows.result["inflow_volume"]) == pytest.approx(1310, rel=1e-6)
    assert hollows.mass_error < 1e-7


@pytest.mark.parametrize("advection", [False, True])
def test_front_crosses_a_level_plain(thorough, advection):
    """Test 4: arrival and depth at six points as two solvers of LISFLOOD-FP give them; 10 m and 3 h in short."""
    full = ea.plain(5 if thorough else 10, 5 if thorough else 3, advection=advection)
    at = {"1 h": 3600, "3 h": 10800}
    for peer in ea.PLAIN:
        assert ea.arrivals(full, ea.CROSSED_PLAIN_M) == pytest.approx(peer.arrival, rel=0.06)
        for when, depths in peer.depths.items():
            ours = np.array([np.interp(at[when], full.along, series) for series in full.ours])
            wet = np.array(depths) > 0
            assert ours[wet] == pytest.approx(np.array(depths)[wet], abs=0.012)
    # the two at one distance from the inflow, one on the axis and one on the diagonal, differ by that distance only
    assert 0 < full.ours[4, -1] - full.ours[5, -1] < 0.01
    assert full.mass_error < 1e-6


def test_flood_of_a_failing_dam_runs_down_a_valley(thorough):
    """Test 5: peaks and arrivals at seven points between or near those of two solvers of LISFLOOD-FP."""
    terrain = os.environ.get("EA_TEST5_TERRAIN")
    if not thorough or not terrain:
        pytest.skip("needs --thorough, and EA_TEST5_TERRAIN: the grid of test 5, which its owner gives on request")
    flood = ea.valley(Path(terrain), 30, advection=True)
    peaks = flood.ours.max(axis=1)
    for peer in ea.VALLEY:
        assert peaks == pytest.approx(peer.depths["peak"], rel=0.10)
        assert ea.arrivals(flood, ea.CROSSED_VALLEY_M) == pytest.approx(peer.arrival, rel=0.10)
    assert float(flood.result["inflow_volume"]) == pytest.approx(9_450_000, rel=1e-6)
    assert flood.mass_error < 1e-6
