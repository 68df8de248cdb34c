"""Run a job of the workflow: ``python -m agritwin.job MODULE ...`` does what ``python -m MODULE ...`` does.

Imports cost a notebook more than its work. Where a warm process serves this workspace (`agritwin.warm`), the job runs
in a fork of it, which has numpy, xarray, matplotlib and papermill already; elsewhere it runs here. The results are the
same.
"""

import json
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

# Relative, since a socket's path may have no more than about a hundred characters.
SOCKET = Path(".snakemake/agritwin.warm")
# Set by whoever keeps a warm process for several runs of the workflow.
KEPT = "AGRITWIN_WARM"


def ask(arguments: list[str]) -> int | None:
    """Have the warm process run a job, with this process's streams, folder and environment.

    Parameters
    ----------
    arguments
        Module, then what its command line takes.

    Returns
    -------
    int | None
        The job's exit code; 1 when it died without one; None where no warm process answers.
    """
    request = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(SOCKET))
            socket.send_fds(connection, [b"\n"], [0, 1, 2])
            connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            return None
        answer = connection.makefile().readline()
    return int(answer) if answer else 1


def keep_warm(root: Path) -> subprocess.Popen | None:
    """Start the warm process of a workspace; it ends with this one. None on systems where forks are not safe."""
    if sys.platform != "linux":
        return None
    for folder in ("logs", SOCKET.parent):
        (root / folder).mkdir(exist_ok=True)
    with (root / "logs" / "warm.log").open("w") as log:
        command = [sys.executable, "-m", "agritwin.warm"]
        return subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=log, stderr=log)


def execute(arguments: list[str]) -> int:
    """Run a module as ``python -m`` does, and return its exit code."""
    module, *sys.argv[1:] = arguments
    sys.modules.pop(module, None)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def flush() -> None:
    """Write out what a job has said."""
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()


def leave(code: int) -> NoReturn:
    """End this process without taking the interpreter apart: Icechunk's threads may still look into it, and crash."""
    flush()
    os._exit(code)


def main() -> int:
    """Run the job that the command line names, warm where possible."""
    answer = ask(sys.argv[1:]) if SOCKET.exists() else None
    return execute(sys.argv[1:]) if answer is None else answer


if __name__ == "__main__":
    leave(main())
