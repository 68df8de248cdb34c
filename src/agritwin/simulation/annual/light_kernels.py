"""Light in the canopy and gross assimilation: Spitters et al. (1986, 1989), Goudriaan (1986)."""

import numba
import numpy as np

from agritwin.simulation.annual import layout as at
from agritwin.simulation.annual.vector_kernels import FAST, exponential, read_warmth

_GAUSS_AT = np.array(at.GAUSS_AT)
_GAUSS_WEIGHT = np.array([0.2777778, 0.4444444, 0.2777778])
_SCATTERING = 0.2  # scattering coefficient of leaves for visible light
_TRANSMITTED = np.sqrt(1.0 - _SCATTERING)
_HORIZONTAL = (1.0 - _TRANSMITTED) / (1.0 + _TRANSMITTED)


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def derive(w, sun, warmth):
    """What follows from the weather alone: temperatures, their tables, direct and diffuse light at three hours."""
    angot, dsinbe, constant = sun[5], sun[6], sun[7]
    for j in range(at.BLOCK):
        w[at.TEMP + j] = (w[at.TMIN + j] + w[at.TMAX + j]) / 2.0
        w[at.DTEMP + j] = (w[at.TEMP + j] + w[at.TMAX + j]) / 2.0
    read_warmth(w, at.DTSM, at.TEMP, warmth, 0)
    read_warmth(w, at.EFF, at.DTEMP, warmth, 1)
    read_warmth(w, at.TMPF, at.DTEMP, warmth, 2)
    read_warmth(w, at.VERNR, at.TEMP, warmth, 3)
    lit = sun[0] > 0.0
    for j in range(at.BLOCK):
        through = w[at.IRRAD + j] / angot if lit else 0.0
        hazy = 1.0 - 2.3 * (through - 0.07) * (through - 0.07)
        clear = 1.33 - 1.46 * through
        share = 0.23 if through > 0.75 else (clear if through > 0.35 else (hazy if through > 0.07 else 1.0))
        diffuse = share * through * 0.5 * constant
        for hour in range(3):
            sine = sun[2 + hour]
            light = 0.5 * w[at.IRRAD + j] * sine * (1.0 + 0.4 * sine) / dsinbe if lit else 0.0
            w[at.DIFFUSE + hour * at.BLOCK + j] = min(light, sine * diffuse)
            w[at.DIRECT + hour * at.BLOCK + j] = light - min(light, sine * diffuse)


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def assimilate(w, day, sun, warmth):
    """Gross assimilation of the day: Gaussian integration over three hours and three depths of the canopy."""
    ring = at.TMIN0 + (day % 7) * at.BLOCK
    for j in range(at.BLOCK):
        w[ring + j] = w[at.TMIN + j] * w[at.ALIVE + j]
        total = 0.0
        for k in range(7):
            total += w[at.TMIN0 + k * at.BLOCK + j]
        w[at.TMINRA + j] = total / min(w[at.EMERGED_DAYS + j] + 1.0, 7.0)
        w[at.AMAX + j] *= w[at.AMAX_FACTOR + j] * w[at.TMPF + j]
        w[at.DTGA + j] = 0.0
    read_warmth(w, at.TMNF, at.TMINRA, warmth, 4)
    for depth in range(3):
        for j in range(at.BLOCK):
            w[at.FADE1 + depth * at.BLOCK + j] = exponential(-w[at.KDIF + j] * w[at.LAI + j] * _GAUSS_AT[depth])
    for hour in range(3):
        sine = sun[2 + hour]
        reflected = 1.0 - _HORIZONTAL * 2.0 / (1.0 + 1.6 * sine)
        for j in range(at.BLOCK):
            efficiency = w[at.EFF + j] * w[at.EFF_FACTOR + j] / max(2.0, w[at.AMAX + j])
            beam = (1.0 - _SCATTERING) * w[at.DIRECT + hour * at.BLOCK + j] / sine
            strength = w[at.EFF + j] * w[at.EFF_FACTOR + j] * beam
            # share of the gap to saturation that leaves square to the beam miss; nothing without a beam
            w[at.SUNLIT + j] = (1.0 - exponential(-beam * efficiency)) / (strength if strength > 0.0 else 1.0)
            w[at.SHADE + j] = efficiency
            w[at.KBEAM + j] = (0.5 / sine) * w[at.KDIF + j] / (0.8 * _TRANSMITTED)
            w[at.KTOTAL + j] = w[at.KBEAM + j] * _TRANSMITTED
            w[at.BEAM + j] = w[at.DIRECT + hour * at.BLOCK + j]
            w[at.CANOPY + j] = 0.0
        for depth in range(3):
            for j in range(at.BLOCK):
                leaf_area = w[at.LAI + j] * _GAUSS_AT[depth]
                amax = w[at.AMAX + j]
                sunlit_share = exponential(-w[at.KBEAM + j] * leaf_area)
                diffuse = w[at.DIFFUSE + hour * at.BLOCK + j] * w[at.KDIF + j] * w[at.FADE1 + depth * at.BLOCK + j]
                total = w[at.BEAM + j] * w[at.KTOTAL + j] * exponential(-w[at.KTOTAL + j] * leaf_area)
                direct = (1.0 - _SCATTERING) * w[at.BEAM + j] * w[at.KBEAM + j] * sunlit_share
                shaded = reflected * (diffuse + total) - direct
                in_shade = amax * (1.0 - exponential(-shaded * w[at.SHADE + j]))
                in_sun = amax * (1.0 - (amax - in_shade) * w[at.SUNLIT + j]) if w[at.BEAM + j] > 0.0 else in_shade
                rate = sunlit_share * in_sun + (1.0 - sunlit_share) * in_shade
                w[at.CANOPY + j] += rate * _GAUSS_WEIGHT[depth]
        for j in range(at.BLOCK):
            w[at.DTGA + j] += w[at.CANOPY + j] * w[at.LAI + j] * _GAUSS_WEIGHT[hour]
    for j in range(at.BLOCK):
        grows = (w[at.ALIVE + j] > 0.0) & (w[at.AMAX + j] > 0.0) & (w[at.LAI + j] > 0.0)
        w[at.GASS + j] = w[at.DTGA + j] * sun[0] * w[at.TMNF + j] * 30.0 / 44.0 if grows else 0.0
