"""Compiled functions that stay on disk, so that a second process compiles nothing."""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

from numba import njit


def cached(function: FunctionType, variant: str = "", **options: Any) -> Callable[..., Any]:
    """Compile a function for good.

    numba looks a function up on disk by its file and name, and takes what it finds for current as long as that file is
    unchanged. Neither the options nor the functions that it calls in other modules are part of that, so the name gets
    the variant and a digest of all kernels of its package and of those that packages share. Those that it calls keep
    nothing of their own on disk.
    """
    name = f"{function.__name__}_{variant}{_digest(Path(function.__code__.co_filename).parent)}"
    copy = FunctionType(function.__code__, function.__globals__, name)
    copy.__qualname__, copy.__doc__ = name, function.__doc__
    return njit(cache=True, nogil=True, **options)(copy)


@functools.cache
def _digest(package: Path) -> str:
    kernels = (path for folder in (package.parent, package) for path in sorted(folder.glob("*kernels.py")))
    sources = [*kernels, package / "layout.py"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
