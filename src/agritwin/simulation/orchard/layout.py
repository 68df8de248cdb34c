"""Where everything lies in the arrays of the compiled water balance and in its scratch: one row of members each."""

import numpy as np

BLOCK = 64

#: Rows of ``drivers``: mm, mm, FAO-56 climatic term 0.04 (u2 - 2) - 0.004 (RHmin - 45), mm, 1, 1.
DRIVERS = ("precipitation", "et0", "climate", "irrigation", "kcb", "ground_cover")

#: Rows of ``parameters``: days are counted from the first day of the drivers; ``inverse`` is 1 over a duration in days;
#: deficits are -1 where the rule is another.
PARAMETERS = (
    "total_available_water", "total_evaporable_water", "inverse_falling_rate", "depletion_fraction",
    "depletion_adjustment", "retention", "kcb_initial", "kcb_mid", "kcb_end", "kcb_climate_gain", "height_factor",
    "cover_minimum", "cover_maximum", "leaf_out", "inverse_development", "senescence", "inverse_late", "leaf_fall",
    "inverse_fall", "stage_2", "stage_3", "maturity", "wetted_fraction", "inverse_wetted", "canopy_shelter",
    "threshold", "refill", "deficit_stage_1", "deficit_stage_2", "deficit_stage_3", "maximum", "season_limit",
    "first_day", "last_day",
)  # fmt: skip
(
    TAW, TEW, INVERSE_FALLING, DEPLETION_FRACTION, ADJUSTMENT, RETENTION, KCB_INITIAL, KCB_MID, KCB_END,
    CLIMATE_GAIN, HEIGHT_FACTOR, COVER_MINIMUM, COVER_MAXIMUM, LEAF_OUT, INVERSE_DEVELOPMENT, SENESCENCE,
    INVERSE_LATE, LEAF_FALL, INVERSE_FALL, STAGE_2, STAGE_3, MATURITY, WETTED, INVERSE_WETTED, SHELTER, THRESHOLD,
    REFILL, DEFICIT_1, DEFICIT_2, DEFICIT_3, MAXIMUM, LIMIT, FIRST_DAY, LAST_DAY,
) = range(0, 34 * BLOCK, BLOCK)  # fmt: skip

#: Rows of ``state``, carried from one run into the next, mm; depletions of the surface are over their own parts of the
#: ground: the exposed fractions that irrigation wets and that only rain wets.
STATE = (
    "root_zone_depletion", "irrigated_surface_depletion", "rainfed_surface_depletion", "irrigated_exposed_fraction",
    "rainfed_exposed_fraction", "refilled", "transpiration_stage_1", "transpiration_stage_2",
    "transpiration_stage_3", "potential_transpiration_stage_1", "potential_transpiration_stage_2",
    "potential_transpiration_stage_3",
)  # fmt: skip

#: Rows of ``sums``, mm over the run.
SUMS = (
    "irrigation", "runoff", "soil_evaporation", "transpiration", "potential_transpiration", "drainage",
)  # fmt: skip

#: Rows of ``daily``.
DAILY = (
    "root_zone_depletion", "irrigated_surface_depletion", "rainfed_surface_depletion", "kcb", "ground_cover",
    "readily_available_water", "ks", "soil_evaporation", "transpiration", "potential_transpiration", "drainage",
    "runoff", "irrigation",
)  # fmt: skip

# Offsets in the scratch array, one row of members each: parameters, state, sums, drivers and results of the day
FIRST_STATE = BLOCK * len(PARAMETERS)
FIRST_SUM = FIRST_STATE + BLOCK * len(STATE)
FIRST_DRIVER = FIRST_SUM + BLOCK * len(SUMS)
_DAILY = FIRST_DRIVER + BLOCK * len(DRIVERS)
_PASSED = _DAILY + BLOCK * 10
SCRATCH = _PASSED + BLOCK * 7

(
    DR, DE_IRRIGATED, DE_RAINFED, FEW_IRRIGATED, FEW_RAINFED, REFILLED, T1, T2, T3, P1, P2, P3,
) = range(FIRST_STATE, FIRST_SUM, BLOCK)  # fmt: skip
(
    SUM_IRRIGATION, SUM_RUNOFF, SUM_EVAPORATION, SUM_TRANSPIRATION, SUM_POTENTIAL, SUM_DRAINAGE,
) = range(FIRST_SUM, FIRST_DRIVER, BLOCK)  # fmt: skip
RAIN, ET0, CLIMATE, GIVEN, KCB_STANDARD, COVER = range(FIRST_DRIVER, _DAILY, BLOCK)
(
    KCB_GAIN, KCB, RAW, KS, EVAPORATION, TRANSPIRATION, POTENTIAL, DRAINAGE, RUNOFF, IRRIGATION,
) = range(_DAILY, _PASSED, BLOCK)  # fmt: skip
# From one loop to the next: the most that the day can take from soil and trees, the depletion at which a deficit rule
# holds the trees, one over the exposed fractions, what evaporates of each, and the water of that which only rain wets
MOST, HELD, INVERSE_IRRIGATED, INVERSE_RAINFED, FROM_IRRIGATED, FROM_RAINFED, KEPT_RAINFED = range(
    _PASSED, SCRATCH, BLOCK
)
#: Where each row of ``daily`` stands in the scratch array.
OUTPUT = np.array([DR, DE_IRRIGATED, DE_RAINFED, KCB, COVER, *range(RAW, _PASSED, BLOCK)])

# Rows of drivers when crop coefficient and cover follow the calendar of the leaves
CALENDAR_ROWS = 4
