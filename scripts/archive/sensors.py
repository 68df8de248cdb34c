"""A logger in the first parcel: soil moisture at two depths, soil temperature, level of the stream, hour by hour."""

import numpy as np
import pandas as pd
from scipy import signal

from scripts.archive import diary, weather
from scripts.archive.seeding import stream

PARCEL = "47-96-0-0-5-20-1"
START, END = "2025-05-01T00:00", "2025-06-20T23:00"
HEADER = (
    "time_utc,parcel,soil_moisture_20cm [m3 m-3],soil_moisture_60cm [m3 m-3],soil_temperature_20cm [degC],"
    "water_level [m],source"
)
FIELD_CAPACITY, WILTING_POINT = 0.225, 0.095  # m3 m-3, sandy loam
GAP = ("2025-05-17T08:00", "2025-05-18T21:00")
STUCK = ("2025-05-28T03:00", "2025-05-29T16:00")  # soil moisture at 20 cm keeps its value
SPIKES = {"2025-06-06T13:00": ("soil_temperature", 68.4), "2025-05-24T04:00": ("water_level", 3.9)}


def readings() -> pd.DataFrame:
    """Readings as the logger would have sent them without faults, hourly, UTC.

    Two soil layers (0 to 35 and 35 to 85 cm) take rain and the diary's irrigation, drain above field capacity and lose
    half of Makkink's evapotranspiration; the stream is a linear reservoir fed by rain above 5 mm in an hour.
    """
    frame = weather.of_cell(weather.MORALEJA.cell).loc["2025-03-01":END].astype(float)
    water = frame["precipitation"].to_numpy().copy()
    for day, amount in diary.IRRIGATIONS_2025.items():
        begin = frame.index.get_loc(pd.Timestamp(day) + pd.Timedelta(hours=6))
        water[begin : begin + 8] += amount / 8
    slope = 4098 * 0.6108 * np.exp(17.27 * frame["temperature_2m"] / (frame["temperature_2m"] + 237.3))
    slope = (slope / (frame["temperature_2m"] + 237.3) ** 2).to_numpy()
    demand = 0.5 * 0.61 * slope / (slope + 0.062) * frame["shortwave_radiation"].to_numpy() * 0.0036 / 2.45
    upper, lower = _layers(water, demand)

    random = stream("sensors")
    warm = frame["temperature_2m"] + 0.006 * frame["shortwave_radiation"]
    soil = signal.lfilter([0.04], [1, -0.96], warm - warm.iloc[:240].mean()) + warm.iloc[:240].mean()
    excess = np.clip(frame["precipitation"].to_numpy() - 5.0, 0, None)
    level = 0.11 + 0.085 * signal.lfilter([0.30, 0.18], [1, -0.72], excess) ** 0.9
    table = pd.DataFrame(
        {
            "moisture_20": upper + random.normal(0, 0.0006, upper.size),
            "moisture_60": lower + random.normal(0, 0.0004, lower.size),
            "soil_temperature": soil + random.normal(0, 0.06, soil.size),
            "water_level": level + random.normal(0, 0.002, level.size),
        },
        index=frame.index,
    )
    return table.loc[START:END].round({"moisture_20": 4, "moisture_60": 4, "soil_temperature": 2, "water_level": 3})


def with_faults(table: pd.DataFrame) -> pd.DataFrame:
    """The same readings with what loggers do: a gap, a stuck value, two spikes, some empty fields."""
    table = table.copy()
    stuck = table.index.slice_indexer(*STUCK)
    table.iloc[stuck, 0] = table.iloc[stuck.start, 0]
    for time, (name, value) in SPIKES.items():
        table.loc[time, name] = value
    table.iloc[stream("empty").choice(len(table), 6, replace=False), 1] = np.nan
    return table.drop(table.loc[GAP[0] : GAP[1]].index)


def csv() -> str:
    """The file as text; an empty field is a missing reading."""
    table = with_faults(readings())
    lines = [HEADER]
    for time, values in zip(table.index, table.to_numpy(), strict=True):
        fields = ["" if np.isnan(value) else f"{value:.{d}f}" for value, d in zip(values, (4, 4, 2, 3), strict=True)]
        lines.append(",".join([f"{time:%Y-%m-%dT%H:%M:%SZ}", PARCEL, *fields, "synthetic"]))
    return "\n".join(lines) + "\n"


def _layers(water: np.ndarray, demand: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Water content of both layers, m3 m-3, from hourly input and evaporative demand (mm)."""
    depths, content = np.array([350.0, 500.0]), np.array([0.20, 0.21])
    result = np.empty((water.size, 2))
    for i in range(water.size):
        content[0] += min(water[i], 18.0) / depths[0]
        for layer, share in ((0, 0.7), (1, 0.3)):
            supply = np.clip((content[layer] - WILTING_POINT) / (0.5 * (FIELD_CAPACITY - WILTING_POINT)), 0, 1)
            content[layer] -= share * demand[i] * supply / depths[layer]
        drained = np.clip(content - FIELD_CAPACITY, 0, None) * 0.12
        content -= drained
        content[1] += drained[0] * depths[0] / depths[1]
        result[i] = content
    return result[:, 0], result[:, 1]
