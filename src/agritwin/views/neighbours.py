"""Who is told of a flood: the parcels on a map, each by its distance and whether the water runs towards it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool
from shapely.geometry.base import BaseGeometry

from agritwin.views.blocks import Key, Plot
from agritwin.views.language import Language
from agritwin.views.raster import Frame, map_figure
from agritwin.views.theme import FONT, GREEN, HEAT, INK, RAIN

COLOURS = {"self": GREEN, "downstream": RAIN, "near": HEAT}
MARGIN = 0.15


def told_map(say: Language, rows: Sequence[Mapping[str, Any]], shapes: Sequence[BaseGeometry]) -> Plot:
    """Return the map of who is told.

    Parameters
    ----------
    say
        Language.
    rows
        ``twin``, ``distance_m`` [m], ``reason`` (self, downstream, near); the twin itself first.
    shapes
        Their outlines in metres of one grid.
    """
    west, south, east, north = shapely.total_bounds(np.array(shapes))
    plot = map_figure(Frame(west, south, east, north).around(MARGIN * max(east - west, north - south)), say)
    keys, felt = [], []
    for reason, colour in COLOURS.items():
        chosen = [(row, shape) for row, shape in zip(rows, shapes, strict=True) if row["reason"] == reason]
        if not chosen:
            continue
        rings = [[_rings(part) for part in getattr(shape, "geoms", [shape])] for _, shape in chosen]
        word = say(f"alert.reason_{reason}")
        data = ColumnDataSource(
            {
                "xs": [[[ring[0] for ring in part] for part in parts] for parts in rings],
                "ys": [[[ring[1] for ring in part] for part in parts] for parts in rings],
                "twin": [row["twin"] for row, _ in chosen],
                "distance": [say.amount(row["distance_m"], "m", 0) for row, _ in chosen],
                "reason": [word] * len(chosen),
                "x": [shape.representative_point().x for _, shape in chosen],
                "y": [shape.representative_point().y for _, shape in chosen],
            }
        )
        look: dict[str, Any] = {"fill_color": colour, "fill_alpha": 0.35, "line_color": INK, "line_width": 2}
        drawn = plot.multi_polygons("xs", "ys", source=data, name=f"told-{reason}", **look)
        plot.text(
            "x", "y", text="twin", source=data, text_align="center", text_baseline="middle", text_font=value(FONT),
            text_font_size="12px", text_color=INK,
        )  # fmt: skip
        felt.append(drawn)
        keys.append(Key(word, colour, "bar", f"told-{reason}"))
    shown = [(say(f"alert.told_{name}"), f"@{name}") for name in ("twin", "distance", "reason")]
    plot.add_tools(HoverTool(tooltips=shown, renderers=felt))
    others = len(rows) - 1
    summary = say("alert.told_summary", count=others, below=sum(row["reason"] == "downstream" for row in rows))
    return Plot("told", plot, say("alert.told_title"), summary, tuple(keys))


def _rings(part: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.array(ring.xy[0]), np.array(ring.xy[1])) for ring in (part.exterior, *part.interiors)]
