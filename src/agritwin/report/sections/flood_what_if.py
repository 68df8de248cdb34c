"""What if it rained otherwise, or a dike were built: the twin's flood scenarios beside the flood as it is."""

from typing import Any

import xarray as xr

from agritwin.report.twin import Twin
from agritwin.views import floods
from agritwin.views.blocks import Block, Columns, Table, Tabs, Text
from agritwin.views.language import Language

#: More would make the page heavy; the command line compares any number.
MOST = 4


def flood_what_if(twin: Twin, say: Language) -> list[Block]:
    """Return the blocks of all flood scenarios that have a result; none where there are none."""
    panels = [
        (content["title"], tuple(_panel(twin, f"flood-what-if-{number}", content, cube, say)))
        for number, (content, cube) in enumerate(twin.flood_scenarios()[:MOST])
    ]
    if not panels:
        return []
    head = Text(say("flood.what_if_lead", count=len(panels)))
    return [head, Tabs("flood-what-if", say("whatif.title"), tuple(panels))]


def _panel(twin: Twin, name: str, content: dict[str, Any], cube: xr.Dataset, say: Language) -> list[Block]:
    title, found = content["title"], _found(content["summary"], say)
    beside: list[Block] = [
        floods.both_depths(say, f"{name}-depth", cube["parcel_depth"], title, found),
        _table(content["summary"], say),
    ]
    polygon, terrain = twin.polygon_in(cube), twin.terrain_of(cube)
    if polygon is None:
        return beside
    change = floods.change_map(say, f"{name}-change", cube["water_depth_max"], polygon, terrain)
    depth = cube["water_depth"].isel(run=1)
    frames = floods.frames(say, f"{name}-map", say("flood.frames_asked"), depth, polygon, terrain)
    return [Columns(((change, frames), tuple(beside)))]


def _found(summary: dict[str, Any], say: Language) -> str:
    own, asked, change = (summary[name] for name in ("baseline", "scenario", "difference"))
    more = change["depth_max_m"] > 0
    return say(
        "flood.what_if_found",
        depth=say.amount(asked["depth_max_m"], "m", 2),
        own=say.amount(own["depth_max_m"], "m", 2),
        change=("+" if more else "") + say.amount(change["depth_max_m"], "m", 2),
    )


def _table(summary: dict[str, Any], say: Language) -> Table:
    runs = [summary[name] for name in ("baseline", "scenario")]
    rows = [
        (say("flood.storm"), *(_storm(run["storm"], say) for run in runs)),
        (say("flood.depth_max"), *(say.amount(run["depth_max_m"], "m", 2) for run in runs)),
        *(
            (
                say("flood.share_deeper", depth=say.amount(100 * float(depth), "cm", 0)),
                *(say.amount(run["flooded_share_percent"][depth], "%", 1) for run in runs),
            )
            for depth in sorted(runs[0]["flooded_share_percent"])
        ),
        (say("flood.arrives"), *(say.amount(run["first_arrival_h"], "h", 2) for run in runs)),
        *(
            (say.word("volume", name), *(say.amount(run["volumes_m3"][name], "m³", 0) for run in runs))
            for name in ("rain_volume", "infiltration_volume", "outflow_volume")
        ),
    ]
    header = (say("flood.what_if_row"), say("whatif.own"), say("whatif.asked"))
    return Table(say("flood.what_if_caption"), header, tuple(rows), numeric=frozenset({1, 2}))


def _storm(storm: dict[str, Any], say: Language) -> str:
    return f"{say.amount(storm['depth_mm'], 'mm', 0)} / {say.amount(storm['duration_h'], 'h', 1)}"
