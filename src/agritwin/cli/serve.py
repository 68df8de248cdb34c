"""Serve the twins, and keep the editors' schemas in step."""

from pathlib import Path
from typing import Annotated

import typer

from agritwin import config, workspace
from agritwin.cli.application import app, console, sentence
from agritwin.errors import ConfigError


@app.command()
@sentence
def serve(
    port: Annotated[int, typer.Option(help="Port.")] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen on; this machine only by default.")] = "127.0.0.1",
    show: Annotated[bool, typer.Option("--show", help="Open a browser.")] = False,
    api: Annotated[
        bool, typer.Option("--api", help="Serve the interface for programs beside the pages; both ask for a login.")
    ] = False,
) -> None:
    """Serve the reports of all twins as one app."""
    root = workspace.enter()
    if api:
        _serve_api(root, port, address)
        return
    from agritwin import app as pages

    pages.serve(port=port, address=address, show=show)


def _serve_api(root: Path, port: int, address: str) -> None:
    import uvicorn

    from agritwin.api.application import create_app
    from agritwin.api.pages import mount_app
    from agritwin.api.surroundings import Surroundings, secret_from_environment
    from agritwin.products.records import open_records
    from agritwin.records.accounts import all_accounts

    secret = secret_from_environment()
    engine = open_records()
    if not any(account.admin for account in all_accounts(engine)):
        raise ConfigError("There is no administrator yet.", "Run 'agritwin users add EMAIL --role admin'.")
    around = Surroundings(root, engine, secret)
    application = create_app(around)
    mount_app(application, around)
    console.print(f"Pages at http://{address}:{port}/, interface at /docs", highlight=False)
    uvicorn.run(application, host=address, port=port, log_level="warning", server_header=False)


@app.command()
@sentence
def schema(check: Annotated[bool, typer.Option("--check", help="Fail when a file is out of step.")] = False) -> None:
    """Write the JSON schemas that editors use for the YAML files."""
    from agritwin.scenarios import definition, flood_definition

    root = workspace.root()
    questions = {"scenario": definition.schema(), "flood_scenario": flood_definition.schema()}
    for name, content in (config.schemas() | questions).items():
        path = root / workspace.CONFIG / "schema" / f"{name}.json"
        if not check:
            workspace.write_json(path, content)
        elif not path.is_file() or workspace.read_json(path) != content:
            raise ConfigError(f"{path.relative_to(root)} is out of step.", "Run 'agritwin schema'.")
