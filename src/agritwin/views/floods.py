"""The design storm on this land: how deep, when, and what leaves; and what a scenario changes of it."""

import numpy as np
import xarray as xr
from bokeh.models import Line
from shapely.geometry.base import BaseGeometry

from agritwin.views import maps
from agritwin.views.blocks import Key, Plot
from agritwin.views.language import Language
from agritwin.views.theme import GREEN, RAIN, VIOLET, chart, from_zero, hover, source

SERIES = (("outflow_rate", RAIN), ("inflow_rate", VIOLET))


def hours(values: xr.DataArray) -> np.ndarray:
    """Return times after the start in hours, from seconds or from durations."""
    raw = values.to_numpy()
    if np.issubdtype(raw.dtype, np.timedelta64):
        return raw / np.timedelta64(1, "h")
    return raw.astype(float) / (3600.0 if values.attrs.get("units", "s") == "s" else 1.0)


def hydrograph(say: Language, flood: xr.Dataset) -> Plot | None:
    """Return the flow across the edges of the terrain over time; None where the simulation kept none.

    Parameters
    ----------
    say
        Language.
    flood
        ``outflow_rate`` and perhaps ``inflow_rate`` (monitor_time) [m3 s-1].
    """
    kept = [(name, colour) for name, colour in SERIES if name in flood and float(flood[name].max()) > 0]
    if not kept:
        return None
    dim = str(flood[kept[0][0]].dims[0])
    hour, flows = hours(flood[dim]), {name: flood[name].to_numpy().astype(float) for name, _ in kept}
    data = source(hour=hour, **flows)
    plot = chart(say, "m³/s", dates=False, x_label=say("flood.hours_axis"), height=220)
    keys, felt = [], []
    for name, colour in kept:
        felt.append(plot.add_glyph(data, Line(x="hour", y=name, line_color=colour, line_width=2.5), name=name))
        keys.append(Key(say.word("flood", name), colour, "line", name))
    plot.y_range = from_zero(max(float(flood[name].max()) for name, _ in kept), 0.01)
    rows = [("h", "hour", 1), *((say.word("flood", name), name, 2) for name, _ in kept)]
    hover(plot, say, rows, felt[:1], day=None)
    name = kept[0][0]
    peak = int(np.argmax(flows[name]))
    summary = say(
        "flood.hydrograph_found",
        peak=say.amount(float(flows[name][peak]), "m³/s", 2),
        hour=clock(float(hour[peak])),
    )
    return Plot("hydrograph", plot, say("flood.hydrograph_title"), summary, tuple(keys))


def clock(hours: float) -> str:
    """Return hours as ``1 h 15 min``."""
    minutes = round(60 * hours)
    return f"{minutes // 60}\u00a0h {minutes % 60:02d}\u00a0min"


def frames(
    say: Language, name: str, title: str, depth: xr.DataArray, polygon: BaseGeometry, terrain: xr.Dataset | None
) -> Plot:
    """Return the water over time, to leaf through; begins with the moment of most water.

    Parameters
    ----------
    say
        Language.
    name, title
        Of the plot; ``name`` is unique on the page.
    depth
        Water depth (time, y, x) [m].
    polygon, terrain
        The parcel in the metres of the depths, and the relief below where there is one.
    """
    kept = maps.thin(depth.sizes["time"])
    seen = maps.cut(depth.isel(time=kept), maps.frame_of(polygon).within(depth))
    hour = hours(seen["time"])
    layer = maps.depth_layer(seen, say("map.depth"), say("flood.depth"))
    summary = say("flood.frames_summary", frames=len(kept), hours=clock(float(hour[-1])))
    start = int(np.argmax(seen.sum(["x", "y"]).to_numpy()))
    names = [clock(float(moment)) for moment in hour]
    return maps.leaf_through(
        say, name, title, summary, say("flood.time"), layer, names, polygon, terrain, start, margin=maps.MARGIN_M
    )


def both_depths(say: Language, name: str, depth: xr.DataArray, title: str, summary: str) -> Plot:
    """Return the mean depth in the parcel over time, as it is and in a scenario.

    Parameters
    ----------
    say
        Language.
    name, title, summary
        Of the plot.
    depth
        (run, time) [m]: run 0 the twin as it is, run 1 the scenario.
    """
    own, asked = (100 * depth.isel(run=run).to_numpy().astype(float) for run in (0, 1))
    data = source(hour=hours(depth["time"]), own=own, asked=asked)
    plot = chart(say, say("flood.mean_depth"), dates=False, x_label=say("flood.hours_axis"), height=240)
    line = plot.add_glyph(data, Line(x="hour", y="asked", line_color=VIOLET, line_width=2.5), name=f"{name}-asked")
    plot.add_glyph(data, Line(x="hour", y="own", line_color=GREEN, line_width=2), name=f"{name}-own")
    plot.y_range = from_zero(float(max(own.max(), asked.max())))
    rows = [("h", "hour", 2), (say("whatif.asked"), "asked", 1), (say("whatif.own"), "own", 1)]
    hover(plot, say, rows, [line], day=None)
    keys = (
        Key(say("whatif.asked"), VIOLET, "line", f"{name}-asked"),
        Key(say("whatif.own"), GREEN, "line", f"{name}-own"),
    )
    return Plot(name, plot, title, summary, keys)


def change_map(
    say: Language, name: str, deepest: xr.DataArray, polygon: BaseGeometry, terrain: xr.Dataset | None
) -> Plot:
    """Return the map of what a scenario changes of the greatest depth, and of both greatest depths.

    Parameters
    ----------
    say
        Language.
    name
        Of the plot.
    deepest
        Greatest depth (run, y, x) [m].
    polygon, terrain
        The parcel in the metres of the depths, and the relief below where there is one.
    """
    own, asked = (deepest.isel(run=run) for run in (0, 1))
    layers = (
        maps.change_layer(asked - own, say("flood.change"), say("flood.change")),
        maps.depth_layer(asked, say("whatif.asked"), say("flood.depth_max")),
        maps.depth_layer(own, say("whatif.own"), say("flood.depth_max")),
    )
    summary = say("flood.change_summary")
    return maps.parcel_map(say, polygon, terrain, layers, summary, name=name, title=say("flood.change_title"))
