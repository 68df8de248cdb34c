"""Monthly climate of Valladolid to which the weather generator is fitted.

Station AEMET 2422 Valladolid (41.64 N, 4.75 W, 735 m), normals 1981-2010: daily maximum and minimum, precipitation,
relative humidity and sunshine as in AEMET, Guía resumida del clima en España 1981-2010; days with at least 1 mm, wind,
pressure, day-to-day persistence and the differences between wet and dry days were counted in the daily series of the
same station and years (© AEMET). Turbidity is an assumption and is called one.
"""

import numpy as np

TEMPERATURE_MAX = np.array([8.2, 11.2, 15.2, 16.9, 21.0, 27.0, 30.7, 30.1, 25.6, 18.9, 12.4, 8.7])  # degC
TEMPERATURE_MIN = np.array([0.2, 0.7, 2.8, 4.6, 7.9, 11.7, 14.0, 14.1, 11.3, 7.6, 3.5, 1.2])  # degC
PRECIPITATION = np.array([40.0, 27.0, 22.0, 46.0, 49.0, 29.0, 13.0, 16.0, 31.0, 55.0, 52.0, 53.0])  # mm
WET_DAYS = np.array([6.3, 5.2, 4.8, 7.8, 7.9, 4.5, 2.1, 2.3, 4.3, 7.5, 7.1, 7.7])  # days with at least 1 mm
RELATIVE_HUMIDITY = np.array([82.0, 72.0, 62.0, 62.0, 60.0, 52.0, 45.0, 48.0, 56.0, 70.0, 79.0, 84.0])  # percent
SUNSHINE = np.array([101.0, 147.0, 215.0, 232.0, 272.0, 322.0, 363.0, 334.0, 254.0, 182.0, 117.0, 89.0])  # hours
DAYS = np.array([31.0, 28.25, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0])

WIND = np.array([2.24, 2.51, 2.80, 3.07, 2.78, 2.74, 2.76, 2.53, 2.35, 2.20, 2.21, 2.20])  # m s-1 at 10 m
PRESSURE = np.array([936.9, 935.0, 933.9, 930.5, 931.4, 933.2, 933.7, 933.3, 933.7, 933.3, 933.7, 934.7])  # hPa
ELEVATION = 735.0  # m
TEMPERATURE_SD = np.array([3.2, 3.1, 3.2, 3.3, 3.6, 3.5, 3.1, 3.0, 3.3, 3.1, 3.3, 3.3])  # degC, of daily mid-ranges
TEMPERATURE_PERSISTENCE = 0.78  # lag-1 autocorrelation of daily mid-range anomalies
WET_MINUS_DRY = np.array([1.6, 0.5, 0.0, -1.1, -1.3, -1.7, -0.8, -0.8, -1.6, -1.0, 1.2, 2.2])  # degC, daily mid-range
WET_PERSISTENCE = 0.30  # lag-1 autocorrelation of the wet-day indicator
LINKE_TURBIDITY_ASSUMED = np.array([2.2, 2.4, 2.6, 2.8, 2.9, 3.0, 3.1, 3.1, 2.9, 2.7, 2.4, 2.2])


def daily_normal(monthly: np.ndarray, day_of_year: np.ndarray) -> np.ndarray:
    """Smooth annual course through twelve monthly means.

    Three harmonics fitted to the monthly means as means, not as mid-month points, so that averaging the course over a
    month gives the normal back within about 0.2 of its unit.
    """
    bounds = np.concatenate([[0.0], np.cumsum(DAYS)]) / DAYS.sum() * 2 * np.pi

    def row(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        waves = [np.ones_like(low)]
        for k in (1, 2, 3):
            waves += [(np.sin(k * high) - np.sin(k * low)) / (k * (high - low))]
            waves += [(np.cos(k * low) - np.cos(k * high)) / (k * (high - low))]
        return np.stack(waves, axis=-1)

    coefficients = np.linalg.lstsq(row(bounds[:-1], bounds[1:]), monthly, rcond=None)[0]
    step = 2 * np.pi / DAYS.sum()
    low = (np.asarray(day_of_year, float) - 1) * step
    return row(low, low + step) @ coefficients
