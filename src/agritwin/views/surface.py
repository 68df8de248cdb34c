"""The land in three dimensions without any graphics library: columns of heights drawn from near to far into an image.

What stands in front hides what lies behind. The first image is drawn here; a script of the page draws the others by the
same steps when the reader turns the land or moves through time, so no server and no WebGL is needed.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, ImageRGBA, Range1d
from numpy.typing import NDArray
from shapely import contains_xy
from shapely.geometry.base import BaseGeometry

from agritwin.views.blocks import Control, Plot, script
from agritwin.views.language import Language
from agritwin.views.maps import Layer, coarsen, cut, frame_of, ramp, shade
from agritwin.views.raster import HOLE, STEPS, Frame, to_bytes
from agritwin.views.theme import bare

WIDE, TALL, MARCHES = 480, 300, 360
REACH = float(np.sqrt(2.0))  # half the diagonal of the square that the land fills
FLAT, LIFT, SKIRT = 0.55, 0.35, 6  # shares of the image for the ground and for its relief; px of the front edge
HEADINGS = 16
MOST_CELLS, MOST_STACK = 14_400, 400_000
WATER = ((201, 227, 245), (11, 42, 91))
LAND, EDGE, EARTH = (170, 186, 150), (32, 48, 38), (120, 98, 74)

_TURN = """
state.data.%s[0] = Math.round(cb_obj.value)
const [rows, columns] = ground.data.shape[0], [wide, tall, marches, reach, flat, lift, skirt, headings] = sizes
const {height: [height], light: [light], edge: [edge]} = ground.data
const water = frames.data.image[state.data.step[0]]
const angle = state.data.heading[0] / headings * 2 * Math.PI, sin = Math.sin(angle), cos = Math.cos(angle)
const rgb = (r, g, b) => (0xff000000 | (b << 16) | (g << 8) | r) >>> 0
const mix = (a, b, share) => Math.floor(a + (b - a) * share)
const target = image.data.image[0]
target.fill(0)
for (let column = 0; column < wide; column++) {
  const u = ((column + 0.5) / wide * 2 - 1) * reach
  let top = -1
  for (let march = 0; march < marches; march++) {
    const v = ((march + 0.5) / marches * 2 - 1) * reach
    const x = cos * u + sin * v, y = cos * v - sin * u
    if (Math.abs(x) >= 1 || Math.abs(y) >= 1) continue
    const cell = Math.floor((y + 1) / 2 * rows) * columns + Math.floor((x + 1) / 2 * columns)
    const wet = water[cell] < hole ? water[cell] / steps : -1
    const base = skirt + (march + 0.5) / marches * flat * tall
    const level = Math.min(Math.floor(base + height[cell] * lift * tall), tall - 1)
    if (top < 0) {
      top = Math.floor(base) - skirt
      for (; top < level; top++) target[top * wide + column] = rgb(...earth)
    }
    if (level < top) continue
    const l = light[cell] / 255
    const colour = edge[cell] ? rgb(...edgeColour)
      : wet >= 0 ? rgb(...[0, 1, 2].map((i) => mix(waterLow[i], waterHigh[i], wet)))
      : rgb(...land.map((part) => Math.floor(Math.min(255, part * (0.45 + 0.75 * l)))))
    for (; top <= level; top++) target[top * wide + column] = colour
  }
}
image.change.emit()
"""


def render(height: NDArray, light: NDArray, edge: NDArray, water: NDArray, heading: int) -> NDArray[np.uint32]:
    """Draw the land as seen towards a heading, from above at a slant.

    Parameters
    ----------
    height, light, edge
        Height as a share of the relief (0 to 1), light and outline (0 to 255) of each cell (y, x), south first.
    water
        Depth of each cell as bytes, 255 where dry.
    heading
        Direction looked into, in sixteenths of a turn clockwise from north.

    Returns
    -------
    numpy.ndarray
        Colours as Bokeh's image_rgba takes them (row, column), bottom first.
    """
    rows, columns = height.shape
    image = np.zeros((TALL, WIDE), np.uint32)
    angle = heading / HEADINGS * 2 * np.pi
    u = ((np.arange(WIDE) + 0.5) / WIDE * 2 - 1) * REACH
    top, line = np.full(WIDE, -1), np.arange(TALL)[:, None]
    for march in range(MARCHES):
        v = ((march + 0.5) / MARCHES * 2 - 1) * REACH
        x, y = np.cos(angle) * u + np.sin(angle) * v, np.cos(angle) * v - np.sin(angle) * u
        over = (np.abs(x) < 1) & (np.abs(y) < 1)
        row, column = (((part + 1) / 2 * n).astype(int).clip(0, n - 1) for part, n in ((y, rows), (x, columns)))
        base = SKIRT + (march + 0.5) / MARCHES * FLAT * TALL
        level = np.minimum((base + height[row, column] * LIFT * TALL).astype(int), TALL - 1)
        first = over & (top < 0)
        front = first & (line >= int(base) - SKIRT) & (line < level)
        image[front] = _rgb(*EARTH)
        top = np.where(first, level, top)
        colours = _colours(light[row, column], edge[row, column], water[row, column])
        rows_drawn = slice(max(int(top.min()), 0), int(level.max()) + 1)
        drawn = over & (line[rows_drawn] >= top) & (line[rows_drawn] <= level)
        image[rows_drawn] = np.where(drawn, colours, image[rows_drawn])
        top = np.where(over, np.maximum(top, level + 1), top)
    return image


def _rgb(red: NDArray | int, green: NDArray | int, blue: NDArray | int) -> NDArray[np.uint32]:
    parts = (np.asarray(part).astype(np.uint32) for part in (red, green, blue))
    r, g, b = parts
    return np.uint32(0xFF000000) | (b << np.uint32(16)) | (g << np.uint32(8)) | r


def _colours(light: NDArray, edge: NDArray, water: NDArray) -> NDArray[np.uint32]:
    share = water / STEPS
    wet = _rgb(*(np.floor(low + (high - low) * share) for low, high in zip(*WATER, strict=True)))
    land = _rgb(*(np.floor(np.minimum(255, part * (0.45 + 0.75 * (light / 255)))) for part in LAND))
    return np.where(edge > 0, _rgb(*EDGE), np.where(water < HOLE, wet, land))


def surface(
    say: Language,
    name: str,
    title: str,
    summary: str,
    layer: Layer,
    steps: Sequence[str],
    parcel: BaseGeometry,
    terrain: xr.Dataset,
    start: int,
    margin: float,
) -> Plot:
    """Return the land around a parcel with water on it, to be turned and moved through time.

    Parameters
    ----------
    say
        Language.
    name, title, summary
        Of the plot; ``name`` is unique on the page.
    layer
        Depths (step, y, x) with limits and colours.
    steps
        Text of each step.
    parcel, terrain
        Outline, and ``surface_altitude``, ``slope`` and ``aspect`` (y, x), in the metres of the depths.
    start, margin
        Step shown at first, and land around the parcel [m].
    """
    frame = _square(frame_of(parcel, margin)).within(layer.values)
    depth = coarsen(coarsen(cut(layer.values, frame), MOST_STACK, deepest=True), MOST_CELLS * len(steps), deepest=True)
    like = {"x": depth["x"], "y": depth["y"]}
    altitude = terrain["surface_altitude"].sel(like, method="nearest").to_numpy().astype(float)
    height = ((altitude - altitude.min()) / max(float(np.ptp(altitude)), 1e-6)).astype(np.float32)
    lit = shade(terrain).sel(like, method="nearest").to_numpy()
    dark, bright = np.nanquantile(lit, [0.02, 0.98])
    light = to_bytes(lit, float(dark), max(float(bright), float(dark) + 0.02))
    edge = _outline(parcel, depth)
    stack = to_bytes(depth.to_numpy(), layer.low, layer.high)
    heading = HEADINGS // 8
    plot = bare(
        say,
        "save",
        width=600,
        aspect_ratio=WIDE / TALL,
        sizing_mode="scale_width",
        x_range=Range1d(start=0, end=WIDE),
        y_range=Range1d(start=0, end=TALL),
        min_border=0,
    )
    drawn = ColumnDataSource({"image": [render(height, light, edge, stack[start], heading)]})
    plot.add_glyph(drawn, ImageRGBA(image="image", x=0, y=0, dw=WIDE, dh=TALL), name=f"{name}-image")
    arrays = {"height": [height], "light": [light], "edge": [edge], "shape": [list(height.shape)]}
    models = {
        "ground": ColumnDataSource(arrays, name=f"{name}-ground"),
        "frames": ColumnDataSource({"image": list(stack)}, name=f"{name}-frames"),
        "state": ColumnDataSource({"heading": [heading], "step": [start]}, name=f"{name}-state"),
        "image": drawn,
        "sizes": [WIDE, TALL, MARCHES, REACH, FLAT, LIFT, SKIRT, HEADINGS],
        "hole": HOLE,
        "steps": STEPS,
        "waterLow": list(WATER[0]),
        "waterHigh": list(WATER[1]),
        "land": list(LAND),
        "edgeColour": list(EDGE),
        "earth": list(EARTH),
    }
    for part in ("heading", "step"):
        script(plot, f"{name}-{part}", _TURN % part, **models)
    compass = tuple(f"{360 * i // HEADINGS}°" for i in range(HEADINGS))
    controls = (
        Control("slider", say("flood.time"), tuple(steps), start, f"{name}-step"),
        Control("slider", say("flood.heading"), compass, heading, f"{name}-heading"),
    )
    return Plot(name, plot, title, summary, controls=controls, ramp=ramp(layer, say))


def _square(frame: Frame) -> Frame:
    half = max(frame.east - frame.west, frame.north - frame.south) / 2
    x, y = (frame.west + frame.east) / 2, (frame.south + frame.north) / 2
    return Frame(x - half, y - half, x + half, y + half)


def _outline(parcel: BaseGeometry, grid: xr.DataArray) -> NDArray[np.uint8]:
    """Return 255 in the cells that the outline of a parcel runs through."""
    x, y = np.meshgrid(grid["x"].to_numpy(), grid["y"].to_numpy())
    cell = float(grid["x"][1] - grid["x"][0])
    return np.where(contains_xy(parcel.boundary.buffer(0.7 * cell), x, y), 255, 0).astype(np.uint8)
