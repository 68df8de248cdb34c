"""One flood run of a peer, in the peer's own environment: ``python flood_peer.py NAME PROBLEM.npz RESULT.npz``.

The result holds the depths at the times asked for (time, y, x), the updates of cells, and the CPU-seconds of the time
loop.
"""

import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A run on cells whose rows go from south to north; edges are closed unless something is said of them.

    Attributes
    ----------
    bed, start
        Altitude and depth at the start, m (y, x).
    cell
        Their size, m.
    times
        When depths are kept, s, evenly spaced.
    manning
        A number or a raster, s m-1/3.
    rain, until
        Intensities, mm/h, and the ends of their time, s.
    longest_step
        Of time, s; 5 in ours and by default in itzi.
    entering, west_depth
        Discharge through the western edge, m2/s, and the depth there for those who ask for one, m.
    east_depth
        Depth held at the eastern edge, m, where water enters in the west.
    rising
        Over times, s, the depth at the western edge and that in the middle of the first cells, m (3, time).
    leaving
        Columns of the southern edge over which water falls freely.
    corners
        Bed at the corners of cells, m, for those whose bed is not flat within them; where it is empty, it is.
    """

    bed: np.ndarray
    start: np.ndarray
    cell: float
    times: np.ndarray
    manning: np.ndarray | float
    rain: np.ndarray | float = 0.0
    until: np.ndarray | float = 0.0
    longest_step: float = 5.0
    entering: float = 0.0
    west_depth: float = 0.0
    east_depth: float = 0.0
    rising: np.ndarray = field(default_factory=lambda: np.zeros((3, 0)))
    leaving: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    corners: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    def rain_at(self, seconds):
        """Rain at a time, m/s."""
        ends, rates = np.append(self.until, np.inf), np.append(self.rain, 0.0)
        return float(rates[np.searchsorted(ends, seconds, side="right")]) / 3.6e6

    @property
    def is_channel(self):
        """Whether water enters at one end and leaves at the other."""
        return self.entering > 0


def itzi(problem):
    from itzi_core.const import TemporalType
    from itzi_core.data_containers import SimulationConfig, SurfaceFlowParameters
    from itzi_core.domain_data import DomainData
    from itzi_core.providers.memory_output import MemoryRasterOutputProvider
    from itzi_core.simulation_builder import SimulationBuilder

    bed, cell, times = problem.bed, problem.cell, problem.times
    # Where water leaves there is a pit of one cell: its own open edge lets nothing of a single column pass.
    pits = int(problem.leaving.size > 0)
    bed, manning, start = (
        np.pad(np.broadcast_to(a, bed.shape), ((pits, 0), (0, 0)), mode="edge")
        for a in (bed, problem.manning, problem.start)
    )
    outside = np.zeros(bed.shape, bool)
    outside[:pits] = True
    outside[:pits, problem.leaving] = False
    bed[:pits] -= 100.0
    rows, columns = bed.shape
    begin, duration = datetime(2000, 1, 1), float(times[-1])
    domain = DomainData(north=rows * cell, south=0, east=columns * cell, west=0, rows=rows, cols=columns, crs_wkt="")
    names = {"ground_elevation": "z", "friction": "n", "rainfall_rate": "rain"}
    configuration = SimulationConfig(
        start_time=begin,
        end_time=begin + timedelta(seconds=duration),
        record_step=timedelta(seconds=duration),
        temporal_type=TemporalType.RELATIVE,
        input_map_names=names,
        output_map_names={"water_depth": "h"},
        surface_flow_parameters=SurfaceFlowParameters(dtmax=problem.longest_step),
    )
    builder = SimulationBuilder(configuration, outside, np.float32)
    simulation = builder.with_domain_data(domain).with_raster_output_provider(MemoryRasterOutputProvider()).build()

    def given(name, value, kind=np.float32):
        simulation.set_array(name, np.broadcast_to(np.asarray(value, kind), bed.shape).copy())

    given("ground_elevation", bed)
    given("friction", manning)
    given("rainfall_rate", problem.rain_at(0.0))
    given("water_depth", start)
    first, last = np.arange(columns) == 0, np.arange(columns) == columns - 1
    if problem.rising.size:
        given("boundary_type", first * 4, np.uint8)
    if problem.is_channel:
        # A volume into the first cells, and the depth of the last ones, is what it takes.
        given("inflow", first * problem.entering / cell)
        given("boundary_type", last * 4, np.uint8)
        given("boundary_value", last * problem.east_depth)
    simulation.initialize()
    depths, steps, falling, clock = [], 0, problem.rain_at(0.0), time.process_time()
    for stop in times:
        while simulation.sim_time < begin + timedelta(seconds=float(stop)):
            rain = problem.rain_at((simulation.sim_time - begin).total_seconds())
            if rain != falling:
                given("rainfall_rate", rain)
                falling = rain
            if problem.rising.size:
                seconds = (simulation.sim_time - begin).total_seconds()
                given("boundary_value", first * np.interp(seconds, problem.rising[0], problem.rising[2]))
            simulation.update()
            steps += 1
        depths.append(np.array(simulation.get_array("water_depth"))[pits:])
    return depths, steps * bed.size, time.process_time() - clock


def landlab(problem):
    from landlab import RasterModelGrid
    from landlab.components import OverlandFlow

    # A ring of closed nodes, so that the core is the same grid.
    bed, times = problem.bed, problem.times
    grid = RasterModelGrid((bed.shape[0] + 2, bed.shape[1] + 2), xy_spacing=problem.cell)
    grid.add_field("topographic__elevation", np.pad(bed, 1, mode="edge").ravel().copy(), at="node")
    grid.add_field("surface_water__depth", np.pad(problem.start, 1).ravel().copy(), at="node")
    grid.set_closed_boundaries_at_grid_edges(True, True, True, True)
    grid.status_at_node[problem.leaving + 1] = grid.BC_NODE_IS_FIXED_VALUE
    grid.at_node["topographic__elevation"][problem.leaving + 1] -= (bed[1] - bed[0])[problem.leaving]
    roughness = np.pad(np.broadcast_to(problem.manning, bed.shape), 1, mode="edge").ravel()
    manning = grid.map_mean_of_link_nodes_to_link(roughness)
    flow = OverlandFlow(grid, mannings_n=manning, rainfall_intensity=problem.rain_at(0.0), steep_slopes=True)
    depths, now, steps, clock = [], 0.0, 0, time.process_time()
    for stop in times:
        while now < stop:
            flow.rainfall_intensity = problem.rain_at(now)
            step = min(flow.calc_time_step(), problem.longest_step, stop - now)
            flow.run_one_step(step)
            now += step
            steps += 1
        depths.append(grid.at_node["surface_water__depth"].reshape(grid.shape)[1:-1, 1:-1].copy())
    return depths, steps * bed.size, time.process_time() - clock


def anuga(problem):
    import anuga as package

    bed, cell, times = problem.bed, problem.cell, problem.times
    rows, columns = bed.shape
    points, triangles, edges = package.rectangular_cross(columns, rows, len1=columns * cell, len2=rows * cell)
    for (triangle, edge), tag in edges.items():
        middle = np.asarray(points)[np.asarray(triangles[triangle])].sum(axis=0) / 3
        if tag == "bottom" and int(middle[0] / cell) in problem.leaving:
            edges[triangle, edge] = "foot"
    domain = package.Domain(points, triangles, edges)
    domain.set_store(False)
    domain.set_name("peer")
    domain.set_evolve_max_timestep(problem.longest_step)
    place = domain.get_centroid_coordinates()
    row = np.clip((place[:, 1] / cell).astype(int), 0, rows - 1)
    column = np.clip((place[:, 0] / cell).astype(int), 0, columns - 1)
    if problem.corners.size:
        vertices = domain.get_vertex_coordinates(absolute=True)
        at_corner = np.isclose(vertices % cell, 0, atol=cell / 100) | np.isclose(vertices % cell, cell, atol=cell / 100)
        a, b = (np.rint(vertices[:, k] / cell - np.where(at_corner[:, k], 0, 0.5)).astype(int) for k in (1, 0))
        heights = np.where(
            at_corner[:, 0], problem.corners[a, b], bed[np.minimum(a, rows - 1), np.minimum(b, columns - 1)]
        )
        domain.set_quantity("elevation", heights.reshape(-1, 3), location="vertices")
    else:
        domain.set_quantity("elevation", bed[row, column], location="centroids")
    ground = domain.quantities["elevation"].centroid_values
    domain.set_quantity("friction", np.broadcast_to(problem.manning, bed.shape)[row, column], location="centroids")
    domain.set_quantity(
        "stage", np.where(problem.start > 0, bed + problem.start, -1e6)[row, column], location="centroids"
    )
    stage = domain.quantities["stage"].centroid_values
    stage[:] = np.maximum(stage, ground)
    wall, fall = package.Reflective_boundary(domain), package.Dirichlet_boundary([float(bed.min()) - 1.0, 0.0, 0.0])
    conditions = {tag: fall if tag == "foot" else wall for tag in set(edges.values())}
    if problem.is_channel:
        west, east = problem.corners[0, [0, -1]]
        conditions["left"] = package.Dirichlet_boundary([west + problem.west_depth, problem.entering, 0.0])
        conditions["right"] = package.Transmissive_momentum_set_stage_boundary(
            domain, lambda _: east + problem.east_depth
        )
    if problem.rising.size:
        # The bed is level, at 0.
        conditions["left"] = package.Transmissive_momentum_set_stage_boundary(
            domain, lambda t: float(np.interp(t, problem.rising[0], problem.rising[1]))
        )
    domain.set_boundary(conditions)
    package.Rate_operator(domain, rate=problem.rain_at)
    depths, steps, clock = [], 0, time.process_time()
    for _ in domain.evolve(yieldstep=float(times[0]), finaltime=float(times[-1])):
        steps += domain.number_of_steps
        mean = np.zeros(bed.shape)
        np.add.at(mean, (row, column), (stage - ground) / 4)
        depths.append(mean)
    return depths[1:], steps * len(place), time.process_time() - clock


if __name__ == "__main__":
    _, name, problem, result = sys.argv
    given = {key: value if value.ndim else value.item() for key, value in np.load(problem).items()}
    depth, updates, spent = {"itzi": itzi, "landlab": landlab, "anuga": anuga}[name](Problem(**given))
    np.savez(result, depth=depth, updates=updates, cpu=spent)
