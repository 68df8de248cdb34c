"""`as_of` of an earlier day in a workspace that is ahead: pins and products come back as they were on that day."""

import json
from pathlib import Path

import pytest

from tests.conftest import DEMO, snakemake
from tests.faults.test_kill import state
from tests.test_rerun import planned

pytestmark = pytest.mark.slow
THEN, AHEAD = "2025-06-15", "2025-06-24"


def run(folder: Path, *arguments: str) -> None:
    done = snakemake(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def at(folder: Path, as_of: str, *, whole: bool) -> None:
    """What `agritwin refresh` does: observe, and where wanted the rest."""
    run(folder, "observe", "--config", f"twin={DEMO}", f"as_of={as_of}")
    if whole:
        run(folder, "--config", f"twin={DEMO}")


def pins(folder: Path) -> dict[str, dict]:
    """What is pinned, by digest: an issue of a day is the same in every later snapshot of its cube."""
    paths = {name: folder / f"data/twins/{DEMO}/{name}.json" for name in ("weather", "forecast", "ndvi")}
    found = {name: json.loads(path.read_text()) for name, path in paths.items()}
    found["forecast"].pop("snapshot")
    return found


def statuses(folder: Path) -> dict[str, dict]:
    return {path.name: json.loads(path.read_text()) for path in folder.glob("data/cubes/*/*.status.json")}


def results(folder: Path) -> dict[str, object]:
    return {name: content for name, content in state(folder).items() if name.startswith("results/")}


def test_an_earlier_date_gives_the_pins_and_products_of_that_date(demo, thorough):
    """By default the days ahead are only observed; at full length products are made ahead and made again."""
    then, known, products = pins(demo), statuses(demo), results(demo) if thorough else {}
    at(demo, AHEAD, whole=thorough)
    assert all(pins(demo)[name] != then[name] for name in then), "days ahead bring weather, an issue and a scene"
    at(demo, THEN, whole=thorough)
    assert pins(demo) == then
    assert statuses(demo) == known
    if thorough:
        assert results(demo) == products
        assert planned(demo, "--config", f"twin={DEMO}") == set()
