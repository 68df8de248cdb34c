"""What if it rained otherwise, a culvert were blocked, a dike were built: the step behind ``simulate_flood_scenario``.

A file says what differs from the twin's design storm on the land as it is; both are run on the same cells, and the
result tells them apart.
"""

from pathlib import Path
from typing import Any

import numpy as np
import shapely
import xarray as xr
from shapely.geometry import shape

from agritwin import workspace
from agritwin.cubes import write_group
from agritwin.errors import ConfigError, DataError
from agritwin.geometry import to_crs, utm_epsg
from agritwin.observe import step
from agritwin.pins import is_synthetic, open_pointer, write_pointer
from agritwin.products import flood as product
from agritwin.products.publish import plain
from agritwin.products.rain_rasters import falls
from agritwin.scenarios.definition import read
from agritwin.scenarios.flood_definition import Culvert, Dike, FloodScenario, Line
from agritwin.scenarios.places import FLOODS, Places
from agritwin.simulation.flood.events import curve_number
from agritwin.simulation.flood.library import coarsened

ALONG = 0.71
"""A cell belongs to a line that passes its centre within so many cells: a line of such cells has no gap."""


def with_works(terrain: xr.Dataset, epsg: int, dikes: list[Dike], culverts: list[Culvert]) -> xr.Dataset:
    """Return the terrain with dikes raised and culverts opened.

    Parameters
    ----------
    terrain
        `surface_altitude` (y, x) in m.
    epsg
        Code of its grid.
    dikes
        Raised by their height above the ground.
    culverts
        The bed is cut down to the straight line between inlet and outlet, nowhere raised.

    Raises
    ------
    DataError
        Where a line does not touch the terrain.
    """
    altitude = terrain["surface_altitude"].to_numpy().astype(float).copy()
    for dike in dikes:
        altitude[_cells(terrain, dike.line, epsg)[0]] += dike.height_m
    for culvert in culverts:
        cells, along = _cells(terrain, culvert.line, epsg)
        order = np.argsort(along[cells])
        ends = altitude[cells][order[[0, -1]]]
        bed = ends[0] + along[cells] * (ends[1] - ends[0])
        altitude[cells] = np.minimum(altitude[cells], bed)
    return terrain.assign(surface_altitude=terrain["surface_altitude"].copy(data=altitude))


def _cells(terrain: xr.Dataset, line: Line, epsg: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells that a line runs through, and for each cell how far along the line it is (0 to 1)."""
    local: Any = to_crs(shapely.LineString(line), 4326, epsg)
    x, y = np.meshgrid(terrain["x"].to_numpy(), terrain["y"].to_numpy())
    points: Any = shapely.points(x, y)
    cell = abs(float(terrain["x"][1] - terrain["x"][0]))
    on = shapely.distance(points, local) <= ALONG * cell
    if not on.any():
        raise DataError(f"The line {line} does not touch the terrain.", "Correct it: longitude first, then latitude.")
    return on, shapely.line_locate_point(local, points, normalized=True)


def simulate_scenario(scenario: str, parcel: str, terrain: str, result: str, twin: str, flood: dict[str, Any]) -> None:
    """Run a flood scenario and the twin as it is, and publish both and their difference.

    Parameters
    ----------
    scenario, parcel, terrain, result
        Files.
    twin, flood
        Id, and the section of its configuration.

    Raises
    ------
    ConfigError
        Where the file is about another twin.
    """
    asked = read(Path(scenario), FloodScenario)
    if asked.twin != twin:
        raise ConfigError(f"{scenario} is about twin {asked.twin!r}.", f"It lies in the folder of {twin}: move it.")
    land = product.with_roughness(open_pointer(terrain), flood)
    polygon = shape(workspace.read_json(parcel)["geometry"])
    if asked.resolution_m is not None:
        land = coarsened(land, asked.resolution_m)
    epsg = utm_epsg(polygon.centroid.x, polygon.centroid.y)
    inside = product.parcel_mask(land, to_crs(polygon, 4326, epsg))
    own_rain, own = falls(land, epsg, flood)
    rain, storm = falls(land, epsg, flood, asked.storm.stated())
    number = (
        flood["curve_number"] if asked.soil_water is None else curve_number(flood["curve_number"], asked.soil_water)
    )
    before = product.run(with_works(land, epsg, [], asked.culverts), own_rain, flood["curve_number"], flood)
    through = [culvert for culvert in asked.culverts if not culvert.blocked]
    after = product.run(with_works(land, epsg, asked.dikes, through), rain, number, flood)
    baseline, changed = product.summary(before, inside, own), product.summary(after, inside, storm)
    places = Places(twin, f"{FLOODS}/{Path(scenario).stem}")
    runs = xr.concat([product.keep(one, inside).drop_dims("monitor_time") for one in (before, after)], "run")
    write_group(places.cube, FLOODS, runs.assign_attrs(title=asked.title), f"{places.name}: {asked.title}")
    content = {
        "twin": twin,
        "scenario": places.name,
        "issue_time": None,
        "synthetic": is_synthetic(land),
        "title": asked.title,
        "asked": asked.model_dump(mode="json"),
        "summary": {"baseline": baseline, "scenario": changed, "difference": difference(baseline, changed)},
    }
    write_pointer(Path(result), places.cube, FLOODS, **plain(content))


def difference(baseline: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """Return what a scenario changes: depth (m), flooded shares (percent), arrival (h; None where water never came)."""
    arrivals = [one["first_arrival_h"] for one in (baseline, changed)]
    shares = baseline["flooded_share_percent"]
    return {
        "depth_max_m": changed["depth_max_m"] - baseline["depth_max_m"],
        "flooded_share_percent": {key: changed["flooded_share_percent"][key] - shares[key] for key in shares},
        "first_arrival_h": None if None in arrivals else arrivals[1] - arrivals[0],
    }


if __name__ == "__main__":
    raise SystemExit(step.main(simulate_scenario))
