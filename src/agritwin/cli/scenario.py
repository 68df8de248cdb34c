"""What if: run scenarios of a twin, watch them, hold them, compare and delete them."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from agritwin import workspace
from agritwin.cli.application import app, console, sentence
from agritwin.errors import ConfigError

commands = typer.Typer(
    no_args_is_help=True, help="What if: another irrigation, soil, date, weather or rain; a dike, a culvert."
)
app.add_typer(commands, name="scenario")

Name = Annotated[str, typer.Argument(help="Name of the scenario, or TWIN/NAME.")]
_LOOK_SECONDS = 0.2


@commands.command()
@sentence
def run(
    file: Annotated[str, typer.Argument(help="Scenario file (YAML), or the name of one that is known.")],
    replace: Annotated[bool, typer.Option("--replace", help="Put the file in the place of one of that name.")] = False,
) -> None:
    """Run a scenario as a job of the workflow; Ctrl-C pauses it (one of a flood ends)."""
    from agritwin.scenarios import places

    if Path(file).suffix == ".yaml":
        chosen = _adopt(Path(file).absolute(), replace)
    else:
        workspace.enter()
        chosen = places.find(file)
    _drive(chosen)


@commands.command("list")
@sentence
def list_scenarios(twin: Annotated[str | None, typer.Option(help="Of one twin only.")] = None) -> None:
    """List scenarios and how far they are."""
    from rich.table import Column, Table

    from agritwin.scenarios import status

    workspace.enter()
    names = (Column("Twin", no_wrap=True), Column("Scenario", overflow="fold", min_width=20))
    table = Table(*names, "State", "Done", "Question", box=None)
    for each in status.all_of(twin):
        table.add_row(each.places.twin, each.places.name, each.state, f"{100 * each.share:.0f} %", each.title)
    console.print(table if table.row_count else "There are no scenarios yet: 'agritwin scenario run FILE'.")


@commands.command()
@sentence
def pause(name: Name) -> None:
    """Let a scenario rest after the part that it is at; nothing that is done is lost."""
    _wish(name, "pause")
    console.print("It rests when its part is done. Go on with 'agritwin scenario resume'.", highlight=False)


@commands.command()
@sentence
def stop(name: Name) -> None:
    """End a scenario with the members that are done: a smaller ensemble, marked partial."""
    from agritwin.scenarios.checkpoint import Checkpoint

    chosen, state = _wish(name, "stop")
    if state == "running":
        console.print("It ends when its part is done, with a partial result.", highlight=False)
        return
    if not Checkpoint(chosen.checkpoint).done():
        Checkpoint(chosen.checkpoint).want("run")
        raise ConfigError(f"Nothing of {chosen.name} is done yet.", "Run it, or delete it.")
    _drive(chosen, wish="stop")


@commands.command()
@sentence
def resume(name: Name) -> None:
    """Go on with a scenario that was paused, stopped or killed; the result is that of a run that never was."""
    from agritwin.scenarios import places

    workspace.enter()
    _drive(places.find(name))


@commands.command()
@sentence
def delete(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a scenario and all that came of it."""
    from agritwin.scenarios import places
    from agritwin.scenarios.checkpoint import Checkpoint

    workspace.enter()
    chosen = places.find(name)
    if Checkpoint(chosen.checkpoint).is_held():
        raise ConfigError(f"{chosen.name} is running.", "Stop it first: 'agritwin scenario stop'.")
    for path in chosen.belongings():
        console.print(f"  {path}", highlight=False)
    if not yes:
        typer.confirm("Delete all of it?", abort=True)
    chosen.delete()
    console.print(f"Scenario {chosen.name} is gone.", highlight=False)


@commands.command()
@sentence
def compare(
    names: Annotated[list[str], typer.Argument(help="Scenarios to set beside the twin as it is.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Compare scenarios with the twin as it is: medians, and the span from 10 to 90 percent of the members."""
    from agritwin.scenarios import places

    workspace.enter()
    table = _table([places.find(name) for name in names])
    if as_json:
        typer.echo(json.dumps(table, indent=1, ensure_ascii=False))
        return
    _print_comparison(table)


def _table(chosen: list[Any]) -> dict[str, Any]:
    from agritwin.scenarios import comparison, flood_comparison

    if len({one.about_flood for one in chosen}) > 1:
        raise ConfigError("Some of these are about the crop, others about a flood.", "Compare them apart.")
    kind = flood_comparison if chosen[0].about_flood else comparison
    return kind.table([_result(one) for one in chosen])


def _print_comparison(table: dict[str, Any]) -> None:
    from rich.table import Column, Table

    shown = Table("", *(Column(name, overflow="fold") for name in table["columns"]), box=None)
    for row in table["rows"]:
        shown.add_row(row["label"], *row["cells"])
    console.print(shown)
    for remark in table["remarks"]:
        console.print(remark, highlight=False)


def _result(chosen: Any) -> dict[str, Any]:
    if not chosen.result.is_file():
        raise ConfigError(f"{chosen.name} has no result yet.", f"Run it: 'agritwin scenario run {chosen.name}'.")
    return workspace.read_json(chosen.result)


def _adopt(file: Path, replace: bool) -> Any:
    """Check a scenario file and put it where the workflow looks for it."""
    from agritwin import config
    from agritwin.scenarios import definition
    from agritwin.scenarios.flood_definition import FloodScenario
    from agritwin.scenarios.places import FLOODS, Places

    asked = definition.read_any(file)
    root = workspace.enter()
    config.choose(config.twin_ids(root / workspace.CONFIG / "twins"), asked.twin)
    chosen = Places(asked.twin, f"{FLOODS}/{file.stem}" if isinstance(asked, FloodScenario) else file.stem)
    if file.resolve() == chosen.definition.resolve():
        return chosen
    if chosen.definition.is_file() and not replace and chosen.definition.read_bytes() != file.read_bytes():
        raise ConfigError(
            f"{chosen.definition} is there already and says something else.", "Rename yours, or give --replace."
        )
    chosen.definition.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, chosen.definition)
    return chosen


def _wish(name: str, wish: Any) -> tuple[Any, str]:
    from agritwin.scenarios import places, status
    from agritwin.scenarios.checkpoint import Checkpoint

    workspace.enter()
    chosen = places.find(name)
    state = status.of(chosen).state
    if state in ("new", "done", "invalid"):
        raise ConfigError(f"{chosen.name} is not under way: it is {state}.", "Only what runs or rests can be held.")
    Checkpoint(chosen.checkpoint).want(wish)
    return chosen, state


def _drive(chosen: Any, wish: Any = "run") -> None:
    """Have the workflow make the scenario's result, and show how far it is."""
    from agritwin.scenarios import status
    from agritwin.scenarios.checkpoint import Checkpoint

    checkpoint = Checkpoint(chosen.checkpoint)
    if checkpoint.is_held():
        raise ConfigError(f"{chosen.name} is running already.", "Wait, or stop it.")
    if chosen.checkpoint.is_dir():
        checkpoint.want(wish)
    unfinished = status.of(chosen).state in ("paused", "stopped", "interrupted")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", str(chosen.result), "--config", f"twin={chosen.twin}"]
    with subprocess.Popen(
        [*command, *(["--forcerun", "simulate_scenario"] if unfinished else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as engine:
        output = _watch(engine, checkpoint, can_rest=not chosen.about_flood)
    state = status.of(chosen).state
    if state == "paused":
        console.print(f"{chosen.name} is paused. Go on with 'agritwin scenario resume {chosen.name}'.", highlight=False)
    elif engine.returncode:
        raise ConfigError(_reason(output), f"Run it again to go on; its log is {chosen.log}.")
    else:
        _tell(chosen, state)


def _watch(engine: subprocess.Popen, checkpoint: Any, can_rest: bool) -> str:
    """Show progress until the workflow ends; Ctrl-C asks for a pause, or for the end of what cannot rest, and waits."""
    import threading

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    lines: list[str] = []
    stdout = engine.stdout
    assert stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(stdout), daemon=True)
    reader.start()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("waiting", total=None)
        while engine.poll() is None:
            try:
                now = checkpoint.progress
                if now is not None:
                    bar.update(task, description=now["state"], completed=now["done"], total=now["parts"])
                time.sleep(_LOOK_SECONDS)
            except KeyboardInterrupt:
                if can_rest:
                    checkpoint.want("pause")
                else:
                    engine.send_signal(signal.SIGINT)
                bar.update(task, description="pausing" if can_rest else "ending")
    reader.join()
    return "".join(lines)


def _reason(output: str) -> str:
    """The sentence with which a job or the workflow ended, out of all that it printed."""
    told = [line.strip() for line in output.splitlines() if line.strip()]
    known = ("WorkflowError", "Error in rule", "Exiting", "Shutting", "Complete log", "Command", "[")
    sentences = [line for line in told if line.endswith(".") and not line.startswith(known)]
    return sentences[-1] if sentences else "The job ended without a result; what is done is kept."


def _tell(chosen: Any, state: str) -> None:
    content = workspace.read_json(chosen.result)
    if state == "stopped":
        console.print(
            f"Stopped with {content['members_done']} of {content['members']} members: a partial result.",
            highlight=False,
        )
    _print_comparison(_table([chosen]))
