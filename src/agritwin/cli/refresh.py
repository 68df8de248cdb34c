"""Bring twins up to a date: what cron calls."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.errors import ConfigError, SourceError


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
