"""The command ``agritwin``: make and delete twins, refresh them, serve their reports."""

import datetime as dt
import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from agritwin import __version__, config, workspace
from agritwin.errors import AgritwinError, ConfigError, SourceError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console(soft_wrap=True)
complaints = Console(stderr=True, soft_wrap=True)


def sentence(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn errors that name a remedy into two sentences and exit code 2."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except AgritwinError as error:
            complaints.print(str(error), style="red", markup=False)
            raise typer.Exit(2) from error

    return wrapped


@app.callback()
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    """Digital twins of agricultural holdings."""
    if show:
        console.print(__version__)
        raise typer.Exit


@app.command()
@sentence
def new(
    file: Annotated[Path, typer.Argument(help="GeoJSON, GeoPackage, Shapefile (zip) or KML with the parcel.")],
    twin: Annotated[str | None, typer.Option("--id", help="Id of the twin; default: the feature's own.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call the parcel.")] = None,
    species: Annotated[
        Literal["pistachio", "almond", "olive", "vine"], typer.Option(help="What grows there.")
    ] = "pistachio",
    variety: Annotated[str | None, typer.Option(help="Variety.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of planting.")] = None,
    declared_area_ha: Annotated[float | None, typer.Option(help="Area that the papers state.")] = None,
    area: Annotated[
        Literal["polygon", "declared"] | None,
        typer.Option(help="Which area is right where the two disagree by over 5 %."),
    ] = None,
    archive: Annotated[
        bool, typer.Option("--archive", help="Use the offline demo archive instead of live data.")
    ] = False,
) -> None:
    """Make a twin from the outline of a parcel."""
    from agritwin import twins

    root = workspace.root()
    folder = root / workspace.CONFIG
    zone = str(config.read_yaml(folder / "config.yaml").get("zone"))
    sketch = twins.draft(file, twin, declared_area_ha, zone)
    if sketch.areas_disagree and area is None and sys.stdin.isatty():
        console.print(
            f"The papers say {sketch.declared_ha:g} ha, the outline {sketch.measured_ha:.2f} ha. Which is right?"
        )
        answer = typer.prompt("polygon or declared")
        area = answer if answer in ("polygon", "declared") else None
    planting = {"species": species, "variety": variety, "year": year}
    choices: dict[str, Any] = {"planting": {key: value for key, value in planting.items() if value is not None}}
    if name:
        choices["name"] = name
    if not archive:
        choices |= {"sources": twins.LIVE_SOURCES, "weather": {"refetch_days": 10}}
    path = twins.create(folder, sketch, area, choices)
    console.print(
        f"Twin {sketch.twin}: {sketch.measured_ha:.2f} ha. Settings: {path.relative_to(root)}", highlight=False
    )
    console.print(f"Next: snakemake --config twin={sketch.twin}", highlight=False)


@app.command()
@sentence
def delete(
    twin: Annotated[str, typer.Argument(help="Id of the twin.")],
    export: Annotated[Path | None, typer.Option(help="Write all that belongs to it into this zip file first.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """List everything that belongs to a twin, and delete it."""
    from agritwin import twins
    from agritwin.records import queries
    from agritwin.records.database import connect, migrate

    root = workspace.root()
    if twin not in config.twin_ids(root / workspace.CONFIG / "twins") and not twins.belongings(root, twin):
        config.choose(config.twin_ids(root / workspace.CONFIG / "twins"), twin)
    engine = connect(root / workspace.RECORDS)
    migrate(engine)
    rows = queries.export_twin(engine, twin) if queries.knows(engine, twin) else {}
    console.print(f"This will be deleted with twin {twin}:", highlight=False)
    for path in twins.belongings(root, twin):
        console.print(f"  {path}", highlight=False)
    for table, found in rows.items():
        if len(found):
            console.print(f"  {len(found)} rows of {table}", highlight=False)
    if not yes:
        typer.confirm("Delete all of it?", abort=True)
    if export is not None:
        twins.export(root, twin, rows, export)
        console.print(f"Exported to {export}", highlight=False)
    if rows:
        queries.delete_twin(engine, twin, root / workspace.RAW)
    twins.delete_files(root, twin)
    console.print(f"Twin {twin} is gone.", highlight=False)


@app.command()
@sentence
def refresh(
    twin: Annotated[str, typer.Option(help="all, or ids joined by commas.")] = "all",
    as_of: Annotated[
        str | None, typer.Option(help="ISO date; default: today, or the demo's next day where all is archive.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Snakemake profile.")] = "profiles/cron",
) -> None:
    """Bring twins up to a date: observe, then recompute only what changed. This is what cron calls."""
    root = workspace.root()
    chosen = config.load(root / workspace.CONFIG, twin)
    date = config.clock(as_of, {}, dt.date.today()) if as_of else _next_date(root, chosen)
    base = [sys.executable, "-m", "snakemake", "--profile", profile]
    steps = [[*base, "observe", "--config", f"twin={twin}", f"as_of={date}"], [*base, "--config", f"twin={twin}"]]
    codes = [subprocess.run(step, cwd=root, check=False).returncode for step in steps]
    if any(codes):
        raise ConfigError(
            f"The refresh up to {date} is incomplete.", "What failed is named above and in logs/; the rest is done."
        )
    stale = [path for path in _statuses(root) if workspace.read_json(path)["state"] != "ok"]
    if stale:
        names = ", ".join(str(path.relative_to(root)) for path in stale)
        what = f"some sources did not answer up to {date} ({names}); the last good data are kept"
        raise SourceError("refresh", what, "Run it again later; the reports say how old the data are.", temporary=True)
    console.print(f"All is up to date as of {date}.", highlight=False)


def _statuses(root: Path) -> list[Path]:
    return sorted([*root.glob("data/cubes/*/*.status.json"), *root.glob("data/twins/*/*.status.json")])


def _next_date(root: Path, chosen: dict[str, config.Settings]) -> str:
    if any("archive" not in settings.sources.weather for settings in chosen.values()):
        return dt.date.today().isoformat()
    # The archive's clock is its own: each refresh of an offline workspace moves it on by a day.
    known = root / workspace.CLOCK
    if not known.is_file():
        return config.clock(None, chosen, dt.date.today())
    return (dt.date.fromisoformat(json.loads(known.read_text())["as_of"]) + dt.timedelta(days=1)).isoformat()


@app.command()
@sentence
def serve(
    port: Annotated[int, typer.Option(help="Port.")] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen on; this machine only by default.")] = "127.0.0.1",
    show: Annotated[bool, typer.Option("--show", help="Open a browser.")] = False,
) -> None:
    """Serve the reports of all twins as one app."""
    workspace.enter()
    from agritwin import app as pages

    pages.serve(port=port, address=address, show=show)


@app.command()
@sentence
def schema(check: Annotated[bool, typer.Option("--check", help="Fail when a file is out of step.")] = False) -> None:
    """Write the JSON schemas that editors use for the YAML files."""
    root = workspace.root()
    for name, content in config.schemas().items():
        path = root / workspace.CONFIG / "schema" / f"{name}.json"
        if not check:
            workspace.write_json(path, content)
        elif not path.is_file() or workspace.read_json(path) != content:
            raise ConfigError(f"{path.relative_to(root)} is out of step.", "Run 'agritwin schema'.")
