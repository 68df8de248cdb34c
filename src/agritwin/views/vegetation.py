"""The green season: scenes seen, clouded and doubtful, the smoothed curve, and the band of the parcel's own past."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import Line, Range1d, Scatter, Span, VArea
from numpy.typing import NDArray

from agritwin.views.blocks import Key, Plot
from agritwin.views.language import Language
from agritwin.views.theme import BAND, DANGER, EARTH, GREEN, QUIET, chart, hover, source

PHASES = ("start", "peak", "end")


def season_curve(say: Language, season: xr.Dataset, product: dict[str, Any]) -> Plot:
    """Return the season's NDVI: usable scenes full, others hollow, the smoothed curve over the band of the past.

    Parameters
    ----------
    say
        Language.
    season
        NDVI cube: ``ndvi_mean``, ``ndvi_p10``, ``ndvi_p90``, ``valid_share``, ``usable``, ``offset_suspect`` (time).
    product
        The product ``ndvi``: its ``smoothed`` curve, ``band`` of past seasons, ``phenology``, ``last``, ``anomaly``.
    """
    day = pd.DatetimeIndex(season["time"].to_numpy()).normalize()
    usable = season["usable"].to_numpy().astype(bool)
    suspect = season["offset_suspect"].to_numpy().astype(bool) if "offset_suspect" in season else np.zeros_like(usable)
    columns = {
        "day": day.to_numpy(),
        "mean": season["ndvi_mean"].to_numpy(),
        "low": season["ndvi_p10"].to_numpy(),
        "high": season["ndvi_p90"].to_numpy(),
        "valid": 100 * season["valid_share"].to_numpy(),
    }
    plot = chart(say, "NDVI")
    plot.y_range = Range1d(start=min(0.0, float(np.nanmin(columns["mean"], initial=0))) - 0.05, end=1.0)
    keys: list[Key] = []
    _band(say, plot, keys, product)
    smoothed = product.get("smoothed")
    if smoothed and smoothed.get("day"):
        # The smoothed curve may begin seasons ago: only this season is drawn.
        when = pd.DatetimeIndex(smoothed["day"])
        within = when >= (pd.Timestamp(product["band"]["day"][0]) if product.get("band") else day[0])
        if within.any():
            curve = source(day=when[within].to_numpy(), value=np.array(smoothed["value"], float)[within])
            plot.add_glyph(curve, Line(x="day", y="value", line_color=GREEN, line_width=2.5), name="ndvi-smooth")
            keys.append(Key(say("ndvi.smoothed"), GREEN, "line", "ndvi-smooth"))
    rows = [
        (say("ndvi.mean"), "mean", 2),
        ("p10", "low", 2),
        ("p90", "high", 2),
        (say("ndvi.valid_percent"), "valid", 0),
    ]
    groups: tuple[tuple[Any, str, str, str, Any, dict[str, Any]], ...] = (
        (usable, "ndvi-usable", say("ndvi.usable"), GREEN, "dot", {"fill_color": GREEN}),
        (~usable & ~suspect, "ndvi-clouded", say("ndvi.clouded"), QUIET, "ring", {"fill_color": None}),
        (suspect, "ndvi-suspect", say("ndvi.suspect"), DANGER, "ring", {"fill_color": None}),
    )
    felt = []
    for chosen, name, label, colour, mark, look in groups:
        shown = chosen & np.isfinite(columns["mean"])
        if shown.any():
            data = source(**{key: values[shown] for key, values in columns.items()})
            felt.append(
                plot.add_glyph(
                    data, Scatter(x="day", y="mean", size=8, line_color=colour, line_width=1.6, **look), name=name
                )
            )
            keys.append(Key(label, colour, mark, name))
    _phenology(plot, say, product.get("phenology"), keys)
    hover(plot, say, rows, felt, line=False)
    return Plot("ndvi-season", plot, say("ndvi.season_title"), _sentence(say, product, usable), tuple(keys))


def _band(say: Language, plot: Any, keys: list[Key], product: dict[str, Any]) -> None:
    band = product.get("band")
    if not band or not band.get("day"):
        return
    day = pd.DatetimeIndex(band["day"]).to_numpy()
    data = source(day=day, low=np.array(band["p10"], float), high=np.array(band["p90"], float))
    plot.add_glyph(data, VArea(x="day", y1="low", y2="high", fill_color=BAND, fill_alpha=0.5), name="ndvi-band")
    anomaly = product.get("anomaly")
    years = anomaly.get("years") if isinstance(anomaly, dict) else None
    label = say("ndvi.band_years", years=years) if years else say("ndvi.band")
    keys.append(Key(label, BAND, "band", "ndvi-band"))


def _phenology(plot: Any, say: Language, phenology: Any, keys: list[Key]) -> None:
    for phase in PHASES:
        moment = phase_day(phenology, phase)
        if moment is not None:
            name = f"ndvi-{phase}"
            look: dict[str, Any] = {"line_color": EARTH, "line_dash": "dashed", "line_width": 1.2, "name": name}
            plot.add_layout(Span(location=pd.to_datetime(moment), dimension="height", **look))
            keys.append(
                Key(f"{say.word('ndvi', f'phase_{phase}')}, {say.date(moment, year=False)}", EARTH, "dashed", name)
            )


def phase_day(phenology: Any, phase: str) -> str | None:
    """Return the ISO day of a phase (start, peak, end); None where there is none yet."""
    if not isinstance(phenology, dict) or (phase == "peak" and phenology.get("status") == "running"):
        # While the season runs, its highest value so far is no peak.
        return None
    return phenology.get(phase)


def _sentence(say: Language, product: dict[str, Any], usable: NDArray[np.bool_]) -> str:
    last, anomaly = product.get("last"), product.get("anomaly")
    text = say("ndvi.scenes_found", usable=int(usable.sum()), scenes=usable.size)
    if last:
        text += " " + say(
            "ndvi.last_found",
            value=say.number(last["mean"], 2),
            day=say.date(last["time"]),
            valid=say.percent(last["valid_share"]),
        )
    if isinstance(anomaly, dict) and anomaly.get("median") is not None:
        text += " " + say(
            "ndvi.anomaly_found",
            median=say.number(anomaly["median"], 2),
            low=say.number(anomaly.get("p10"), 2),
            high=say.number(anomaly.get("p90"), 2),
            years=anomaly.get("years", "–"),
        )
    else:
        text += " " + say("ndvi.no_anomaly")
    return text
