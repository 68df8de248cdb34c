"""A scenario of a field from the command line to its result: annual crops go the way of orchards."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml

from agritwin.pins import open_pointer
from tests.conftest import DEMO


def agritwin(folder: Path, *arguments: str) -> str:
    program = Path(sys.executable).with_name("agritwin")
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_field_is_asked_and_answers(demo: Path) -> None:
    file = demo / f"config/twins/{DEMO}.yaml"
    twin = yaml.safe_load(file.read_text(encoding="utf-8"))
    twin["planting"] = {"species": "wheat", "sowing": "10-25"}
    file.write_text(yaml.safe_dump(twin), encoding="utf-8")
    question = demo / "rainfed.yaml"
    asked = {"title": "Rainfed, sown a month later", "members": 24, "irrigation": {"rule": "none"}}
    question.write_text(yaml.safe_dump({"twin": DEMO, "dates": {"sowing": "2024-11-25"}, **asked}), encoding="utf-8")

    told = agritwin(demo, "scenario", "run", str(question))
    assert "Relative yield" in told
    assert "Synthetic weather" in told
    result = json.loads((demo / f"results/{DEMO}/scenarios/rainfed.json").read_text(encoding="utf-8"))
    as_it_is, rainfed = result["summary"]["baseline"], result["summary"]["scenario"]
    assert result["members_done"] == 24
    assert rainfed["irrigation_mm"]["p90"] == 0.0 < as_it_is["irrigation_mm"]["p50"]
    assert rainfed["crop_kg_per_ha"]["p50"] < as_it_is["crop_kg_per_ha"]["p50"]
    season = open_pointer(demo / f"results/{DEMO}/scenarios/rainfed.json")
    sown = season["date_emergence"].to_numpy().astype("datetime64[D]")
    assert (sown[0] > np.datetime64("2024-10-25")).all()
    assert (sown[1] > np.datetime64("2024-11-25")).all()
    assert float(abs(season["water_balance_error"]).max()) < 0.01

    agritwin(demo, "scenario", "delete", "rainfed", "--yes")
    assert not list(demo.glob("results/*/scenarios/*"))
