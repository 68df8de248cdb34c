"""Fetch the outline of a parcel from the public registers."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from agritwin.cli.application import app, console, sentence
from agritwin.errors import SourceError


@app.command()
@sentence
def outline(
    code: Annotated[str, typer.Argument(help="SIGPAC code, or the 14 characters of a cadastral reference.")],
    to: Annotated[Path | None, typer.Option(help="GeoJSON file to write; default: the code's own name.")] = None,
) -> None:
    """Fetch a parcel's outline by its code, from SIGPAC, else from the cadastre; agritwin new makes a twin of it."""
    from agritwin.sources.parcels import registered_outline
    from agritwin.workspace import write_text

    path = to or Path(f"{code}.geojson")
    try:
        feature: dict[str, Any] = registered_outline(code)
    except SourceError as error:
        if not path.is_file():
            raise
        day = dt.date.fromtimestamp(path.stat().st_mtime)
        raise SourceError(error.source, error.what, f"{path} of {day} is kept. {error.remedy}") from error
    write_text(path, json.dumps(feature, ensure_ascii=False, indent=1) + "\n")
    about = feature["properties"]
    console.print(f"{path}: {about['area_ha']:.4g} ha, {about['attribution']}", highlight=False)
    if about["note"]:
        console.print(about["note"], highlight=False)
