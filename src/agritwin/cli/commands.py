"""Commands to actuators: list them, approve or reject them."""

import datetime as dt
import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from agritwin import workspace
from agritwin.cli.application import app, console, sentence

if TYPE_CHECKING:
    from agritwin.alerts.commands import Step

commands = typer.Typer(no_args_is_help=True, help="Commands to actuators: what was proposed, and what became of it.")
app.add_typer(commands, name="commands")

Id = Annotated[str, typer.Argument(help="Id of the command, or how it begins.")]
By = Annotated[str | None, typer.Option(help="Who decides; default: you.")]


@commands.command("list")
@sentence
def show(
    twin: Annotated[str | None, typer.Argument(help="Id of the twin; default: all.")] = None,
    journal: Annotated[bool, typer.Option("--journal", help="Show every step.")] = False,
) -> None:
    """List commands, or the journal of their steps."""
    from agritwin.alerts import stores
    from agritwin.products.records import open_records

    workspace.enter()
    found = stores.commands(open_records(), twin)
    if not found:
        console.print("No command was ever proposed.")
        return
    for command in found:
        wish = ", ".join(f"{key}: {value}" for key, value in command.desired.items())
        because = str((command.evidence.get("explanation") or {}).get("en", command.evidence.get("rule", "")))
        state = Text(command.state, "bold").append(f", until {command.expires_at:%Y-%m-%d %H:%M} UTC", "not bold")
        console.print(command.id, state, highlight=False)
        told = [f"{command.twin}, {command.actuator}: {wish}", because]
        told += [_step(step) for step in command.steps] if journal else []
        for line in told:
            console.print(f"  {line}", highlight=False)


def _step(step: "Step") -> str:
    detail = ", ".join(f"{key}: {value}" for key, value in step.detail.items())
    return f"{step.at:%Y-%m-%d %H:%M:%S} {step.state} by {step.by}" + (f" ({detail})" if detail else "")


@commands.command()
@sentence
def approve(command: Id, by: By = None) -> None:
    """Approve a command: the watch sends it once, if its time is not over."""
    _decide(command, "approved", by)


@commands.command()
@sentence
def reject(command: Id, by: By = None) -> None:
    """Reject a command: it is never sent."""
    _decide(command, "rejected", by)


def _decide(beginning: str, state: str, by: str | None) -> None:
    from agritwin.alerts import stores
    from agritwin.alerts.commands import move
    from agritwin.errors import DataError
    from agritwin.products.records import open_records

    workspace.enter()
    engine = open_records()
    matching = [command.id for command in stores.commands(engine) if command.id.startswith(beginning)]
    if len(matching) != 1:
        raise DataError(f"{len(matching)} commands begin with {beginning!r}.", "See agritwin commands list.")
    journal = stores.SqlJournal(engine)
    after = move(journal, matching[0], state, dt.datetime.now(dt.UTC), by or getpass.getuser())  # type: ignore[arg-type]
    console.print(f"Command {after.id} is {after.state}.", highlight=False)
