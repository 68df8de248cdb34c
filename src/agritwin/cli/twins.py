"""Make and delete twins."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.settings import ANNUAL_SPECIES, Species


@app.command()
@sentence
def new(
    file: Annotated[Path, typer.Argument(help="GeoJSON, GeoPackage, Shapefile (zip) or KML with the parcel.")],
    twin: Annotated[str | None, typer.Option("--id", help="Id of the twin; default: the feature's own.")] = None,
    parcel: Annotated[
        str | None, typer.Option(help="Which parcel of a file with several: its number, id or name.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What people call the parcel; default: the feature's name.")] = None,
    species: Annotated[Species, typer.Option(help="What grows there.")] = "pistachio",
    variety: Annotated[str | None, typer.Option(help="Variety.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of planting.")] = None,
    irrigation: Annotated[
        Literal["none", "records", "refill"] | None,
        typer.Option(help="none, as written down, or refills as needed. Default: none for annual crops, else refills."),
    ] = None,
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
    sketch = twins.draft(file, twin, parcel, declared_area_ha, zone)
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
    if irrigation or species in ANNUAL_SPECIES:
        choices["irrigation"] = {"rule": irrigation or "none"}
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
    engine = connect(workspace.records(root))
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
