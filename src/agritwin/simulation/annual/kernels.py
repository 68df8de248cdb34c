"""Compiled WOFOST 7.2 over an ensemble of members: a crop, its leaves by age, and the water of its soil, day by day.

The equations are those of the system description of WOFOST 7.2 (de Wit et al. 2020, Wageningen Environmental
Research) and of the works that it rests on: Spitters et al. (1986, 1989) for light in the canopy, Goudriaan (1986) for
the Gaussian integration, van Diepen et al. (1989) for growth and water, van Keulen and Wolf (1986) for the soil.
Weights are in kg ha-1, water in cm, as there; ``wofost.py`` and ``outputs.py`` translate.

Members are worked in blocks that lie side by side in one small scratch array, the days outside and the members of a
block inside, mostly without branches between members: the compiler turns the inner loops into vector instructions.
Only leaf classes, tables over development and the first day of a crop are worked member by member. ``layout`` says
where each quantity lies; the steps of a day stand in the kernels of ``phenology``, ``light``, ``water``, ``growth``.

A day has rates from the state with which it begins, then integration. ``daily`` holds that state and those rates.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from agritwin.simulation.annual import growth_kernels as growth
from agritwin.simulation.annual import layout as at
from agritwin.simulation.annual import light_kernels as light
from agritwin.simulation.annual import phenology_kernels as phenology
from agritwin.simulation.annual import water_kernels as water
from agritwin.simulation.caching import cached
from agritwin.simulation.scratch_kernels import aligned


@numba.njit(error_model="numpy")
def _bring_weather(w, drivers, derived, day, low, members):
    """Bring the weather of a day into the scratch array: that of all members, or each member's own."""
    if derived.shape[0] > 0:
        for k in range(at.DERIVED):
            value = derived[day, k]
            for j in range(at.BLOCK):
                w[at.TMIN + k * at.BLOCK + j] = value
    else:
        for k in range(drivers.shape[0]):
            for j in range(at.BLOCK):
                w[at.TMIN + k * at.BLOCK + j] = drivers[k, day, min(low + j, members - 1)]


def _run(
    drivers: NDArray[np.float64],
    sun: NDArray[np.float64],
    stage: NDArray[np.float64],
    points: NDArray[np.float64],
    warmth: NDArray[np.float64],
    parameters: NDArray[np.float64],
    state: NDArray[np.float64],
    leaves: NDArray[np.float64],
    first_day: int,
    limited: bool,
    wanted: NDArray[np.int64],
    daily: NDArray[np.float64],
) -> None:
    """Run all members over all days.

    Parameters
    ----------
    drivers
        (row, day, 1 or member), rows as :data:`layout.DRIVERS`, finite.
    sun
        (day, column), columns as :data:`layout.SUN`.
    stage, points
        Tables over development cut at all their points: (segment, table, [x, y, slope]) with tables as
        :data:`layout.STAGE_TABLES`, and the upper end of each segment but the last.
    warmth
        (table, point, [x, y, slope, number of points]), tables as :data:`layout.WARMTH_TABLES`.
    parameters
        (row, member), rows as :data:`layout.PARAMETERS`.
    state
        (row, member), rows as :data:`layout.STATE`; changed to that after the last day.
    leaves
        (class, [weight, specific area, leaf age at its birth], member), a ring whose newest class lies at the number
        of the day modulo :data:`layout.CLASSES`; changed to that after the last day.
    first_day
        Days from 1970-01-01 to the first day of the drivers.
    limited
        Whether growth is limited by water (else potential).
    wanted
        Rows of :data:`layout.DAILY` to be written, in the order of ``daily``.
    daily
        (row, day, member), written.
    """
    days, members = drivers.shape[1], parameters.shape[1]
    w = aligned(at.SCRATCH)
    ring = aligned(at.CLASSES * 3 * at.BLOCK).reshape((at.CLASSES, 3, at.BLOCK))
    segments = np.zeros(at.BLOCK, dtype=np.int64)
    derived = np.empty((days if drivers.shape[2] == 1 else 0, at.DERIVED))
    for day in range(derived.shape[0]):
        for k in range(drivers.shape[0]):
            w[at.TMIN + k * at.BLOCK : at.TMIN + (k + 1) * at.BLOCK] = drivers[k, day, 0]
        light.derive(w, sun[day], warmth)
        for k in range(at.DERIVED):
            derived[day, k] = w[at.TMIN + k * at.BLOCK]
    for low in range(0, members, at.BLOCK):
        width = min(at.BLOCK, members - low)
        segments[:] = 0
        for j in range(at.BLOCK):
            member = min(low + j, members - 1)  # a short last block works its last member again
            for k in range(parameters.shape[0]):
                w[k * at.BLOCK + j] = parameters[k, member]
            for k in range(state.shape[0]):
                w[at.FIRST_STATE + k * at.BLOCK + j] = state[k, member]
        for slot in range(at.CLASSES):
            for k in range(3):
                for j in range(at.BLOCK):
                    ring[slot, k, j] = leaves[slot, k, min(low + j, members - 1)]
        for day in range(days):
            date = first_day + day
            _bring_weather(w, drivers, derived, day, low, members)
            if derived.shape[0] == 0:
                light.derive(w, sun[day], warmth)
            phenology.begin_day(w, float(date), ring, segments, stage, points)
            if phenology.measure(w, segments, stage, points):
                phenology.develop(w, sun[day, 1])
                light.assimilate(w, date, sun[day], warmth)
                water.transpire(w, limited)
                growth.grow(w)
            else:
                water.no_crop(w)
            if limited:
                water.wet(w, float(date))
            else:
                water.keep_moist(w)
            for k in range(wanted.size):
                row = at.OUTPUT[wanted[k]]
                for j in range(width):
                    daily[k, day, low + j] = w[row + j]
            growth.renew_leaves(w, date, ring)
            growth.advance(w, float(date))
            water.store_water(w, limited)
        phenology.measure(w, segments, stage, points)
        for j in range(width):
            for k in range(state.shape[0]):
                state[k, low + j] = w[at.FIRST_STATE + k * at.BLOCK + j]
        for slot in range(at.CLASSES):
            for k in range(3):
                for j in range(width):
                    leaves[slot, k, low + j] = ring[slot, k, j]


run = cached(_run, error_model="numpy")
