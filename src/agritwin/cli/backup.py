"""Back a workspace up, look whether a backup is sound, and restore it."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from agritwin import workspace
from agritwin.cli.application import app, console, sentence
from agritwin.errors import StoreError

Backup = Annotated[Path, typer.Argument(help="File of the backup (zip).")]


@app.command()
@sentence
def backup(file: Backup) -> None:
    """Write records, cubes, files as sent and configuration into one file; the workspace may be in use."""
    from agritwin.backup import archive
    from agritwin.records.database import connect, migrate

    root = workspace.root()
    engine = connect(workspace.records(root))
    migrate(engine)
    made_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with console.status("") as status:
        manifest = archive.write(file, root, engine, made_at, lambda name: status.update(name))
    console.print(f"{file}: {_told(manifest)}.", highlight=False)


@app.command()
@sentence
def verify(
    file: Backup,
    against: Annotated[
        bool, typer.Option("--workspace", help="Also tell what this workspace has otherwise by now.")
    ] = False,
) -> None:
    """Check every byte of a backup."""
    from agritwin.backup import archive
    from agritwin.records.database import connect

    with console.status("") as status:
        manifest = archive.verify(file, lambda name: status.update(name))
    console.print(f"{file} is sound: {_told(manifest)}.", highlight=False)
    if against:
        root = workspace.root()
        found = archive.differences(file, root, connect(workspace.records(root)))
        if found:
            raise StoreError(f"The workspace differs in {len(found)}: {', '.join(found[:10])}.", "It has moved on.")
        console.print("The workspace holds the same.", highlight=False)


@app.command()
@sentence
def restore(
    file: Backup,
    replace: Annotated[bool, typer.Option("--replace", help="Give up the data that are here.")] = False,
) -> None:
    """Bring this workspace to the state of a backup, whichever engine and older version made it."""
    from agritwin.backup import archive

    root = workspace.root()
    with console.status("") as status:
        manifest = archive.restore(
            file, root, workspace.records(root), replace=replace, told=lambda name: status.update(name)
        )
    console.print(f"Restored: {_told(manifest)}. The old settings are in config.old.", highlight=False)


def _told(manifest: dict[str, Any]) -> str:
    rows = sum(about["rows"] for about in manifest["tables"].values())
    size = sum(about["size"] for about in manifest["members"].values())
    return (
        f"{rows} rows of {len(manifest['tables'])} tables (revision {manifest['revision']}), "
        f"{len(manifest['members'])} files of {size / 2**20:.1f} MiB, made {manifest['made_at']}"
    )
