"""Machine code that is kept on disk belongs to the sources of today."""

import importlib.util
from pathlib import Path
from typing import Any

import agritwin
from agritwin.simulation.caching import cached

SIMULATION = Path(agritwin.__file__).parent / "simulation"


def loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_name_under_which_code_is_kept_tells_all_kernels_of_its_package(tmp_path: Path) -> None:
    names = []
    for package, constant in (("one", "FACTOR = 2.0"), ("same", "FACTOR = 2.0"), ("other", "FACTOR = 3.0")):
        folder = tmp_path / package
        folder.mkdir()
        (folder / "layout.py").write_text(constant, encoding="utf-8")
        (folder / "kernels.py").write_text("def twice(x):\n    return x\n", encoding="utf-8")
        names.append(cached(loaded(folder / "kernels.py").twice).__name__)
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("twice_")


def test_whatever_is_compiled_counts_into_that_name() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in SIMULATION.rglob("*.py")}
    compiled = [path for path, source in sources.items() if "njit(" in source and path.name != "caching.py"]
    assert len(compiled) > 5
    assert [path for path in compiled if not path.name.endswith("kernels.py")] == []
    assert [path for path in compiled if "cache=True" in sources[path]] == []
