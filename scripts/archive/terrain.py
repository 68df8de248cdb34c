"""Ground heights around the parcels: gentle relief with one small valley."""

import numpy as np
import shapely
from scipy import ndimage

from scripts.archive.seeding import stream
from scripts.archive.sites import Site

STEP = 5.0
# Bed of the small stream, EPSG:32630: for moraleja along the low south-west edge of the first parcel and through its
# western lobe. Centre (m), radius (m) and depth (m) of the hollow where the water stands.
STREAMS = {
    "moraleja": (
        "347905 4569700 347800 4569930 347700 4570160 347610 4570300 347500 4570420 347440 4570530 347385 4570640 "
        "347300 4570800 347240 4571010 347120 4571200 347020 4571440",
        (347470, 4570500, 55.0, 0.7),
        752.5,
    ),
    "pinillo": (
        "339300 4576500 339050 4576700 338800 4576830 338560 4576960 338330 4577010 338120 4577150 337950 4577400 "
        "337800 4577700 337700 4578060",
        (338390, 4577030, 50.0, 0.6),
        739.0,
    ),
}


def bed(site: Site) -> np.ndarray:
    """Corners of the stream's bed, array of (corner, 2)."""
    return np.array(STREAMS[site.name][0].split(), float).reshape(-1, 2)


def bounds(site: Site) -> tuple[float, float]:
    """West and north edge of the window of 1.5 by 1.7 km."""
    line = bed(site)
    west = round((line[:, 0].mean() - 750 + (150 if site.name == "moraleja" else -50)) / STEP) * STEP
    return west, float(np.ceil((line[:, 1].mean() + 850) / STEP) * STEP)


def heights(site: Site) -> np.ndarray:
    """Heights in metres on a grid of 5 m, rounded to centimetres, north row first.

    A plane that falls along the stream by about 0.5 %, valley sides that rise to some metres, hills of 300 to 600 m,
    a bed one or two cells wide, a shallow hollow, and a little roughness.
    """
    _, (east, north_of, radius, depth), level = STREAMS[site.name]
    west, north = bounds(site)
    x, y = np.meshgrid(west + STEP * (np.arange(300) + 0.5), north - STEP * (np.arange(340) + 0.5))
    stream_line = shapely.LineString(bed(site))
    points = shapely.points(x.ravel(), y.ravel())
    distance = shapely.distance(points, stream_line).reshape(x.shape)
    along = shapely.line_locate_point(stream_line, points).reshape(x.shape)
    along = ndimage.gaussian_filter(along, 12)
    hills = _noise(site, "hills", x.shape, 55) * 1.6 + _noise(site, "knolls", x.shape, 22) * 0.45
    side = 1 - np.exp(-((distance / 190) ** 2))
    ground = level - 0.005 * (along - stream_line.length / 2) + 4.2 * side + 0.004 * np.maximum(distance - 250, 0)
    ground += hills * (0.15 + 0.85 * side) + _noise(site, "rough", x.shape, 3) * 0.03
    ground -= 0.9 * np.exp(-((distance / 5.5) ** 2))
    ground -= depth * np.exp(-((np.hypot(x - east, y - north_of) / radius) ** 2))
    return np.round(ground, 2).astype("float32")


def _noise(site: Site, name: str, shape: tuple[int, ...], width: float) -> np.ndarray:
    """Smooth random surface with mean 0 and standard deviation 1; ``width`` in cells."""
    surface = ndimage.gaussian_filter(stream("terrain", site.name, name).normal(size=shape), width, mode="reflect")
    return (surface - surface.mean()) / surface.std()
