"""Maps without network: the parcel over its relief, layers to choose, scenes and floods to leaf through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, CustomJSHover, GlyphRenderer, HoverTool, MultiPolygons
from bokeh.plotting import figure
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from agritwin.views.blocks import Control, Plot, Ramp, script
from agritwin.views.language import Language
from agritwin.views.raster import (
    CHANGE_COLOURS,
    DEPTH_COLOURS,
    HOLE,
    NDVI_COLOURS,
    SHADES,
    SLOPE_COLOURS,
    STEPS,
    Frame,
    cut,
    draw,
    map_figure,
    to_bytes,
)
from agritwin.views.theme import INK

NDVI_LOW, NDVI_HIGH = -0.1, 0.9
MARGIN_M = 200.0
SHALLOW_M = 0.01
MOST_FRAMES = 30
MOST_LAYER_CELLS = 400_000
MOST_STACK_CELLS = 1_500_000  # bytes in the page, a third more once written as text

_SHOW_FRAME = """
const number = Math.round(cb_obj.value)
image.data = {...image.data, image: [frames.data.image[number]]}
"""
_SHOW_LAYER = "layers.forEach((layer, number) => { layer.visible = number == cb_obj.value })"
_VALUE_HOVER = """
if (value == null || value >= hole) return '–'
return new Intl.NumberFormat(locale, {maximumFractionDigits: digits}).format(low + value / steps * (high - low)) + unit
"""


@dataclass(frozen=True)
class Layer:
    """A raster to be chosen on the map: values from ``low`` to ``high`` in the colours of ``colours``.

    Where cells have to be merged, ``deepest`` keeps the largest value of them instead of the mean.
    """

    label: str
    title: str
    unit: str
    values: xr.DataArray
    low: float
    high: float
    colours: tuple[str, ...]
    digits: int = 2
    deepest: bool = False


def frame_of(parcel: BaseGeometry, margin: float = MARGIN_M) -> Frame:
    """Return the frame of a parcel in metres with some land around."""
    return Frame(*parcel.bounds).around(margin)


def ramp(layer: Layer, say: Language, ticks: int = 5) -> Ramp:
    """Return the legend of a layer."""
    marks = np.linspace(layer.low, layer.high, ticks)
    unit = f" ({layer.unit})" if layer.unit else ""
    return Ramp(f"{layer.title}{unit}", layer.colours[::16], tuple(say.number(mark, layer.digits) for mark in marks))


def ndvi_layer(scene: xr.DataArray, label: str, title: str) -> Layer:
    """Return the layer of one NDVI scene (y, x)."""
    return Layer(label, title, "", scene, NDVI_LOW, NDVI_HIGH, NDVI_COLOURS, 2)


def slope_layer(slope: xr.DataArray, label: str, title: str) -> Layer:
    """Return the layer of a slope in degrees, shown in percent up to the steepest hundredth of the cells."""
    percent: xr.DataArray = 100 * xr.apply_ufunc(np.tan, np.radians(slope))
    highest = max(float(np.nanquantile(percent, 0.99)), 1.0)
    return Layer(label, title, "%", percent, 0.0, float(np.ceil(highest)), SLOPE_COLOURS, 1)


def depth_layer(depth: xr.DataArray, label: str, title: str) -> Layer:
    """Return the layer of a water depth [m]; what is shallower than a centimetre stays dry."""
    wet = depth.where(depth > SHALLOW_M)
    deepest = float(depth.max())
    return Layer(label, title, "m", wet, 0.0, max(float(np.ceil(10 * deepest) / 10), 0.1), DEPTH_COLOURS, 2, True)


def change_layer(change: xr.DataArray, label: str, title: str) -> Layer:
    """Return the layer of a change of water depth [m]; what changes by less than a centimetre stays empty."""
    told = change.where(np.abs(change) > SHALLOW_M)
    most = max(float(np.ceil(10 * np.abs(change).max()) / 10), 0.1)
    return Layer(label, title, "m", told, -most, most, CHANGE_COLOURS, 2)


def outline(plot: figure, parcel: BaseGeometry, name: str = "outline", **options: Any) -> None:
    """Draw the outline of a parcel, holes included."""
    polygons = list(getattr(parcel, "geoms", [parcel]))
    xs: Any = [[[np.array(ring.xy[0]) for ring in (part.exterior, *part.interiors)] for part in polygons]]
    ys: Any = [[[np.array(ring.xy[1]) for ring in (part.exterior, *part.interiors)] for part in polygons]]
    look: dict[str, Any] = {"fill_alpha": 0, "line_color": INK, "line_width": 2.5} | options
    plot.add_glyph(ColumnDataSource({"xs": xs, "ys": ys}), MultiPolygons(xs="xs", ys="ys", **look), name=name)


def shade(terrain: xr.Dataset, azimuth: float = 315.0, elevation: float = 45.0) -> xr.DataArray:
    """Return the illumination of the ground, 0 dark to 1 full, by a sun of given azimuth and height [degree].

    Parameters
    ----------
    terrain
        ``slope`` [degree] and ``aspect`` [degree clockwise from north, NaN where flat] (y, x); Horn (1981), Proc. IEEE
        69:14-47.
    """
    steep = np.radians(terrain["slope"])
    turned = np.radians(terrain["aspect"] - azimuth)
    height = np.radians(elevation)
    facing = (np.cos(height) * np.sin(steep) * np.cos(turned)).fillna(0.0)
    return (np.sin(height) * np.cos(steep) + facing).clip(0.0, 1.0)


def relief(plot: figure, terrain: xr.Dataset, frame: Frame) -> None:
    """Draw the shaded relief that the other layers lie on; the contrast follows the steepness of the land."""
    light = coarsen(cut(shade(terrain), frame), MOST_LAYER_CELLS)
    flat = float(np.sin(np.radians(45.0)))
    spread = max(float(np.nanquantile(np.abs(light - flat), 0.98)), 0.02)
    draw(plot, light, flat - spread, flat + spread, SHADES, "hillshade")


def parcel_map(
    say: Language,
    parcel: BaseGeometry,
    terrain: xr.Dataset | None,
    layers: Sequence[Layer],
    summary: str,
    neighbours: Sequence[BaseGeometry] = (),
    name: str = "map",
    title: str | None = None,
) -> Plot:
    """Return the map of the parcel with layers to choose.

    Parameters
    ----------
    say
        Language.
    parcel
        Polygon in the metres of the rasters.
    terrain
        ``slope`` and ``aspect`` (y, x) for the relief below, None for a blank ground.
    layers
        Rasters in the same metres; the first is shown at first.
    summary
        What the map shows, in a sentence.
    neighbours
        Outlines of other twins, drawn dashed where they reach into the map.
    name, title
        Of the plot; ``name`` is unique on the page.
    """
    frame = frame_of(parcel)
    frame = frame.within(terrain) if terrain is not None else frame
    plot = map_figure(frame, say)
    if terrain is not None:
        relief(plot, terrain, frame)
    renderers = []
    for number, layer in enumerate(layers):
        visible = number == 0
        renderer = draw(
            plot,
            coarsen(cut(layer.values, frame), MOST_LAYER_CELLS, layer.deepest),
            layer.low,
            layer.high,
            layer.colours,
            f"layer-{number}",
            alpha=0.75,
            visible=visible,
        )
        _value_hover(plot, say, renderer, layer)
        renderers.append(renderer)
    for neighbour in neighbours:
        outline(plot, neighbour, line_dash="dashed", line_width=1.5, name="neighbour")
    outline(plot, parcel)
    script(plot, f"{name}-layer", _SHOW_LAYER, layers=renderers)
    options = (*(layer.label for layer in layers), say("map.relief_only"))
    ramps = (*(ramp(layer, say) for layer in layers), None)
    control = Control("choice", say("map.layer"), options, 0, f"{name}-layer", ramps)
    return Plot(name, plot, title or say("map.title"), summary, controls=(control,) if layers else ())


def _value_hover(plot: figure, say: Language, renderer: GlyphRenderer, layer: Layer) -> None:
    unit = f" {layer.unit}" if layer.unit else ""
    reading = CustomJSHover(
        args={
            "locale": say.locale,
            "low": layer.low,
            "high": layer.high,
            "steps": STEPS,
            "hole": HOLE,
            "digits": layer.digits,
            "unit": unit,
        },
        code=_VALUE_HOVER,
    )
    plot.add_tools(
        HoverTool(tooltips=[(layer.title, "@image{custom}")], formatters={"@image": reading}, renderers=[renderer])
    )


def leaf_through(
    say: Language,
    name: str,
    title: str,
    summary: str,
    label: str,
    layer: Layer,
    steps: Sequence[str],
    parcel: BaseGeometry,
    terrain: xr.Dataset | None,
    start: int,
    margin: float = 60.0,
) -> Plot:
    """Return a map with a slider over the first dimension of a stack of rasters.

    All frames lie in the page as bytes; a script swaps the one that is drawn, so no server is needed.

    Parameters
    ----------
    say
        Language.
    name, title, summary
        Of the plot; ``name`` is unique on the page.
    label
        What the slider chooses.
    layer
        Values (step, y, x) with limits and colours.
    steps
        Text of each step.
    parcel, terrain
        Outline and, where there is one, the relief below.
    start
        Step shown at first.
    margin
        Land around the parcel [m].
    """
    frame = frame_of(parcel, margin).within(layer.values)
    values = coarsen(cut(layer.values, frame), MOST_STACK_CELLS, layer.deepest)
    plot = map_figure(frame, say)
    if terrain is not None:
        relief(plot, terrain, frame)
    stack = to_bytes(values.to_numpy(), layer.low, layer.high)
    renderer = draw(plot, values[start], layer.low, layer.high, layer.colours, f"{name}-image", alpha=0.85)
    _value_hover(plot, say, renderer, layer)
    outline(plot, parcel)
    frames = ColumnDataSource({"image": list(stack)}, name=f"{name}-frames")
    script(plot, f"{name}-step", _SHOW_FRAME, frames=frames, image=renderer.data_source)
    control = Control("slider", label, tuple(steps), start, f"{name}-step")
    return Plot(name, plot, title, summary, controls=(control,), ramp=ramp(layer, say))


def thin(count: int, most: int = MOST_FRAMES) -> NDArray[np.int_]:
    """Return at most ``most`` positions out of ``count``, evenly spread, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def coarsen(values: xr.DataArray, most: int, deepest: bool = False) -> xr.DataArray:
    """Return a raster or a stack of rasters with at most ``most`` cells in all.

    Parameters
    ----------
    values
        With dimensions y and x.
    most
        Cells that the page has room for.
    deepest
        Whether a block of cells is told by its largest value; else by its mean.
    """
    factor = int(np.ceil(np.sqrt(values.size / most)))
    if factor <= 1:
        return values
    blocks = values.coarsen({"x": factor, "y": factor}, boundary="trim")
    return blocks.max() if deepest else blocks.mean()  # type: ignore[attr-defined]
