"""What a grove may bear this year, and what its weather has meant for pests and diseases with published thresholds."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.errors import DataError
from agritwin.simulation.orchard import bearing, risks

_SEVERITY = ("low", "medium", "high")


def crop_told(outlook: xr.Dataset, parameters: xr.Dataset, planting: dict[str, Any], harvest_year: int) -> dict | None:
    """Return the crop of the year by priors of yield, age and alternate bearing; None where the age is not known.

    Parameters
    ----------
    outlook
        Simulation to the season's end, with ``relative_yield`` over member.
    parameters
        Of the members.
    planting
        Section of the configuration.
    harvest_year
        Year of the harvest.
    """
    if planting["year"] is None:
        return None
    age = harvest_year - planting["year"]
    found = bearing.crop(outlook["relative_yield"], parameters, age, None)
    low, middle, high = (float(value) for value in found["crop"].quantile([0.1, 0.5, 0.9]))
    return {
        "kg_per_ha": {"p10": low, "p50": middle, "p90": high},
        "age_years": age,
        "age_share": float(found["age_share"].median()),
        "basis": "prior",
    }


def risks_told(season: xr.Dataset, stages: xr.Dataset, species: str, zone: str, last: dt.date) -> dict | None:
    """Return what is published of pistachio: wet spells for Botryosphaeria since bloom, heat for psylla.

    Parameters
    ----------
    season
        Hourly weather of the season.
    stages
        Of the members.
    species, zone
        For other species nothing is told (None).
    last
        Last day observed.
    """
    if species != "pistachio":
        return None
    generations = risks.psylla_generations(season["air_temperature"].interpolate_na("time"), zone)
    told: dict[str, Any] = {"psylla_generations": float(generations[-1]), "botryosphaeria": None}
    bloom = np.sort(stages["bloom"].to_numpy())[stages.sizes["member"] // 2]
    if np.isnat(bloom) or bloom > np.datetime64(last):
        return told | {"reason": "Bloom has not come yet."}
    try:
        events = risks.botryosphaeria_events(season.sel(time=slice(bloom, None)))
    except DataError as error:
        return told | {"reason": error.message}
    found = events["risk"].tolist()
    return told | {"botryosphaeria": {level: found.count(level) for level in _SEVERITY}} | _last(events)


def _last(events: pd.DataFrame) -> dict[str, Any]:
    if events.empty:
        return {}
    last = events.to_dict("records")[-1]
    return {"last_event": {key: last[key] for key in ("end", "wet_hours", "risk")}}
