"""The design storm on this land: how deep, when, and what leaves."""

import numpy as np
import xarray as xr

from agritwin.views.blocks import Key, Plot
from agritwin.views.language import Language
from agritwin.views.theme import RAIN, VIOLET, chart, from_zero, hover, source

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
        felt.append(plot.line("hour", name, source=data, line_color=colour, line_width=2.5, name=name))
        keys.append(Key(say.word("flood", name), colour, "line", name))
    plot.y_range = from_zero(max(float(flood[name].max()) for name, _ in kept), 0.01)
    rows = [("h", "hour", 1), *((say.word("flood", name), name, 2) for name, _ in kept)]
    hover(plot, say, rows, felt[:1], day=None)
    name = kept[0][0]
    peak = int(np.argmax(flows[name]))
    summary = say(
        "flood.hydrograph_found",
        peak=say.amount(float(flows[name][peak]), "m³/s", 2),
        hour=say.amount(float(hour[peak]), "h"),
    )
    return Plot("hydrograph", plot, say("flood.hydrograph_title"), summary, tuple(keys))
