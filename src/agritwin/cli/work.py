"""The field work, harvests and treatments as they stand, and corrections of the work.

A correction is a line of its own; the old one stays as evidence.
"""

import datetime as dt
from typing import Annotated, Any

import pandas as pd
import sqlalchemy as sa
import typer

from agritwin.cli.application import console, sentence
from agritwin.cli.pages import show
from agritwin.cli.records import one_twin, open_store, records
from agritwin.errors import DataError

SHOWN = 12
"""Digits of a line's key by which people name it."""

Twin = Annotated[str, typer.Argument(help="Id of the twin.")]
Year = Annotated[int | None, typer.Option(help="Calendar year; default: all.")]


@records.command()
@sentence
def work(twin: Twin, year: Year = None) -> None:
    """Show the lines of field work with the names by which they are corrected."""
    lines = _of_year(_lines(twin)[1], year)
    show(
        {
            "line": _name(row),
            "day": _day(row),
            "work": row["text"],
            "amount": _with_unit(row["amount"], row["unit"]),
            "notes": row["notes"],
            "also written": _also(row),
        }
        for row in lines
    )


@records.command()
@sentence
def labour(twin: Twin, year: Year = None) -> None:
    """Show how many equal lines each day and task has: as a rule one a worker."""
    from agritwin.records import queries

    _, engine, twins = open_store()
    lines = queries.labour(engine, one_twin(twins, twin))
    show({"day": _day(row), "work": row["task"], "lines": str(row["lines"])} for row in _of_year(lines, year))


@records.command()
@sentence
def harvests(twin: Twin, year: Year = None) -> None:
    """Show what was harvested, by day or by year, and which file says so."""
    from agritwin.records import queries

    _, engine, twins = open_store()
    lines = queries.harvests(engine, one_twin(twins, twin))
    show(
        {
            "year": str(row["year"]),
            "day": _day(row),
            "amount": _with_unit(row["amount"], row["unit"]),
            **{name: row[name] for name in ("state", "quality", "lot", "client")},
            "file": row["source"],
            "also written": _also(row),
        }
        for row in _of_year(lines, year)
    )


@records.command()
@sentence
def treatments(twin: Twin, year: Year = None) -> None:
    """Show the products applied, under the names that the table of spellings gives them."""
    from agritwin.records import queries

    _, engine, twins = open_store()
    lines = queries.treatments(engine, one_twin(twins, twin))
    show(
        {
            "day": _day(row),
            "product": row["product_name"],
            "dose": _with_unit(row["dose"], row["dose_unit"]),
            "treated area": _with_unit(row["treated_area_ha"], "ha"),
            **{name: row[name] for name in ("problem", "applicator", "equipment", "efficacy", "notes")},
            "also written": _also(row),
        }
        for row in _of_year(lines, year)
    )


@records.command()
@sentence
def correct(
    twin: Twin,
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
    said = dict(map(_change, changes or []))
    products = _products(str(said["text"])) if "text" in said else None
    queries.correct_activity(engine, twin, key, occurrence, said, products=products, withdraw=withdraw)
    console.print("Withdrawn." if withdraw else "Corrected.")


def _products(text: str) -> list[dict[str, Any]]:
    from agritwin.holding.doses import split_work
    from agritwin.holding.lines import dose_unit

    found = split_work(text).products
    return [{"product": one.name, "dose": one.dose, "dose_unit": dose_unit(one.unit)} for one in found]


def _lines(twin: str) -> tuple[sa.Engine, pd.DataFrame]:
    from agritwin.records import queries

    _, engine, twins = open_store()
    return engine, queries.activities(engine, one_twin(twins, twin))


def _of_year(lines: pd.DataFrame, year: int | None) -> list[dict]:
    years = lines["year"] if "year" in lines else lines["day"].dt.year
    lines = lines if year is None else lines.loc[years == year]
    return lines.astype(object).where(lines.notna(), None).to_dict("records")


def _day(row: dict) -> str:
    return "" if row["day"] is None else f"{row['day']:%Y-%m-%d}"


def _with_unit(amount: float | None, unit: str | None) -> str:
    return "" if amount is None else f"{amount:.10g} {unit or ''}".strip()


def _also(row: dict) -> str:
    return ", ".join(f"{name}: {value}" for name, value in (row["attributes"] or {}).items())


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
