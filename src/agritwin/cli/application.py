"""The command ``agritwin``: the Typer application that all commands join, and how errors become sentences."""

import functools
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from agritwin import __version__
from agritwin.errors import NO_ROOM, AgritwinError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Digital twins of agricultural holdings.",
)
console = Console(soft_wrap=True, markup=False)  # what people wrote in brackets is no style
complaints = Console(stderr=True, soft_wrap=True, markup=False)


def sentence(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn errors that name a remedy, and files that cannot be opened, into two sentences and exit code 2."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except AgritwinError as error:
            complaints.print(str(error), style="red")
            raise typer.Exit(2) from error
        except OSError as error:
            if error.errno in NO_ROOM:
                told = f"Writing failed: {error.strerror}. Make room on the disk, then do it again."
            elif error.filename is None:  # no file that somebody named, such as a pipe whose reader went away
                raise
            else:
                told = f"{error.filename}: {error.strerror}. Check its name, its rights and the space there."
            complaints.print(told, style="red")
            raise typer.Exit(2) from error

    return wrapped


@app.callback()
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    """Digital twins of agricultural holdings."""
    if show:
        console.print(__version__)
        raise typer.Exit
