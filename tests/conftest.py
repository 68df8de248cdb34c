"""What all tests share: the workspace's root, the reference material beside it, small cubes."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

ROOT = Path(__file__).resolve().parents[1]
DEMO = "47-96-0-0-5-20-1"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared(root: Path) -> Path:
    """The reference material that lies beside the project; absent on most machines."""
    folder = root.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the reference material ../shared is not on this machine")
    return folder


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Path:
    """A copy of everything that a fresh clone holds, without results: a workspace of its own."""
    for name in ("Snakefile", "workflow", "config", "notebooks", "profiles", "src"):
        source = root / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            shutil.copy2(source, tmp_path / name)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "archive").symlink_to(root / "data" / "archive")
    return tmp_path


@pytest.fixture
def hourly() -> xr.Dataset:
    """Four days of hourly weather with known values."""
    time = np.arange("2025-06-01T00", "2025-06-05T00", dtype="datetime64[h]").astype("datetime64[ns]")
    count = np.arange(time.size, dtype="f4")
    attributes = {"units": "degC", "long_name": "air temperature"}
    return xr.Dataset(
        {
            "air_temperature": ("time", 15 + np.sin(count / 4), attributes),
            "precipitation": ("time", np.where(count % 24 == 5, 2.0, 0.0), {"units": "mm", "long_name": "rain"}),
        },
        {"time": time},
        {"source": "test", "synthetic": "true", "title": "t", "licence": "l", "attribution": "a"},
    )
