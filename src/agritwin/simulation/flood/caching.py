"""Compiled functions that stay on disk, so that a second process compiles nothing."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

from numba import njit

SOURCES = [*sorted(Path(__file__).parent.glob("*kernels.py")), Path(__file__).with_name("layout.py")]
DIGEST = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()[:12]


def cached(function: FunctionType, variant: str = "", **options: Any) -> Callable[..., Any]:
    """Compile a function for good.

    numba looks a function up on disk by its file and name, and takes what it finds for current as long as that file is
    unchanged. Neither the options nor the functions that it calls in other modules are part of that, so the name gets
    the variant and a digest of all kernels.
    """
    name = f"{function.__name__}_{variant}{DIGEST}"
    copy = FunctionType(function.__code__, function.__globals__, name)
    copy.__qualname__ = name
    return njit(cache=True, nogil=True, **options)(copy)
