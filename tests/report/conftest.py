import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import holding


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return holding.make(tmp_path_factory.mktemp("holding"))


@pytest.fixture
def twin(paths: dict[str, str]):
    from agritwin.report import load

    return load(name="La Prueba", **paths)
