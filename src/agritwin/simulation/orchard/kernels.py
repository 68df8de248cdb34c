"""Compiled daily water balance of an orchard over an ensemble of members.

Members are worked in blocks that lie side by side in one small scratch array, the days outside and the members of a
block inside, without branches between members: the compiler turns each inner loop into vector instructions. A day is
several short loops rather than a long one, since the processor waits for the longest chain of operations within one. A
plain NumPy version of the same balance stands in ``tests/simulation/orchard/reference.py``.

Rows of the arrays are named by the constants below.
"""

import numba
import numpy as np
from numpy.typing import NDArray

BLOCK = 64

#: Rows of ``drivers``: mm, mm, FAO-56 climatic term 0.04 (u2 - 2) - 0.004 (RHmin - 45), mm, 1, 1.
DRIVERS = ("precipitation", "et0", "climate", "irrigation", "kcb", "ground_cover")

#: Rows of ``parameters``: days are counted from the first day of the drivers; ``inverse`` is 1 over a duration in days;
#: deficits are -1 where the rule is another.
PARAMETERS = (
    "total_available_water",
    "total_evaporable_water",
    "inverse_falling_rate",
    "depletion_fraction",
    "depletion_adjustment",
    "retention",
    "kcb_initial",
    "kcb_mid",
    "kcb_end",
    "kcb_climate_gain",
    "height_factor",
    "cover_minimum",
    "cover_maximum",
    "leaf_out",
    "inverse_development",
    "senescence",
    "inverse_late",
    "leaf_fall",
    "inverse_fall",
    "stage_2",
    "stage_3",
    "maturity",
    "wetted_fraction",
    "inverse_wetted",
    "canopy_shelter",
    "threshold",
    "refill",
    "deficit_stage_1",
    "deficit_stage_2",
    "deficit_stage_3",
    "maximum",
    "season_limit",
    "first_day",
    "last_day",
)
(
    TAW,
    TEW,
    INVERSE_FALLING,
    DEPLETION_FRACTION,
    ADJUSTMENT,
    RETENTION,
    KCB_INITIAL,
    KCB_MID,
    KCB_END,
    CLIMATE_GAIN,
    HEIGHT_FACTOR,
    COVER_MINIMUM,
    COVER_MAXIMUM,
    LEAF_OUT,
    INVERSE_DEVELOPMENT,
    SENESCENCE,
    INVERSE_LATE,
    LEAF_FALL,
    INVERSE_FALL,
    STAGE_2,
    STAGE_3,
    MATURITY,
    WETTED,
    INVERSE_WETTED,
    SHELTER,
    THRESHOLD,
    REFILL,
    DEFICIT_1,
    DEFICIT_2,
    DEFICIT_3,
    MAXIMUM,
    LIMIT,
    FIRST_DAY,
    LAST_DAY,
) = range(0, 34 * BLOCK, BLOCK)

#: Rows of ``state``, carried from one run into the next.
STATE = (
    "root_zone_depletion",
    "surface_depletion",
    "wetted_fraction",
    "exposed_wetted_fraction",
    "refilled",
    "transpiration_stage_1",
    "transpiration_stage_2",
    "transpiration_stage_3",
    "potential_transpiration_stage_1",
    "potential_transpiration_stage_2",
    "potential_transpiration_stage_3",
)

#: Rows of ``sums``, mm over the run.
SUMS = (
    "irrigation",
    "runoff",
    "soil_evaporation",
    "transpiration",
    "potential_transpiration",
    "drainage",
)

#: Rows of ``daily``.
DAILY = (
    "root_zone_depletion",
    "surface_depletion",
    "kcb",
    "ground_cover",
    "readily_available_water",
    "ks",
    "soil_evaporation",
    "transpiration",
    "potential_transpiration",
    "drainage",
    "runoff",
    "irrigation",
)

# Offsets in the scratch array, one row of members each: parameters, state, sums, drivers and results of the day
_STATE = BLOCK * len(PARAMETERS)
_SUMS = _STATE + BLOCK * len(STATE)
_DAY = _SUMS + BLOCK * len(SUMS)
_DAILY = _DAY + BLOCK * len(DRIVERS)
_PASSED = _DAILY + BLOCK * 10
_END = _PASSED + BLOCK * 4
_N_PARAMETERS, _N_STATE, _N_SUMS = len(PARAMETERS), len(STATE), len(SUMS)

_DR, _DE, _FW, _FEW, _REFILLED, _T1, _T2, _T3, _P1, _P2, _P3 = range(_STATE, _SUMS, BLOCK)
(
    _SUM_IRRIGATION,
    _SUM_RUNOFF,
    _SUM_EVAPORATION,
    _SUM_TRANSPIRATION,
    _SUM_POTENTIAL,
    _SUM_DRAINAGE,
) = range(_SUMS, _DAY, BLOCK)
_RAIN, _ET0, _CLIMATE, _GIVEN, _KCB_STANDARD, _COVER = range(_DAY, _DAILY, BLOCK)
(
    _KCB_GAIN,
    _KCB,
    _RAW,
    _KS,
    _EVAPORATION,
    _TRANSPIRATION,
    _POTENTIAL,
    _DRAINAGE,
    _RUNOFF,
    _IRRIGATION,
) = range(_DAILY, _PASSED, BLOCK)
# From one loop of a day to the next: limit of evaporation, depletion at which a deficit rule holds the trees, soil that
# joins the wetted part, and the water on it
_KC_MAX, _HELD, _GROWN, _ADDED = range(_PASSED, _END, BLOCK)
#: Where each row of ``daily`` stands in the scratch array.
_OUTPUT = np.array([_DR, _DE, _KCB, _COVER, *range(_RAW, _PASSED, BLOCK)])

# Rows of drivers when crop coefficient and cover follow the calendar of the leaves
_CALENDAR_ROWS = 4

# Without nnan and ninf: inputs are finite, but dates that never come stand at infinity
_FAST = {"contract", "reassoc", "arcp", "nsz"}


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _clip(value, lowest, highest):
    return min(max(value, lowest), highest)


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _load_shared(w, drivers, day):
    """Bring one day's drivers into the scratch array where one weather serves every member."""
    rain, et0, climate, given = drivers[0, day, 0], drivers[1, day, 0], drivers[2, day, 0], drivers[3, day, 0]
    for j in range(BLOCK):  # all at once: rows one by one are unrolled into single stores
        w[_RAIN + j] = rain
        w[_ET0 + j] = et0
        w[_CLIMATE + j] = climate
        w[_GIVEN + j] = given
    if drivers.shape[0] > _CALENDAR_ROWS:
        kcb, cover = drivers[4, day, 0], drivers[5, day, 0]
        for j in range(BLOCK):
            w[_KCB_STANDARD + j] = kcb
            w[_COVER + j] = cover


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _load_own(w, drivers, day, low, members):
    """Bring one day's drivers of a block into the scratch array where each member has its own."""
    for k in range(drivers.shape[0]):
        for j in range(BLOCK):
            w[_DAY + k * BLOCK + j] = drivers[k, day, min(low + j, members - 1)]


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _canopy(w, day):
    """Ground cover, and basal crop coefficient in a standard climate, from the calendar of the leaves."""
    for j in range(BLOCK):
        up = _clip((day - w[LEAF_OUT + j]) * w[INVERSE_DEVELOPMENT + j], 0.0, 1.0)
        down = _clip((day - w[SENESCENCE + j]) * w[INVERSE_LATE + j], 0.0, 1.0)
        off = _clip((day - w[LEAF_FALL + j]) * w[INVERSE_FALL + j], 0.0, 1.0)
        kcb = w[KCB_INITIAL + j] + (w[KCB_MID + j] - w[KCB_INITIAL + j]) * up
        kcb += (w[KCB_END + j] - w[KCB_MID + j]) * down + (w[KCB_INITIAL + j] - w[KCB_END + j]) * off
        w[_KCB_STANDARD + j] = kcb
        w[_KCB_GAIN + j] = w[CLIMATE_GAIN + j] * (up - off)
        w[_COVER + j] = w[COVER_MINIMUM + j] + (w[COVER_MAXIMUM + j] - w[COVER_MINIMUM + j]) * (up - off)


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _runoff(w, wet):
    """Runoff of the day by the SCS curve number; dry days are spared the division."""
    if wet:
        for j in range(BLOCK):
            excess = max(w[_RAIN + j] - 0.2 * w[RETENTION + j], 0.0)
            runoff = excess * excess / (w[_RAIN + j] + 0.8 * w[RETENTION + j] + 1e-12)
            w[_RUNOFF + j] = runoff
            w[_SUM_RUNOFF + j] += runoff
    else:
        for j in range(BLOCK):
            w[_RUNOFF + j] = 0.0


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _demand(w):
    """What trees and air ask for, and how far the soil may dry before the trees lack water."""
    for j in range(BLOCK):
        kcb = max(w[_KCB_STANDARD + j] + w[_KCB_GAIN + j] * w[_CLIMATE + j], 0.0)  # Eq. 70 day by day
        potential = kcb * w[_ET0 + j]
        fraction = _clip(w[DEPLETION_FRACTION + j] + w[ADJUSTMENT + j] * (5.0 - potential), 0.1, 0.8)
        w[_KCB + j] = kcb
        w[_POTENTIAL + j] = potential
        w[_RAW + j] = fraction * w[TAW + j]
        w[_KC_MAX + j] = max(1.2 + w[_CLIMATE + j] * w[HEIGHT_FACTOR + j], kcb + 0.05)
        w[_SUM_POTENTIAL + j] += potential


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _hold_by_stage(w, day):
    """Set the depletion at which a deficit rule holds the trees: where they transpire the stage's share (Eq. 84)."""
    for j in range(BLOCK):
        share = w[DEFICIT_1 + j] if day >= w[LEAF_OUT + j] else 0.0
        share = w[DEFICIT_2 + j] if day >= w[STAGE_2 + j] else share
        share = w[DEFICIT_3 + j] if day >= w[STAGE_3 + j] else share
        share = 0.0 if day >= w[MATURITY + j] else share
        held = w[TAW + j] - share * (w[TAW + j] - w[THRESHOLD + j] * w[_RAW + j])
        w[_HELD + j] = 0.0 if w[DEFICIT_1 + j] < 0.0 else held


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _wet(w, day, daily):
    """Irrigate, and bring the water of the day into root zone and surface; what the root zone cannot hold drains."""
    for j in range(BLOCK):
        infiltration = w[_RAIN + j] - w[_RUNOFF + j]

        # irrigation: what is given, and what the rule adds where the depletion before it passes the threshold
        before = w[_DR + j] - infiltration
        wanted = w[REFILL + j] * before - w[_HELD + j]
        wanted = min(min(wanted, w[MAXIMUM + j]), w[LIMIT + j] - w[_REFILLED + j])
        due = (before >= w[THRESHOLD + j] * w[_RAW + j]) & (day >= w[FIRST_DAY + j]) & (day <= w[LAST_DAY + j])
        refill = max(wanted, 0.0) if due else 0.0
        irrigation = w[_GIVEN + j] + refill

        # exposed and wetted fraction of the soil: rain wets all of it, irrigation its share (Eq. 75)
        rained = infiltration > 0.2 * w[_ET0 + j]
        wetted, last, inverse_wetted = w[WETTED + j], w[_FW + j], w[INVERSE_WETTED + j]
        fw = wetted if irrigation > 0.0 else last
        fw = 1.0 if rained else fw
        concentration = 1.0 if rained else inverse_wetted
        cover = w[_COVER + j]
        few = _clip(min(1.0 - cover, (1.0 - w[SHELTER + j] * cover) * fw), 0.01, 1.0)

        # the water of the day comes before its evaporation (Eqs. 85, 88)
        depletion = before - irrigation
        drainage = max(-depletion, 0.0)
        w[_DR + j] = max(depletion, 0.0)
        w[_GROWN + j] = max(few - w[_FEW + j], 0.0)
        w[_ADDED + j] = infiltration + irrigation * concentration
        w[_FW + j] = fw
        w[_FEW + j] = few
        w[_REFILLED + j] += refill
        w[_SUM_IRRIGATION + j] += irrigation
        w[_SUM_DRAINAGE + j] += drainage
        if daily is not None:
            w[_DRAINAGE + j] = drainage
            w[_IRRIGATION + j] = irrigation


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _dry(w, daily):
    """Evaporate from the wetted surface and transpire from the root zone (Eqs. 71, 74, 80, 84)."""
    for j in range(BLOCK):
        taw, tew, few = w[TAW + j], w[TEW + j], w[_FEW + j]
        depletion, et0, potential = w[_DR + j], w[_ET0 + j], w[_POTENTIAL + j]
        kcb, kc_max = w[_KCB + j], w[_KC_MAX + j]
        room = taw - w[_RAW + j]
        inverse = 1.0 / (few * room)  # two divisions in one
        inverse_few, inverse_room = inverse * room, inverse * few
        surface = w[_DE + j] + (tew - w[_DE + j]) * w[_GROWN + j] * inverse_few  # soil that joins was dry
        surface = max(surface - w[_ADDED + j], 0.0)
        surface = min(surface, depletion * inverse_few)

        kr = _clip((tew - surface) * w[INVERSE_FALLING + j], 0.0, 1.0)
        ke = min(kr * (kc_max - kcb), few * kc_max)
        ks = _clip((taw - depletion) * inverse_room, 0.0, 1.0)
        transpiration = min(ks * potential, taw - depletion)
        evaporation = min(min(ke * et0, few * (tew - surface)), taw - depletion - transpiration)

        w[_DR + j] = depletion + transpiration + evaporation
        w[_DE + j] = surface + evaporation * inverse_few
        w[_TRANSPIRATION + j] = transpiration
        w[_SUM_EVAPORATION + j] += evaporation
        w[_SUM_TRANSPIRATION + j] += transpiration
        if daily is not None:
            w[_KS + j] = ks
            w[_EVAPORATION + j] = evaporation


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _accumulate_stages(w, day):
    """Add the day to the sums of the stages that set the yield."""
    for j in range(BLOCK):
        transpiration, potential = w[_TRANSPIRATION + j], w[_POTENTIAL + j]
        first = 1.0 if (day >= w[LEAF_OUT + j]) & (day < w[STAGE_2 + j]) else 0.0
        second = 1.0 if (day >= w[STAGE_2 + j]) & (day < w[STAGE_3 + j]) else 0.0
        third = 1.0 if (day >= w[STAGE_3 + j]) & (day < w[MATURITY + j]) else 0.0
        w[_T1 + j] += first * transpiration
        w[_T2 + j] += second * transpiration
        w[_T3 + j] += third * transpiration
        w[_P1 + j] += first * potential
        w[_P2 + j] += second * potential
        w[_P3 + j] += third * potential


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _load_members(w, parameters, state, low):
    """Bring a block of members into the scratch array; return when their leaves, stages and rules are at work."""
    members = parameters.shape[1]
    active = np.array([np.inf, -np.inf, np.inf, -np.inf, np.inf, -np.inf, -1.0])
    for j in range(BLOCK):
        member = min(low + j, members - 1)  # a short last block works its last member again
        for k in range(_N_PARAMETERS):
            w[k * BLOCK + j] = parameters[k, member]
        for k in range(_N_STATE):
            w[_STATE + k * BLOCK + j] = state[k, member]
        for k in range(_N_SUMS):
            w[_SUMS + k * BLOCK + j] = 0.0
        w[_KCB_GAIN + j] = 0.0  # unless the calendar of the leaves sets it
        w[_HELD + j] = 0.0  # unless the rule is a deficit by stage
        deficit = max(w[DEFICIT_1 + j], max(w[DEFICIT_2 + j], w[DEFICIT_3 + j]))
        active[0] = min(active[0], w[LEAF_OUT + j])
        active[1] = max(active[1], w[LEAF_OUT + j] + 1.0 / w[INVERSE_DEVELOPMENT + j] + 1.0)
        active[2] = min(active[2], w[SENESCENCE + j])
        active[3] = max(active[3], w[LEAF_FALL + j] + 1.0 / w[INVERSE_FALL + j] + 1.0)
        active[4] = min(active[4], w[LEAF_OUT + j])
        active[5] = max(active[5], w[MATURITY + j])
        active[6] = max(active[6], deficit)
    return active


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy")
def run(
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
        (row, day, 1 or member), rows as :data:`DRIVERS` or the first four of them, finite. With six rows the crop
        coefficient and the cover are those given and the calendar of the leaves only sets the stages.
    parameters
        (row, member), rows as :data:`PARAMETERS`.
    state
        (row, member), rows as :data:`STATE`; changed to that after the last day.
    sums
        (row, member), rows as :data:`SUMS`; written.
    daily
        (row, day, member), rows as :data:`DAILY`; written. None where only the sums are wanted, which is faster.
    """
    members = parameters.shape[1]
    w = np.empty(_END)
    for low in range(0, members, BLOCK):
        width = min(BLOCK, members - low)
        active = _load_members(w, parameters, state, low)
        for day in range(drivers.shape[1]):
            if drivers.shape[2] == 1:
                _load_shared(w, drivers, day)
            else:
                _load_own(w, drivers, day, low, members)
            moving = active[0] <= day <= active[1] or active[2] <= day <= active[3] or day == 0
            if moving and drivers.shape[0] == _CALENDAR_ROWS:
                _canopy(w, float(day))
            _runoff(w, drivers.shape[2] > 1 or drivers[0, day, 0] > 0.0)
            _demand(w)
            if active[6] >= 0.0:
                _hold_by_stage(w, float(day))
            _wet(w, float(day), daily)
            _dry(w, daily)
            if active[4] <= day < active[5]:
                _accumulate_stages(w, float(day))
            if daily is not None:
                for k in range(daily.shape[0]):
                    row = _OUTPUT[k]
                    for j in range(width):
                        daily[k, day, low + j] = w[row + j]
        for j in range(width):
            for k in range(_N_STATE):
                state[k, low + j] = w[_STATE + k * BLOCK + j]
            for k in range(_N_SUMS):
                sums[k, low + j] = w[_SUMS + k * BLOCK + j]
