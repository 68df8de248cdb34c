"""Water of a crop and its soil: demand of the air, classic water balance (van Diepen et al. 1989)."""

import numba
import numpy as np

from agritwin.simulation.annual import layout as at
from agritwin.simulation.annual.vector_kernels import FAST, clip, exponential


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def transpire(w, limited):
    """Demand of the air on leaves and soil, and what water or oxygen in the root zone let pass."""
    for j in range(at.BLOCK):
        alive = w[at.ALIVE + j] > 0.0
        passed = exponential(-0.75 * w[at.KDIF + j] * w[at.LAI + j])
        demand = max(0.0, w[at.CFET + j] * w[at.ET0 + j])
        w[at.EVWMX + j] = w[at.E0 + j] * passed if alive else w[at.E0 + j]
        w[at.EVSMX + j] = max(0.0, w[at.ES0 + j] * passed) if alive else w[at.ES0 + j]
        w[at.TRAMX + j] = demand * (1.0 - passed) if alive else 0.0
        group = w[at.DEPNR + j]
        easy = 1.0 / (0.76 + 1.5 * demand) - (5.0 - group) * 0.10
        easy += (demand - 0.6) / (group * (group + 3.0)) if group < 3.0 else 0.0
        easy = clip(easy, 0.10, 0.95)
        width = w[at.SMFCF + j] - w[at.SMW + j]
        water = clip((w[at.SM + j] - w[at.SMW + j]) / ((1.0 - easy) * width), 0.0, 1.0)
        airy = clip((w[at.SM0 + j] - w[at.SM + j]) / w[at.CRAIRC + j], 0.0, 1.0)
        oxygen = airy + (1.0 - min(w[at.DSOS + j], 4.0) / 4.0) * (1.0 - airy)
        oxygen = oxygen if (w[at.OXYGEN + j] > 0.0) & limited else 1.0
        depth = w[at.RD + j]
        w[at.KS + j] = water
        w[at.RFTRA + j] = oxygen * water
        w[at.TRA + j] = w[at.TRAMX + j] * w[at.RFTRA + j]
        w[at.RAW + j] = easy * width * depth if alive else 0.0
        w[at.DEPLETION + j] = max(w[at.SMFCF + j] - w[at.SM + j], 0.0) * (depth if depth > 0.0 else at.BARE_DEPTH)


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def no_crop(w):
    """A day without any crop in the block: only the soil is exposed."""
    for j in range(at.BLOCK):
        w[at.EVWMX + j] = w[at.E0 + j]
        w[at.EVSMX + j] = w[at.ES0 + j]
        for row in (at.TRAMX, at.TRA, at.RAW, at.GASS, at.MRES):
            w[row + j] = 0.0
        w[at.KS + j] = 1.0
        w[at.RFTRA + j] = 1.0
        w[at.DEPLETION + j] = max(w[at.SMFCF + j] - w[at.SM + j], 0.0) * at.BARE_DEPTH


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def wet(w, day):
    """Rates of the water balance of a freely draining soil: evaporation, irrigation, infiltration, percolation."""
    for j in range(at.BLOCK):
        rain, taken, stored = w[at.RAIN + j], w[at.TRA + j], w[at.SS + j]
        depth = w[at.RD + j] if w[at.RD + j] > 0.0 else at.BARE_DEPTH

        # from a sheet of water, else from the soil: at once after a wet day, then with the root of time
        flooded = stored > 1.0
        soaked = w[at.RINOLD + j] >= 1.0
        demand = w[at.EVSMX + j]
        slowed = demand * (np.sqrt(w[at.DSLR + j] + 1.0) - np.sqrt(w[at.DSLR + j]))
        evaporated = demand if soaked else min(demand, slowed + w[at.RINOLD + j])
        evaporated = 0.0 if flooded else evaporated
        surface = w[at.EVWMX + j] if flooded else 0.0
        dry_days = 1.0 if soaked else w[at.DSLR + j] + 1.0
        w[at.DSLR + j] = w[at.DSLR + j] if flooded else dry_days

        # a refill where the depletion passes its threshold
        lacking = w[at.DEPLETION + j] - rain
        wanted = min(min(w[at.REFILL + j] * lacking, w[at.MAXIMUM + j]), w[at.LIMIT + j] - w[at.REFILLED + j])
        due = (w[at.ALIVE + j] > 0.0) & (w[at.DEPLETION + j] >= w[at.THRESHOLD + j] * w[at.RAW + j])
        due = due & (day >= w[at.FIRST_DAY + j]) & (day <= w[at.LAST_DAY + j])
        refill = max(wanted, 0.0) if due else 0.0
        irrigation = w[at.GIVEN + j] + refill
        w[at.REFILLED + j] += refill

        # what can get in, what the root zone passes on, what the subsoil passes on
        large = clip(rain - 0.5, 0.0, 1.0)
        kept_out = w[at.NOTINF + j] * (large if w[at.IFUNRN + j] > 0.0 else 1.0)
        entering = (1.0 - kept_out) * rain + irrigation + stored
        entering = min(w[at.SOPE + j], entering - surface) if stored > 0.1 else entering
        surplus = w[at.W + j] - w[at.SMFCF + j] * depth - taken - evaporated
        percolation = clip(surplus, 0.0, w[at.SOPE + j])
        below = w[at.RDMSOL + j] - depth
        drainage = clip(w[at.WLOW + j] - w[at.SMFCF + j] * below + percolation, 0.0, w[at.KSUB + j])
        percolation = min(percolation, below * w[at.SM0 + j] - w[at.WLOW + j] + drainage)
        room = (w[at.SM0 + j] - w[at.SM + j]) * depth + taken + evaporated + percolation
        entering = min(entering, room)
        change = entering - taken - evaporated - percolation
        short = min(w[at.W + j] + change, 0.0)
        w[at.EVS + j] = evaporated + short
        w[at.DW + j] = change - short
        w[at.DWLOW + j] = percolation - drainage
        left = rain + irrigation - surface - entering
        w[at.DSS + j] = min(left, w[at.SSMAX + j] - stored)
        w[at.RUNOFF + j] = left - w[at.DSS + j]
        w[at.EVW + j] = surface
        w[at.RIN + j] = entering
        w[at.RINOLD + j] = entering
        w[at.PERC + j] = percolation
        w[at.LOSS + j] = drainage
        w[at.IRRIGATION + j] = irrigation


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def keep_moist(w):
    """Rates where water never lacks: only evaporation from the soil, by the days since rain."""
    for j in range(at.BLOCK):
        demand = w[at.EVSMX + j]
        soaked = w[at.RINOLD + j] >= 1.0
        slowed = demand * (np.sqrt(w[at.DSLR + j] + 1.0) - np.sqrt(w[at.DSLR + j]))
        w[at.EVS + j] = demand if soaked else min(demand, slowed + w[at.RINOLD + j])
        w[at.DSLR + j] = 1.0 if soaked else w[at.DSLR + j] + 1.0
        w[at.RINOLD + j] = w[at.RAIN + j]
        for row in (at.EVW, at.RIN, at.PERC, at.LOSS, at.DW, at.DWLOW, at.DSS, at.RUNOFF, at.IRRIGATION):
            w[row + j] = 0.0


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def store_water(w, limited):
    """Integrate the water of the soil, and let the root zone take in the soil that the roots have reached."""
    for j in range(at.BLOCK):
        w[at.WTRAT + j] += w[at.TRA + j]
        w[at.EVST + j] += w[at.EVS + j]
        w[at.EVWT + j] += w[at.EVW + j]
        w[at.RAINT + j] += w[at.RAIN + j]
        w[at.TOTIRR + j] += w[at.IRRIGATION + j]
        w[at.TOTINF + j] += w[at.RIN + j]
        w[at.TSR + j] += w[at.RUNOFF + j]
        w[at.PERCT + j] += w[at.PERC + j]
        w[at.LOSST + j] += w[at.LOSS + j]
    if limited:
        for j in range(at.BLOCK):
            before = w[at.RDOLD + j]
            depth = w[at.RD + j] if w[at.RD + j] > 0.0 else at.BARE_DEPTH
            grown = depth - before
            water, subsoil = w[at.W + j] + w[at.DW + j], w[at.WLOW + j] + w[at.DWLOW + j]
            reached = min(subsoil, subsoil * grown / max(w[at.RDMSOL + j] - before, 1e-9))
            moved = reached if grown > 0.001 else water * grown / before
            w[at.W + j] = water + moved
            w[at.WLOW + j] = subsoil - moved
            w[at.WDRT + j] += moved
            w[at.SS + j] += w[at.DSS + j]
            w[at.SM + j] = w[at.W + j] / depth
            w[at.DSOS + j] = w[at.DSOS + j] + 1.0 if w[at.SM + j] >= w[at.SM0 + j] - w[at.CRAIRC + j] else 0.0
            w[at.RDOLD + j] = depth
