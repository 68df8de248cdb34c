"""Flood scenarios side by side with the twin as it is."""

from typing import Any

from agritwin.errors import ConfigError

#: Key of the summary, and within it, to what it is called and its digits.
ROWS = {
    ("storm", "depth_mm"): ("Rain, mm", 0),
    ("storm", "duration_h"): ("Within, h", 1),
    ("depth_max_m", None): ("Greatest depth in the parcel, m", 2),
    ("flooded_share_percent", "0.05"): ("Deeper than 5 cm, % of the parcel", 1),
    ("flooded_share_percent", "0.1"): ("Deeper than 10 cm, % of the parcel", 1),
    ("flooded_share_percent", "0.3"): ("Deeper than 30 cm, % of the parcel", 1),
    ("first_arrival_h", None): ("Water arrives after, h", 2),
    ("volumes_m3", "outflow_volume"): ("Leaves the terrain, m3", 0),
    ("volumes_m3", "infiltration_volume"): ("Enters the soil, m3", 0),
}


def table(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a table of texts and numbers, shaped as that of `agritwin.scenarios.comparison.table`.

    Raises
    ------
    ConfigError
        When the scenarios are of several twins.
    """
    twins = sorted({result["twin"] for result in results})
    if len(twins) > 1:
        raise ConfigError(f"The scenarios are of {len(twins)} twins: {', '.join(twins)}.", "Compare those of one.")
    summaries = [results[0]["summary"]["baseline"], *(result["summary"]["scenario"] for result in results)]
    rows = []
    for (key, within), (label, digits) in ROWS.items():
        values = [summary[key] if within is None else summary[key][within] for summary in summaries]
        cells = ["-" if value is None else f"{value:.{digits}f}" for value in values]
        rows.append({"key": within or key, "label": label, "cells": cells, "values": values})
    return {
        "columns": ["as it is", *(result["scenario"] for result in results)],
        "rows": rows,
        "remarks": _remarks(results),
    }


def _remarks(results: list[dict[str, Any]]) -> list[str]:
    remarks = []
    first = results[0]["summary"]["baseline"]
    if any(result["summary"]["baseline"] != first for result in results):
        remarks.append("Their cells or culverts differ; the column of the twin as it is belongs to the first.")
    if any(result["synthetic"] for result in results):
        remarks.append("Synthetic terrain: this is no statement about a real place.")
    return remarks
