"""A module imports from its own floor downward, never upward (docs/architecture.md)."""

import ast
from pathlib import Path

import pytest

FLOORS = [
    {"errors", "units", "clock", "geometry", "registry", "workspace"},
    {"settings", "config", "fingerprint"},
    {"cubes", "provenance", "stacked", "weather_cube", "forecast_cube", "pins", "records"},
    {"sources"},
    {"agromet", "vegetation", "terrain", "soil"},
    {"holding", "sensors"},
    {"models", "simulation"},
    {"alerts"},
    {"views", "products"},
    {"report", "app", "api", "cli", "twins", "notebook", "job", "warm", "observe", "watch", "scenarios", "backup"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
SOURCE = Path(__file__).resolve().parents[1] / "src" / "agritwin"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def part(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: import by full name"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_downward(path):
    assert part(path) in FLOOR, f"{part(path)} has no floor: give it one here and in the architecture"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "agritwin" and len(parts) > 1 and parts[1] in FLOOR:
            assert FLOOR[parts[1]] <= FLOOR[part(path)], f"{path} reaches up to {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_below_the_views_imports_what_draws_pages(path):
    if FLOOR[part(path)] < FLOOR["views"]:
        assert not {name.split(".")[0] for name in imported(path)} & {"panel", "hvplot", "holoviews", "bokeh"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_knows_the_workflow_engine(path):
    assert not {name.split(".")[0] for name in imported(path)} & {"snakemake"}
