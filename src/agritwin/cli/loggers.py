"""What loggers send and what they failed to send: registries proposed from headers, messages that are missing."""

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.table import Table

from agritwin import config
from agritwin.cli.application import console, sentence
from agritwin.cli.records import open_store, records


@records.command()
@sentence
def gaps(twin: Annotated[str | None, typer.Argument(help="Id of the twin; without it, all.")] = None) -> None:
    """Show where numbers are missing that devices give their messages."""
    from agritwin.sensors.gaps import missing_messages

    _, engine, twins = open_store()
    if twin is not None:
        config.choose(list(twins), twin)
    found = missing_messages(engine, twin)
    if found.empty:
        console.print("No message is missing.")
        return
    names = {"sensor": "sensor", "after": "after number", "before": "before number"}
    names |= {"start": "from (UTC)", "end": "to (UTC)", "missing": "missing"}
    table = Table(*names.values())
    for row in found.to_dict("records"):
        table.add_row(*(str(row[name]) for name in names))
    console.print(table)
    console.print(f"{sum(found['missing'].tolist())} messages are missing in {len(found)} gaps.", highlight=False)


@records.command()
@sentence
def registry(
    file: Annotated[Path, typer.Argument(help="CSV of a logger whose headers state their units: 'soil [m3 m-3]'.")],
    name: Annotated[str | None, typer.Option(help="Which logger; default: the name of the file.")] = None,
) -> None:
    """Propose what the columns of a logger's file are; ranges and cadences are for you to state."""
    import pandas as pd

    from agritwin.sensors.registry import propose_registry

    headers = pd.read_csv(file, sep=None, engine="python", nrows=0).columns
    proposed = propose_registry(headers.astype(str), name or file.stem)
    written = proposed.model_dump(mode="json", exclude_defaults=True)
    console.print(yaml.safe_dump(written, allow_unicode=True, sort_keys=False), highlight=False)
