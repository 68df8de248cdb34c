"""Where the parcel lies: the map with its layers, the scenes to leaf through, terrain and soil in numbers."""

from typing import Any

import numpy as np
import xarray as xr
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from agritwin.geometry import to_crs
from agritwin.report.twin import Twin
from agritwin.views import maps
from agritwin.views.blocks import Absent, Block, Columns, Plot, Section, Table, Text
from agritwin.views.language import Language

SOIL_COLUMNS = (("sand", 0), ("silt", 0), ("clay", 0), ("field_capacity", 2), ("wilting_point", 2))


def build(twin: Twin, say: Language) -> Section:
    """Return the section of maps."""
    pair: tuple[tuple[Block, ...], ...] = ((_map(twin, say),), (_scenes(twin, say),))
    blocks: list[Block] = [Columns(pair), *_numbers(twin, say)]
    if twin.cube("terrain") is None:
        blocks.insert(1, Absent(say("map.relief_only"), twin.why("terrain") or say("reason.no_terrain")))
    return Section("map", say("map.section"), say("map.lead"), tuple(blocks))


def usable_scenes(cube: xr.Dataset) -> xr.DataArray:
    """Return NDVI of the scenes that show anything of the parcel, masked pixels as NaN."""
    seen = cube["valid_share"].to_numpy() > 0
    chosen = cube.isel(time=np.flatnonzero(seen)[-maps.MOST_FRAMES :])
    return chosen["ndvi"].where(chosen["valid"] == 1)


def _map(twin: Twin, say: Language) -> Plot | Absent:
    terrain, imagery, flood = twin.cube("terrain"), twin.cube("ndvi_season"), twin.cube("flood")
    grid = next((cube for cube in (terrain, flood, imagery) if cube is not None), None)
    if twin.polygon is None or grid is None:
        return Absent(say("map.title"), twin.why("terrain") or say("reason.no_terrain"))
    same = [cube for cube in (imagery, flood) if cube is not None and twin.epsg(cube) == twin.epsg(grid)]
    layers = []
    if any(cube is imagery for cube in same) and imagery is not None:
        scene = _last_usable(imagery)
        if scene is not None:
            day = say.date(scene["time"].to_numpy())
            layers.append(maps.ndvi_layer(scene, f"NDVI {day}", "NDVI"))
    if terrain is not None and "slope" in terrain:
        layers.append(maps.slope_layer(terrain["slope"], say("map.slope"), say("map.slope")))
    if any(cube is flood for cube in same) and flood is not None and "water_depth_max" in flood:
        layers.append(maps.depth_layer(flood["water_depth_max"], say("map.depth"), say("map.depth")))
    polygon = twin.polygon_in(grid)
    assert polygon is not None
    return maps.parcel_map(say, polygon, terrain, layers, _summary(twin, say), _neighbours(twin, twin.epsg(grid)))


def _neighbours(twin: Twin, epsg: int) -> list[BaseGeometry]:
    """Return the outlines of the other twins that are told of a flood here, in the metres of the map."""
    rows = (twin.product("alerts") or {}).get("neighbours") or []
    known = [shape(row["geometry"]) for row in rows if row.get("geometry") and row["twin"] != twin.code]
    return [to_crs(geometry, 4326, epsg) for geometry in known]


def _last_usable(cube: xr.Dataset) -> xr.DataArray | None:
    good = np.flatnonzero(cube["usable"].to_numpy().astype(bool))
    if good.size == 0:
        return None
    scene = cube.isel(time=good[-1])
    return scene["ndvi"].where(scene["valid"] == 1)


def _summary(twin: Twin, say: Language) -> str:
    parcel = twin.product("parcel")
    terrain = (parcel or {}).get("terrain")
    if not terrain:
        return say("map.no_terrain_summary")
    return say(
        "map.summary",
        altitude=say.amount(terrain["altitude_mean_m"], "m", 0),
        slope=say.amount(terrain["slope_mean_percent"], "%"),
        steepest=say.amount(terrain["slope_max_percent"], "%", 0),
    )


def _scenes(twin: Twin, say: Language) -> Plot | Absent:
    cube = twin.cube("ndvi_season")
    if cube is None or twin.polygon is None:
        return Absent(say("ndvi.map_title"), twin.why("ndvi_season") or say("reason.no_imagery"))
    scenes = usable_scenes(cube)
    if scenes.sizes["time"] == 0:
        return Absent(say("ndvi.map_title"), say("reason.all_clouded"))
    polygon = twin.polygon_in(cube)
    assert polygon is not None
    shares = cube["valid_share"].sel(time=scenes["time"]).to_numpy()
    dates = scenes["time"].to_numpy()
    steps = [
        f"{say.date(day)} · {say('tile.valid', share=say.percent(share))}"
        for day, share in zip(dates, shares, strict=True)
    ]
    good = np.flatnonzero(cube["usable"].sel(time=scenes["time"]).to_numpy().astype(bool))
    start = int(good[-1]) if good.size else len(steps) - 1
    return maps.leaf_through(
        say,
        "ndvi-map",
        say("ndvi.map_title"),
        say("ndvi.map_summary", scenes=len(steps), first=say.date(dates[0]), last=say.date(dates[-1])),
        say("word.date"),
        maps.ndvi_layer(scenes, "NDVI", "NDVI"),
        steps,
        polygon,
        None,
        start,
    )


def _numbers(twin: Twin, say: Language) -> list[Block]:
    parcel = twin.product("parcel")
    if parcel is None:
        return [Absent(say("map.facts"), twin.why("parcel") or say("reason.not_built"))]
    blocks: list[Block] = []
    if parcel.get("area_conflict"):
        blocks.append(
            Text(
                say(
                    "map.area_conflict",
                    declared=say.amount(parcel["declared_area_ha"], "ha", 2),
                    measured=say.amount(parcel["polygon_area_ha"], "ha", 2),
                    confirmed=say.word("map", f"confirmed_{parcel.get('area_confirmed')}"),
                ),
                "low",
            )
        )
    if parcel.get("note"):
        blocks.append(Text(say("map.note", text=str(parcel["note"]).rstrip("."))))
    soil = parcel.get("soil")
    if not soil:
        blocks.append(Absent(say("map.soil"), say("reason.no_soil")))
        return blocks
    blocks.append(
        Text(
            say(
                "map.soil_found",
                water=say.amount(_plain_number(soil.get("total_available_water_mm")), "mm", 0),
                depth=say.amount(soil.get("root_depth_m"), "m"),
            )
        )
    )
    blocks.append(_soil_table(soil["layers"], say))
    return blocks


def _plain_number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _soil_table(layers: list[dict[str, Any]], say: Language) -> Table:
    present = [(name, digits) for name, digits in SOIL_COLUMNS if any(layer.get(name) is not None for layer in layers)]
    header = (say("map.soil_depth"), *(say(f"soil.{name}") for name, _ in present))
    rows = tuple(
        (
            f"{say.number(100 * layer['depth_top_m'], 0)}–{say.number(100 * layer['depth_bottom_m'], 0)} cm",
            *(say.number(layer.get(name), digits) for name, digits in present),
        )
        for layer in layers
    )
    return Table(say("map.soil_caption"), header, rows, frozenset(range(1, len(header))), folded=True)
