"""The field work as it stands, and its corrections: each is a line of its own, the old one stays as evidence."""

import datetime as dt
from typing import Annotated

import pandas as pd
import sqlalchemy as sa
import typer
from rich.table import Table

from agritwin import config
from agritwin.cli.application import console, sentence
from agritwin.cli.records import open_store, records
from agritwin.errors import DataError

SHOWN = 12
"""Digits of a line's key by which people name it."""


@records.command()
@sentence
def work(
    twin: Annotated[str, typer.Argument(help="Id of the twin.")],
    year: Annotated[int | None, typer.Option(help="Calendar year; default: all.")] = None,
) -> None:
    """Show the lines of field work with the names by which they are corrected."""
    lines = _lines(twin)[1]
    lines = lines if year is None else lines.loc[lines["day"].dt.year == year]
    table = Table("line", "day", "work", "amount", "notes", "also written")
    for row in lines.astype(object).where(lines.notna(), None).to_dict("records"):
        amount = "" if row["amount"] is None else f"{row['amount']:g} {row['unit'] or ''}"
        also = ", ".join(f"{name}: {value}" for name, value in (row["attributes"] or {}).items())
        table.add_row(_name(row), f"{row['day']:%Y-%m-%d}", row["text"], amount, row["notes"], also)
    console.print(table)


@records.command()
@sentence
def correct(
    twin: Annotated[str, typer.Argument(help="Id of the twin.")],
    line: Annotated[str, typer.Argument(help="Name of the line, as 'agritwin records work' shows it.")],
    changes: Annotated[list[str] | None, typer.Argument(help="field=value, such as day=2025-03-04 or notes=…")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="The work was never done.")] = False,
) -> None:
    """Correct a line of field work, or withdraw it."""
    from agritwin.records import queries

    engine, lines = _lines(twin)
    named = lines.loc[[_name(row) == line for row in lines.to_dict("records")]]
    if len(named) != 1:
        raise DataError(f"{twin} has no line {line!r}.", f"Take its name from: agritwin records work {twin}")
    if not changes and not withdraw:
        raise DataError("Nothing was said to be corrected.", "Give field=value, or --withdraw.")
    key, occurrence = named["key"].iloc[0], int(named["occurrence"].iloc[0])
    queries.correct_activity(engine, twin, key, occurrence, dict(map(_change, changes or [])), withdraw=withdraw)
    console.print("Withdrawn." if withdraw else "Corrected.")


def _lines(twin: str) -> tuple[sa.Engine, pd.DataFrame]:
    from agritwin.records import queries

    _, engine, twins = open_store()
    return engine, queries.activities(engine, config.choose(list(twins), twin)[0])


def _name(row: dict) -> str:
    return f"{row['key'][:SHOWN]}-{row['occurrence']}"


def _change(written: str) -> tuple[str, dt.date | float | str]:
    field, sign, value = written.partition("=")
    try:
        if field == "day":
            return field, dt.date.fromisoformat(value)
        if field == "amount":
            return field, float(value)
    except ValueError as error:
        raise DataError(f"{written!r} is no {field}.", "Write days as 2025-03-04 and amounts as 2.5.") from error
    if not sign:
        raise DataError(f"{written!r} is no change.", "Write field=value.")
    return field, value
