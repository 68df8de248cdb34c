"""Errors of twelve forecast members by lead time, to be laid over the archived weather."""

import numpy as np
import pandas as pd
from scipy import signal

from scripts.archive.seeding import stream
from scripts.archive.sites import Cell

MEMBERS, LEADS = 12, 240
# Standard deviation of the error at lead 0 and its growth towards lead 240 h, in the unit of the variable; the growth
# saturates with an e-folding time of 100 h. Hourly AR(1) coefficient.
ERRORS = {
    "temperature_2m": (0.5, 2.6, 0.95),
    "relative_humidity_2m": (3.0, 12.0, 0.95),
    "wind_speed_10m": (0.4, 1.1, 0.93),
    "shortwave_radiation": (20.0, 95.0, 0.90),
    "surface_pressure": (0.3, 5.0, 0.985),
}
RAIN_LOG_SPREAD = (0.15, 0.75, 0.98)
WETTEST = 1.8  # largest rain factor, so that no member rains more than has ever been measured there
MEANING = {
    "member": "1 to 12",
    "lead_hour": "1 to 240; hours from the issue time to the end of the hour",
    "temperature_2m": "added, °C",
    "relative_humidity_2m": "added, %; clip the sum to 0..100",
    "wind_speed_10m": "added, m/s; clip the sum at 0",
    "shortwave_radiation": "added where the archived value is above 0, W/m²; clip the sum at 0. For an issue at 00 UTC",
    "surface_pressure": "added, hPa",
    "precipitation_factor": "the archived amount is multiplied by it",
    "precipitation_shift_h": "the member takes the archived amount of (valid time - shift); constant in a member",
}


def of_cell(cell: Cell) -> pd.DataFrame:
    """Errors of a cell: columns of ``MEANING``, one row per member and lead hour.

    The mean over members is removed to nine tenths, so that the ensemble is nearly centred on what happens.
    """
    random = stream("forecast", cell.name)
    lead = np.arange(1, LEADS + 1)
    growth = 1 - np.exp(-lead / 100)
    daylight = np.clip(np.sin((lead % 24 - 4.5) / 15.5 * np.pi), 0, None) * ((lead % 24 >= 5) & (lead % 24 <= 20))

    def errors(start: float, end: float, phi: float) -> np.ndarray:
        noise = random.normal(size=(MEMBERS, LEADS + 200))
        series = signal.lfilter([np.sqrt(1 - phi**2)], [1, -phi], noise, axis=1)[:, 200:]
        series -= 0.9 * series.mean(axis=0)
        return series * (start + (end - start) * growth)

    columns: dict[str, np.ndarray] = {
        "member": np.repeat(np.arange(1, MEMBERS + 1), LEADS),
        "lead_hour": np.tile(lead, MEMBERS),
    }
    for name, numbers in ERRORS.items():
        values = errors(*numbers)
        columns[name] = (values * daylight if name == "shortwave_radiation" else values).ravel()
    spread = RAIN_LOG_SPREAD[0] + (RAIN_LOG_SPREAD[1] - RAIN_LOG_SPREAD[0]) * growth
    columns["precipitation_factor"] = np.minimum(np.exp(errors(*RAIN_LOG_SPREAD) - spread**2 / 2), WETTEST).ravel()
    columns["precipitation_shift_h"] = np.repeat(random.permutation(np.tile([-3, -2, -1, 0, 0, 1], 2)[:MEMBERS]), LEADS)
    decimals = dict.fromkeys(("wind_speed_10m", "precipitation_factor"), 2)
    frame = pd.DataFrame(columns).round(dict.fromkeys(ERRORS, 1) | decimals | {"shortwave_radiation": 0})
    whole = dict.fromkeys(("member", "lead_hour", "precipitation_shift_h"), "int16")
    return frame.astype(dict.fromkeys(frame.columns.difference(list(whole)), "float32") | whole) + 0
