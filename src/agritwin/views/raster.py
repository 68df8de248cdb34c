"""Rasters in a page: values as bytes, cut to what is seen, drawn north up."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, GlyphRenderer, Image, LinearColorMapper, Range1d, ScaleBar
from bokeh.palettes import interp_palette
from bokeh.plotting import figure
from numpy.typing import NDArray

from agritwin.views.language import Language
from agritwin.views.theme import FONT, INK, bare

STEPS = 254
HOLE = 255  # drawn as nothing
SHADES = tuple(interp_palette(("#6d7a71", "#bcc5be", "#ffffff"), 255))
NDVI_COLOURS = tuple(interp_palette(("#7a5230", "#b98a56", "#efe3b5", "#b7d27a", "#6aae4f", "#2c7d3f", "#0b4a26"), 255))
SLOPE_COLOURS = tuple(interp_palette(("#fff7dc", "#f7c66b", "#e0803a", "#a63f1e", "#5d1d12"), 255))
CHANGE_COLOURS = tuple(interp_palette(("#8a4b12", "#d9a566", "#f4f1ea", "#7db8e0", "#0b2a5b"), 255))
DEPTH_COLOURS = tuple(interp_palette(("#c9e3f5", "#7db8e0", "#3182bd", "#1a5694", "#0b2a5b"), 255))


@dataclass(frozen=True)
class Frame:
    """What a map shows: west, south, east, north in metres of the grid."""

    west: float
    south: float
    east: float
    north: float

    @property
    def aspect(self) -> float:
        """Width over height."""
        return (self.east - self.west) / (self.north - self.south)

    def around(self, margin: float) -> "Frame":
        """Return a frame that is larger by a margin on each side."""
        return Frame(self.west - margin, self.south - margin, self.east + margin, self.north + margin)

    def within(self, grid: Any) -> "Frame":
        """Return the part of the frame that a grid covers."""
        x, y = np.asarray(grid["x"]), np.asarray(grid["y"])
        dx, dy = abs(x[1] - x[0]) / 2, abs(y[1] - y[0]) / 2
        return Frame(
            max(self.west, x.min() - dx),
            max(self.south, y.min() - dy),
            min(self.east, x.max() + dx),
            min(self.north, y.max() + dy),
        )


def cut(values: xr.DataArray, frame: Frame) -> xr.DataArray:
    """Return the cells of a raster whose centre a frame holds, south first as Bokeh draws them."""
    for dim in ("y", "x"):
        if values[dim][0] > values[dim][-1]:
            values = values.isel({dim: slice(None, None, -1)})
    return values.sel(x=slice(frame.west, frame.east), y=slice(frame.south, frame.north))


def to_bytes(values: NDArray, low: float, high: float) -> NDArray[np.uint8]:
    """Return values between ``low`` and ``high`` as 0 to 254, what lies outside at the ends, NaN as 255."""
    scaled = np.clip((values - low) / (high - low), 0, 1) * STEPS
    return np.where(np.isnan(values), HOLE, np.round(np.nan_to_num(scaled))).astype(np.uint8)


def bounds(values: xr.DataArray) -> dict[str, float]:
    """Return ``x``, ``y``, ``dw``, ``dh`` of a raster's image [m]."""
    x, y = values["x"].to_numpy(), values["y"].to_numpy()
    dx, dy = (x[-1] - x[0]) / (x.size - 1), (y[-1] - y[0]) / (y.size - 1)
    return {"x": x[0] - dx / 2, "y": y[0] - dy / 2, "dw": x.size * dx, "dh": y.size * dy}


def draw(
    plot: figure,
    values: xr.DataArray,
    low: float,
    high: float,
    colours: tuple[str, ...],
    name: str,
    alpha: float = 1.0,
    visible: bool = True,
) -> GlyphRenderer:
    """Draw a raster (y, x), rising in both, on a map.

    Parameters
    ----------
    plot
        The map.
    values
        Raster; NaN stays empty.
    low, high
        Values of the first and the last colour.
    colours
        255 colours.
    name
        Name of the renderer.
    alpha, visible
        How much of what lies below is covered, and whether the raster is shown at first.
    """
    data = {
        "image": [to_bytes(values.to_numpy(), low, high)],
        **{key: [value] for key, value in bounds(values).items()},
    }
    mapper = LinearColorMapper(palette=list(colours), low=0, high=STEPS, high_color="rgba(0,0,0,0)")
    image = Image(image="image", x="x", y="y", dw="dw", dh="dh", global_alpha=alpha, color_mapper=mapper)
    return plot.add_glyph(ColumnDataSource(data), image, name=name, visible=visible)


def map_figure(frame: Frame, say: Language) -> figure:
    """Return an empty map of a frame, in true proportions, with a scale bar.

    Parameters
    ----------
    frame
        What is shown.
    say
        Language.
    """
    plot = bare(
        say,
        "pan,box_zoom,reset,save",
        width=600,
        aspect_ratio=frame.aspect,
        sizing_mode="scale_width",
        x_range=Range1d(start=frame.west, end=frame.east),
        y_range=Range1d(start=frame.south, end=frame.north),
        min_border=0,
    )
    plot.add_layout(
        ScaleBar(
            range=plot.x_range,
            unit="m",
            title=say("map.scale"),
            location="bottom_left",
            orientation="horizontal",
            background_fill_alpha=0.8,
            border_line_color=None,
            bar_line_color=INK,
            label_text_font=FONT,
            label_text_font_size="11px",
            title_text_font=FONT,
            title_text_font_size="11px",
            title_text_font_style="normal",
            padding=6,
        )
    )
    return plot
