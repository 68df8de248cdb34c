"""Floods that the forecast brings: the worst rain of each member, what it does in the parcel, and how dangerous."""

import datetime as dt
from typing import Any

import numpy as np
import xarray as xr

from agritwin.alerts.catalogue import rules
from agritwin.alerts.live import distinct, flood_notes
from agritwin.alerts.rarity import Frequency
from agritwin.alerts.rules import Evidence, Judgement, judge
from agritwin.products.flood import parcel_mask, with_roughness
from agritwin.simulation.flood import CurveNumber, simulate
from agritwin.simulation.flood.events import Event, curve_number, heaviest
from agritwin.simulation.flood.library import AFTERWARDS_H, Library, Response, coarsened

HOURS = (1, 2, 3, 6, 12, 24)
"""Windows of hourly rain."""
REFINED_M = 10.0
"""Cells of full runs, at most: a quarter of those of 5 m at an eighth of their cost."""
BOTTOMLESS_M = 1e3
UNKNOWN_SOIL = 0.5
"""Soil water where no crop simulation says it: that of the normal curve number."""


def floods_ahead(
    library: Library | None, forecast: xr.Dataset | None, water: float | None
) -> list[tuple[Event, Response, int]]:
    """Return the worst event of each forecast member, what it does in the parcel, and the step at which it ends."""
    if library is None or forecast is None:
        return []
    sums = heaviest(forecast["precipitation"], HOURS).transpose("member", "duration")
    times, held = forecast["time"].to_numpy(), UNKNOWN_SOIL if water is None else water
    found = []
    for member in range(sums.sizes["member"]):
        rain = sums.isel(member=member)
        amounts = zip(rain["duration"].to_numpy().tolist(), rain.to_numpy().tolist(), strict=True)
        known = {hours: amount for hours, amount in amounts if np.isfinite(amount)}
        events = [Event(amount, hours, held) for hours, amount in distinct(known)]
        if events:
            event, response = library.worst(events)
            end = rain["end"].sel(duration=event.duration_h).to_numpy()
            found.append((event, response, int(np.searchsorted(times, end))))
    return found


def refine(
    terrain: xr.Dataset | None,
    polygon: Any,
    forecast: xr.Dataset | None,
    ahead: list[tuple[Event, Response, int]],
    settings: dict[str, Any],
    flood: dict[str, Any],
) -> dict[int, float]:
    """Run the worst members in full where the library sees danger in them, and where that can change the level.

    The level is that of the depth on which enough members agree. Where it stays the same whether the worst members
    bring no water or any amount of it, nothing is run.

    Parameters
    ----------
    terrain, polygon
        The land, and the parcel in its metres.
    forecast, ahead
        Members, and their worst events as :func:`floods_ahead` found them.
    settings, flood
        The sections `alerts` and `flood`.

    Returns
    -------
    dict
        Member to greatest depth in the parcel (m).
    """
    danger = settings["flood_depth_m"]["low"]
    worst = sorted(range(len(ahead)), key=lambda i: -ahead[i][1].depth_max_m)[: flood["refined_members"]]
    chosen = [i for i in worst if ahead[i][1].depth_max_m >= danger]
    if terrain is None or forecast is None or not chosen or not _decisive(chosen, ahead, forecast, settings):
        return {}
    land = coarsened(with_roughness(terrain, flood), REFINED_M)
    inside = parcel_mask(land, polygon).to_numpy().astype(bool)
    found = {}
    for member in chosen:
        event, _, end = ahead[member]
        steps = slice(max(end - round(event.duration_h) + 1, 0), end + 1)
        rain = forecast["precipitation"].isel(member=member, time=steps)
        found[member] = float(full_run(land, rain.to_numpy(), event, flood)[inside].max())
    return found


def _decisive(
    chosen: list[int], ahead: list[tuple[Event, Response, int]], forecast: xr.Dataset, settings: dict[str, Any]
) -> bool:
    """Whether the level depends on the depths that these members bring."""
    now = dt.datetime.fromtimestamp(0, dt.UTC)
    bounds = (dict.fromkeys(chosen, depth) for depth in (0.0, BOTTOMLESS_M))
    verdicts = [from_flood(ahead, depths, forecast, settings, now, None) for depths in bounds]
    return len({judgement.level for verdict in verdicts for judgement in verdict}) > 1


def full_run(terrain: xr.Dataset, rain_mm: np.ndarray, event: Event, flood: dict[str, Any]) -> np.ndarray:
    """Run hourly rain (mm) over the whole terrain, and return the greatest depth (y, x) in m."""
    time = 3600.0 * np.arange(1, rain_mm.size + 1)
    rain = xr.DataArray(rain_mm, {"time": time}, ("time",), attrs={"units": "mm"})
    run = simulate(
        terrain,
        rain,
        duration_s=time[-1] + AFTERWARDS_H * 3600.0,
        output_times_s=[],
        manning=terrain.get("manning", flood["manning"]),
        infiltration=CurveNumber(curve_number(flood["curve_number"], event.soil_water)),
        advection=False,
    )
    return run["water_depth_max"].to_numpy()


def from_flood(
    ahead: list[tuple[Event, Response, int]],
    refined: dict[int, float],
    forecast: xr.Dataset | None,
    settings: dict[str, Any],
    until: dt.datetime,
    frequency: Frequency | None,
) -> list[Judgement]:
    """Judge the flood: the depth that each member's rain brings to the parcel, from its rain until some hours after."""
    made = rules(settings)
    if forecast is None or not ahead or "flood" not in made:
        return []
    depth = np.zeros((len(ahead), forecast.sizes["time"]))
    for member, (event, response, end) in enumerate(ahead):
        first = max(end - round(event.duration_h) + 1, 0)
        depth[member, first : end + round(AFTERWARDS_H)] = refined.get(member, response.depth_max_m)
    worst = max(range(len(ahead)), key=lambda i: depth[i].max())
    notes = flood_notes(ahead[worst][0], ahead[worst][1], frequency) | ({"refined": len(refined)} if refined else {})
    times, source = forecast["time"].to_numpy().astype("datetime64[s]"), str(forecast.attrs["source"])
    return [judge(Evidence("water_depth", "m", until, times, depth, source, notes), made["flood"])]
