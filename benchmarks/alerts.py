"""How good the alerts are, and how fast: hits, misses and false alarms against simulated truth.

Forecast rules: on every issue day the archive's forecast members (synthetic weather plus forecast errors) are judged
for the two days ahead, and what the synthetic weather then did is the truth. Live floods: storms of random depth,
duration and soil fall on the archive's terrain, a gauge with an error of a tenth says so message by message, and the
truth is a full run of that storm on cells of 10 m. Everything is synthetic: the table tells how the rules work, not how
often they would be right on a holding. The archive holds no day of more than 34 mm; so that the higher levels of rain
come, its generator draws centuries of days without that cap, and errors of forecasts anew for each.

Run: python -m benchmarks.alerts [issue days, 150 by default] [storms, 24] [centuries, 4]. The table of docs/danger.md
is written anew.
"""

import datetime as dt
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from agritwin.alerts import evidence
from agritwin.alerts.catalogue import rules
from agritwin.alerts.live import RainReading, Situation, follow
from agritwin.alerts.replay import Verification, score
from agritwin.alerts.rules import LEVELS, Level, Rule, judge
from agritwin.config import read_yaml
from agritwin.geometry import read_parcels, to_crs
from agritwin.products.flood import parcel_mask
from agritwin.simulation.flood import CurveNumber, simulate
from agritwin.simulation.flood.events import Event, curve_number
from agritwin.simulation.flood.library import AFTERWARDS_H, Library, Plan, build, coarsened
from agritwin.simulation.flood.storms import design_storm
from agritwin.sources.archive import ArchiveForecast, ArchiveTerrain, ArchiveWeather
from agritwin.sources.base import When, Where
from scripts.archive import forecast_errors, rain
from scripts.archive.sites import Cell

ROOT = Path(__file__).resolve().parents[1]
OUTLINE = ROOT / "config" / "twins" / "47-96-0-0-5-20-1.geojson"
EPSG = 32630
DAYS_AHEAD = 2
FORECAST_RULES = ("frost", "heat", "heavy_rain", "downpour")
PAGE = ROOT / "docs" / "danger.md"
BEGIN, END = "<!-- begin scores -->", "<!-- end scores -->"

type Scores = list[tuple[tuple[str, Level], Verification]]
"""By rule and level."""


def told(values: xr.Dataset, made: Mapping[str, Rule], until: dt.datetime, source: str) -> dict[str, Level]:
    """Judge temperature and rain of members, or of one series, by the rules."""
    temperature, rain = values["air_temperature"], values["precipitation"]
    found = {
        "frost": evidence.of_members(temperature, until, source),
        "heat": evidence.of_members(temperature, until, source),
        "heavy_rain": evidence.rain_in_24_hours(rain, until, source),
        "downpour": evidence.of_members(rain, until, source),
    }
    return {name: judge(one, made[name]).level for name, one in found.items()}


def forecast_rules(count: int, made: Mapping[str, Rule], where: Where) -> Scores:
    """Score the rules on forecast members, by issue day, at the levels low and serious."""
    first, last = dt.date(2019, 1, 2), dt.date(2025, 6, 10)
    step = (last - first).days / count
    weather, forecast = ArchiveWeather(), ArchiveForecast()
    pairs: dict[str, list[tuple[Level, Level]]] = {name: [] for name in FORECAST_RULES}
    for number in range(count):
        issue = first + dt.timedelta(days=round(number * step))
        until = dt.datetime.combine(issue, dt.time(), dt.UTC)
        span = When(issue, issue + dt.timedelta(days=DAYS_AHEAD - 1))
        said = told(forecast.fetch(where, span), made, until, "members")
        was = told(weather.fetch(where, span), made, until, "weather")
        for name in FORECAST_RULES:
            pairs[name].append((said[name], was[name]))
    return [((name, level), score(pairs[name], level)) for name in FORECAST_RULES for level in ("low", "serious")]


def rare_rain(centuries: int, made: Mapping[str, Rule]) -> Scores:
    """Score the levels of rain that the archive never has, on all days of the generator in which they can come.

    No member multiplies rain by more than `forecast_errors.WETTEST`, so wherever a level is true or announced the day
    has at least so much less.
    """
    random = np.random.default_rng(34)
    least = made["heavy_rain"].thresholds["mid"] / forecast_errors.WETTEST
    errors = [_rain_errors(Cell(number / 10, 0.0, 0.0, 1.0, 1.0)) for number in range(40)]
    scored: list[tuple[str, Level]] = [("heavy_rain", "mid"), ("heavy_rain", "serious"), ("downpour", "serious")]
    pairs: dict[str, list[tuple[Level, Level]]] = {"heavy_rain": [], "downpour": []}
    days = pd.date_range("1901-01-01", "2000-12-31")
    for _ in range(centuries):
        amounts = rain.daily(days, random, np.inf)
        for day in np.flatnonzero(amounts[2:-2] >= least) + 2:
            near = slice(day - 2, day + 3)
            hours = rain.hourly(days[near], amounts[near], random).ravel()
            first = 24 * int(random.integers(1, 3))  # the rain comes on the second day of the forecast, or on the first
            said, was = _said_and_was(hours, first, *errors[random.integers(len(errors))])
            until = dt.datetime(1901, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=int(day))
            for name, judged in pairs.items():
                judged.append((_rain_level(name, said, made, until), _rain_level(name, was, made, until)))
    return [((name, level), score(pairs[name], level)) for name, level in scored]


def _rain_errors(cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Return factors and shifts (h) of rain by member and lead; see `forecast_errors.MEANING`."""
    table, shape = forecast_errors.of_cell(cell), (forecast_errors.MEMBERS, forecast_errors.LEADS)
    factors, shifts = (table[f"precipitation_{name}"].to_numpy().reshape(shape) for name in ("factor", "shift_h"))
    return factors[:, : 24 * DAYS_AHEAD], shifts[:, : 24 * DAYS_AHEAD].astype(int)


def _said_and_was(
    hours: np.ndarray, first: int, factors: np.ndarray, shifts: np.ndarray
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return rain of members and what came, from an hour on."""
    leads = np.arange(24 * DAYS_AHEAD)
    time = np.datetime64("2000-01-01T01", "ns") + leads * np.timedelta64(1, "h")
    members = xr.DataArray(hours[first + leads - shifts] * factors, {"time": time}, ("member", "time"))
    was = xr.DataArray(hours[first + leads], {"time": time}, ("time",))
    said, came = (one.rename("precipitation").assign_attrs(units="mm") for one in (members, was))
    return said, came


def _rain_level(name: str, values: xr.DataArray, made: Mapping[str, Rule], until: dt.datetime) -> Level:
    found = evidence.rain_in_24_hours if name == "heavy_rain" else evidence.of_members
    return judge(found(values, until, "generator"), made[name]).level


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


def heaviest_hour(rain: xr.DataArray) -> float:
    """Return the most that falls within an hour, mm."""
    ends = np.concatenate([[0.0], rain["time"].to_numpy()])
    totals = np.concatenate([[0.0], np.cumsum(rain.to_numpy())])
    return float((np.interp(ends + 3600.0, ends, totals) - totals).max())


def live_floods(count: int, made: Mapping[str, Rule], flood: dict, where: Where) -> tuple[Scores, str]:
    """Score live detection on storms, and tell the library's error and the time that it takes."""
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
    random, errors, spent = np.random.default_rng(11), [], []
    pairs: dict[str, list[tuple[Level, Level]]] = {"flood": [], "heavy_rain": [], "downpour": []}
    for _ in range(count):
        hours = float(np.round(np.exp(random.uniform(np.log(0.5), np.log(6))), 1))
        event = Event(float(random.uniform(8, 110)), hours, float(random.uniform(0, 1)))
        truth = full_depth(terrain, inside_full, event, plan)
        errors.append(library.read(event).depth_max_m - truth)
        storm_rain = design_storm(event.depth_mm, event.duration_h)
        noon = dt.datetime(2025, 6, 15, 12, tzinfo=dt.UTC)
        said = [
            RainReading("gauge", noon + dt.timedelta(seconds=float(end)), float(mm * random.normal(1.0, 0.1)))
            for end, mm in zip(storm_rain["time"].to_numpy(), storm_rain.to_numpy(), strict=True)
        ]
        begin = time.process_time()
        changes = follow(said, Situation(made, library, None, event.soil_water))[1]
        spent.append((time.process_time() - begin) / len(said))
        true = {"flood": truth, "heavy_rain": event.depth_mm, "downpour": heaviest_hour(storm_rain)}
        for name, value in true.items():
            reached = max((LEVELS.index(j.level) for j in changes if j.rule == name), default=0)
            bars = made[name].thresholds
            pairs[name].append((LEVELS[reached], LEVELS[sum(value >= bars[level] for level in LEVELS[1:])]))
    begin = time.process_time()
    for _ in range(200):
        library.read(Event(62.0, 2.0, 0.4))
    read_ms = (time.process_time() - begin) / 200 * 1e3
    absolute = np.abs(errors)
    sys.stdout.write(f"one gauge message judged in {1e3 * np.mean(spent):.1f} CPU-ms\n")
    scores: Scores = [
        ((f"{name}, live", level), score(judged, level)) for name, judged in pairs.items() for level in LEVELS[1:]
    ]
    return scores, (
        f"The library of {len(plan.events())} runs took {cost:.1f} CPU-s (limit 6 in the demo), a reading of it "
        f"{read_ms:.2f} ms (limit 1000);\nits error in the greatest depth over {count} storms was "
        f"{absolute.mean():.2f} m on average, {absolute.max():.2f} m at worst, {np.mean(errors):+.2f} m on the whole."
    )


def table(scores: Scores) -> str:
    """Return hits, misses and false alarms as a table; a level that never came or was announced says so."""
    lines = ["| rule | level | hits | misses | false alarms |", "|---|---|---|---|---|"]
    for (rule, level), one in scores:
        counts = (one.hits, one.misses, one.false_alarms)
        shown = " | ".join(map(str, counts)) if any(counts) else "never came | | "
        lines.append(f"| {rule.replace('_', ' ')} | {level} | {shown} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, and put it into docs/danger.md."""
    days, storms, centuries = (int(value) for value in (*sys.argv[1:4], *("150", "24", "4")[len(sys.argv) - 1 :]))
    config = read_yaml(ROOT / "config" / "config.yaml")
    made = rules(config["alerts"])
    outline = read_parcels(OUTLINE)[0][0]
    where = Where(outline.centroid.y, outline.centroid.x, outline)
    forecast = forecast_rules(days, made, where)
    rare: Scores = [((f"{rule}, rare", level), one) for (rule, level), one in rare_rain(centuries, made)]
    live, cost = live_floods(storms, made, config["flood"], where)
    counted = f"{days} issue days; {100 * centuries} years for rare rain; {storms} storms."
    told = f"{counted}\n\n{table(forecast + rare + live)}\n\n{cost}"
    sys.stdout.write(told + "\n")
    head, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{told}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
