"""One flood run of a peer, in the peer's own environment: ``python flood_peer.py NAME PROBLEM.npz RESULT.npz``.

The problem holds the bed (m), cell size (m), rain (mm/h), Manning's n and duration (s); edges are closed. The result
holds the depth at the end, the cell updates, and the CPU-seconds of the time loop.
"""

import sys
import time
from datetime import datetime, timedelta

import numpy as np

LONGEST_STEP = 5.0  # s, as in ours and as itzi has it by default


def itzi(bed, cell, rain, manning, duration):
    from itzi_core.const import TemporalType
    from itzi_core.data_containers import SimulationConfig, SurfaceFlowParameters
    from itzi_core.domain_data import DomainData
    from itzi_core.providers.memory_output import MemoryRasterOutputProvider
    from itzi_core.simulation_builder import SimulationBuilder

    rows, columns = bed.shape
    start = datetime(2000, 1, 1)
    domain = DomainData(north=rows * cell, south=0, east=columns * cell, west=0, rows=rows, cols=columns, crs_wkt="")
    configuration = SimulationConfig(
        start_time=start,
        end_time=start + timedelta(seconds=duration),
        record_step=timedelta(seconds=duration),
        temporal_type=TemporalType.RELATIVE,
        input_map_names={"ground_elevation": "z", "friction": "n", "rainfall_rate": "rain"},
        output_map_names={"water_depth": "h"},
        surface_flow_parameters=SurfaceFlowParameters(),
    )
    builder = SimulationBuilder(configuration, np.zeros(bed.shape, bool), np.float32)
    simulation = builder.with_domain_data(domain).with_raster_output_provider(MemoryRasterOutputProvider()).build()
    for name, value in (("ground_elevation", bed), ("friction", manning), ("rainfall_rate", rain / 3.6e6)):
        simulation.set_array(name, np.broadcast_to(np.asarray(value, np.float32), bed.shape).copy())
    simulation.initialize()
    steps, clock = 0, time.process_time()
    while simulation.sim_time < simulation.end_time:
        simulation.update()
        steps += 1
    return simulation.get_array("water_depth"), steps * bed.size, time.process_time() - clock


def landlab(bed, cell, rain, manning, duration):
    from landlab import RasterModelGrid
    from landlab.components import OverlandFlow

    # A ring of closed nodes, so that the core is the same grid.
    grid = RasterModelGrid((bed.shape[0] + 2, bed.shape[1] + 2), xy_spacing=cell)
    grid.add_field("topographic__elevation", np.pad(bed, 1, mode="edge").ravel().copy(), at="node")
    grid.add_zeros("surface_water__depth", at="node")
    grid.set_closed_boundaries_at_grid_edges(True, True, True, True)
    flow = OverlandFlow(grid, mannings_n=manning, rainfall_intensity=rain / 3.6e6, steep_slopes=True)
    now, steps, clock = 0.0, 0, time.process_time()
    while now < duration:
        step = min(flow.calc_time_step(), LONGEST_STEP, duration - now)
        flow.run_one_step(step)
        now += step
        steps += 1
    depth = grid.at_node["surface_water__depth"].reshape(grid.shape)[1:-1, 1:-1]
    return depth, steps * bed.size, time.process_time() - clock


def anuga(bed, cell, rain, manning, duration):
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
    domain.set_quantity("stage", bed[row, column], location="centroids")
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), package.Reflective_boundary(domain)))
    package.Rate_operator(domain, rate=rain / 3.6e6)
    steps, clock = 0, time.process_time()
    for _ in domain.evolve(yieldstep=duration, finaltime=duration):
        steps += domain.number_of_steps
    spent = time.process_time() - clock
    depth = domain.quantities["stage"].centroid_values - domain.quantities["elevation"].centroid_values
    mean = np.zeros(bed.shape)
    np.add.at(mean, (row, column), depth / 4)
    return mean, steps * len(place), spent


if __name__ == "__main__":
    _, name, problem, result = sys.argv
    given = np.load(problem)
    options = [given["bed"], *(float(given[key]) for key in ("cell", "rain", "manning", "duration"))]
    depth, updates, spent = {"itzi": itzi, "landlab": landlab, "anuga": anuga}[name](*options)
    np.savez(result, depth=depth, updates=updates, cpu=spent)
