"""Beginning, stages and canopy of a crop."""

import numba

from agritwin.simulation.annual import layout as at
from agritwin.simulation.annual.vector_kernels import FAST, clip


@numba.njit(error_model="numpy")
def sow(w, j, day, stage, points):
    """Begin a crop: initial development, weights, leaf area and roots, shared out by the tables at that stage."""
    sown = w[at.FROM_SOWING + j] > 0.0
    w[at.PHASE + j] = at.SOWN if sown else at.VEGETATIVE
    w[at.DVS + j] = -0.1 if sown else w[at.DVSI + j]
    w[at.STARTED + j] = day
    w[at.AGE + j] = 0.0
    read_stage(w, j, 0, stage, points)
    shoot = w[at.TDWI + j] * (1.0 - w[at.FR + j])
    w[at.WRT + j] = w[at.TDWI + j] * w[at.FR + j]
    w[at.WST + j] = shoot * w[at.FS + j]
    w[at.WSO + j] = shoot * w[at.FO + j]
    w[at.WLV + j] = shoot * w[at.FL + j]
    w[at.LASUM + j] = w[at.WLV + j] * (w[at.SLA + j] * w[at.SLA_FACTOR + j])
    w[at.LAIEXP + j] = w[at.LASUM + j]
    w[at.LAIMAX + j] = w[at.LASUM + j]
    w[at.RD + j] = w[at.RDI + j]


@numba.njit(error_model="numpy", forceinline=True)
def read_stage(w, j, segment, stage, points):
    """Read all tables over development for one member; return the segment, which only moves on."""
    x = w[at.DVS + j]
    while segment < stage.shape[0] - 1 and x > points[segment]:
        segment += 1
    for k in range(11):
        w[at.AMAX + k * at.BLOCK + j] = stage[segment, k, 1] + stage[segment, k, 2] * (x - stage[segment, k, 0])
    return segment


@numba.njit(error_model="numpy", forceinline=True)
def begin_day(w, day, leaves, segments, stage, points):
    """Sow, let emerge, and mark the crops that end today."""
    for j in range(at.BLOCK):
        if w[at.PHASE + j] == at.BEFORE and day >= w[at.START + j]:
            sow(w, j, day, stage, points)
            segments[j] = 0
        elif w[at.PHASE + j] > at.BEFORE:
            w[at.AGE + j] += 1.0
        phase = w[at.PHASE + j]
        stands = (phase >= at.SOWN) & (phase < at.GONE)
        alive = stands & (phase >= at.VEGETATIVE)
        ripe = (phase == at.RIPE) & (w[at.TO_RIPENESS + j] > 0.0)
        last = (day >= w[at.HARVEST + j]) | (w[at.AGE + j] >= w[at.DURATION + j])
        w[at.ALIVE + j] = 1.0 if alive else 0.0
        w[at.ENDING + j] = 1.0 if stands & (ripe | last) else 0.0
        if alive and w[at.EMERGENCE + j] < 0.0:
            w[at.EMERGENCE + j] = day
            w[at.NCLASS + j] = 1.0
            slot = int(day) % at.CLASSES
            leaves[slot, 0, j] = w[at.WLV + j]
            leaves[slot, 1, j] = w[at.LASUM + j] / w[at.WLV + j] if w[at.WLV + j] > 0.0 else 0.0
            leaves[slot, 2, j] = w[at.LVAGE + j]


@numba.njit(error_model="numpy", forceinline=True)
def measure(w, segments, stage, points):
    """Read the tables over development and measure the canopy; return whether any crop stands."""
    standing = False
    for j in range(at.BLOCK):
        if (w[at.PHASE + j] >= at.SOWN) & (w[at.PHASE + j] < at.GONE):
            standing = True
            segments[j] = read_stage(w, j, segments[j], stage, points)
            w[at.KDIF + j] *= w[at.KDIF_FACTOR + j]
            w[at.SLA + j] *= w[at.SLA_FACTOR + j]
    for j in range(at.BLOCK):
        stands = (w[at.PHASE + j] >= at.SOWN) & (w[at.PHASE + j] < at.GONE)
        area = w[at.LASUM + j] + w[at.WST + j] * w[at.SSA + j] + w[at.WSO + j] * w[at.SPA + j]
        w[at.LAI + j] = area if stands else 0.0
        w[at.LAIMAX + j] = max(w[at.LAIMAX + j], w[at.LAI + j]) if w[at.AGE + j] > 0.0 else w[at.LAIMAX + j]
        w[at.TAGP + j] = w[at.WLV + j] + w[at.DWLV + j] + (w[at.WST + j] + w[at.DWST + j]) + w[at.WSO + j]
    return standing


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def develop(w, photoperiod):
    """Rates of development: warmth to emergence, flowering and ripeness, day length and cold before flowering."""
    for j in range(at.BLOCK):
        phase = w[at.PHASE + j]
        warm = clip(w[at.TEMP + j] - w[at.TBASEM + j], 0.0, w[at.TEFFMX + j] - w[at.TBASEM + j])
        span = w[at.DLO + j] - w[at.DLC + j]
        light = clip((photoperiod - w[at.DLC + j]) / (span if span != 0.0 else 1.0), 0.0, 1.0)
        light = light if w[at.PHOTOPERIODIC + j] > 0.0 else 1.0
        early = w[at.DVS + j] < w[at.VERNDVS + j]
        cold_span = w[at.VERNSAT + j] - w[at.VERNBASE + j]
        cold = clip((w[at.VERN + j] - w[at.VERNBASE + j]) / (cold_span if cold_span != 0.0 else 1.0), 0.0, 1.0)
        waiting = (w[at.VERNALISING + j] > 0.0) & (w[at.VERNALISED + j] == 0.0) & (phase == at.VEGETATIVE)
        cold = cold if waiting & early else 1.0
        w[at.VERNRATE + j] = w[at.VERNR + j] if waiting & early else 0.0
        w[at.FORCED + j] = 1.0 if waiting & (not early) else 0.0
        growing = w[at.DTSM + j] * cold * light if phase == at.VEGETATIVE else w[at.DTSM + j]
        growing = growing if (phase == at.VEGETATIVE) | (phase == at.REPRODUCTIVE) else 0.0
        w[at.DTSUM + j] = growing
        w[at.DTSUME + j] = warm if phase == at.SOWN else 0.0
        rate = growing / (w[at.TSUM1 + j] if phase == at.VEGETATIVE else w[at.TSUM2 + j])
        w[at.DVR + j] = 0.1 * warm / w[at.TSUMEM + j] if phase == at.SOWN else rate
