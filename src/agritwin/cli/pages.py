"""Rows as tables for the terminal."""

from collections.abc import Iterable

from rich.table import Column, Table

from agritwin.cli.application import console


def show(lines: Iterable[dict[str, str | None]]) -> None:
    """Print lines as a table of the columns that any of them fills."""
    rows = list(lines)
    if not rows:
        console.print("There is none.")
        return
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    table = Table(*(Column(name, overflow="fold") for name in names))
    for row in rows:
        table.add_row(*(row[name] for name in names))
    console.print(table)
