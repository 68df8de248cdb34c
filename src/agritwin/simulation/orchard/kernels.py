"""Compiled daily water balance of an orchard over an ensemble of members.

Members are worked in blocks that lie side by side in one small scratch array, the days outside and the members of a
block inside, without branches between members: the compiler turns each inner loop into vector instructions. A day is
several short loops rather than a long one, since the processor waits for the longest chain of operations within one. A
plain NumPy version of the same balance stands in ``tests/simulation/orchard/reference.py``; ``layout`` says where each
quantity lies.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from agritwin.simulation.caching import cached
from agritwin.simulation.orchard import layout as at
from agritwin.simulation.scratch_kernels import aligned

# Nothing that lets the compiler put terms in another order: it chooses another one for some places of a block, and
# members that are equal must stay so to the last bit, or a rule waters one of them a day before the other
_FAST = {"contract", "nsz"}


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _clip(value, lowest, highest):
    return min(max(value, lowest), highest)


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _of(w, row, j, value, shared):
    """Driver of one member: the value that all share, which needs no row of the scratch array, or its own."""
    return value if shared else w[row + j]


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _load_drivers(w, drivers, day, low, members, first):
    """Bring a block's drivers of one day into the scratch array, from row ``first`` on."""
    for k in range(first, drivers.shape[0]):
        for j in range(at.BLOCK):
            member = min(low + j, members - 1) if drivers.shape[2] > 1 else 0
            w[at.FIRST_DRIVER + k * at.BLOCK + j] = drivers[k, day, member]


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _canopy(w, day):
    """Ground cover, and basal crop coefficient in a standard climate, from the calendar of the leaves."""
    for j in range(at.BLOCK):
        up = _clip((day - w[at.LEAF_OUT + j]) * w[at.INVERSE_DEVELOPMENT + j], 0.0, 1.0)
        down = _clip((day - w[at.SENESCENCE + j]) * w[at.INVERSE_LATE + j], 0.0, 1.0)
        off = _clip((day - w[at.LEAF_FALL + j]) * w[at.INVERSE_FALL + j], 0.0, 1.0)
        kcb = w[at.KCB_INITIAL + j] + (w[at.KCB_MID + j] - w[at.KCB_INITIAL + j]) * up
        kcb += (w[at.KCB_END + j] - w[at.KCB_MID + j]) * down + (w[at.KCB_INITIAL + j] - w[at.KCB_END + j]) * off
        w[at.KCB_STANDARD + j] = kcb
        w[at.KCB_GAIN + j] = w[at.CLIMATE_GAIN + j] * (up - off)
        w[at.COVER + j] = w[at.COVER_MINIMUM + j] + (w[at.COVER_MAXIMUM + j] - w[at.COVER_MINIMUM + j]) * (up - off)


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _runoff(w, rain, shared, wet):
    """Runoff of the day by the SCS curve number; dry days are spared the division."""
    if wet:
        for j in range(at.BLOCK):
            fallen = _of(w, at.RAIN, j, rain, shared)
            excess = max(fallen - 0.2 * w[at.RETENTION + j], 0.0)
            runoff = excess * excess / (fallen + 0.8 * w[at.RETENTION + j] + 1e-12)
            w[at.RUNOFF + j] = runoff
            w[at.SUM_RUNOFF + j] += runoff
    else:
        for j in range(at.BLOCK):
            w[at.RUNOFF + j] = 0.0


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _demand(w, et0, climate, shared):
    """What trees and air ask for, and how far the soil may dry before the trees lack water."""
    for j in range(at.BLOCK):
        reference, term = _of(w, at.ET0, j, et0, shared), _of(w, at.CLIMATE, j, climate, shared)
        kcb = max(w[at.KCB_STANDARD + j] + w[at.KCB_GAIN + j] * term, 0.0)  # Eq. 70 day by day
        potential = kcb * reference
        fraction = _clip(w[at.DEPLETION_FRACTION + j] + w[at.ADJUSTMENT + j] * (5.0 - potential), 0.1, 0.8)
        w[at.KCB + j] = kcb
        w[at.POTENTIAL + j] = potential
        w[at.RAW + j] = fraction * w[at.TAW + j]
        w[at.MOST + j] = reference * max(1.2 + term * w[at.HEIGHT_FACTOR + j], kcb + 0.05)
        w[at.SUM_POTENTIAL + j] += potential


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _hold_by_stage(w, day):
    """Set the depletion at which a deficit rule holds the trees: where they transpire the stage's share (Eq. 84)."""
    for j in range(at.BLOCK):
        share = w[at.DEFICIT_1 + j] if day >= w[at.LEAF_OUT + j] else 0.0
        share = w[at.DEFICIT_2 + j] if day >= w[at.STAGE_2 + j] else share
        share = w[at.DEFICIT_3 + j] if day >= w[at.STAGE_3 + j] else share
        share = 0.0 if day >= w[at.MATURITY + j] else share
        held = w[at.TAW + j] - share * (w[at.TAW + j] - w[at.THRESHOLD + j] * w[at.RAW + j])
        w[at.HELD + j] = 0.0 if w[at.DEFICIT_1 + j] < 0.0 else held


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _expose(w):
    """Part the exposed soil into what irrigation wets and what only rain wets (Eq. 75); soil that joins is dry."""
    for j in range(at.BLOCK):
        cover, tew = w[at.COVER + j], w[at.TEW + j]
        exposed = _clip(1.0 - cover, 0.01, 1.0)
        irrigated = min(max((1.0 - w[at.SHELTER + j] * cover) * w[at.WETTED + j], 0.01), exposed)
        rainfed = exposed - irrigated
        inverse_irrigated, inverse_rainfed = 1.0 / irrigated, 1.0 / max(rainfed, 1e-6)
        joining_irrigated = max(irrigated - w[at.FEW_IRRIGATED + j], 0.0) * inverse_irrigated
        joining_rainfed = max(rainfed - w[at.FEW_RAINFED + j], 0.0) * inverse_rainfed
        w[at.DE_IRRIGATED + j] += (tew - w[at.DE_IRRIGATED + j]) * joining_irrigated
        w[at.DE_RAINFED + j] += (tew - w[at.DE_RAINFED + j]) * joining_rainfed
        w[at.FEW_IRRIGATED + j] = irrigated
        w[at.FEW_RAINFED + j] = rainfed
        w[at.INVERSE_IRRIGATED + j] = inverse_irrigated
        w[at.INVERSE_RAINFED + j] = inverse_rainfed


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _rain(w, rain, shared):
    """Bring rain into root zone and surface, which never lacks more than the root zone that it is part of (Eq. 77)."""
    for j in range(at.BLOCK):
        infiltration = _of(w, at.RAIN, j, rain, shared) - w[at.RUNOFF + j]
        before = w[at.DR + j] - infiltration
        irrigated = max(w[at.DE_IRRIGATED + j] - infiltration, 0.0)
        rainfed = max(w[at.DE_RAINFED + j] - infiltration, 0.0)
        lacking = w[at.FEW_RAINFED + j] * rainfed
        excess = max(w[at.FEW_IRRIGATED + j] * irrigated + lacking - max(before, 0.0), 0.0)
        given_up = min(excess, lacking)
        w[at.DE_IRRIGATED + j] = irrigated - (excess - given_up) * w[at.INVERSE_IRRIGATED + j]
        w[at.DE_RAINFED + j] = rainfed - given_up * w[at.INVERSE_RAINFED + j]
        w[at.DR + j] = before


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _irrigate(w, day, given, shared, daily):
    """Bring irrigation into root zone and the surface it wets; what they cannot hold drains (Eqs. 79, 85, 88)."""
    for j in range(at.BLOCK):
        # what is given, and what the rule adds where the depletion passes the threshold
        before = w[at.DR + j]
        lacking = w[at.FEW_RAINFED + j] * w[at.DE_RAINFED + j]
        wanted = min(w[at.REFILL + j] * before - w[at.HELD + j], before - lacking)
        wanted = min(min(wanted, w[at.MAXIMUM + j]), w[at.LIMIT + j] - w[at.REFILLED + j])
        due = (
            (before >= w[at.THRESHOLD + j] * w[at.RAW + j]) & (day >= w[at.FIRST_DAY + j]) & (day <= w[at.LAST_DAY + j])
        )
        refill = max(wanted, 0.0) if due else 0.0
        irrigation = _of(w, at.GIVEN, j, given, shared) + refill

        # irrigation does not reach the surface that only rain wets
        after = before - irrigation
        filled = max(after, lacking)
        drainage = max(lacking - after, 0.0)
        irrigated = max(w[at.DE_IRRIGATED + j] - irrigation * w[at.INVERSE_WETTED + j], 0.0)
        w[at.DE_IRRIGATED + j] = min(irrigated, (filled - lacking) * w[at.INVERSE_IRRIGATED + j])
        w[at.DR + j] = filled
        w[at.REFILLED + j] += refill
        w[at.SUM_IRRIGATION + j] += irrigation
        w[at.SUM_DRAINAGE + j] += drainage
        if daily is not None:
            w[at.DRAINAGE + j] = drainage
            w[at.IRRIGATION + j] = irrigation


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _evaporate(w):
    """What the air takes from both parts of the surface, more from the wetter one (Allen et al. 2005; Eqs. 71, 74)."""
    for j in range(at.BLOCK):
        left_irrigated = w[at.TEW + j] - w[at.DE_IRRIGATED + j]
        left_rainfed = w[at.TEW + j] - w[at.DE_RAINFED + j]
        irrigated, rainfed = w[at.FEW_IRRIGATED + j] * left_irrigated, w[at.FEW_RAINFED + j] * left_rainfed
        share = irrigated / max(irrigated + rainfed, 1e-9)
        most = w[at.MOST + j]
        energy = most - w[at.POTENTIAL + j]
        kr_irrigated = min(left_irrigated * w[at.INVERSE_FALLING + j], 1.0)
        kr_rainfed = min(left_rainfed * w[at.INVERSE_FALLING + j], 1.0)
        taken = min(kr_irrigated * share * energy, w[at.FEW_IRRIGATED + j] * most)
        w[at.FROM_IRRIGATED + j] = min(taken, irrigated)
        taken = min(kr_rainfed * (1.0 - share) * energy, w[at.FEW_RAINFED + j] * most)
        w[at.FROM_RAINFED + j] = min(taken, rainfed)
        w[at.KEPT_RAINFED + j] = rainfed


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _dry(w, daily):
    """Transpire from the root zone (Eq. 84), save the surface that only rain wets, then evaporate."""
    for j in range(at.BLOCK):
        stored = w[at.TAW + j] - w[at.DR + j]
        reach = max(stored - w[at.KEPT_RAINFED + j], 0.0)
        ks = _clip(stored / (w[at.TAW + j] - w[at.RAW + j]), 0.0, 1.0)
        transpiration = min(ks * w[at.POTENTIAL + j], reach)
        irrigated = min(w[at.FROM_IRRIGATED + j], reach - transpiration)
        rainfed = min(w[at.FROM_RAINFED + j], stored)
        evaporation = irrigated + rainfed
        w[at.DR + j] += transpiration + evaporation
        w[at.DE_IRRIGATED + j] += irrigated * w[at.INVERSE_IRRIGATED + j]
        w[at.DE_RAINFED + j] += rainfed * w[at.INVERSE_RAINFED + j]
        w[at.TRANSPIRATION + j] = transpiration
        w[at.SUM_EVAPORATION + j] += evaporation
        w[at.SUM_TRANSPIRATION + j] += transpiration
        if daily is not None:
            w[at.KS + j] = ks
            w[at.EVAPORATION + j] = evaporation


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _accumulate_stages(w, day):
    """Add the day to the sums of the stages that set the yield."""
    for j in range(at.BLOCK):
        transpiration, potential = w[at.TRANSPIRATION + j], w[at.POTENTIAL + j]
        first = 1.0 if (day >= w[at.LEAF_OUT + j]) & (day < w[at.STAGE_2 + j]) else 0.0
        second = 1.0 if (day >= w[at.STAGE_2 + j]) & (day < w[at.STAGE_3 + j]) else 0.0
        third = 1.0 if (day >= w[at.STAGE_3 + j]) & (day < w[at.MATURITY + j]) else 0.0
        w[at.T1 + j] += first * transpiration
        w[at.T2 + j] += second * transpiration
        w[at.T3 + j] += third * transpiration
        w[at.P1 + j] += first * potential
        w[at.P2 + j] += second * potential
        w[at.P3 + j] += third * potential


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _load_members(w, parameters, state, low):
    """Bring a block of members into the scratch array; return when their leaves, stages and rules are at work."""
    members = parameters.shape[1]
    for k in range(parameters.shape[0]):
        for j in range(at.BLOCK):  # a short last block works its last member again
            w[k * at.BLOCK + j] = parameters[k, min(low + j, members - 1)]
    for k in range(state.shape[0]):
        for j in range(at.BLOCK):
            w[at.FIRST_STATE + k * at.BLOCK + j] = state[k, min(low + j, members - 1)]
    w[at.FIRST_SUM : at.FIRST_DRIVER] = 0.0
    active = np.array([np.inf, -np.inf, np.inf, -np.inf, np.inf, -np.inf, -1.0])
    for j in range(at.BLOCK):
        w[at.KCB_GAIN + j] = 0.0  # unless the calendar of the leaves sets it
        w[at.HELD + j] = 0.0  # unless the rule is a deficit by stage
        deficit = max(w[at.DEFICIT_1 + j], max(w[at.DEFICIT_2 + j], w[at.DEFICIT_3 + j]))
        active[0] = min(active[0], w[at.LEAF_OUT + j])
        active[1] = max(active[1], w[at.LEAF_OUT + j] + 1.0 / w[at.INVERSE_DEVELOPMENT + j] + 1.0)
        active[2] = min(active[2], w[at.SENESCENCE + j])
        active[3] = max(active[3], w[at.LEAF_FALL + j] + 1.0 / w[at.INVERSE_FALL + j] + 1.0)
        active[4] = min(active[4], w[at.LEAF_OUT + j])
        active[5] = max(active[5], w[at.MATURITY + j])
        active[6] = max(active[6], deficit)
    return active


@numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
def _days(w, drivers, low, members, active, daily, shared):
    """Work a block of members through all days."""
    calendar = drivers.shape[0] == at.CALENDAR_ROWS
    for day in range(drivers.shape[1]):
        rain, et0, climate, given = drivers[0, day, 0], drivers[1, day, 0], drivers[2, day, 0], drivers[3, day, 0]
        _load_drivers(w, drivers, day, low, members, at.CALENDAR_ROWS if shared else 0)
        moving = active[0] <= day <= active[1] or active[2] <= day <= active[3] or day == 0 or not calendar
        wet = rain > 0.0 or not shared
        if moving and calendar:
            _canopy(w, float(day))
        if moving:
            _expose(w)
        _runoff(w, rain, shared, wet)
        _demand(w, et0, climate, shared)
        if active[6] >= 0.0:
            _hold_by_stage(w, float(day))
        if wet or moving:
            _rain(w, rain, shared)
        _irrigate(w, float(day), given, shared, daily)
        _evaporate(w)
        _dry(w, daily)
        if active[4] <= day < active[5]:
            _accumulate_stages(w, float(day))
        if daily is not None:
            for k in range(daily.shape[0]):
                row = at.OUTPUT[k]
                for j in range(min(at.BLOCK, members - low)):
                    daily[k, day, low + j] = w[row + j]


def _run(
    drivers: NDArray[np.float64],
    parameters: NDArray[np.float64],
    state: NDArray[np.float64],
    sums: NDArray[np.float64],
    daily: NDArray[np.float64] | None,
) -> None:
    """Run the balance over all days.

    Parameters
    ----------
    drivers
        (row, day, 1 or member), rows as :data:`layout.DRIVERS` or the first four of them, finite. With six rows the
        crop coefficient and the cover are those given and the calendar of the leaves only sets the stages.
    parameters
        (row, member), rows as :data:`layout.PARAMETERS`.
    state
        (row, member), rows as :data:`layout.STATE`; changed to that after the last day.
    sums
        (row, member), rows as :data:`layout.SUMS`; written.
    daily
        (row, day, member), rows as :data:`layout.DAILY`; written. None where only the sums are wanted, which is faster.
    """
    members = parameters.shape[1]
    w = aligned(at.SCRATCH)
    for low in range(0, members, at.BLOCK):
        active = _load_members(w, parameters, state, low)
        if drivers.shape[2] == 1:  # two copies of the days, each compiled for its kind of weather
            _days(w, drivers, low, members, active, daily, True)
        else:
            _days(w, drivers, low, members, active, daily, False)
        width = min(at.BLOCK, members - low)
        for k in range(state.shape[0]):
            for j in range(width):
                state[k, low + j] = w[at.FIRST_STATE + k * at.BLOCK + j]
        for k in range(len(at.SUMS)):
            for j in range(width):
                sums[k, low + j] = w[at.FIRST_SUM + k * at.BLOCK + j]


run = cached(_run, fastmath=_FAST, error_model="numpy")
