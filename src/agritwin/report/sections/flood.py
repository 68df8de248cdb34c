"""The design storm on this land."""

from typing import Any

import numpy as np
import xarray as xr

from agritwin.report.sections.flood_what_if import flood_what_if
from agritwin.report.twin import Twin
from agritwin.views import floods, maps
from agritwin.views.blocks import Absent, Block, Columns, Plot, Section, Table, Text
from agritwin.views.language import Language
from agritwin.views.surface import surface

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
CLOSED = 1e-4  # of the water that came in


def build(twin: Twin, say: Language) -> Section:
    """Return the section of the flood."""
    summary, cube = twin.summary("flood"), twin.cube("flood")
    if summary is None and cube is None:
        why = twin.why("flood") or say("reason.no_flood")
        return Section("flood", say("flood.title"), "", (Absent(say("flood.title"), why),))
    blocks: list[Block] = (
        [Text(_sentence(summary, (twin.product("alerts") or {}).get("storm") or {}, say))] if summary else []
    )
    frames, hydrograph = _pictures(twin, cube, say)
    blocks += _uphill((summary or {}).get("catchment"), say)
    blocks += _ahead((summary or {}).get("library"), say)
    blocks.append(Columns(((frames,), (hydrograph, *_facts(summary or {}, say)))))
    relief = _relief(twin, cube, say) if cube is not None else None
    rarity = _rarity(twin.product("alerts") or {}, say)
    if relief is not None or rarity:
        blocks.append(Columns((((relief,) if relief is not None else ()), tuple(rarity))))
    blocks += flood_what_if(twin, say)
    return Section("flood", say("flood.title"), say("flood.lead"), tuple(blocks))


def _uphill(found: dict[str, Any] | None, say: Language) -> list[Block]:
    if not found:
        return []
    way = say.amount(found["longest_way_m"], "m", 0)
    text = say("flood.catchment", area=say.amount(found["area_ha"], "ha", 0), way=way)
    return [Text(text + (" " + say("flood.cut_off") if found["cut_off"] else ""))]


def _ahead(library: dict[str, Any] | None, say: Language) -> list[Block]:
    if not library:
        return []
    cell, error = say.amount(library["resolution_m"], "m", 0), say.amount(library["check_error_m"], "m", 2)
    return [Text(say("flood.ahead", runs=library["runs"], cell=cell, error=error))]


def _relief(twin: Twin, cube: xr.Dataset, say: Language) -> Plot | None:
    """Return the land with the water on it, to be turned; the last step shows the greatest depths."""
    polygon, terrain = twin.polygon_in(cube), twin.terrain_of(cube)
    needed = {"surface_altitude", "slope", "aspect"}
    if polygon is None or terrain is None or not needed <= set(terrain) or "water_depth" not in cube:
        return None
    if cube.sizes.get("time", 0) == 0:
        return None
    kept = maps.thin(cube.sizes["time"])
    depth = cube["water_depth"].isel(time=kept)
    hours = floods.hours(depth["time"])
    names = [floods.clock(float(hour)) for hour in hours]
    if "water_depth_max" in cube:
        depth = xr.concat(
            [depth.drop_vars("time"), cube["water_depth_max"]], "time", coords="minimal", compat="override"
        )
        names.append(say("flood.maxima"))
    layer = maps.depth_layer(depth, say("map.depth"), say("flood.depth"))
    summary = say("flood.surface_summary", hours=floods.clock(float(hours[-1])))
    return surface(
        say, "flood-relief", say("flood.surface_title"), summary, layer, names, polygon, terrain, len(names) - 1,
        maps.MARGIN_M,
    )  # fmt: skip


def _rarity(alerts: dict[str, Any], say: Language) -> list[Block]:
    """Return how rare rain is here, by the twin's record and by the published maps."""
    blocks: list[Block] = []
    for name, caption in (("frequency", "flood.rarity_caption"), ("frequency_maps", "flood.rarity_maps_caption")):
        table = alerts.get(name)
        if table:
            header = (say("flood.duration"), *(f"{years:g}" for years in table["years"]))
            rows = tuple(
                (say.amount(hours, "h", 0), *(say.number(amount, 0) for amount in amounts))
                for hours, amounts in zip(table["durations_h"], table["amounts_mm"], strict=True)
            )
            blocks.append(Table(say(caption), header, rows, frozenset(range(1, len(header)))))
    if alerts.get("soil_water") is not None:
        blocks.append(Text(say("flood.held", share=say.percent(alerts["soil_water"]))))
    return blocks


def _pictures(twin: Twin, cube: xr.Dataset | None, say: Language) -> tuple[Block, Block]:
    if cube is None:
        why = twin.why("flood") or say("reason.no_flood")
        return Absent(say("flood.frames_title"), why), Absent(say("flood.hydrograph_title"), why)
    polygon, hydrograph = twin.polygon_in(cube), floods.hydrograph(say, cube)
    frames = None
    if polygon is not None and "water_depth" in cube and cube.sizes.get("time", 0) > 0:
        title = say("flood.frames_title")
        frames = floods.frames(say, "flood-map", title, cube["water_depth"], polygon, twin.terrain_of(cube))
    return (
        frames or Absent(say("flood.frames_title"), say("reason.no_frames")),
        hydrograph or Absent(say("flood.hydrograph_title"), say("reason.no_hydrograph")),
    )


def _sentence(summary: dict[str, Any], chance: dict[str, Any], say: Language) -> str:
    storm = summary.get("storm") or {}
    shares = summary.get("flooded_share_percent") or {}
    text = say(
        "flood.found",
        storm=say.amount(storm.get("depth_mm"), "mm", 0),
        hours=say.amount(storm.get("duration_h"), "h", 0),
        depth=say.amount(summary.get("depth_max_m"), "m", 2),
        share=say.amount(shares.get("0.1"), "%", 1),
    )
    if summary.get("first_arrival_h") is not None:
        text += " " + say("flood.arrival", hours=floods.clock(summary["first_arrival_h"]))
    if chance.get("probability_of_storm") is not None:
        text += " " + say(
            "flood.chance", share=say.percent(chance["probability_of_storm"]), members=chance.get("members", "–")
        )
    return text


def _facts(summary: dict[str, Any], say: Language) -> list[Block]:
    blocks: list[Block] = []
    shares = summary.get("flooded_share_percent") or {}
    if shares:
        rows = tuple(
            (say.amount(100 * float(depth), "cm", 0), say.amount(share, "%", 1))
            for depth, share in sorted(shares.items())
        )
        blocks.append(
            Table(say("flood.shares_caption"), (say("flood.deeper"), say("flood.share")), rows, frozenset({1}))
        )
    volumes = summary.get("volumes_m3") or {}
    if volumes:
        rows = tuple((say.word("volume", name), say.amount(volume, "m³", 0)) for name, volume in volumes.items())
        blocks.append(
            Table(
                say("flood.volumes_caption"),
                (say("flood.part"), say("flood.volume")),
                rows,
                frozenset({1}),
                folded=True,
            )
        )
    error = summary.get("mass_error_relative")
    if error is not None:
        closed = abs(error) <= CLOSED
        key = "flood.closed" if closed else "flood.not_closed"
        blocks.append(Text(say(key, error=_power(error, say)), "good" if closed else "mid"))
    return blocks


def _power(error: float, say: Language) -> str:
    if error == 0:
        return "0"
    exponent = int(np.floor(np.log10(abs(error))))
    raised = str(exponent).translate(RAISED)
    return f"{say.number(abs(error) / 10.0**exponent, 1)}·10{raised}"
