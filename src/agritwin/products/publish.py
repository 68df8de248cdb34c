"""Write a product: JSON in which unknown numbers are null and every date is ISO text."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agritwin.workspace import read_json, write_json

DIGITS = 6


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: NaN and NaT become None, numbers keep six significant digits."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return plain(value[()])
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray | pd.Series | pd.Index):
        return [plain(item) for item in value]
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in value.to_dict("records")]
    if value is None or value is pd.NaT or isinstance(value, str | bool | np.bool_):
        return bool(value) if isinstance(value, np.bool_) else (None if value is pd.NaT else value)
    if isinstance(value, np.datetime64 | pd.Timestamp | dt.datetime):
        stamp = pd.Timestamp(value)
        if not isinstance(stamp, pd.Timestamp):
            return None
        return (stamp.date() if stamp == stamp.normalize() else stamp).isoformat()
    if isinstance(value, dt.date | Path):
        return str(value)
    if isinstance(value, int | np.integer):
        return int(value)
    number = float(value)
    return float(f"{number:.{DIGITS}g}") if np.isfinite(number) else None


def publish(path: str, twin: str, issue_time: Any, synthetic: bool, **content: Any) -> None:
    """Write a product.

    Parameters
    ----------
    path
        The file.
    twin
        Id.
    issue_time
        The day after the last observed day that went in.
    synthetic
        True when any input was.
    content
        The stage's own keys.
    """
    write_json(path, plain({"twin": twin, "issue_time": issue_time, "synthetic": synthetic} | content))


def digests(**pins: str) -> dict[str, Any]:
    """Return name to digest (or snapshot) of the pins and pointers that went into a product; parts as ``name_part``."""
    found = {}
    for name, path in pins.items():
        content = read_json(path)
        named = {name: content} if "snapshot" in content else {f"{name}_{part}": content[part] for part in content}
        found |= {key: pointer.get("digest") or pointer["snapshot"] for key, pointer in named.items()}
    return found
