"""Gaps of a stream: where readings were expected and none came, and how many of how many there are."""

import datetime as dt

import pandas as pd

PATIENCE = 1.5
"""Cadences after which a missing reading is a gap."""


def gaps(readings: pd.DataFrame, cadence: dt.timedelta) -> pd.DataFrame:
    """Return the gaps of each sensor and measure: columns ``sensor, measure, start, end, missing``.

    Parameters
    ----------
    readings
        Columns ``sensor, measure, time``.
    cadence
        Expected time between readings.
    """
    table = readings.loc[:, ["sensor", "measure", "time"]].drop_duplicates().sort_values(["sensor", "measure", "time"])
    table["start"] = table.groupby(["sensor", "measure"])["time"].shift()
    length = table["time"] - table["start"]
    found = table.loc[length > PATIENCE * cadence].rename(columns={"time": "end"})
    found["missing"] = ((found["end"] - found["start"]) / cadence).round().astype(int) - 1
    return found[["sensor", "measure", "start", "end", "missing"]].reset_index(drop=True)


def coverage(readings: pd.DataFrame, cadence: dt.timedelta, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Return how many readings of how many came: columns ``sensor, measure, found, expected, last``.

    Parameters
    ----------
    readings
        Columns ``sensor, measure, time``.
    cadence
        Expected time between readings.
    start, end
        Period that is looked at, its end excluded; UTC, naive.
    """
    within = readings.loc[(readings["time"] >= start) & (readings["time"] < end)]
    table = within.groupby(["sensor", "measure"]).agg(found=("time", "nunique"), last=("time", "max")).reset_index()
    table.insert(3, "expected", int((end - start) / cadence))
    return table
