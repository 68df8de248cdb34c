"""How good the alerts are, and how fast: hits, misses and false alarms against simulated truth.

Forecast rules: on every issue day the archive's forecast members (synthetic weather plus forecast errors) are judged
for the two days ahead, and what the synthetic weather then did is the truth. Live floods: storms of random depth,
duration and soil fall on the archive's terrain, a gauge with an error of a tenth says so message by message, and the
truth is a full run of that storm on cells of 10 m. Everything is synthetic: the table tells how the rules work, not how
often they would be right on a holding.

Run: python -m benchmarks.alerts [issue days, 150 by default] [storms, 24 by default]
"""

import datetime as dt
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from agritwin.alerts import evidence
from agritwin.alerts.catalogue import rules
from agritwin.alerts.live import RainReading, Situation, follow
from agritwin.alerts.replay import Verification
from agritwin.alerts.rules import LEVELS, Rule, judge
from agritwin.config import read_yaml
from agritwin.geometry import read_parcels, to_crs
from agritwin.products.flood import parcel_mask
from agritwin.simulation.flood import CurveNumber, simulate
from agritwin.simulation.flood.events import Event, curve_number
from agritwin.simulation.flood.library import AFTERWARDS_H, Library, Plan, build, coarsened
from agritwin.simulation.flood.storms import design_storm
from agritwin.sources.archive import ArchiveForecast, ArchiveTerrain, ArchiveWeather
from agritwin.sources.base import When, Where

ROOT = Path(__file__).resolve().parents[1]
OUTLINE = ROOT / "config" / "twins" / "47-96-0-0-5-20-1.geojson"
EPSG = 32630
DAYS_AHEAD = 2
FORECAST_RULES = ("frost", "heat", "heavy_rain", "downpour")
OUTCOMES = ("hit", "miss", "false alarm")


def outcome(alert: bool, danger: bool) -> str:
    """Return what an alert and a danger, or their absence, make together."""
    return {(True, True): "hit", (False, True): "miss", (True, False): "false alarm"}.get((alert, danger), "quiet")


def show(rule: str, found: Verification, level: str) -> None:
    """Print one line of the table."""
    shares = ["-" if share is None else f"{share:.2f}" for share in (found.detected, found.false_alarm_ratio)]
    counts = f"{found.hits:>5} {found.misses:>7} {found.false_alarms:>13}"
    sys.stdout.write(f"{rule:<12} {level:<8} {counts} {shares[0]:>9} {shares[1]:>12}\n")


def told(values: xr.Dataset, made: Mapping[str, Rule], until: dt.datetime, source: str) -> dict[str, str]:
    """Judge temperature and rain of members, or of one series, by the rules."""
    temperature, rain = values["air_temperature"], values["precipitation"]
    found = {
        "frost": evidence.of_members(temperature, until, source),
        "heat": evidence.of_members(temperature, until, source),
        "heavy_rain": evidence.rain_in_24_hours(rain, until, source),
        "downpour": evidence.of_members(rain, until, source),
    }
    return {name: judge(one, made[name]).level for name, one in found.items()}


def forecast_rules(count: int, made: Mapping[str, Rule], where: Where) -> None:
    """Score the rules on forecast members, by issue day, at the levels low and serious."""
    first, last = dt.date(2019, 1, 2), dt.date(2025, 6, 10)
    step = (last - first).days / count
    weather, forecast = ArchiveWeather(), ArchiveForecast()
    tally: Counter[tuple[str, str, str]] = Counter()
    for number in range(count):
        issue = first + dt.timedelta(days=round(number * step))
        until = dt.datetime.combine(issue, dt.time(), dt.UTC)
        span = When(issue, issue + dt.timedelta(days=DAYS_AHEAD - 1))
        said = told(forecast.fetch(where, span), made, until, "members")
        was = told(weather.fetch(where, span), made, until, "weather")
        for name in FORECAST_RULES:
            for level in ("low", "serious"):
                alert, danger = (LEVELS.index(one[name]) >= LEVELS.index(level) for one in (said, was))
                tally[name, level, outcome(alert, danger)] += 1
    for name in FORECAST_RULES:
        for level in ("low", "serious"):
            show(name, Verification(*(tally[name, level, one] for one in OUTCOMES)), level)


def full_depth(terrain: xr.Dataset, inside: np.ndarray, event: Event, plan: Plan) -> float:
    """Greatest depth in the parcel by a full run, m."""
    run = simulate(
        terrain,
        design_storm(event.depth_mm, event.duration_h),
        duration_s=(event.duration_h + AFTERWARDS_H) * 3600,
        output_times_s=[],
        manning=plan.manning,
        infiltration=CurveNumber(curve_number(plan.curve_number, event.soil_water)),
        advection=False,
    )
    return float(run["water_depth_max"].to_numpy()[inside].max())


def live_floods(count: int, made: Mapping[str, Rule], flood: dict, where: Where) -> None:
    """Score live detection on storms, and measure the library and the time that it takes."""
    terrain = coarsened(ArchiveTerrain().fetch(where, When(dt.date(2025, 6, 1), dt.date(2025, 6, 1))), 10.0)
    polygon = to_crs(read_parcels(OUTLINE)[0][0], 4326, EPSG)
    plan = Plan.of(flood)
    begin = time.process_time()
    built = build(terrain, plan)
    cost = time.process_time() - begin
    inside_full = parcel_mask(terrain, polygon).to_numpy().astype(bool)
    inside = parcel_mask(coarsened(terrain, plan.resolution_m), polygon).to_numpy().astype(bool)
    storm = Event(flood["storm_depth_mm"], flood["storm_duration_h"], 0.5)
    plain = Library.of(built, inside)
    library = replace(plain, scale=full_depth(terrain, inside_full, storm, plan) / plain.read(storm).depth_max_m)
    random, tally, errors, spent = np.random.default_rng(11), Counter[tuple[str, str]](), [], []
    for _ in range(count):
        hours = float(np.round(np.exp(random.uniform(np.log(0.5), np.log(6))), 1))
        event = Event(float(random.uniform(8, 110)), hours, float(random.uniform(0, 1)))
        truth = full_depth(terrain, inside_full, event, plan)
        errors.append(library.read(event).depth_max_m - truth)
        rain = design_storm(event.depth_mm, event.duration_h)
        noon = dt.datetime(2025, 6, 15, 12, tzinfo=dt.UTC)
        said = [
            RainReading("gauge", noon + dt.timedelta(seconds=float(end)), float(mm * random.normal(1.0, 0.1)))
            for end, mm in zip(rain["time"].to_numpy(), rain.to_numpy(), strict=True)
        ]
        begin = time.process_time()
        changes = follow(said, Situation(made, library, None, event.soil_water))[1]
        spent.append((time.process_time() - begin) / len(said))
        reached = max((LEVELS.index(j.level) for j in changes if j.rule == "flood"), default=0)
        for level in ("low", "mid", "serious"):
            danger, alert = truth >= made["flood"].thresholds[level], reached >= LEVELS.index(level)
            tally[level, outcome(alert, danger)] += 1
    for level in ("low", "mid", "serious"):
        show("flood, live", Verification(*(tally[level, one] for one in OUTCOMES)), level)
    begin = time.process_time()
    for _ in range(200):
        library.read(Event(62.0, 2.0, 0.4))
    read_ms = (time.process_time() - begin) / 200 * 1e3
    absolute = np.abs(errors)
    sys.stdout.write(
        f"\nlibrary: {len(plan.events())} runs in {cost:.1f} CPU-s (limit 6 in the demo); "
        f"one event read in {read_ms:.2f} ms (limit 1000)\n"
        f"error against full runs on 10 m: mean {absolute.mean():.3f} m, worst {absolute.max():.3f} m, "
        f"bias {np.mean(errors):+.3f} m over {count} storms\n"
        f"one gauge message judged in {1e3 * np.mean(spent):.1f} CPU-ms\n"
    )


def main() -> None:
    """Print the table."""
    days, storms = (int(value) for value in (*sys.argv[1:3], *("150", "24")[len(sys.argv) - 1 :]))
    config = read_yaml(ROOT / "config" / "config.yaml")
    made = rules(config["alerts"])
    outline = read_parcels(OUTLINE)[0][0]
    where = Where(outline.centroid.y, outline.centroid.x, outline)
    sys.stdout.write("Synthetic truth: the archive's weather and full runs of the solver.\n")
    sys.stdout.write("rule         level     hits  misses  false alarms  detected  false ratio\n")
    forecast_rules(days, made, where)
    live_floods(storms, made, config["flood"], where)


if __name__ == "__main__":
    main()
