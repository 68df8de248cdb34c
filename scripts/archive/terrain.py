"""Ground heights around the parcels: gentle relief with one small valley."""

import numpy as np
import shapely
from scipy import interpolate, ndimage, spatial

from scripts.archive.seeding import stream
from scripts.archive.sites import Site, parcel_utm

STEP = 5.0
FLOOR = 38.0  # m, half the width of the flat valley floor
# Bed of the small stream, EPSG:32630: for moraleja along the low south-west edge of the first parcel and through its
# western lobe. Centre (m), radius (m) and depth (m) of the hollow where the water stands.
STREAMS = {
    "moraleja": (
        "347905 4569700 347800 4569930 347700 4570160 347610 4570300 347500 4570420 347440 4570530 347385 4570640 "
        "347300 4570800 347240 4571010 347120 4571200 347020 4571440",
        (347470, 4570500, 70.0, 0.8),
        752.5,
    ),
    "pinillo": (
        "339300 4576500 339050 4576700 338800 4576830 338560 4576960 338330 4577010 338120 4577150 337950 4577400 "
        "337800 4577700 337700 4578060",
        (338390, 4577030, 50.0, 0.6),
        739.0,
    ),
}


def valley(site: Site) -> np.ndarray:
    """Points of the valley's axis every 5 m, array of (point, 2): a smooth line through the corners."""
    corners = np.array(STREAMS[site.name][0].split(), float).reshape(-1, 2)
    reach = np.append(0, np.cumsum(np.hypot(*np.diff(corners, axis=0).T)))
    return interpolate.make_interp_spline(reach, corners, k=3)(np.arange(0, reach[-1], 5.0))


def bed(site: Site) -> np.ndarray:
    """Points of the stream's bed, array of (point, 2); it winds about the axis of the valley."""
    axis = valley(site)
    course = np.gradient(axis, axis=0)
    across = np.column_stack([-course[:, 1], course[:, 0]]) / np.hypot(*course.T)[:, None]
    winding = ndimage.gaussian_filter1d(stream("terrain", site.name, "winding").normal(size=len(axis)), 7)
    return axis + (7 / winding.std() * winding)[:, None] * across


def bounds(site: Site) -> tuple[float, float]:
    """West and north edge of the window of 1.5 by 1.7 km."""
    west, south, east, north = shapely.total_bounds([parcel_utm(p) for p in site.parcels])
    middle_x, middle_y = STEP * round((west + east) / 2 / STEP), STEP * round((south + north) / 2 / STEP)
    return middle_x - 750.0, middle_y + 850.0


def heights(site: Site) -> np.ndarray:
    """Heights in metres on a grid of 5 m, rounded to centimetres, north row first.

    A plane that falls along the stream by about 0.5 %, a flat valley floor, sides that rise to some metres, hills of
    300 to 600 m, a bed one or two cells wide, a shallow hollow, and a little roughness.
    """
    _, (east, north_of, radius, depth), level = STREAMS[site.name]
    west, north = bounds(site)
    x, y = np.meshgrid(west + STEP * (np.arange(300) + 0.5), north - STEP * (np.arange(340) + 0.5))
    points = np.column_stack([x.ravel(), y.ravel()])
    axis, water = (
        shapely.get_coordinates(shapely.LineString(line).segmentize(1.0)) for line in (valley(site), bed(site))
    )
    distance, nearest = (found.reshape(x.shape) for found in spatial.cKDTree(axis).query(points))
    from_water = spatial.cKDTree(water).query(points)[0].reshape(x.shape)
    reach = np.append(0, np.cumsum(np.hypot(*np.diff(axis, axis=0).T)))
    along = reach[nearest]
    along = ndimage.gaussian_filter(along, 12)
    hills = _noise(site, "hills", x.shape, 55) * 1.6 + _noise(site, "knolls", x.shape, 22) * 0.45
    side = 1 - np.exp(-((np.maximum(distance - FLOOR, 0) / 190) ** 2))
    ground = level - 0.005 * (along - reach[-1] / 2) + 4.2 * side + 0.004 * np.maximum(distance - 250, 0)
    ground += hills * (0.15 + 0.85 * side) + _noise(site, "rough", x.shape, 3) * 0.03
    ground += 0.004 * np.minimum(distance, FLOOR) - 0.55 * np.exp(-((from_water / 5.5) ** 2))
    ground -= depth * np.exp(-((np.hypot(x - east, y - north_of) / radius) ** 2))
    return np.round(ground, 2).astype("float32")


def _noise(site: Site, name: str, shape: tuple[int, ...], width: float) -> np.ndarray:
    """Smooth random surface with mean 0 and standard deviation 1; ``width`` in cells."""
    surface = ndimage.gaussian_filter(stream("terrain", site.name, name).normal(size=shape), width, mode="reflect")
    return (surface - surface.mean()) / surface.std()
