"""Validation tables of docs/science.md: ``python -m benchmarks.validation [bloom twin need response wheat] [--write]``.

Each table is printed; ``--write`` puts it between its markers in docs/science.md. Real data lie beside the project in
``../shared``.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from agritwin.agromet.hourly_temperature import hourly_temperature
from agritwin.models import bloom
from agritwin.simulation.orchard import phenoflex

PAGE = Path(__file__).resolve().parents[1] / "docs" / "science.md"
SHARED = PAGE.parents[2] / "shared"
LATITUDE, FIRST, LAST = 50.4, 1999, 2008


def klein_altendorf(shared: Path = SHARED) -> tuple[NDArray[np.float64], pd.Series]:
    """Days of the year of bloom by pair of requirements (season, chill, heat), and those observed."""
    hours, dates = _temperature(shared), _dates(shared).loc[FIRST:LAST]
    seasons = [
        bloom.bloom_days(hours.sel(time=slice(f"{year - 1}-11-01", f"{year}-06-30"))) - 61 + 1 for year in dates.index
    ]
    return np.stack(seasons), dates


def _temperature(shared: Path) -> xr.DataArray:
    record = pd.read_csv(shared / "science_samples/ka_weather.csv")
    record.index = pd.to_datetime(record[["Year", "Month", "Day"]]).rename("day")
    extremes = record[["Tmax", "Tmin"]].astype(float).to_xarray()
    hourly = hourly_temperature(extremes["Tmax"], extremes["Tmin"], LATITUDE)
    stamps = hourly["day"].to_numpy()[:, None] + hourly["hour"].to_numpy() * np.timedelta64(1, "h")
    return xr.DataArray(hourly.to_numpy().ravel(), {"time": stamps.ravel()}, "time", attrs={"units": "degC"})


def _dates(shared: Path) -> pd.Series:
    """All dates on record, those without weather too."""
    table = pd.read_csv(shared / "science_samples/ka_bloom.csv").dropna()
    return pd.Series(table["pheno"].to_numpy(dtype=float), index=table["Year"].to_numpy())


def _defaults(shared: Path) -> NDArray[np.float64]:
    """Days of the year of bloom by PhenoFlex with its default parameters, from August as its authors cut seasons."""
    hours = _temperature(shared)
    found = []
    for year in range(FIRST, LAST + 1):
        season = hours.sel(time=slice(f"{year - 1}-08-01", f"{year}-06-30"))
        count = phenoflex.bloom(season).hours or 0
        found.append((pd.Timestamp(f"{year - 1}-08-01") + pd.Timedelta(hours=count - 1)).day_of_year)
    return np.array(found, float)


def bloom_table(shared: Path = SHARED) -> str:
    """Errors of the bloom by model, as a table."""
    days, dates = klein_altendorf(shared)
    left_out = bloom.leave_one_out(days, dates)
    halves = np.empty(len(dates))
    for fitted, scored in ((slice(0, 5), slice(5, 10)), (slice(5, 10), slice(0, 5))):
        found = bloom.fit(days[fitted], dates.to_numpy()[fitted])
        halves[scored] = [bloom.predict(found, season)[0] for season in days[scored]]
    inside = (abs(left_out["predicted"] - dates) <= 1.645 * left_out["spread"]).mean()
    everything = bloom.fit(days, dates.to_numpy())
    record = _dates(shared)
    before = record[record.index < FIRST]
    rows = {
        "PhenoFlex, default parameters": _defaults(shared),
        f"mean of the {before.size} dates before {FIRST}": np.full(dates.size, before.mean()),
        "mean of the other nine dates": left_out["mean"].to_numpy(),
        "chill and heat, fitted to five seasons, scored on the other five": halves,
        "chill and heat, fitted to nine seasons, scored on the tenth": left_out["predicted"].to_numpy(),
    }
    lines = ["| model | RMSE, days | bias, days | largest miss, days |", "|---|---|---|---|"]
    for name, predicted in rows.items():
        error = predicted - dates.to_numpy()
        lines.append(f"| {name} | {np.sqrt((error**2).mean()):.1f} | {error.mean():+.1f} | {abs(error).max():.0f} |")
    others = (record.sum() - record) / (record.size - 1) - record
    without = others[record.index < FIRST]
    lines += [
        "",
        f"The mean of all other dates, all that can be told of a year without weather, misses the {without.size} such "
        f"dates by {np.sqrt((without**2).mean()):.1f} days (RMSE), and all {record.size} by "
        f"{np.sqrt((others**2).mean()):.1f}.",
        "",
        f"90 % intervals of the last row hold {inside * 10:.0f} of 10 dates. Fitted to all ten: "
        f"{everything.chill_requirement:.0f} chill portions from 1 November, then {everything.heat_requirement:,.0f} "
        "degree-hours above 4.5 °C.",
    ]
    return "\n".join(lines)


def twin_table(truths: int, members: int = 200) -> str:
    """Scores of the twin experiment, as a table."""
    from tests.simulation.assimilation import twin_experiment as twin

    table = twin.summary([twin.experiment(seed, members)[0] for seed in range(truths)])
    lines = [
        "| quantity | CRPS, open loop | CRPS, corrected | ratio | 90 % interval holds | flat ranks, p |",
        "|---|---|---|---|---|---|",
    ]
    names = {"depletion": "root-zone depletion, mm", "forecast": "the same 7 days ahead, mm"}
    names |= {"yield": "relative yield", "bias": "bias of the probe"}
    for name, row in table.iterrows():
        digits = 2 if float(row["open_loop"]) > 1 else 4
        lines.append(
            f"| {names[str(name)]} | {row['open_loop']:.{digits}f} | {row['filtered']:.{digits}f} | {row['ratio']:.2f} "
            f"| {row['coverage']:.2f} | {row['flat']:.2f} |"
        )
    return "\n".join(lines)


def need_table(truths: int, members: int = 200) -> str:
    """How often trees ran short of water within seven days, by the chance that they were told to."""
    from tests.simulation.assimilation import twin_experiment as twin

    found = pd.concat([twin.chances_of_need(seed, members) for seed in range(truths)])
    lines = ["| chance told | weeks | told, mean | came true |", "|---|---|---|---|"]
    edges = np.linspace(0.0, 1.0, 6)
    for number, (_, some) in enumerate(
        found.groupby(pd.cut(found["told"], edges, include_lowest=True), observed=False)
    ):
        lines.append(
            f"| {edges[number]:.0%} to {edges[number + 1]:.0%} | {len(some)} | {some['told'].mean():.2f} "
            f"| {some['came'].mean():.2f} |"
        )
    often = found["came"].mean()
    brier = {name: ((found[name] - found["came"]) ** 2).mean() for name in ("told", "free")}
    lines += [
        "",
        f"Brier score {brier['told']:.3f}; of the open loop {brier['free']:.3f}, of the mean frequency ({often:.0%}) "
        f"{often * (1 - often):.3f}.",
    ]
    return "\n".join(lines)


#: Standard deviations of the yield's response to water on the scale of the filter; 0.20 is that of the gates.
RESPONSE_SDS = (0.0, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40)


def response_table(truths: int, members: int = 200) -> str:
    """Scores of the yield by how well its response to water is known, for a third of the truths and for all."""
    from tests.simulation.assimilation import twin_experiment as twin

    some = truths // 3
    lines = [
        f"| Ky known to | ratio, {some} truths | 90 % interval holds | flat ranks, p | gates | ratio, {truths} truths "
        "| 90 % interval holds | flat ranks, p | gates |",
        "|---" * 9 + "|",
    ]
    outcomes = [twin.experiment(seed, members, RESPONSE_SDS)[0] for seed in range(truths)]
    tables = [twin.summary(outcomes[:count]) for count in (some, truths)]
    drawn = twin.drawn(20_000, np.random.default_rng(0))
    for sd in RESPONSE_SDS:
        responses = twin.respread(drawn, sd)
        spreads = [float(responses[name].std() / responses[name].mean()) for name in twin.RESPONSES]
        cells = [f"{min(spreads):.0%} to {max(spreads):.0%}" if sd else "exactly"]
        for table in tables:
            ratio, coverage, flat = (float(table.loc[str(sd)][name]) for name in ("ratio", "coverage", "flat"))
            held = ratio <= 0.60 and 0.86 <= coverage <= 0.94 and flat > 0.01
            cells += [f"{ratio:.2f}", f"{coverage:.2f}", f"{flat:.2f}", "held" if held else "missed"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def wheat_table() -> str:
    """Errors of leaf area and stage of the wheat fields, as a table."""
    from benchmarks import wheat_fields

    found = wheat_fields.leave_one_out()
    found.loc["mean"] = found.mean()
    columns = [(known, what) for known in ("shipped", "before", "visits", "images") for what in ("lai", "bbch")]
    lines = [
        "| field | shipped: leaf area | stage | **before**: leaf area | stage | **after**, visits: leaf area | stage "
        "| after, images: leaf area | stage |",
        "|---" * 9 + "|",
    ]
    for field, row in found.iterrows():
        cells = ["–" if np.isnan(row[column]) else f"{row[column]:.2f}" for column in columns]
        lines.append(f"| {field} | {' | '.join(cells)} |")
    return "\n".join(lines)


def fill(page: Path, name: str, text: str) -> None:
    """Put a table between its markers in a page."""
    content = page.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, rest = content.split(begin)
    page.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("tables", nargs="*", help="bloom, twin, need, response, wheat; all where none is named")
    options.add_argument(
        "--truths", type=int, default=40, help="of the twin experiment; three times as many by response"
    )
    options.add_argument("--write", action="store_true", help="put the tables into docs/science.md")
    chosen = options.parse_args()
    tables: dict[str, Callable[[], str]] = {
        "bloom": bloom_table,
        "twin": lambda: twin_table(chosen.truths),
        "need": lambda: need_table(chosen.truths),
        "response": lambda: response_table(3 * chosen.truths),
        "wheat": wheat_table,
    }
    for name in chosen.tables or tables:
        text = tables[name]()
        sys.stdout.write(f"{name}\n{text}\n\n")
        if chosen.write:
            fill(PAGE, name, text)


if __name__ == "__main__":
    main()
