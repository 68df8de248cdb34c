"""Scenarios side by side with the twin as it is."""

from typing import Any

from agritwin.errors import ConfigError

#: Key of the summary to what it is called, its factor and unit, and its digits.
ROWS = {
    "relative_yield": ("Relative yield", 100.0, "%", 0),
    "crop_kg_per_ha": ("Crop", 1.0, "kg/ha", 0),
    "irrigation_mm": ("Irrigation, net", 1.0, "mm", 0),
    "transpiration_mm": ("Transpiration", 1.0, "mm", 0),
    "soil_evaporation_mm": ("Soil evaporation", 1.0, "mm", 0),
    "drainage_mm": ("Drainage", 1.0, "mm", 0),
    "precipitation_mm": ("Rain", 1.0, "mm", 0),
    "stress_days": ("Days of stress", 1.0, "d", 0),
    "frost_damage": ("Lost to frost", 100.0, "%", 0),
}
PLANS = {
    "none": "none",
    "uniform": "the same water spread evenly",
    "refill": "refilled until it is spent",
    "optimised": "as found",
    "unlimited": "without a budget",
}


def table(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a table of texts and numbers.

    Parameters
    ----------
    results
        Results of scenarios of one twin, as published.

    Returns
    -------
    dict
        ``columns``; ``rows`` with ``key``, ``label``, ``cells`` (texts) and ``values`` (quantiles); ``remarks``.

    Raises
    ------
    ConfigError
        When they are of several twins.
    """
    twins = sorted({result["twin"] for result in results})
    if len(twins) > 1:
        raise ConfigError(f"The scenarios are of {len(twins)} twins: {', '.join(twins)}.", "Compare those of one.")
    summaries = [results[0]["summary"]["baseline"], *(result["summary"]["scenario"] for result in results)]
    columns = ["as it is", *(_name(result) for result in results)]
    rows = []
    for key, (label, factor, unit, digits) in ROWS.items():
        values = [summary[key] for summary in summaries]
        if all(value["p50"] is None for value in values):
            continue  # no such thing of this crop
        cells = [_cell(value, factor, digits) for value in values]
        rows.append({"key": key, "label": f"{label}, {unit}", "cells": cells, "values": values})
    return {"columns": columns, "rows": rows, "remarks": _remarks(results)}


def _name(result: dict[str, Any]) -> str:
    return f"{result['scenario']} (partial)" if result["partial"] else result["scenario"]


def _cell(value: dict[str, float | None], factor: float, digits: int) -> str:
    known = [value[key] for key in ("p10", "p50", "p90")]
    low, middle, high = ("-" if number is None else f"{factor * number:.{digits}f}" for number in known)
    return middle if low == high else f"{middle} ({low} to {high})"


def _remarks(results: list[dict[str, Any]]) -> list[str]:
    remarks = []
    days = {result["issue_time"] for result in results}
    if len(days) > 1:
        remarks.append(f"They were run on different days ({', '.join(sorted(days))}): run them again to compare them.")
    spans = {(result["members_done"], str(result["changes"].get("dates"))) for result in results}
    if len(spans) > 1:
        remarks.append("They differ in members or days; the column of the twin as it is belongs to the first.")
    for result in results:
        allocation = result["summary"]["allocation"]
        if allocation is not None:
            remarks += _allocation(result["scenario"], allocation)
    if any(result["synthetic"] for result in results):
        remarks.append("Synthetic weather: this is no statement about a real parcel.")
    return remarks


def _allocation(name: str, allocation: dict[str, Any]) -> list[str]:
    shares = ", ".join(f"{100 * share:.0f} %" for share in allocation["stage_shares"])
    against = "; ".join(
        f"{PLANS[row['plan']]} {100 * row['relative_yield']:.0f} % with {row['irrigation']:.0f} mm"
        for row in allocation["counterfactuals"]
    )
    found = (
        f"{name}: of {allocation['budget_mm']:.0f} mm, stages 1 to 3 get {shares} of what they ask for."
        if allocation["plan"] == "optimised"
        else f"{name}: nothing better was found than to spend the water as '{allocation['plan']}'."
    )
    judged = "on other years than it was sought on" if allocation["judged_apart"] else "on the years it was sought on"
    return [found, f"Mean relative yield, judged {judged}: {against}."]
