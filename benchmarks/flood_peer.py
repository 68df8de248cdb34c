"""One flood run of a peer, in the peer's own environment: ``python flood_peer.py NAME PROBLEM.npz RESULT.npz``.

The problem holds the bed (m), depth at the start (m), cell size (m), rain (mm/h) and its end (s), Manning's n, and the
times (s, evenly spaced) at which depths are kept; edges are closed. The result holds these depths (time, y, x), the
updates of cells, and the CPU-seconds of the time loop.
"""

import sys
import time
from datetime import datetime, timedelta

import numpy as np

LONGEST_STEP = 5.0  # s, as in ours and as itzi has it by default


def itzi(bed, start, cell, rain, until, manning, times):
    from itzi_core.const import TemporalType
    from itzi_core.data_containers import SimulationConfig, SurfaceFlowParameters
    from itzi_core.domain_data import DomainData
    from itzi_core.providers.memory_output import MemoryRasterOutputProvider
    from itzi_core.simulation_builder import SimulationBuilder

    rows, columns = bed.shape
    begin, duration = datetime(2000, 1, 1), float(times[-1])
    domain = DomainData(north=rows * cell, south=0, east=columns * cell, west=0, rows=rows, cols=columns, crs_wkt="")
    configuration = SimulationConfig(
        start_time=begin,
        end_time=begin + timedelta(seconds=duration),
        record_step=timedelta(seconds=duration),
        temporal_type=TemporalType.RELATIVE,
        input_map_names={"ground_elevation": "z", "friction": "n", "rainfall_rate": "rain"},
        output_map_names={"water_depth": "h"},
        surface_flow_parameters=SurfaceFlowParameters(),
    )
    builder = SimulationBuilder(configuration, np.zeros(bed.shape, bool), np.float32)
    simulation = builder.with_domain_data(domain).with_raster_output_provider(MemoryRasterOutputProvider()).build()

    def given(name, value):
        simulation.set_array(name, np.broadcast_to(np.asarray(value, np.float32), bed.shape).copy())

    given("ground_elevation", bed)
    given("friction", manning)
    given("rainfall_rate", rain / 3.6e6)
    given("water_depth", start)
    simulation.initialize()
    depths, steps, clock = [], 0, time.process_time()
    for stop in times:
        while simulation.sim_time < begin + timedelta(seconds=float(stop)):
            if simulation.sim_time >= begin + timedelta(seconds=until):
                given("rainfall_rate", 0.0)
            simulation.update()
            steps += 1
        depths.append(np.array(simulation.get_array("water_depth")))
    return depths, steps * bed.size, time.process_time() - clock


def landlab(bed, start, cell, rain, until, manning, times):
    from landlab import RasterModelGrid
    from landlab.components import OverlandFlow

    # A ring of closed nodes, so that the core is the same grid.
    grid = RasterModelGrid((bed.shape[0] + 2, bed.shape[1] + 2), xy_spacing=cell)
    grid.add_field("topographic__elevation", np.pad(bed, 1, mode="edge").ravel().copy(), at="node")
    grid.add_field("surface_water__depth", np.pad(start, 1).ravel().copy(), at="node")
    grid.set_closed_boundaries_at_grid_edges(True, True, True, True)
    flow = OverlandFlow(grid, mannings_n=manning, rainfall_intensity=rain / 3.6e6, steep_slopes=True)
    depths, now, steps, clock = [], 0.0, 0, time.process_time()
    for stop in times:
        while now < stop:
            if now >= until:
                flow.rainfall_intensity = 0.0
            step = min(flow.calc_time_step(), LONGEST_STEP, stop - now)
            flow.run_one_step(step)
            now += step
            steps += 1
        depths.append(grid.at_node["surface_water__depth"].reshape(grid.shape)[1:-1, 1:-1].copy())
    return depths, steps * bed.size, time.process_time() - clock


def anuga(bed, start, cell, rain, until, manning, times):
    import anuga as package

    rows, columns = bed.shape
    domain = package.rectangular_cross_domain(columns, rows, len1=columns * cell, len2=rows * cell)
    domain.set_store(False)
    domain.set_name("peer")
    domain.set_evolve_max_timestep(LONGEST_STEP)
    place = domain.get_centroid_coordinates()
    row = np.clip((place[:, 1] / cell).astype(int), 0, rows - 1)
    column = np.clip((place[:, 0] / cell).astype(int), 0, columns - 1)
    domain.set_quantity("elevation", bed[row, column], location="centroids")
    domain.set_quantity("friction", manning)
    domain.set_quantity("stage", (bed + start)[row, column], location="centroids")
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), package.Reflective_boundary(domain)))
    package.Rate_operator(domain, rate=lambda t: rain / 3.6e6 if t < until else 0.0)
    depths, steps, clock = [], 0, time.process_time()
    for _ in domain.evolve(yieldstep=float(times[0]), finaltime=float(times[-1])):
        steps += domain.number_of_steps
        depth = domain.quantities["stage"].centroid_values - domain.quantities["elevation"].centroid_values
        mean = np.zeros(bed.shape)
        np.add.at(mean, (row, column), depth / 4)
        depths.append(mean)
    return depths[1:], steps * len(place), time.process_time() - clock


if __name__ == "__main__":
    _, name, problem, result = sys.argv
    given = np.load(problem)
    numbers = (float(given[key]) for key in ("cell", "rain", "until", "manning"))
    options = [given["bed"], given["start"], *numbers, given["times"]]
    depth, updates, spent = {"itzi": itzi, "landlab": landlab, "anuga": anuga}[name](*options)
    np.savez(result, depth=depth, updates=updates, cpu=spent)
