"""What runs again, and what does not: the semantics that the workflow promises, on real runs and dry runs.

These must hold on every release of Snakemake, whose rerun rules still move.
"""

import json
import os
import re
import shutil

import pytest

from tests.conftest import DEMO, ROOT, clone, snakemake

NEIGHBOUR = "47-96-0-0-5-25-1"
FAR = "47-124-0-0-1-53-1"
pytestmark = pytest.mark.slow


def planned(folder, *arguments):
    """The jobs of a dry run: set of (rule, twin or cell)."""
    done = snakemake(folder, "-n", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = re.findall(r"(?m)^(?:local)?rule (\w+):\n((?:    .+\n)*)", done.stdout + done.stderr)
    found = set()
    for rule, body in jobs:
        where = re.search(r"wildcards: (?:twin|cell)=(\S+)", body)
        if rule not in ("all", "observe", "records", "models", "simulations"):
            found.add((rule, where[1] if where else None))
    return found


def rules(jobs, twin=None):
    return {rule for rule, where in jobs if twin is None or where == twin}


@pytest.fixture
def project(built, tmp_path, monkeypatch):
    """The built workspace with sources of its own, so that code can be edited."""
    folder = tmp_path / "workspace"
    shutil.copytree(built, folder, symlinks=True)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(folder / "src"))
    monkeypatch.chdir(folder)
    return folder


def edit(folder, module, old, new):
    path = folder / "src" / "agritwin" / module
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_same_date_again_runs_nothing(project):
    assert planned(project, "--config", f"twin={DEMO}") == set()
    assert planned(project, "--config", f"twin={DEMO}", "as_of=2025-06-15") == set()


def test_all_files_touched_as_by_a_fresh_clone_run_nothing(project):
    for folder in ("notebooks", "workflow", "config", "src"):
        for path in (project / folder).rglob("*"):
            if path.is_file():
                os.utime(path)
    os.utime(project / "Snakefile")
    assert planned(project, "--config", f"twin={DEMO}") == set()


def test_a_comment_or_a_docstring_runs_nothing(project):
    edit(project, "agromet/et0.py", '"""', '"""Edited. ')
    edit(project, "models/sarimax.py", "\nimport", "\n# a remark\nimport")
    assert planned(project, "--config", f"twin={DEMO}") == set()


def test_an_edited_function_runs_exactly_the_rules_whose_notebooks_import_it(project):
    edit(project, "models/yields.py", "def training_table(", "UNUSED = 1\n\n\ndef training_table(")
    assert rules(planned(project, "--config", f"twin={DEMO}")) == {"fit_yield", "build_report"}


def test_an_edited_source_does_not_fetch_for_its_readers_but_for_itself(project):
    edit(project, "simulation/flood/storms.py", "def design_storm(", "UNUSED = 1\n\n\ndef design_storm(")
    assert rules(planned(project, "--config", f"twin={DEMO}")) == {"simulate_flood", "judge_alerts", "build_report"}


def test_one_twins_flood_setting_runs_that_twins_flood_alerts_and_report(project):
    path = project / "config" / "twins" / f"{DEMO}.yaml"
    path.write_text(path.read_text() + "flood:\n  storm_depth_mm: 75\n")
    assert planned(project, "--config", f"twin={DEMO}") == {
        (rule, DEMO) for rule in ("simulate_flood", "judge_alerts", "build_report")
    }


def test_a_default_that_a_twin_overrides_does_not_concern_it(project):
    path = project / "config" / "twins" / f"{DEMO}.yaml"
    path.write_text(path.read_text() + "flood:\n  manning: 0.05\n")
    defaults = project / "config" / "config.yaml"
    defaults.write_text(defaults.read_text().replace("manning: 0.05", "manning: 0.06"))
    assert planned(project, "--config", f"twin={DEMO}") == set()


def test_a_new_twin_in_the_same_cell_runs_only_its_own_jobs(project):
    jobs = planned(project, "--config", f"twin={DEMO},{NEIGHBOUR}")
    assert jobs
    assert {where for _, where in jobs} == {NEIGHBOUR}
    assert not rules(jobs) & {"fetch_weather", "fetch_forecast"}


def test_a_new_twin_in_another_cell_fetches_that_cell_too(project):
    jobs = planned(project, "--config", f"twin={DEMO},{FAR}")
    assert {where for rule, where in jobs if rule in ("fetch_weather", "fetch_forecast")} == {"archive-n413w049"}
    assert DEMO not in {where for _, where in jobs}


def test_a_notebook_edited_runs_its_rule_and_what_reads_it(project):
    path = project / "notebooks" / "50_forecast.ipynb"
    document = json.loads(path.read_text())
    document["cells"][0]["source"].append("\nOne more sentence.")
    path.write_text(json.dumps(document))
    assert rules(planned(project, "--config", f"twin={DEMO}")) == {
        "fit_forecast",
        "judge_health",
        "judge_alerts",
        "build_report",
    }


def test_a_new_date_fetches_and_pins_and_then_runs_what_reads_the_season_but_no_pin_of_history(project):
    pins = {name: project / f"data/twins/{DEMO}/{name}.json" for name in ("weather", "ndvi")}
    history = {name: json.loads(pin.read_text())["history"] for name, pin in pins.items()}
    jobs = planned(project, "observe", "--config", f"twin={DEMO}", "as_of=2025-06-16")
    assert rules(jobs) == {"set_clock", "fetch_weather", "fetch_forecast", "observe_twin"}
    done = snakemake(project, "observe", "--config", f"twin={DEMO}", "as_of=2025-06-16")
    assert done.returncode == 0, done.stdout + done.stderr
    for name, before in history.items():
        assert json.loads(pins[name].read_text())["history"] == before
    assert json.loads(pins["weather"].read_text())["season"]["end"] == "2025-06-15T23:00:00"
    after = rules(planned(project, "--config", f"twin={DEMO}"))
    assert {"describe_weather", "simulate_crop", "judge_alerts", "build_report"} <= after
    assert not after & {"fetch_site", "describe_parcel", "fetch_weather", "observe_twin", "simulate_flood"}
    assert planned(project, "observe", "--config", f"twin={DEMO}", "as_of=2025-06-16") == set()


def test_a_twin_whose_slice_did_not_change_runs_nothing_after_a_new_date(tmp_path, monkeypatch):
    """Two twins in two cells; the archive of the second ends before the new day, so nothing of it changes."""
    import pandas as pd

    folder = clone(tmp_path / "workspace")
    (folder / "data" / "archive").unlink()
    shutil.copytree(ROOT / "data" / "archive", folder / "data" / "archive")
    for path in (folder / "data" / "archive" / "weather").glob("n413w049.parquet"):
        table = pd.read_parquet(path)
        times = pd.to_datetime(table["time"])
        cut = table[times < pd.Timestamp("2025-06-15", tz=times.dt.tz)]
        cut.to_parquet(path)
    monkeypatch.chdir(folder)
    both = f"twin={DEMO},{FAR}"
    targets = [f"results/{twin}/{product}.json" for twin in (DEMO, FAR) for product in ("forecast", "ndvi")]
    done = snakemake(folder, *targets, "--config", both)
    assert done.returncode == 0, done.stdout + done.stderr
    before = (folder / f"data/twins/{FAR}/weather.json").read_bytes()
    done = snakemake(folder, "observe", "--config", both, "as_of=2025-06-16")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / f"data/twins/{FAR}/weather.json").read_bytes() == before
    assert planned(folder, *targets, "--config", both) == {("fit_forecast", DEMO)}
