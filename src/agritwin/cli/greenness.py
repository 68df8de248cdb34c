"""Is a twin greener than its neighbours, and than the landscape's past?"""

import datetime as dt
from typing import Annotated

import typer
from rich.table import Table

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.errors import DataError
from agritwin.geometry import middle_of_bounds


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
    settings = config.load(workspace.CONFIG, twin)[twin]
    own = workspace.read_json(workspace.RESULTS / twin / "ndvi.json")
    if own["last"] is None:
        raise DataError(f"Twin {twin} has no usable scene yet.", "Wait for a clear day, or look into its report.")
    place = middle_of_bounds(config.outline(settings, workspace.CONFIG / "twins"))
    console.print(f"NDVI of {own['last']['time'][:10]}: {own['last']['mean']:.2f}", highlight=False)
    past = own["anomaly"]
    if isinstance(past, dict) and past.get("median") is not None:
        console.print(f"Own past, {past['years']} seasons: median {past['median']:.2f}", highlight=False)
    _print_neighbours(twin, place, settings.planting.species)
    if since is not None:
        _print_modis(place, settings.season.start, since, dt.date.fromisoformat(own["last"]["time"][:10]))


def _print_neighbours(twin: str, place: tuple[float, float], species: str) -> None:
    from agritwin.cubes import known_before
    from agritwin.products import ndvi
    from agritwin.vegetation.anomaly import FEWEST_NEIGHBOURS
    from agritwin.vegetation.store import read_means

    tomorrow = (dt.date.fromisoformat(str(workspace.recorded_clock())) + dt.timedelta(days=1)).isoformat()
    store, _ = workspace.cube("ndvi", twin)
    own = ndvi.by_day(read_means(store, known_before(store, tomorrow)))
    others = ndvi.neighbours(workspace.RESULTS, twin, place, species, tomorrow)
    found = ndvi.among_neighbours(own, own["day"].to_numpy()[0], others)
    if found["outcome"] != "compared":
        told = f"Neighbours with the same crop: {len(others)}, at least {FEWEST_NEIGHBOURS} are needed."
    else:
        told = (
            f"{found['neighbours']} neighbours with the same crop: median {found['median']:.2f}, "
            f"greener than {100 * found['rank']:.0f} % of them"
        )
    console.print(told, highlight=False)


def _print_modis(place: tuple[float, float], season: str, since: int, until: dt.date) -> None:
    from agritwin.sources.base import When, Where, open_source

    start = dt.date(since, 1, 1)
    seen = open_source("vegetation", "modis").fetch(Where(*place), When(start, until))
    month, day = map(int, season.split("-"))
    table = Table("season to date", "mean NDVI (MODIS, 250 m)", "composites")
    for year in range(since, until.year + 1):
        end = until.replace(year=year, day=min(until.day, 28))
        first = dt.date(year if (month, day) <= (end.month, end.day) else year - 1, month, day)
        part = seen["ndvi"].where(seen["reliability"] <= 1).sortby("time").sel(time=slice(str(first), str(end)))
        number = int(part.notnull().sum())
        table.add_row(f"{first} to {end}", f"{part.mean().item():.3f}" if number else "–", str(number))
    console.print(table)
