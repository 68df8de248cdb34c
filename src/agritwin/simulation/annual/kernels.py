"""Compiled WOFOST 7.2 over an ensemble of members: a crop, its leaves by age, and the water of its soil, day by day.

The equations are those of the system description of WOFOST 7.2 (de Wit et al. 2020, Wageningen Environmental
Research) and of the works that it rests on: Spitters et al. (1986, 1989) for light in the canopy, Goudriaan (1986) for
the Gaussian integration, van Diepen et al. (1989) for growth and water, van Keulen and Wolf (1986) for the soil.
Weights are in kg ha-1, water in cm, as there; ``wofost.py`` and ``outputs.py`` translate.

Members are worked in blocks that lie side by side in one small scratch array, the days outside and the members of a
block inside, mostly without branches between members: the compiler turns the inner loops into vector instructions.
Only leaf classes, tables over development and the first day of a crop are worked member by member.

A day has rates from the state with which it begins, then integration. ``daily`` holds that state and those rates.
"""

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

BLOCK = 32
#: Leaf classes that a member can carry, one a day; a crop lives no longer.
CLASSES = 366

#: Phases of a member: no crop yet, sown, up to flowering, up to ripeness, ripe but standing, gone.
PHASES = ("before", "sown", "vegetative", "reproductive", "ripe", "gone")
BEFORE, SOWN, VEGETATIVE, REPRODUCTIVE, RIPE, GONE = 0.0, 1.0, 2.0, 3.0, 4.0, 5.0

#: Rows of ``drivers``: degC, degC, J m-2 d-1, then cm d-1.
DRIVERS = ("TMIN", "TMAX", "IRRAD", "RAIN", "IRRIGATION", "E0", "ES0", "ET0")

#: Columns of ``sun``: day length, photoperiodic day length (h), sine of the sun's height at the three Gaussian hours,
#: radiation at the top of the atmosphere (J m-2 d-1), integral of the effective height (s), solar constant (W m-2).
SUN = ("DAYL", "DAYLP", "SINB1", "SINB2", "SINB3", "ANGOT", "DSINBE", "SC")

#: Tables over development, one row in ``tables`` each, and over temperature.
STAGE_TABLES = ("AMAXTB", "KDIFTB", "SLATB", "SSATB", "FRTB", "FLTB", "FSTB", "FOTB", "RDRRTB", "RDRSTB", "RFSETB")
WARMTH_TABLES = ("DTSMTB", "EFFTB", "TMPFTB", "VERNRTB", "TMNFTB")

#: Rows of ``parameters``: WOFOST's symbols and units, and management; days count from 1970-01-01.
PARAMETERS: tuple[str, ...] = (
    "TSUMEM", "TBASEM", "TEFFMX", "TSUM1", "TSUM2", "DLO", "DLC", "DVSI", "DVSEND", "PHOTOPERIODIC", "VERNALISING",
    "VERNBASE", "VERNSAT", "VERNDVS", "TDWI", "RGRLAI", "SPA", "SPAN", "TBASE", "CVL", "CVO", "CVR", "CVS", "LNQ10",
    "RML", "RMO", "RMR", "RMS", "PERDL", "CFET", "DEPNR", "OXYGEN", "RDI", "RRI", "RDM", "AMAX_FACTOR", "EFF_FACTOR",
    "KDIF_FACTOR", "SLA_FACTOR", "SMW", "SMFCF", "SM0", "CRAIRC", "SOPE", "KSUB", "RDMSOL", "IFUNRN", "NOTINF", "SSMAX",
    "START", "FROM_SOWING", "HARVEST", "TO_RIPENESS", "DURATION", "THRESHOLD", "REFILL", "MAXIMUM", "LIMIT",
    "FIRST_DAY", "LAST_DAY",
)  # fmt: skip
(
    TSUMEM, TBASEM, TEFFMX, TSUM1, TSUM2, DLO, DLC, DVSI, DVSEND, PHOTOPERIODIC, VERNALISING,
    VERNBASE, VERNSAT, VERNDVS, TDWI, RGRLAI, SPA, SPAN, TBASE, CVL, CVO, CVR, CVS, LNQ10,
    RML, RMO, RMR, RMS, PERDL, CFET, DEPNR, OXYGEN, RDI, RRI, RDM, AMAX_FACTOR, EFF_FACTOR,
    KDIF_FACTOR, SLA_FACTOR, SMW, SMFCF, SM0, CRAIRC, SOPE, KSUB, RDMSOL, IFUNRN, NOTINF, SSMAX,
    START, FROM_SOWING, HARVEST, TO_RIPENESS, DURATION, THRESHOLD, REFILL, MAXIMUM, LIMIT, FIRST_DAY,
    LAST_DAY,
) = range(0, len(PARAMETERS) * BLOCK, BLOCK)  # fmt: skip
_STATE = len(PARAMETERS) * BLOCK

#: Rows of ``state``, with which a day begins: weights of living and dead organs in kg ha-1, water in cm, depth in cm.
STATE: tuple[str, ...] = (
    "phase", "development_stage", "temperature_sum", "emergence_temperature_sum", "vernalisation", "vernalised",
    "days_since_start", "days_since_emergence", "start_day", "emergence_day", "flowering_day", "ripeness_day",
    "end_day", "root_weight", "dead_root_weight", "stem_weight", "dead_stem_weight", "storage_organ_weight",
    "leaf_weight", "dead_leaf_weight", "leaf_area", "exponential_leaf_area", "leaf_area_index",
    "largest_leaf_area_index", "leaf_age", "leaf_classes", "leaf_weight_summed", "rooting_depth",
    "gross_assimilation_sum", "maintenance_respiration_sum", "crop_transpiration", "crop_evaporation",
    "root_zone_water", "subsoil_water", "surface_storage", "soil_moisture", "wetted_before",
    "days_since_rain", "days_without_oxygen", "water_depth", "refilled", "transpiration_sum", "soil_evaporation_sum",
    "surface_evaporation_sum", "precipitation_sum", "irrigation_sum", "infiltration_sum", "runoff_sum",
    "percolation_sum", "drainage_sum", "rooted_water_sum", "tmin_0", "tmin_1", "tmin_2", "tmin_3", "tmin_4", "tmin_5",
    "tmin_6",
)  # fmt: skip
(
    _PHASE, _DVS, _TSUM, _TSUME, _VERN, _VERNALISED,
    _AGE, _EMERGED_DAYS, _STARTED, _EMERGENCE, _FLOWERING, _RIPENESS, _END_DAY,
    _WRT, _DWRT, _WST, _DWST, _WSO, _WLV,
    _DWLV, _LASUM, _LAIEXP, _LAI, _LAIMAX, _LVAGE,
    _NCLASS, _WSUMMED, _RD, _GASST, _MREST, _CTRAT,
    _CEVST, _W, _WLOW, _SS, _SM, _RINOLD,
    _DSLR, _DSOS, _RDOLD, _REFILLED, _WTRAT, _EVST,
    _EVWT, _RAINT, _TOTIRR, _TOTINF, _TSR,
    _PERCT, _LOSST, _WDRT, _TMIN0, _, _, _, _, _,
    _,
) = range(_STATE, _STATE + len(STATE) * BLOCK, BLOCK)  # fmt: skip
_DAY = _STATE + len(STATE) * BLOCK

# Scratch of the day: weather, what follows from it, tables over development, rates
(
    _TMIN, _TMAX, _IRRAD, _RAIN, _GIVEN, _E0, _ES0, _ET0,
    _TEMP, _DTSM, _EFF, _TMPF, _VERNR, _DIRECT, _, _, _DIFFUSE, _, _, _DTEMP,
    _AMAX, _KDIF, _SLA, _SSA, _FR, _FL, _FS, _FO, _RDRR, _RDRS, _RFSE,
    _ALIVE, _ENDING, _TMINRA, _TMNF, _FADE1, _, _, _SUNLIT, _SHADE, _KBEAM, _KTOTAL, _BEAM, _REFLECTED, _CANOPY, _DTGA,
    _DVR, _DTSUM, _DTSUME, _VERNRATE, _FORCED, _EVWMX, _EVSMX, _TRAMX, _TRA, _KS, _RFTRA, _RAW, _DEPLETION, _DTSMNOW,
    _GASS, _MRES, _DMI, _RR, _GRLV, _DSLV, _FYSAGE, _SLAT, _GLAIEX, _DRLV, _TAGP,
    _EVS, _EVW, _RIN, _PERC, _LOSS, _DW, _DWLOW, _DSS, _RUNOFF, _IRRIGATION,
) = range(_DAY, _DAY + 81 * BLOCK, BLOCK)  # fmt: skip
_SCRATCH = _DAY + 81 * BLOCK
_DERIVED = 19  # rows from _TMIN on that depend on the weather alone

#: Rows of ``daily``; the first are the state with which the day begins, then the rates of the day.
DAILY: tuple[str, ...] = (
    "phase", "development_stage", "leaf_area_index", "leaf_weight", "stem_weight", "root_weight",
    "storage_organ_weight", "dead_leaf_weight", "dead_stem_weight", "dead_root_weight",
    "above_ground_production", "rooting_depth", "soil_moisture", "root_zone_water",
    "subsoil_water", "surface_storage", "vernalisation", "temperature_sum",
    "exponential_leaf_area", "root_zone_depletion", "readily_available_water", "ks", "transpiration_reduction",
    "transpiration", "potential_transpiration", "soil_evaporation", "surface_evaporation", "infiltration",
    "percolation", "drainage", "runoff", "irrigation", "gross_assimilation", "maintenance_respiration",
)  # fmt: skip
_OUTPUT = np.array(
    [
        _PHASE, _DVS, _LAI, _WLV, _WST, _WRT, _WSO,
        _DWLV, _DWST, _DWRT, _TAGP, _RD,
        _SM, _W, _WLOW, _SS, _VERN, _TSUM,
        _LAIEXP, _DEPLETION, _RAW, _KS, _RFTRA,
        _TRA, _TRAMX, _EVS, _EVW, _RIN, _PERC,
        _LOSS, _RUNOFF, _IRRIGATION, _GASS, _MRES,
    ]
)  # fmt: skip

# Abscissae and weights of the three-point Gaussian integration, with the digits that WOFOST gives them
GAUSS_AT = (0.1127017, 0.5, 0.8872983)
_GAUSS_AT = np.array(GAUSS_AT)
_GAUSS_WEIGHT = np.array([0.2777778, 0.4444444, 0.2777778])
_SCATTERING = 0.2  # scattering coefficient of leaves for visible light
_TRANSMITTED = np.sqrt(1.0 - _SCATTERING)
_HORIZONTAL = (1.0 - _TRANSMITTED) / (1.0 + _TRANSMITTED)
_BARE_DEPTH = 10.0  # cm of soil that count as root zone where there are no roots

_FAST = {"contract", "reassoc", "arcp", "nsz"}
_EXACT = {"nsz"}


@intrinsic
def _bits(typing_context, value):
    """The 64 bits of a float, as an integer."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), code


@intrinsic
def _from_bits(typing_context, value):
    """The float whose 64 bits these are."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), code


@numba.njit(cache=True, fastmath={"contract"}, error_model="numpy", forceinline=True)
def _exp(value):
    """Exponential function to the last digit or two, as a polynomial that vector units can work."""
    x = min(max(value, -700.0), 700.0)
    shifted = x * 1.4426950408889634 + 6755399441055744.0  # the whole multiples of ln 2 in the lowest bits
    n = shifted - 6755399441055744.0
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return _from_bits(_bits(p) + (_bits(shifted) << 52))  # pyright: ignore[reportCallIssue]


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def _clip(value, lowest, highest):
    return min(max(value, lowest), highest)


@numba.njit(cache=True, fastmath=_EXACT, error_model="numpy", forceinline=True)
def _warmth(w, to, at, tables, row):
    """Read a table over temperature for all members: straight lines between points, level beyond them."""
    points = int(tables[row, 0, 3])
    for j in range(BLOCK):
        w[to + j] = tables[row, 0, 1]
    for k in range(points - 1):
        x0, y0, slope = tables[row, k, 0], tables[row, k, 1], tables[row, k, 2]
        for j in range(BLOCK):
            x = w[at + j]
            w[to + j] = y0 + slope * (x - x0) if x > x0 else w[to + j]
    x0, y0 = tables[row, points - 1, 0], tables[row, points - 1, 1]
    for j in range(BLOCK):
        w[to + j] = y0 if w[at + j] >= x0 else w[to + j]


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _derive(w, sun, warmth):
    """What follows from the weather alone: temperatures, their tables, direct and diffuse light at three hours."""
    angot, dsinbe, constant = sun[5], sun[6], sun[7]
    for j in range(BLOCK):
        w[_TEMP + j] = (w[_TMIN + j] + w[_TMAX + j]) / 2.0
        w[_DTEMP + j] = (w[_TEMP + j] + w[_TMAX + j]) / 2.0
    _warmth(w, _DTSM, _TEMP, warmth, 0)
    _warmth(w, _EFF, _DTEMP, warmth, 1)
    _warmth(w, _TMPF, _DTEMP, warmth, 2)
    _warmth(w, _VERNR, _TEMP, warmth, 3)
    lit = sun[0] > 0.0
    for j in range(BLOCK):
        through = w[_IRRAD + j] / angot if lit else 0.0
        hazy = 1.0 - 2.3 * (through - 0.07) * (through - 0.07)
        clear = 1.33 - 1.46 * through
        share = 0.23 if through > 0.75 else (clear if through > 0.35 else (hazy if through > 0.07 else 1.0))
        diffuse = share * through * 0.5 * constant
        for hour in range(3):
            sine = sun[2 + hour]
            light = 0.5 * w[_IRRAD + j] * sine * (1.0 + 0.4 * sine) / dsinbe if lit else 0.0
            w[_DIFFUSE + hour * BLOCK + j] = min(light, sine * diffuse)
            w[_DIRECT + hour * BLOCK + j] = light - min(light, sine * diffuse)


@numba.njit(cache=True, error_model="numpy")
def _sow(w, j, day, stage, points):
    """Begin a crop: initial development, weights, leaf area and roots, shared out by the tables at that stage."""
    sown = w[FROM_SOWING + j] > 0.0
    w[_PHASE + j] = SOWN if sown else VEGETATIVE
    w[_DVS + j] = -0.1 if sown else w[DVSI + j]
    w[_STARTED + j] = day
    w[_AGE + j] = 0.0
    _read_stage(w, j, 0, stage, points)
    shoot = w[TDWI + j] * (1.0 - w[_FR + j])
    w[_WRT + j] = w[TDWI + j] * w[_FR + j]
    w[_WST + j] = shoot * w[_FS + j]
    w[_WSO + j] = shoot * w[_FO + j]
    w[_WLV + j] = shoot * w[_FL + j]
    w[_LASUM + j] = w[_WLV + j] * (w[_SLA + j] * w[SLA_FACTOR + j])
    w[_LAIEXP + j] = w[_LASUM + j]
    w[_LAIMAX + j] = w[_LASUM + j]
    w[_RD + j] = w[RDI + j]


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def _read_stage(w, j, segment, stage, points):
    """Read all tables over development for one member; return the segment, which only moves on."""
    x = w[_DVS + j]
    while segment < stage.shape[0] - 1 and x > points[segment]:
        segment += 1
    for k in range(11):
        w[_AMAX + k * BLOCK + j] = stage[segment, k, 1] + stage[segment, k, 2] * (x - stage[segment, k, 0])
    return segment


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def _begin_day(w, day, leaves, segments, stage, points):
    """Sow, let emerge, and mark the crops that end today."""
    for j in range(BLOCK):
        if w[_PHASE + j] == BEFORE and day >= w[START + j]:
            _sow(w, j, day, stage, points)
            segments[j] = 0
        elif w[_PHASE + j] > BEFORE:
            w[_AGE + j] += 1.0
        phase = w[_PHASE + j]
        stands = (phase >= SOWN) & (phase < GONE)
        alive = stands & (phase >= VEGETATIVE)
        ripe = (phase == RIPE) & (w[TO_RIPENESS + j] > 0.0)
        last = (day >= w[HARVEST + j]) | (w[_AGE + j] >= w[DURATION + j])
        w[_ALIVE + j] = 1.0 if alive else 0.0
        w[_ENDING + j] = 1.0 if stands & (ripe | last) else 0.0
        if alive and w[_EMERGENCE + j] < 0.0:
            w[_EMERGENCE + j] = day
            w[_NCLASS + j] = 1.0
            slot = int(day) % CLASSES
            leaves[slot, 0, j] = w[_WLV + j]
            leaves[slot, 1, j] = w[_LASUM + j] / w[_WLV + j] if w[_WLV + j] > 0.0 else 0.0
            leaves[slot, 2, j] = w[_LVAGE + j]


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def _measure(w, segments, stage, points):
    """Read the tables over development and measure the canopy; return whether any crop stands."""
    standing = False
    for j in range(BLOCK):
        if (w[_PHASE + j] >= SOWN) & (w[_PHASE + j] < GONE):
            standing = True
            segments[j] = _read_stage(w, j, segments[j], stage, points)
            w[_KDIF + j] *= w[KDIF_FACTOR + j]
            w[_SLA + j] *= w[SLA_FACTOR + j]
    for j in range(BLOCK):
        stands = (w[_PHASE + j] >= SOWN) & (w[_PHASE + j] < GONE)
        area = w[_LASUM + j] + w[_WST + j] * w[_SSA + j] + w[_WSO + j] * w[SPA + j]
        w[_LAI + j] = area if stands else 0.0
        w[_LAIMAX + j] = max(w[_LAIMAX + j], w[_LAI + j]) if w[_AGE + j] > 0.0 else w[_LAIMAX + j]
        w[_TAGP + j] = w[_WLV + j] + w[_DWLV + j] + (w[_WST + j] + w[_DWST + j]) + w[_WSO + j]
    return standing


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _develop(w, photoperiod):
    """Rates of development: warmth to emergence, flowering and ripeness, day length and cold before flowering."""
    for j in range(BLOCK):
        phase = w[_PHASE + j]
        warm = _clip(w[_TEMP + j] - w[TBASEM + j], 0.0, w[TEFFMX + j] - w[TBASEM + j])
        span = w[DLO + j] - w[DLC + j]
        light = _clip((photoperiod - w[DLC + j]) / (span if span != 0.0 else 1.0), 0.0, 1.0)
        light = light if w[PHOTOPERIODIC + j] > 0.0 else 1.0
        early = w[_DVS + j] < w[VERNDVS + j]
        cold_span = w[VERNSAT + j] - w[VERNBASE + j]
        cold = _clip((w[_VERN + j] - w[VERNBASE + j]) / (cold_span if cold_span != 0.0 else 1.0), 0.0, 1.0)
        waiting = (w[VERNALISING + j] > 0.0) & (w[_VERNALISED + j] == 0.0) & (phase == VEGETATIVE)
        cold = cold if waiting & early else 1.0
        w[_VERNRATE + j] = w[_VERNR + j] if waiting & early else 0.0
        w[_FORCED + j] = 1.0 if waiting & (not early) else 0.0
        growing = w[_DTSM + j] * cold * light if phase == VEGETATIVE else w[_DTSM + j]
        growing = growing if (phase == VEGETATIVE) | (phase == REPRODUCTIVE) else 0.0
        w[_DTSUM + j] = growing
        w[_DTSUME + j] = warm if phase == SOWN else 0.0
        rate = growing / (w[TSUM1 + j] if phase == VEGETATIVE else w[TSUM2 + j])
        w[_DVR + j] = 0.1 * warm / w[TSUMEM + j] if phase == SOWN else rate


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _assimilate(w, day, sun, warmth):
    """Gross assimilation of the day: Gaussian integration over three hours and three depths of the canopy."""
    ring = _TMIN0 + (day % 7) * BLOCK
    for j in range(BLOCK):
        w[ring + j] = w[_TMIN + j] * w[_ALIVE + j]
        total = 0.0
        for k in range(7):
            total += w[_TMIN0 + k * BLOCK + j]
        w[_TMINRA + j] = total / min(w[_EMERGED_DAYS + j] + 1.0, 7.0)
        w[_AMAX + j] *= w[AMAX_FACTOR + j] * w[_TMPF + j]
        w[_DTGA + j] = 0.0
    _warmth(w, _TMNF, _TMINRA, warmth, 4)
    for depth in range(3):
        for j in range(BLOCK):
            w[_FADE1 + depth * BLOCK + j] = _exp(-w[_KDIF + j] * w[_LAI + j] * _GAUSS_AT[depth])
    for hour in range(3):
        sine = sun[2 + hour]
        reflected = 1.0 - _HORIZONTAL * 2.0 / (1.0 + 1.6 * sine)
        for j in range(BLOCK):
            efficiency = w[_EFF + j] * w[EFF_FACTOR + j] / max(2.0, w[_AMAX + j])
            beam = (1.0 - _SCATTERING) * w[_DIRECT + hour * BLOCK + j] / sine
            strength = w[_EFF + j] * w[EFF_FACTOR + j] * beam
            # share of the gap to saturation that leaves square to the beam miss; nothing without a beam
            w[_SUNLIT + j] = (1.0 - _exp(-beam * efficiency)) / (strength if strength > 0.0 else 1.0)
            w[_SHADE + j] = efficiency
            w[_KBEAM + j] = (0.5 / sine) * w[_KDIF + j] / (0.8 * _TRANSMITTED)
            w[_KTOTAL + j] = w[_KBEAM + j] * _TRANSMITTED
            w[_BEAM + j] = w[_DIRECT + hour * BLOCK + j]
            w[_CANOPY + j] = 0.0
        for depth in range(3):
            for j in range(BLOCK):
                leaf_area = w[_LAI + j] * _GAUSS_AT[depth]
                amax = w[_AMAX + j]
                sunlit_share = _exp(-w[_KBEAM + j] * leaf_area)
                diffuse = w[_DIFFUSE + hour * BLOCK + j] * w[_KDIF + j] * w[_FADE1 + depth * BLOCK + j]
                total = w[_BEAM + j] * w[_KTOTAL + j] * _exp(-w[_KTOTAL + j] * leaf_area)
                direct = (1.0 - _SCATTERING) * w[_BEAM + j] * w[_KBEAM + j] * sunlit_share
                shaded = reflected * (diffuse + total) - direct
                in_shade = amax * (1.0 - _exp(-shaded * w[_SHADE + j]))
                in_sun = amax * (1.0 - (amax - in_shade) * w[_SUNLIT + j]) if w[_BEAM + j] > 0.0 else in_shade
                rate = sunlit_share * in_sun + (1.0 - sunlit_share) * in_shade
                w[_CANOPY + j] += rate * _GAUSS_WEIGHT[depth]
        for j in range(BLOCK):
            w[_DTGA + j] += w[_CANOPY + j] * w[_LAI + j] * _GAUSS_WEIGHT[hour]
    for j in range(BLOCK):
        grows = (w[_ALIVE + j] > 0.0) & (w[_AMAX + j] > 0.0) & (w[_LAI + j] > 0.0)
        w[_GASS + j] = w[_DTGA + j] * sun[0] * w[_TMNF + j] * 30.0 / 44.0 if grows else 0.0


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _transpire(w, limited):
    """Demand of the air on leaves and soil, and what water or oxygen in the root zone let pass."""
    for j in range(BLOCK):
        alive = w[_ALIVE + j] > 0.0
        passed = _exp(-0.75 * w[_KDIF + j] * w[_LAI + j])
        demand = max(0.0, w[CFET + j] * w[_ET0 + j])
        w[_EVWMX + j] = w[_E0 + j] * passed if alive else w[_E0 + j]
        w[_EVSMX + j] = max(0.0, w[_ES0 + j] * passed) if alive else w[_ES0 + j]
        w[_TRAMX + j] = demand * (1.0 - passed) if alive else 0.0
        group = w[DEPNR + j]
        easy = 1.0 / (0.76 + 1.5 * demand) - (5.0 - group) * 0.10
        easy += (demand - 0.6) / (group * (group + 3.0)) if group < 3.0 else 0.0
        easy = _clip(easy, 0.10, 0.95)
        width = w[SMFCF + j] - w[SMW + j]
        water = _clip((w[_SM + j] - w[SMW + j]) / ((1.0 - easy) * width), 0.0, 1.0)
        airy = _clip((w[SM0 + j] - w[_SM + j]) / w[CRAIRC + j], 0.0, 1.0)
        oxygen = airy + (1.0 - min(w[_DSOS + j], 4.0) / 4.0) * (1.0 - airy)
        oxygen = oxygen if (w[OXYGEN + j] > 0.0) & limited else 1.0
        depth = w[_RD + j]
        w[_KS + j] = water
        w[_RFTRA + j] = oxygen * water
        w[_TRA + j] = w[_TRAMX + j] * w[_RFTRA + j]
        w[_RAW + j] = easy * width * depth if alive else 0.0
        w[_DEPLETION + j] = max(w[SMFCF + j] - w[_SM + j], 0.0) * (depth if depth > 0.0 else _BARE_DEPTH)


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _no_crop(w):
    """A day without any crop in the block: only the soil is exposed."""
    for j in range(BLOCK):
        w[_EVWMX + j] = w[_E0 + j]
        w[_EVSMX + j] = w[_ES0 + j]
        for row in (_TRAMX, _TRA, _RAW, _GASS, _MRES):
            w[row + j] = 0.0
        w[_KS + j] = 1.0
        w[_RFTRA + j] = 1.0
        w[_DEPLETION + j] = max(w[SMFCF + j] - w[_SM + j], 0.0) * _BARE_DEPTH


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _grow(w):
    """Respire, convert and share out the assimilates; rates of all organs."""
    for j in range(BLOCK):
        gross = w[_GASS + j] * w[_RFTRA + j]
        upkeep = (
            w[RMR + j] * w[_WRT + j] + w[RML + j] * w[_WLV + j] + w[RMS + j] * w[_WST + j] + w[RMO + j] * w[_WSO + j]
        )
        upkeep *= w[_RFSE + j] * _exp(w[LNQ10 + j] * (w[_TEMP + j] - 25.0) / 10.0)
        upkeep = min(gross, upkeep)
        roots = w[_FR + j]
        cost = w[_FL + j] / w[CVL + j] + w[_FS + j] / w[CVS + j] + w[_FO + j] / w[CVO + j]
        made = (gross - upkeep) / (cost * (1.0 - roots) + roots / w[CVR + j])
        w[_GASS + j] = gross
        w[_MRES + j] = upkeep
        w[_DMI + j] = made
        w[_RR + j] = min(w[RDM + j] - w[_RD + j], w[RRI + j]) if roots != 0.0 else 0.0
        w[_GRLV + j] = (1.0 - roots) * made * w[_FL + j]
        thirst = w[_WLV + j] * (1.0 - w[_RFTRA + j]) * w[PERDL + j]
        critical = 3.2 / w[_KDIF + j]
        crowding = w[_WLV + j] * _clip(0.03 * (w[_LAI + j] - critical) / critical, 0.0, 0.03)
        w[_DSLV + j] = max(thirst, crowding)
        above = max(0.0, w[_TEMP + j] - w[TBASE + j])
        w[_FYSAGE + j] = above / (35.0 - w[TBASE + j])
        young = w[_LAIEXP + j] < 6.0
        most = w[_LAIEXP + j] * w[RGRLAI + j] * above
        gained = min(most, w[_GRLV + j] * w[_SLA + j])
        w[_GLAIEX + j] = most if young else 0.0
        w[_SLAT + j] = gained / w[_GRLV + j] if young & (w[_GRLV + j] > 0.0) else w[_SLA + j]


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def _renew_leaves(w, day, leaves):
    """Let the oldest leaves die, and add the day's class; each member has a ring of classes, the newest at tomorrow."""
    tomorrow = (int(day) + 1) % CLASSES
    for j in range(BLOCK):
        w[_DRLV + j] = 0.0
        if w[_ALIVE + j] == 0.0 or w[_ENDING + j] > 0.0:
            continue
        classes = int(w[_NCLASS + j])
        slot = tomorrow - classes
        slot = slot + CLASSES if slot < 0 else slot
        age, span = w[_LVAGE + j], w[SPAN + j]
        aged, k, at = 0.0, classes, slot
        while k > 0 and age - leaves[at, 2, j] > span:
            aged += leaves[at, 0, j]
            k -= 1
            at = at + 1 if at + 1 < CLASSES else 0
        dying = max(w[_DSLV + j], aged)
        w[_DRLV + j] = dying
        weight, area = w[_WLV + j], w[_LASUM + j]
        while classes > 0 and dying > 0.0:
            lost = min(dying, leaves[slot, 0, j])
            weight -= lost
            area -= lost * leaves[slot, 1, j]
            if dying < leaves[slot, 0, j]:
                leaves[slot, 0, j] -= lost
            else:
                classes -= 1
                slot = slot + 1 if slot + 1 < CLASSES else 0
            dying -= lost
        if weight < 0.01 * w[_WSUMMED + j]:  # little is left: count it anew, or only the rounding of what died is left
            weight, area, at = 0.0, 0.0, slot
            for _ in range(classes):
                weight += leaves[at, 0, j]
                area += leaves[at, 0, j] * leaves[at, 1, j]
                at = at + 1 if at + 1 < CLASSES else 0
            w[_WSUMMED + j] = weight
        w[_LVAGE + j] = age + w[_FYSAGE + j]
        leaves[tomorrow, 0, j] = w[_GRLV + j]
        leaves[tomorrow, 1, j] = w[_SLAT + j]
        leaves[tomorrow, 2, j] = w[_LVAGE + j]
        w[_NCLASS + j] = classes + 1.0
        w[_WLV + j] = weight + w[_GRLV + j]
        w[_LASUM + j] = area + w[_GRLV + j] * w[_SLAT + j]
        w[_WSUMMED + j] = max(w[_WSUMMED + j], w[_WLV + j])


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _wet(w, day):
    """Rates of the water balance of a freely draining soil: evaporation, irrigation, infiltration, percolation."""
    for j in range(BLOCK):
        rain, taken, stored = w[_RAIN + j], w[_TRA + j], w[_SS + j]
        depth = w[_RD + j] if w[_RD + j] > 0.0 else _BARE_DEPTH

        # from a sheet of water, else from the soil: at once after a wet day, then with the root of time
        flooded = stored > 1.0
        soaked = w[_RINOLD + j] >= 1.0
        demand = w[_EVSMX + j]
        slowed = demand * (np.sqrt(w[_DSLR + j] + 1.0) - np.sqrt(w[_DSLR + j]))
        evaporated = demand if soaked else min(demand, slowed + w[_RINOLD + j])
        evaporated = 0.0 if flooded else evaporated
        surface = w[_EVWMX + j] if flooded else 0.0
        dry_days = 1.0 if soaked else w[_DSLR + j] + 1.0
        w[_DSLR + j] = w[_DSLR + j] if flooded else dry_days

        # a refill where the depletion passes its threshold
        lacking = w[_DEPLETION + j] - rain
        wanted = min(min(w[REFILL + j] * lacking, w[MAXIMUM + j]), w[LIMIT + j] - w[_REFILLED + j])
        due = (w[_ALIVE + j] > 0.0) & (w[_DEPLETION + j] >= w[THRESHOLD + j] * w[_RAW + j])
        due = due & (day >= w[FIRST_DAY + j]) & (day <= w[LAST_DAY + j])
        refill = max(wanted, 0.0) if due else 0.0
        irrigation = w[_GIVEN + j] + refill
        w[_REFILLED + j] += refill

        # what can get in, what the root zone passes on, what the subsoil passes on
        large = _clip(rain - 0.5, 0.0, 1.0)
        kept_out = w[NOTINF + j] * (large if w[IFUNRN + j] > 0.0 else 1.0)
        entering = (1.0 - kept_out) * rain + irrigation + stored
        entering = min(w[SOPE + j], entering - surface) if stored > 0.1 else entering
        surplus = w[_W + j] - w[SMFCF + j] * depth - taken - evaporated
        percolation = _clip(surplus, 0.0, w[SOPE + j])
        below = w[RDMSOL + j] - depth
        drainage = _clip(w[_WLOW + j] - w[SMFCF + j] * below + percolation, 0.0, w[KSUB + j])
        percolation = min(percolation, below * w[SM0 + j] - w[_WLOW + j] + drainage)
        room = (w[SM0 + j] - w[_SM + j]) * depth + taken + evaporated + percolation
        entering = min(entering, room)
        change = entering - taken - evaporated - percolation
        short = min(w[_W + j] + change, 0.0)
        w[_EVS + j] = evaporated + short
        w[_DW + j] = change - short
        w[_DWLOW + j] = percolation - drainage
        left = rain + irrigation - surface - entering
        w[_DSS + j] = min(left, w[SSMAX + j] - stored)
        w[_RUNOFF + j] = left - w[_DSS + j]
        w[_EVW + j] = surface
        w[_RIN + j] = entering
        w[_RINOLD + j] = entering
        w[_PERC + j] = percolation
        w[_LOSS + j] = drainage
        w[_IRRIGATION + j] = irrigation


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _keep_moist(w):
    """Rates where water never lacks: only evaporation from the soil, by the days since rain."""
    for j in range(BLOCK):
        demand = w[_EVSMX + j]
        soaked = w[_RINOLD + j] >= 1.0
        slowed = demand * (np.sqrt(w[_DSLR + j] + 1.0) - np.sqrt(w[_DSLR + j]))
        w[_EVS + j] = demand if soaked else min(demand, slowed + w[_RINOLD + j])
        w[_DSLR + j] = 1.0 if soaked else w[_DSLR + j] + 1.0
        w[_RINOLD + j] = w[_RAIN + j]
        for row in (_EVW, _RIN, _PERC, _LOSS, _DW, _DWLOW, _DSS, _RUNOFF, _IRRIGATION):
            w[row + j] = 0.0


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _advance(w, day):
    """Integrate development, organs and roots; a stage that is passed ends the day on its very value."""
    for j in range(BLOCK):
        phase = w[_PHASE + j]
        going = w[_ENDING + j] == 0.0
        stands = going & (phase >= SOWN) & (phase < GONE)
        grows = (w[_ALIVE + j] > 0.0) & going
        reached = w[_DVS + j] + w[_DVR + j]
        goal = 0.0 if phase == SOWN else (1.0 if phase == VEGETATIVE else w[DVSEND + j])
        passed = stands & (phase < RIPE) & (reached >= goal)
        w[_DVS + j] = (goal if passed else reached) if stands & (phase < RIPE) else w[_DVS + j]
        w[_TSUM + j] += w[_DTSUM + j] if stands else 0.0
        w[_TSUME + j] += w[_DTSUME + j] if stands else 0.0
        w[_FLOWERING + j] = day + 1.0 if passed & (phase == VEGETATIVE) else w[_FLOWERING + j]
        w[_RIPENESS + j] = day + 1.0 if passed & (phase == REPRODUCTIVE) else w[_RIPENESS + j]
        cooled = w[_VERN + j] + (w[_VERNRATE + j] if grows else 0.0)
        done = (cooled >= w[VERNSAT + j]) | (w[_FORCED + j] > 0.0)
        w[_VERN + j] = cooled
        w[_VERNALISED + j] = 1.0 if done & grows & (phase == VEGETATIVE) else w[_VERNALISED + j]
        w[_PHASE + j] = GONE if (phase >= SOWN) & (phase < GONE) & (not going) else (phase + 1.0 if passed else phase)
        w[_END_DAY + j] = day if (phase >= SOWN) & (phase < GONE) & (not going) else w[_END_DAY + j]
        made = w[_DMI + j] if grows else 0.0
        above = (1.0 - w[_FR + j]) * made
        roots_lost = w[_WRT + j] * w[_RDRR + j] if grows else 0.0
        stems_lost = w[_WST + j] * w[_RDRS + j] if grows else 0.0
        w[_WRT + j] += (w[_FR + j] * made if grows else 0.0) - roots_lost
        w[_DWRT + j] += roots_lost
        w[_WST + j] += (above * w[_FS + j] if grows else 0.0) - stems_lost
        w[_DWST + j] += stems_lost
        w[_WSO + j] += above * w[_FO + j] if grows else 0.0
        w[_DWLV + j] += w[_DRLV + j]
        w[_LAIEXP + j] += w[_GLAIEX + j] if grows else 0.0
        w[_RD + j] = (w[_RD + j] + (w[_RR + j] if grows else 0.0)) if stands else 0.0
        w[_GASST + j] += w[_GASS + j] if grows else 0.0
        w[_MREST + j] += w[_MRES + j] if grows else 0.0
        w[_CTRAT + j] += w[_TRA + j] if grows else 0.0
        w[_CEVST + j] += w[_EVS + j] if grows else 0.0
        w[_EMERGED_DAYS + j] += 1.0 if grows else 0.0


@numba.njit(cache=True, fastmath=_FAST, error_model="numpy", forceinline=True)
def _store_water(w, limited):
    """Integrate the water of the soil, and let the root zone take in the soil that the roots have reached."""
    for j in range(BLOCK):
        w[_WTRAT + j] += w[_TRA + j]
        w[_EVST + j] += w[_EVS + j]
        w[_EVWT + j] += w[_EVW + j]
        w[_RAINT + j] += w[_RAIN + j]
        w[_TOTIRR + j] += w[_IRRIGATION + j]
        w[_TOTINF + j] += w[_RIN + j]
        w[_TSR + j] += w[_RUNOFF + j]
        w[_PERCT + j] += w[_PERC + j]
        w[_LOSST + j] += w[_LOSS + j]
    if limited:
        for j in range(BLOCK):
            before = w[_RDOLD + j]
            depth = w[_RD + j] if w[_RD + j] > 0.0 else _BARE_DEPTH
            grown = depth - before
            water, subsoil = w[_W + j] + w[_DW + j], w[_WLOW + j] + w[_DWLOW + j]
            reached = min(subsoil, subsoil * grown / max(w[RDMSOL + j] - before, 1e-9))
            moved = reached if grown > 0.001 else water * grown / before
            w[_W + j] = water + moved
            w[_WLOW + j] = subsoil - moved
            w[_WDRT + j] += moved
            w[_SS + j] += w[_DSS + j]
            w[_SM + j] = w[_W + j] / depth
            w[_DSOS + j] = w[_DSOS + j] + 1.0 if w[_SM + j] >= w[SM0 + j] - w[CRAIRC + j] else 0.0
            w[_RDOLD + j] = depth


@numba.njit(cache=True, error_model="numpy")
def _weather(w, drivers, derived, day, low, members):
    """Bring the weather of a day into the scratch array: that of all members, or each member's own."""
    if derived.shape[0] > 0:
        for k in range(_DERIVED):
            value = derived[day, k]
            for j in range(BLOCK):
                w[_TMIN + k * BLOCK + j] = value
    else:
        for k in range(drivers.shape[0]):
            for j in range(BLOCK):
                w[_TMIN + k * BLOCK + j] = drivers[k, day, min(low + j, members - 1)]


@numba.njit(cache=True, error_model="numpy")
def run(
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
        (row, day, 1 or member), rows as :data:`DRIVERS`, finite.
    sun
        (day, column), columns as :data:`SUN`.
    stage, points
        Tables over development cut at all their points: (segment, table, [x, y, slope]) with tables as
        :data:`STAGE_TABLES`, and the upper end of each segment but the last.
    warmth
        (table, point, [x, y, slope, number of points]), tables as :data:`WARMTH_TABLES`.
    parameters
        (row, member), rows as :data:`PARAMETERS`.
    state
        (row, member), rows as :data:`STATE`; changed to that after the last day.
    leaves
        (class, [weight, specific area, leaf age at its birth], member), a ring whose newest class lies at the number
        of the day modulo :data:`CLASSES`; changed to that after the last day.
    first_day
        Days from 1970-01-01 to the first day of the drivers.
    limited
        Whether growth is limited by water (else potential).
    wanted
        Rows of :data:`DAILY` to be written, in the order of ``daily``.
    daily
        (row, day, member), written.
    """
    days, members = drivers.shape[1], parameters.shape[1]
    w = np.zeros(_SCRATCH)
    ring = np.empty((CLASSES, 3, BLOCK))
    segments = np.zeros(BLOCK, dtype=np.int64)
    derived = np.empty((days if drivers.shape[2] == 1 else 0, _DERIVED))
    for day in range(derived.shape[0]):
        for k in range(drivers.shape[0]):
            w[_TMIN + k * BLOCK : _TMIN + (k + 1) * BLOCK] = drivers[k, day, 0]
        _derive(w, sun[day], warmth)
        for k in range(_DERIVED):
            derived[day, k] = w[_TMIN + k * BLOCK]
    for low in range(0, members, BLOCK):
        width = min(BLOCK, members - low)
        segments[:] = 0
        for j in range(BLOCK):
            member = min(low + j, members - 1)  # a short last block works its last member again
            for k in range(parameters.shape[0]):
                w[k * BLOCK + j] = parameters[k, member]
            for k in range(state.shape[0]):
                w[_STATE + k * BLOCK + j] = state[k, member]
        for slot in range(CLASSES):
            for k in range(3):
                for j in range(BLOCK):
                    ring[slot, k, j] = leaves[slot, k, min(low + j, members - 1)]
        for day in range(days):
            date = first_day + day
            _weather(w, drivers, derived, day, low, members)
            if derived.shape[0] == 0:
                _derive(w, sun[day], warmth)
            _begin_day(w, float(date), ring, segments, stage, points)
            if _measure(w, segments, stage, points):
                _develop(w, sun[day, 1])
                _assimilate(w, date, sun[day], warmth)
                _transpire(w, limited)
                _grow(w)
            else:
                _no_crop(w)
            if limited:
                _wet(w, float(date))
            else:
                _keep_moist(w)
            for k in range(wanted.size):
                row = _OUTPUT[wanted[k]]
                for j in range(width):
                    daily[k, day, low + j] = w[row + j]
            _renew_leaves(w, date, ring)
            _advance(w, float(date))
            _store_water(w, limited)
        _measure(w, segments, stage, points)
        for j in range(width):
            for k in range(state.shape[0]):
                state[k, low + j] = w[_STATE + k * BLOCK + j]
        for slot in range(CLASSES):
            for k in range(3):
                for j in range(width):
                    leaves[slot, k, low + j] = ring[slot, k, j]
