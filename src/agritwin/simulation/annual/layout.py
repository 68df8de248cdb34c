"""Where everything lies in the scratch array of the compiled WOFOST: one row of members for each quantity.

Weights are in kg ha-1, water in cm. The rows of a group follow one another in the order of its names.
"""

import numpy as np

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

#: Abscissae of the three-point Gaussian integration over hours and depths, with the digits that WOFOST gives them.
GAUSS_AT = (0.1127017, 0.5, 0.8872983)

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
FIRST_STATE = len(PARAMETERS) * BLOCK

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
    PHASE, DVS, TSUM, TSUME, VERN, VERNALISED,
    AGE, EMERGED_DAYS, STARTED, EMERGENCE, FLOWERING, RIPENESS, END_DAY,
    WRT, DWRT, WST, DWST, WSO, WLV,
    DWLV, LASUM, LAIEXP, LAI, LAIMAX, LVAGE,
    NCLASS, WSUMMED, RD, GASST, MREST, CTRAT,
    CEVST, W, WLOW, SS, SM, RINOLD,
    DSLR, DSOS, RDOLD, REFILLED, WTRAT, EVST,
    EVWT, RAINT, TOTIRR, TOTINF, TSR,
    PERCT, LOSST, WDRT, TMIN0, _, _, _, _, _,
    _,
) = range(FIRST_STATE, FIRST_STATE + len(STATE) * BLOCK, BLOCK)  # fmt: skip
FIRST_OF_DAY = FIRST_STATE + len(STATE) * BLOCK

# Scratch of the day: weather, what follows from it, tables over development, rates
(
    TMIN, TMAX, IRRAD, RAIN, GIVEN, E0, ES0, ET0,
    TEMP, DTSM, EFF, TMPF, VERNR, DIRECT, _, _, DIFFUSE, _, _, DTEMP,
    AMAX, KDIF, SLA, SSA, FR, FL, FS, FO, RDRR, RDRS, RFSE,
    ALIVE, ENDING, TMINRA, TMNF, FADE1, _, _, SUNLIT, SHADE, KBEAM, KTOTAL, BEAM, REFLECTED, CANOPY, DTGA,
    DVR, DTSUM, DTSUME, VERNRATE, FORCED, EVWMX, EVSMX, TRAMX, TRA, KS, RFTRA, RAW, DEPLETION, DTSMNOW,
    GASS, MRES, DMI, RR, GRLV, DSLV, FYSAGE, SLAT, GLAIEX, DRLV, TAGP,
    EVS, EVW, RIN, PERC, LOSS, DW, DWLOW, DSS, RUNOFF, IRRIGATION,
) = range(FIRST_OF_DAY, FIRST_OF_DAY + 81 * BLOCK, BLOCK)  # fmt: skip
SCRATCH = FIRST_OF_DAY + 81 * BLOCK
DERIVED = 19  # rows from TMIN on that depend on the weather alone

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
OUTPUT = np.array(
    [
        PHASE, DVS, LAI, WLV, WST, WRT, WSO,
        DWLV, DWST, DWRT, TAGP, RD,
        SM, W, WLOW, SS, VERN, TSUM,
        LAIEXP, DEPLETION, RAW, KS, RFTRA,
        TRA, TRAMX, EVS, EVW, RIN, PERC,
        LOSS, RUNOFF, IRRIGATION, GASS, MRES,
    ]
)  # fmt: skip

BARE_DEPTH = 10.0  # cm of soil that count as root zone where there are no roots
