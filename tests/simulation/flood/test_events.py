"""Two floods that happened: Merewether 2007 against observed levels, Boscastle 2004 against another model."""

import numpy as np
import pytest

from benchmarks import flood_events


@pytest.mark.parametrize("advection", [False, True])
def test_merewether_levels(shared, advection):
    """Peak levels at five surveyed points; TUFLOW misses them by 0.07 m in the mean and 0.24 m at most."""
    flood, tuflow = flood_events.merewether(advection=advection, samples=shared / "providers" / "eo_samples")
    assert np.abs(flood.error).mean() < 0.15
    assert np.abs(flood.error).max() < 0.30
    assert np.abs(flood.ours - tuflow).mean() < 0.08
    assert float(flood.result["speed_max"].max()) < 15
    assert flood.mass_error < 1e-6
    assert float(flood.result["water_depth"].min()) > -1e-6


def test_boscastle_hydrograph(shared):
    """The curve number gives the reference's volume of runoff; size and hour of the peak are compared."""
    flood = flood_events.boscastle(shared / "providers" / "eo_samples")
    assert flood.ours.max() == pytest.approx(flood.reference.max(), rel=0.3)
    assert 0 < flood.along[flood.ours.argmax()] - flood.along[flood.reference.argmax()] < 1.5
    assert flood.mass_error < 1e-6
