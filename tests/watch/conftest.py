"""A small workspace for the watch: two twins, a flood library of one, what the DAG would have published."""

import json
import shutil

import pytest
import yaml

from agritwin.records.database import connect, migrate
from tests.conftest import DEMO, ROOT

NEIGHBOUR = "47-96-0-0-5-25-1"


@pytest.fixture(scope="session")
def built_watch(tmp_path_factory):
    """The workspace once: configuration of this repository, a tiny library, an empty record store."""
    import numpy as np
    import xarray as xr
    from shapely.geometry import box

    from agritwin.products import library as product
    from agritwin.simulation.flood.library import Plan

    root = tmp_path_factory.mktemp("watch") / "workspace"
    shutil.copytree(ROOT / "config", root / "config")
    (root / "Snakefile").write_text("")
    (root / "data").mkdir()
    (root / "data" / "archive").symlink_to(ROOT / "data" / "archive")
    rows, columns = np.mgrid[:16, :16]
    heights = 0.1 * rows - 1.0 * np.exp(-((rows - 8) ** 2 + (columns - 8) ** 2) / 10) + 5
    y, x = 155.0 - 10 * np.arange(16), 5.0 + 10 * np.arange(16)
    terrain = xr.Dataset({"surface_altitude": (("y", "x"), heights)}, {"y": y, "x": x}, {"synthetic": "true"})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        plan = Plan((20.0, 60.0, 120.0), (1.0, 6.0), (0.0, 1.0), 20.0, 80.0, 0.05)
        runs = product.library_of(DEMO, terrain, box(30, 30, 120, 120), plan)
        product.keep_library(f"results/{DEMO}/flood_library.json", DEMO, runs, 4.0, None)
    told = [
        {"twin": DEMO, "distance_m": 0.0, "reason": "self"},
        {"twin": NEIGHBOUR, "distance_m": 5.8, "reason": "downstream"},
    ]
    alerts = {"twin": DEMO, "soil_water": 0.5, "judgements": [], "neighbours": told, "frequency": None}
    (root / "results" / DEMO / "alerts.json").write_text(json.dumps(alerts))
    engine = connect(root / "data" / "records.db")
    migrate(engine)
    engine.dispose()
    return root


@pytest.fixture
def workspace(built_watch, tmp_path, monkeypatch):
    """A copy of the workspace, and the working directory."""
    folder = tmp_path / "workspace"
    shutil.copytree(built_watch, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


def configure(folder, **sections):
    """Change sections of the workspace's configuration."""
    path = folder / "config" / "config.yaml"
    stated = yaml.safe_load(path.read_text())
    for section, values in sections.items():
        stated[section] |= values
    path.write_text(yaml.safe_dump(stated))
