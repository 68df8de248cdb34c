"""A library of floods run ahead: depth and arrival of any rain event, read off between runs in milliseconds.

Runs stand on a grid of rain depth, duration and antecedent soil water. Depth is interpolated over the rain that runs
off, to the power of 0.6: on slopes under Manning's law depth grows with the flow to the power of 3/5, which makes the
way from one run to the next nearly straight. Between durations it is linear in their logarithm, between soil waters
linear. No rain is no water, so the lowest run has a neighbour below it.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from agritwin.simulation.flood.events import Event, curve_number, excess_mm
from agritwin.simulation.flood.infiltration import CurveNumber
from agritwin.simulation.flood.storms import design_storm

AXES = ("soil_water", "duration", "depth")
POWER = 0.6
GROUND = ("surface_altitude", "manning")
"""What of a terrain a flood runs on; the roughness where there is one by cell."""
AFTERWARDS_H = 2.0
"""How long a run goes on after its rain."""
ARRIVED_M = 0.05
STEPS = {"hydrology_step_s": 60.0, "monitor_step_s": 60.0, "longest_step_s": 10.0}


@dataclass(frozen=True)
class Plan:
    """Which events are run ahead, and how.

    Attributes
    ----------
    depths_mm, durations_h, soil_water
        Rising nodes of the grid, two or more soil waters and durations each, one or more depths.
    resolution_m
        Cells of the library; terrain that is finer is averaged.
    curve_number, manning
        Normal curve number of the land and its roughness (s m-1/3).
    """

    depths_mm: tuple[float, ...]
    durations_h: tuple[float, ...]
    soil_water: tuple[float, ...]
    resolution_m: float
    curve_number: float
    manning: float

    @classmethod
    def of(cls, flood: Mapping[str, Any]) -> "Plan":
        """Plan from the section `flood` of the configuration."""
        library = flood["library"]
        nodes = {name: tuple(map(float, library[name])) for name in ("depths_mm", "durations_h", "soil_water")}
        return cls(**nodes, resolution_m=library["resolution_m"], **{k: flood[k] for k in ("curve_number", "manning")})

    def events(self) -> list[Event]:
        """Return the events in the order of the axes."""
        nodes = itertools.product(self.soil_water, self.durations_h, self.depths_mm)
        return [Event(depth, duration, water) for water, duration, depth in nodes]


def ground(terrain: xr.Dataset) -> xr.Dataset:
    """Return what of a terrain a flood runs on."""
    return terrain[[name for name in GROUND if name in terrain]]


def coarsened(terrain: xr.Dataset, resolution_m: float) -> xr.Dataset:
    """Return the terrain on cells of about the resolution, each the mean of those in it; finer ones stay."""
    cell = abs(float(terrain["x"][1] - terrain["x"][0]))
    factor = max(round(resolution_m / cell), 1)
    fine = ground(terrain)
    coarse = fine if factor == 1 else fine.coarsen({"x": factor, "y": factor}, boundary="trim").mean()  # type: ignore[attr-defined]
    return coarse.assign_attrs(terrain.attrs)


def run(terrain: xr.Dataset, event: Event, plan: Plan) -> xr.Dataset:
    """Run one event as the library does: on this terrain, without advection, until some time after the rain."""
    from agritwin.simulation.flood.solver import simulate

    return simulate(
        terrain,
        design_storm(event.depth_mm, event.duration_h),
        duration_s=(event.duration_h + AFTERWARDS_H) * 3600.0,
        output_times_s=[],
        manning=terrain.get("manning", plan.manning),
        infiltration=CurveNumber(curve_number(plan.curve_number, event.soil_water)),
        advection=False,
        thresholds_m=(ARRIVED_M,),
        **STEPS,  # type: ignore[arg-type]
    )


def build(terrain: xr.Dataset, plan: Plan) -> xr.Dataset:
    """Run all events of a plan, with a progress bar.

    Returns
    -------
    xarray.Dataset
        `water_depth_max` (m) and `arrival_rate` (h-1: one over the time at which 5 cm are reached, 0 where they never
        are) over (soil_water, duration, depth, y, x), and the plan in the attributes.
    """
    coarse = coarsened(terrain, plan.resolution_m)
    events = plan.events()
    bar = track(events, "Floods run ahead", console=Console(stderr=True), transient=True)
    runs = [run(coarse, event, plan) for event in bar]
    shape = (len(plan.soil_water), len(plan.durations_h), len(plan.depths_mm), *coarse["surface_altitude"].shape)
    depth = np.stack([found["water_depth_max"].to_numpy() for found in runs]).reshape(shape)
    arrival = np.stack([found["arrival_time"].to_numpy() for found in runs]).reshape(shape) / 3600.0
    rate = np.where(np.isnan(arrival), 0.0, 1.0 / np.maximum(arrival, 1e-3))
    first = runs[0]
    return xr.Dataset(
        {
            "water_depth_max": ((*AXES, "y", "x"), depth, {"units": "m", "long_name": "greatest depth"}),
            "arrival_rate": ((*AXES, "y", "x"), rate.astype("f4"), {"units": "h-1", "long_name": "one over arrival"}),
        },
        {
            "soil_water": (
                "soil_water",
                list(plan.soil_water),
                {"units": "1", "long_name": "share of available water"},
            ),
            "duration": ("duration", list(plan.durations_h), {"units": "h"}),
            "depth": ("depth", list(plan.depths_mm), {"units": "mm", "long_name": "rain of the event"}),
            **{name: first[name] for name in ("y", "x", "spatial_ref") if name in first.variables},
        },
        {**{k: v for k, v in first.attrs.items() if isinstance(v, str)}, **_attributes(plan)},
    )


def _attributes(plan: Plan) -> dict[str, Any]:
    return {name: value for name, value in asdict(plan).items() if not isinstance(value, tuple)}


@dataclass(frozen=True)
class Response:
    """What an event does in a parcel.

    Attributes
    ----------
    depth_max_m
        Greatest depth.
    flooded_share
        Share of the cells deeper than 10 cm.
    arrival_h
        When 5 cm are first reached after the rain began; None where they never are.
    beyond
        Whether the event lies outside of what was run, so that the answer is drawn out rather than read off.
    """

    depth_max_m: float
    flooded_share: float
    arrival_h: float | None
    beyond: bool


@dataclass(frozen=True)
class Library:
    """The runs in the cells asked about, ready for look-ups.

    Attributes
    ----------
    soil_water, durations_h, depths_mm
        Nodes.
    depth, rate
        Greatest depth (m) and one over the arrival (h-1), (soil_water, duration, depth, cell).
    number
        Normal curve number.
    scale
        What depths are multiplied by: a full run over what the library says of the same storm.
    """

    soil_water: NDArray
    durations_h: NDArray
    depths_mm: NDArray
    depth: NDArray
    rate: NDArray
    number: float
    scale: float = 1.0

    @classmethod
    def of(cls, dataset: xr.Dataset, inside: NDArray[np.bool_] | None = None, scale: float = 1.0) -> "Library":
        """Open a dataset of :func:`build`, in the cells of a mask (y, x) or in all."""
        cells = np.ones((dataset.sizes["y"], dataset.sizes["x"]), bool) if inside is None else inside
        nodes = (dataset[name].to_numpy().astype(float) for name in AXES)
        fields = (dataset[name].to_numpy()[..., cells].astype(float) for name in ("water_depth_max", "arrival_rate"))
        return cls(*nodes, *fields, number=float(dataset.attrs["curve_number"]), scale=scale)

    def maps(self, event: Event) -> tuple[NDArray, NDArray]:
        """Return greatest depth (m) and one over the arrival (h-1) of each cell."""
        target = _coordinate(event.depth_mm, curve_number(self.number, event.soil_water))
        waters, durations = _weights(self.soil_water, event.soil_water), self._durations(event.duration_h)
        depth, rate = np.zeros(self.depth.shape[-1]), np.zeros(self.depth.shape[-1])
        for (row, wet), (column, long) in itertools.product(waters, durations):
            axis = _coordinate(self.depths_mm, curve_number(self.number, float(self.soil_water[row])))
            depth += wet * long * _along(axis, self.depth[row, column], target)
            rate += wet * long * _along(axis, self.rate[row, column], target)
        return self.scale * np.maximum(depth, 0.0), np.maximum(rate, 0.0)

    def read(self, event: Event) -> Response:
        """Return what an event does in these cells."""
        depth, rate = self.maps(event)
        soonest = float(rate[depth >= ARRIVED_M].max(initial=0.0))
        return Response(
            depth_max_m=float(depth.max(initial=0.0)),
            flooded_share=float((depth > 0.1).mean()) if depth.size else 0.0,
            arrival_h=1.0 / soonest if soonest * (event.duration_h + AFTERWARDS_H) >= 1.0 else None,
            beyond=bool(
                event.depth_mm > self.depths_mm[-1]
                or not self.durations_h[0] <= event.duration_h <= self.durations_h[-1]
            ),
        )

    def worst(self, events: Sequence[Event]) -> tuple[Event, Response]:
        """Return the event that brings the deepest water, and what it does; the first of equals."""
        answers = [(event, self.read(event)) for event in events]
        return max(answers, key=lambda pair: pair[1].depth_max_m)

    def _durations(self, duration: float) -> list[tuple[int, float]]:
        return _weights(np.log(self.durations_h), float(np.log(duration)))


def _coordinate(depth_mm: float | NDArray, number: float) -> NDArray:
    return excess_mm(depth_mm, number) ** POWER


def _weights(nodes: NDArray, value: float) -> list[tuple[int, float]]:
    """Return the nodes around a value, which is brought into their range, with their weights."""
    inside = float(np.clip(value, nodes[0], nodes[-1]))
    if len(nodes) == 1:
        return [(0, 1.0)]
    below = int(np.clip(np.searchsorted(nodes, inside, side="right") - 1, 0, len(nodes) - 2))
    share = (inside - nodes[below]) / (nodes[below + 1] - nodes[below])
    return [(below, 1.0 - share), (below + 1, share)]


def _along(axis: NDArray, runs: NDArray, target: NDArray) -> NDArray:
    """Interpolate runs (depth, cell) along the axis of what runs off, from no water at 0; drawn out beyond the last.

    Runs without run-off have no water and stand at 0, where they are one with no rain at all.
    """
    wet = axis > 0
    nodes = np.concatenate([[0.0], axis[wet]])
    values = np.concatenate([np.zeros((1, runs.shape[1])), runs[wet]])
    if len(nodes) == 1:
        return np.zeros(runs.shape[1])
    below = int(np.clip(np.searchsorted(nodes, target, side="right") - 1, 0, len(nodes) - 2))
    share = (float(target) - nodes[below]) / (nodes[below + 1] - nodes[below])
    return values[below] + share * (values[below + 1] - values[below])
