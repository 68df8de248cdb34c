"""A process that has imported what jobs need and forks one child a job: ``python -m agritwin.warm``.

The workflow starts it when several jobs are to run, and it ends with the process that holds its standard input.
Icechunk is not among the imports: its threads start with its import and do not survive a fork.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
import traceback
import warnings
from typing import NoReturn

from agritwin import notebook
from agritwin.job import SOCKET, execute, flush, leave

# In the order in which the jobs of a refresh come to need them.
LIBRARIES = [
    *("numpy", "pandas", "xarray", "zarr", "pyarrow.parquet", "shapely", "pyproj", "rasterio", "sqlalchemy"),
    *("IPython.core.interactiveshell", "nbformat.v4", "matplotlib.pyplot", "matplotlib_inline.backend_inline"),
    *("openpyxl", "rapidfuzz", "pydantic", "cf_xarray.units", "dask.base"),
    *("scipy.stats", "scipy.optimize", "scipy.interpolate", "numba", "pvlib", "pyflwdir"),
    *("statsmodels.tsa.statespace.sarimax", "sklearn.linear_model", "bokeh.plotting", "bokeh.embed"),
]


def prepare() -> None:
    """Import the libraries; those that are absent are left to the jobs that want them."""
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": notebook.BACKEND}
    with notebook.without_unused():
        importlib.import_module("papermill")
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()


def serve() -> int:
    """Fork one child a request until standard input ends; the value is the exit code of the process that returns."""
    SOCKET.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, selectors.DefaultSelector() as ready:
        # Bound under another name first: who finds the socket finds a process that listens.
        new = SOCKET.with_name(f"{SOCKET.name}.{os.getpid()}")
        listener.bind(str(new))
        new.chmod(0o600)
        listener.listen(64)
        new.rename(SOCKET)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        for source in (listener, sys.stdin):
            ready.register(source, selectors.EVENT_READ)
        # The one other thread is that of Arrow's allocator, which takes care of forks itself.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        while True:
            for key, _ in ready.select():
                if key.fileobj is sys.stdin:
                    SOCKET.unlink(missing_ok=True)
                    return 0
                connection, _ = listener.accept()
                with connection:
                    if os.fork() == 0:
                        listener.close()
                        _child(connection)


def _child(connection: socket.socket) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    request = json.loads(connection.makefile().readline())
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    try:
        code = execute(request["arguments"])
    except Exception:  # noqa: BLE001 (what Python itself prints at the end of a process that fails)
        traceback.print_exc()
        code = 1
    flush()
    connection.sendall(f"{code}\n".encode())
    leave(code)


def _end_with(connection: socket.socket) -> None:
    # Whoever asked for the job was killed: so is the job.
    connection.recv(1)
    os._exit(1)


if __name__ == "__main__":
    prepare()
    sys.exit(serve())
