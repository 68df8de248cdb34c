"""Is a twin greener than its neighbours, and than the landscape's past?"""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.geometry import middle_of_bounds

if TYPE_CHECKING:
    import xarray as xr

    from agritwin.settings import Settings


@app.command()
@sentence
def greenness(
    twin: Annotated[str, typer.Argument(help="Id of the twin.")],
    since: Annotated[
        int | None,
        typer.Option(help="Also ask MODIS (250 m, since 2000) for the same season of the years from this on."),
    ] = None,
) -> None:
    """Compare a twin's NDVI with its own past, with twins of the same crop and, if asked, with decades of MODIS."""
    workspace.enter()
    every = config.load(workspace.CONFIG, "all")
    own, species = _product(twin), config.load(workspace.CONFIG, twin)[twin].planting.species
    console.print(f"NDVI of {own['last']['time'][:10]}: {own['last']['mean']:.2f}", highlight=False)
    past = own["anomaly"]
    if isinstance(past, dict) and past.get("median") is not None:
        console.print(f"Own past, {past['years']} seasons: median {past['median']:.2f}", highlight=False)
    _print_neighbours(twin, [name for name, each in every.items() if name != twin and each.planting.species == species])
    if since is not None:
        _print_modis(every[twin], since, dt.date.fromisoformat(own["last"]["time"][:10]))


def _product(twin: str) -> dict[str, Any]:
    return workspace.read_json(workspace.RESULTS / twin / "ndvi.json")


def _curve(twin: str) -> "xr.DataArray":
    import numpy as np
    import xarray as xr

    smoothed = _product(twin)["smoothed"]
    days = np.array(smoothed["day"], "datetime64[ns]")
    values = np.array([np.nan if value is None else value for value in smoothed["value"]], float)
    return xr.DataArray(values, dims="day", coords={"day": days}, attrs={"units": "1"})


def _print_neighbours(twin: str, others: list[str]) -> None:
    from agritwin.vegetation.anomaly import FEWEST_NEIGHBOURS, against_neighbours

    known = {name: _curve(name) for name in others if Path(workspace.RESULTS / name / "ndvi.json").is_file()}
    found = against_neighbours(_curve(twin), known).dropna("day", subset=["median"])
    if not found.sizes["day"]:
        console.print(
            f"Neighbours with the same crop: {len(known)}, at least {FEWEST_NEIGHBOURS} are needed.", highlight=False
        )
        return
    last = found.isel(day=-1)
    console.print(
        f"{int(last['neighbours'])} neighbours with the same crop: median {last['median'].item():.2f}, "
        f"greener than {100 * last['rank'].item():.0f} % of them",
        highlight=False,
    )


def _print_modis(settings: "Settings", since: int, until: dt.date) -> None:
    from agritwin.sources.base import When, Where, open_source

    latitude, longitude = middle_of_bounds(config.outline(settings, workspace.CONFIG / "twins"))
    start = dt.date(since, 1, 1)
    seen = open_source("vegetation", "modis").fetch(Where(latitude, longitude), When(start, until))
    month, day = map(int, settings.season.start.split("-"))
    table = Table("season to date", "mean NDVI (MODIS, 250 m)", "composites")
    for year in range(since, until.year + 1):
        end = until.replace(year=year, day=min(until.day, 28))
        first = dt.date(year if (month, day) <= (end.month, end.day) else year - 1, month, day)
        part = seen["ndvi"].where(seen["reliability"] <= 1).sortby("time").sel(time=slice(str(first), str(end)))
        number = int(part.notnull().sum())
        table.add_row(f"{first} to {end}", f"{part.mean().item():.3f}" if number else "–", str(number))
    console.print(table)
