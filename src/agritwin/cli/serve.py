"""Serve the twins, and keep the editors' schemas in step."""

from typing import Annotated

import typer

from agritwin import config, workspace
from agritwin.cli.application import app, sentence
from agritwin.errors import ConfigError


@app.command()
@sentence
def serve(
    port: Annotated[int, typer.Option(help="Port.")] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen on; this machine only by default.")] = "127.0.0.1",
    show: Annotated[bool, typer.Option("--show", help="Open a browser.")] = False,
) -> None:
    """Serve the reports of all twins as one app."""
    workspace.enter()
    from agritwin import app as pages

    pages.serve(port=port, address=address, show=show)


@app.command()
@sentence
def schema(check: Annotated[bool, typer.Option("--check", help="Fail when a file is out of step.")] = False) -> None:
    """Write the JSON schemas that editors use for the YAML files."""
    root = workspace.root()
    for name, content in config.schemas().items():
        path = root / workspace.CONFIG / "schema" / f"{name}.json"
        if not check:
            workspace.write_json(path, content)
        elif not path.is_file() or workspace.read_json(path) != content:
            raise ConfigError(f"{path.relative_to(root)} is out of step.", "Run 'agritwin schema'.")
