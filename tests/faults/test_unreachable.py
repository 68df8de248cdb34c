"""A provider that cannot be reached stops nothing: the run names it, the last good data stay, the report is built."""

import json

import pytest
import yaml

from tests.conftest import DEMO, clone, snakemake

pytestmark = pytest.mark.slow
# A proxy that nobody listens at makes every live provider unreachable, on machines with and without a network.
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}


def use(folder, **sources):
    path = folder / "config" / "twins" / f"{DEMO}.yaml"
    settings = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(settings | {"sources": sources}))


def test_live_forecast_and_images_that_do_not_answer_leave_the_last_good_data(demo, monkeypatch):
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    use(demo, forecast=["open_meteo"], imagery=["earth_search"])
    done = snakemake(demo, "observe", "--config", f"twin={DEMO}", "as_of=2025-06-18")
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "open_meteo" in told
    assert "earth_search" in told
    assert "the last good data, of 2025-06-15T00, are kept" in told
    done = snakemake(demo, "--config", f"twin={DEMO}")
    assert done.returncode == 0, done.stdout + done.stderr
    alerts = json.loads((demo / f"results/{DEMO}/alerts.json").read_text())
    states = {status["kind"]: status["state"] for status in alerts["health"]}
    assert states["forecast"] == states["imagery"] == "stale"
    assert states["weather"] == "ok"
    ages = [
        row for row in alerts["judgements"] if row["rule"] == "stale_source" and row["evidence"]["source"] == "forecast"
    ]
    assert ages[0]["value"] == 3.0
    assert ages[0]["level"] == "low"
    weather = json.loads((demo / f"results/{DEMO}/weather.json").read_text())
    assert weather["forecast"]["days"][0]["day"] == "2025-06-18"
    # It is named among what failed, and not among what the figures come from.
    failed, origin = (demo / f"reports/{DEMO}/es.html").read_text().split('<section id="provenance"')
    assert "Open-Meteo" in failed
    assert "Open-Meteo" not in origin


def test_weather_that_never_came_stops_with_the_name_of_the_source(tmp_path, monkeypatch):
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    folder = clone(tmp_path / "workspace")
    use(folder, weather=["open_meteo"])
    done = snakemake(folder, "observe", "--config", f"twin={DEMO}", "as_of=2025-06-15")
    told = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Source open_meteo" in told
    assert not list(folder.glob("data/cubes/weather/*.json"))


def test_a_twin_without_any_optional_source_still_gets_its_report(tmp_path):
    folder = clone(tmp_path / "workspace")
    use(folder, forecast=[], imagery=[], terrain=[], soil=[])
    path = folder / "config" / "twins" / f"{DEMO}.yaml"
    settings = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(settings | {"records": {"files": [], "sensors": []}}))
    done = snakemake(folder, "--config", f"twin={DEMO}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((folder / f"results/{DEMO}/yield.json").read_text())["outcome"] == "not_enough_data"
    assert json.loads((folder / f"results/{DEMO}/flood.json").read_text())["reason"]
    assert (folder / f"reports/{DEMO}/es.html").stat().st_size > 100_000
