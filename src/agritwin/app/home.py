"""The first page: every parcel on a map and as a card, with its danger level."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import OpenURL, TapTool
from shapely import Point
from shapely.geometry.base import BaseGeometry

from agritwin.app.catalogue import open_twin, published
from agritwin.app.notices import Notice, standing_notices
from agritwin.geometry import to_crs, utm_epsg
from agritwin.report.sections.danger import overall
from agritwin.report.twin import Twin
from agritwin.views.blocks import Plot, State
from agritwin.views.language import Language, language
from agritwin.views.raster import Frame, map_figure
from agritwin.views.theme import AMBER, BAND, DANGER, FONT, GREEN, HEAT, INK, hover, source

COLOURS: dict[State, str] = {"good": GREEN, "low": AMBER, "mid": HEAT, "serious": DANGER, "stale": BAND}
LEAST_WIDTH_M = 500.0
NAME_WIDTH, NAME_HEIGHT = 0.25, 0.06
"""Shares of the map's width and height that the name of a parcel takes."""
MOST_NAMES = 3


@dataclass(frozen=True)
class Card:
    """A parcel in the list."""

    code: str
    name: str
    level: str
    reason: str
    state: State
    facts: tuple[str, ...]
    synthetic: bool
    target: str


@dataclass(frozen=True)
class Home:
    """All that the first page's template needs."""

    language: Language
    cards: tuple[Card, ...]
    plot: Plot | None
    notices: tuple[Notice, ...]

    @property
    def synthetic(self) -> bool:
        """Whether anything on the page rests on synthetic data."""
        return any(card.synthetic for card in self.cards)


def build(root: Path, language_code: str, allowed: Collection[str] | None = None) -> Home:
    """Return the first page.

    Parameters
    ----------
    root
        The workspace.
    language_code
        ``es`` or ``en``.
    allowed
        Twins that may be shown; all where None.
    """
    say = language(language_code)
    twins = [open_twin(root, name) for name in published(root) if allowed is None or name in allowed]
    cards = tuple(card(twin, say) for twin in twins)
    drawn = [(twin.polygon, card) for twin, card in zip(twins, cards, strict=True) if twin.polygon is not None]
    names = {twin.code: twin.title for twin in twins}
    notices = standing_notices(root, names, twins[0].zone, say) if twins else ()
    return Home(say, cards, parcels(say, drawn) if drawn else None, notices)


def card(twin: Twin, say: Language) -> Card:
    """Return the card of a twin."""
    level, reason, state = overall(twin.product("alerts"), twin.zone, say)
    area = say.amount((twin.product("parcel") or {}).get("area_ha"), "ha", 2)
    facts = (area, say.date(twin.issue_time), _ndvi((twin.product("ndvi") or {}).get("last"), say))
    target = f"twin?id={twin.code}&lang={say.code}"
    return Card(twin.code, twin.title, level, reason, state, facts, twin.synthetic, target)


def _ndvi(last: dict[str, Any] | None, say: Language) -> str:
    if not last:
        return say("app.no_ndvi")
    return say("app.ndvi", value=say.number(last["mean"], 2), day=say.date(last["time"]))


def parcels(say: Language, drawn: Sequence[tuple[BaseGeometry, Card]]) -> Plot:
    """Return the map of parcels (outline in degrees, card) in metres of the first one's UTM zone; a press opens one."""
    polygons, cards = zip(*drawn, strict=True)
    epsg = utm_epsg(polygons[0].centroid.x, polygons[0].centroid.y)
    metric = [to_crs(polygon, 4326, epsg) for polygon in polygons]
    west, south = np.min([shape.bounds[:2] for shape in metric], axis=0)
    east, north = np.max([shape.bounds[2:] for shape in metric], axis=0)
    width = max(east - west, north - south, LEAST_WIDTH_M)
    middle = ((west + east) / 2, (south + north) / 2)
    frame = Frame(middle[0] - width, middle[1] - width / 2, middle[0] + width, middle[1] + width / 2).around(
        width * 0.1
    )
    plot = map_figure(frame, say)
    parts = [list(getattr(shape, "geoms", [shape])) for shape in metric]
    look = {
        "colour": [COLOURS[card.state] for card in cards],
        "name": [card.name for card in cards],
        "level": [card.level for card in cards],
        "target": [card.target for card in cards],
    }
    xs: Any = [[[np.array(part.exterior.xy[0])] for part in shapes] for shapes in parts]
    ys: Any = [[[np.array(part.exterior.xy[1])] for part in shapes] for shapes in parts]
    shapes = source(xs=xs, ys=ys, **look)
    fill: dict[str, Any] = {"fill_color": "colour", "fill_alpha": 0.7, "line_color": INK, "line_width": 1.5}
    areas = plot.multi_polygons("xs", "ys", source=shapes, name="parcels", **fill)
    # Far apart, parcels shrink to nothing: a dot stands for each.
    centres = source(x=[shape.centroid.x for shape in metric], y=[shape.centroid.y for shape in metric], **look)
    dots = plot.scatter("x", "y", source=centres, size=11, fill_color="colour", line_color=INK, name="centres")
    width, height = frame.east - frame.west, frame.north - frame.south
    names = named(metric, [card.name for card in cards], width * NAME_WIDTH, height * NAME_HEIGHT)
    plot.text(
        "x", "y", text="name", source=source(**names), name="names", y_offset=9, text_align="center",
        text_baseline="top", text_font=value(FONT), text_font_size="12px", text_color=INK,
    )  # fmt: skip
    rows = [(say("map.section"), "name", -1), (say("head.level"), "level", -1)]
    hover(plot, say, rows, [areas, dots], day=None, line=False)
    plot.add_tools(TapTool(renderers=[areas, dots], callback=OpenURL(url="@target", same_tab=True)))
    return Plot("parcels", plot, say("app.map"), say("app.map_summary", count=len(cards)))


def named(shapes: Sequence[BaseGeometry], names: Sequence[str], width: float, height: float) -> dict[str, list[Any]]:
    """Return where the names of parcels stand and what is written: those that would cover one another stand together.

    Parameters
    ----------
    shapes, names
        The parcels, in metres, and their names.
    width, height
        What a name takes on the map [m].

    Returns
    -------
    ``x``, ``y`` below the parcels and the lines of ``name``; past ``MOST_NAMES`` together only how many more.
    """
    together: list[tuple[Point, list[str]]] = []
    for shape, name in zip(shapes, names, strict=True):
        place = Point(shape.centroid.x, shape.bounds[1])
        close = (lines for at, lines in together if abs(at.x - place.x) < width and abs(at.y - place.y) < height)
        lines = next(close, None)
        if lines is None:
            together.append((place, [name]))
        else:
            lines.append(name)
    more = [f"\n+ {len(lines) - MOST_NAMES}" if len(lines) > MOST_NAMES else "" for _, lines in together]
    text = ["\n".join(lines[:MOST_NAMES]) + rest for (_, lines), rest in zip(together, more, strict=True)]
    return {"x": [at.x for at, _ in together], "y": [at.y for at, _ in together], "name": text}
