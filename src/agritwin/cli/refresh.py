"""Bring twins up to a date: what cron calls, and the journal of what it fetched."""

import contextlib
import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from filelock import FileLock, Timeout
from rich.table import Column, Table

from agritwin import config, job, workspace
from agritwin.cli.application import app, complaints, console, sentence
from agritwin.geometry import cell_id, middle_of_bounds
from agritwin.observe import journal as fetches

INCOMPLETE, STALE, BUSY = 3, 4, 5
LOCK, HOLDER = Path(".snakemake/agritwin-refresh.lock"), Path(".snakemake/agritwin-refresh.json")
RUN_LOCK = Path(".snakemake/agritwin.lock")


@app.command()
@sentence
def refresh(
    twin: Annotated[str, typer.Option(help="all, or ids joined by commas.")] = "all",
    as_of: Annotated[
        str | None, typer.Option(help="ISO date; default: today (UTC), or the demo's next day where all is archive.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Snakemake profile.")] = "profiles/cron",
) -> None:
    """Bring twins up to a date: observe, then recompute only what changed. This is what cron calls.

    Exit codes: 0 all is up to date; 2 the configuration is wrong; 3 some jobs failed, the rest is done; 4 all jobs are
    done but some source did not answer, the last good data are kept; 5 another run is under way.
    """
    root = workspace.root()
    chosen = config.load(root / workspace.CONFIG, twin)
    with _alone(root):
        date = config.clock(as_of, chosen, _today()) if as_of else _next_date(root, chosen)
        base = [sys.executable, "-m", "snakemake", "--profile", profile]
        steps = [[*base, "observe", "--config", f"twin={twin}", f"as_of={date}"], [*base, "--config", f"twin={twin}"]]
        kept = os.environ | {job.KEPT: "1"}
        warm = job.keep_warm(root)
        codes = [subprocess.run(step, cwd=root, check=False, env=kept).returncode for step in steps]
        if warm is not None:
            # Killed, not asked to end: with nothing new to do it is still importing.
            warm.kill()
            warm.communicate()
            (root / job.SOCKET).unlink(missing_ok=True)
    stale = _stale(root, chosen)
    for sentence_ in stale:
        complaints.print(sentence_, style="yellow", markup=False)
    if any(codes):
        complaints.print(
            f"The refresh up to {date} is incomplete: what failed is named above and in logs/; the rest is done.",
            style="red",
            markup=False,
        )
        raise typer.Exit(INCOMPLETE)
    if stale:
        complaints.print(f"All jobs up to {date} are done, but some sources did not answer.", style="red", markup=False)
        raise typer.Exit(STALE)
    console.print(f"All is up to date as of {date}.", highlight=False)


@app.command()
@sentence
def journal(
    twin: Annotated[str, typer.Option(help="all, or ids joined by commas.")] = "all",
    last: Annotated[int, typer.Option(help="How many lines.", min=1)] = 40,
) -> None:
    """Show what was fetched: a line for each source and twin, with items, gaps, size, seconds and failures."""
    root = workspace.root()
    of_place = _places(root, config.load(root / workspace.CONFIG, twin))
    lines = fetches.read(set(of_place), root / fetches.JOURNAL)[-last:]
    words = (Column("time", min_width=10), Column("kind", no_wrap=True), Column("twins", min_width=17), "source")
    numbers = (Column(name, justify="right", no_wrap=True) for name in ("items", "gaps", "kB", "s"))
    table = Table(*words, *numbers, Column("failure", overflow="fold"), box=None)
    for line in lines:
        moment = dt.datetime.fromisoformat(line["time"]).strftime("%Y-%m-%d %H:%M")
        first, *others = of_place[line["place"]]
        twins = f"{first} and {len(others)} more" if others else first
        size = None if line["bytes"] is None else round(line["bytes"] / 1000)
        told = (line["items"], line["gaps"], size, line["seconds"], line["failure"])
        table.add_row(moment, line["kind"], twins, line["source"], *("–" if one is None else str(one) for one in told))
    console.print(table if lines else "Nothing was fetched yet.")
    console.print(f"Times in UTC. All that was noted, requests too: {fetches.JOURNAL}", style="dim", highlight=False)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the workspace for a refresh; the kernel frees the lock when its holder dies, so none is ever stale."""
    (root / LOCK).parent.mkdir(exist_ok=True)
    lock, run_lock = FileLock(root / LOCK), FileLock(root / RUN_LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = workspace.read_json(root / HOLDER) if (root / HOLDER).is_file() else {}
        since = f" since {holder['since']} (process {holder['process']})" if holder else ""
        complaints.print(f"A refresh is under way{since}. Wait until it ends.", style="red", markup=False)
        raise typer.Exit(BUSY) from None
    try:
        # A run by hand holds the workspace too; the refresh's own runs take this lock themselves.
        run_lock.acquire(timeout=0)
        run_lock.release()
        since = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        workspace.write_json(root / HOLDER, {"process": os.getpid(), "since": since})
        yield
    except Timeout:
        complaints.print("A run is under way in this workspace. Wait until it ends.", style="red", markup=False)
        raise typer.Exit(BUSY) from None
    finally:
        (root / HOLDER).unlink(missing_ok=True)
        lock.release()


def _places(root: Path, chosen: dict[str, config.Settings]) -> dict[str, list[str]]:
    """Name of a cell or twin -> the twins whose data lie there."""
    places: dict[str, list[str]] = {}
    for name, settings in chosen.items():
        cell = cell_id(*middle_of_bounds(config.outline(settings, root / workspace.CONFIG / "twins")))
        for place in (name, f"{'+'.join(settings.sources.weather)}-{cell}"):
            places.setdefault(place, []).append(name)
    return places


def _stale(root: Path, chosen: dict[str, config.Settings]) -> list[str]:
    """Say of each source of these twins that did not answer what is kept, and of when."""
    told = []
    places = _places(root, chosen)
    for path in sorted([*root.glob("data/cubes/*/*.status.json"), *root.glob("data/twins/*/*.status.json")]):
        status = workspace.read_json(path)
        if status["state"] == "ok" or not {path.name.removesuffix(".status.json"), path.parent.name} & places.keys():
            continue
        of = f", of {status['last_value']}," if status["last_value"] else ""
        kept = f"the last good data{of} are kept" if status["state"] == "stale" else "there are none"
        why = "; ".join(f"{failure['source']} {failure['what']}" for failure in status["failures"])
        told.append(f"{path.relative_to(root)}: {status['kind']}: {why}; {kept}.")
    return told


def _today() -> dt.date:
    # Days of the cubes are UTC days: at half past midnight in Madrid the UTC day before is not over yet.
    return dt.datetime.now(dt.UTC).date()


def _next_date(root: Path, chosen: dict[str, config.Settings]) -> str:
    if any("archive" not in settings.sources.weather for settings in chosen.values()):
        return _today().isoformat()
    # The archive's clock is its own: each refresh of an offline workspace moves it on by a day.
    known = root / workspace.CLOCK
    if not known.is_file():
        return config.clock(None, chosen, _today())
    return (dt.date.fromisoformat(workspace.read_json(known)["as_of"]) + dt.timedelta(days=1)).isoformat()
