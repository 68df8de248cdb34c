"""Keep a simulation: the cube in one commit, then the pointer with its summary."""

from pathlib import Path
from typing import Any

import xarray as xr

from agritwin.cubes import write_group
from agritwin.pins import write_pointer
from agritwin.products.publish import plain
from agritwin.workspace import cube


def keep_simulation(
    result: str,
    kind: str,
    twin: str,
    dataset: xr.Dataset | None,
    issue_time: Any,
    synthetic: bool,
    summary: dict[str, Any],
    **extra: Any,
) -> None:
    """Write a simulation's cube and its pointer.

    Parameters
    ----------
    result
        The pointer file.
    kind
        ``crop`` or ``flood``.
    twin
        Id.
    dataset
        The simulation; None where there was nothing to simulate (``reason`` in ``extra`` says why).
    issue_time, synthetic, summary, extra
        Further keys of the pointer.
    """
    store, _ = cube(kind, twin)
    if dataset is not None:
        write_group(store, kind, dataset, f"{kind} as of {issue_time}")
    content = plain({"twin": twin, "issue_time": issue_time, "synthetic": synthetic, "summary": summary, **extra})
    write_pointer(Path(result), store, kind, **content)
