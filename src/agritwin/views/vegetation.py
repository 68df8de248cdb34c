"""The green season: scenes seen, clouded and doubtful, the smoothed curve, and the band of the parcel's own past."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import Range1d, Span
from numpy.typing import NDArray

from agritwin.views.blocks import Key, Plot
from agritwin.views.language import Language
from agritwin.views.theme import BAND, DANGER, EARTH, GREEN, QUIET, chart, hover, source

WINDOW_DAYS = 12
DAY = np.timedelta64(1, "D")
LEAST_SCENES = 4
EVERY_DAYS = 5
PHASES = ("start", "peak", "end")


def history_band(
    days: pd.DatetimeIndex, values: NDArray[np.float64], start: pd.Timestamp, length: int
) -> tuple[NDArray, NDArray, NDArray, int] | None:
    """Return days since the season's start with the 10 and 90 % quantile of past scenes near that day of the season.

    Parameters
    ----------
    days, values
        Past usable scenes.
    start
        First day of the season.
    length
        Days that the band covers.

    Returns
    -------
    offsets, low, high, number of past seasons; None where no day has four scenes within twelve days.
    """
    if len(days) == 0:
        return None
    seasons = np.where(days.day_of_year >= start.day_of_year, days.year, days.year - 1)
    begin = pd.to_datetime([f"{year}-{start:%m-%d}" for year in seasons])
    since = (days.to_numpy() - begin.to_numpy()) // DAY
    offsets = np.arange(0, length, EVERY_DAYS)
    near = np.abs(since[None, :] - offsets[:, None]) <= WINDOW_DAYS
    enough = near.sum(axis=1) >= LEAST_SCENES
    if not enough.any():
        return None
    low, high = (
        np.array([np.quantile(values[row], share) if ok else np.nan for row, ok in zip(near, enough, strict=True)])
        for share in (0.1, 0.9)
    )
    return offsets[enough], low[enough], high[enough], int(np.unique(seasons[near.any(axis=0)]).size)


def season_curve(say: Language, season: xr.Dataset, history: xr.Dataset | None, product: dict[str, Any]) -> Plot:
    """Return the season's NDVI: usable scenes full, others hollow, the smoothed curve over the band of the past.

    Parameters
    ----------
    say
        Language.
    season, history
        NDVI cubes: ``ndvi_mean``, ``ndvi_p10``, ``ndvi_p90``, ``valid_share``, ``usable``, ``offset_suspect`` (time).
    product
        The product ``ndvi``.
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
    _band(say, plot, keys, history, product, day)
    smoothed = product.get("smoothed")
    if smoothed and smoothed.get("day"):
        # The smoothed curve may begin seasons ago: only this season is drawn.
        when = pd.DatetimeIndex(smoothed["day"])
        within = when >= _season_start(product, day)
        if within.any():
            curve = source(day=when[within].to_numpy(), value=np.array(smoothed["value"], float)[within])
            plot.line("day", "value", source=curve, line_color=GREEN, line_width=2.5, name="ndvi-smooth")
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
                plot.scatter("day", "mean", source=data, size=8, line_color=colour, line_width=1.6, name=name, **look)
            )
            keys.append(Key(label, colour, mark, name))
    _phenology(plot, say, product.get("phenology"), keys)
    hover(plot, say, rows, felt, line=False)
    return Plot("ndvi-season", plot, say("ndvi.season_title"), _sentence(say, product, usable), tuple(keys))


def _season_start(product: dict[str, Any], days: pd.DatetimeIndex) -> Any:
    start = product.get("season_start")
    return pd.Timestamp(start) if start else days[0]


def _band(
    say: Language,
    plot: Any,
    keys: list[Key],
    history: xr.Dataset | None,
    product: dict[str, Any],
    day: pd.DatetimeIndex,
) -> None:
    if history is None or not history.sizes.get("time", 0):
        return
    good = history["usable"].to_numpy().astype(bool)
    past, values = pd.DatetimeIndex(history["time"].to_numpy())[good].normalize(), history["ndvi_mean"].to_numpy()[good]
    start = _season_start(product, day)
    band = history_band(past, values, start, int((day[-1].to_numpy() - start.to_numpy()) // DAY) + 30)
    if band is None:
        return
    offsets, low, high, years = band
    data = source(day=(start + pd.to_timedelta(offsets, unit="D")).to_numpy(), low=low, high=high)
    plot.varea("day", "low", "high", source=data, fill_color=BAND, fill_alpha=0.4, name="ndvi-band")
    keys.append(Key(say("ndvi.band", years=years), BAND, "band", "ndvi-band"))


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
    """Return the ISO day of a phase (start, peak, end), however the product nests it; None where there is none."""
    found = phenology.get(phase, phenology.get(f"{phase}_day")) if isinstance(phenology, dict) else None
    return found.get("day") if isinstance(found, dict) else found


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
