"""What all tests share: the workspace's root, the reference material beside it, small cubes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

ROOT = Path(__file__).resolve().parents[1]
DEMO = "47-96-0-0-5-20-1"
pytest_plugins = ["tests.servers"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough", action="store_true", help="run campaigns at full length: more kills, seeds and benchmarks"
    )


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> bool:
    """True where a campaign shall run at full length (`make acceptance`)."""
    return bool(request.config.getoption("--thorough"))


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


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the workflow in a folder, as a person would who has not even activated the environment."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": os.defpath},
    )


def clone(target: Path) -> Path:
    """Lay out what a fresh clone holds, the archive linked, in a folder of its own."""
    target.mkdir(parents=True)
    for name in ("Snakefile", "workflow", "config", "notebooks", "profiles"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            shutil.copy2(source, target / name)
    (target / "data").mkdir()
    (target / "data" / "archive").symlink_to(ROOT / "data" / "archive")
    return target


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """A workspace with the demo twin built once; tests copy it before they change it."""
    folder = clone(tmp_path_factory.mktemp("built") / "workspace")
    done = snakemake(folder, "--config", f"twin={DEMO}")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def demo(built, tmp_path, monkeypatch) -> Path:
    """A copy of the built workspace, and the working directory."""
    folder = tmp_path / "workspace"
    shutil.copytree(built, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder
