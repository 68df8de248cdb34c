"""Soil water: Saxton and Rawls (2006) pedotransfer, available water of a root zone, hydrologic group, curve number."""

import logging

import numpy as np
import xarray as xr

from agritwin.errors import DataError

log = logging.getLogger(__name__)

ORGANIC_MATTER_PER_CARBON = 1.724
"""The van Bemmelen factor."""
Z95 = 1.645
"""Standard deviations from the median to the 95 % quantile of a normal distribution."""

PRODUCTS = {
    "wilting_point": ("m3 m-3", "volumetric water content at 1500 kPa"),
    "field_capacity": ("m3 m-3", "volumetric water content at 33 kPa"),
    "saturation": ("m3 m-3", "volumetric water content at saturation"),
    "saturated_hydraulic_conductivity": ("mm h-1", "saturated hydraulic conductivity of the fine earth"),
}

CURVE_NUMBERS = {
    ("fallow", "poor"): (77, 86, 91, 94),
    ("row_crops", "poor"): (72, 81, 88, 91),
    ("row_crops", "good"): (67, 78, 85, 89),
    ("small_grain", "poor"): (65, 76, 84, 88),
    ("small_grain", "good"): (63, 75, 83, 87),
    ("pasture", "poor"): (68, 79, 86, 89),
    ("pasture", "fair"): (49, 69, 79, 84),
    ("pasture", "good"): (39, 61, 74, 80),
    ("orchard", "poor"): (57, 73, 82, 86),
    ("orchard", "fair"): (43, 65, 76, 82),
    ("orchard", "good"): (32, 58, 72, 79),
}
"""NRCS National Engineering Handbook 630, Table 9-1, straight rows; orchard is 'woods-grass combination'."""


def saxton_rawls(sand: np.ndarray, clay: np.ndarray, organic_matter: np.ndarray) -> dict[str, np.ndarray]:
    """Return water contents and conductivity from texture and organic matter.

    Saxton and Rawls (2006), Soil Sci. Soc. Am. J. 70:1569-1578, Table 1, Eq. 1-3, 5, 15, 16, 18 (normal density).

    Parameters
    ----------
    sand, clay
        Mass share of the fine earth [percent], any shape.
    organic_matter
        Mass share [percent].

    Returns
    -------
    dict
        ``wilting_point``, ``field_capacity``, ``saturation`` [m3 m-3], ``saturated_hydraulic_conductivity`` [mm h-1];
        NaN outside the soils the equations were fitted to (clay above 60 %, organic matter above 8 %), and where they
        give no order wilting point < field capacity < saturation.
    """
    s, c, om = np.asarray(sand, float) / 100, np.asarray(clay, float) / 100, np.asarray(organic_matter, float)
    dry = -0.024 * s + 0.487 * c + 0.006 * om + 0.005 * s * om - 0.013 * c * om + 0.068 * s * c + 0.031
    wilting_point = dry + (0.14 * dry - 0.02)
    moist = -0.251 * s + 0.195 * c + 0.011 * om + 0.006 * s * om - 0.027 * c * om + 0.452 * s * c + 0.299
    field_capacity = moist + (1.283 * moist**2 - 0.374 * moist - 0.015)
    drained = 0.278 * s + 0.034 * c + 0.022 * om - 0.018 * s * om - 0.027 * c * om - 0.584 * s * c + 0.078
    drainable = drained + (0.636 * drained - 0.107)
    saturation = field_capacity + drainable - 0.097 * s + 0.043
    fitted = (c <= 0.60) & (om <= 8.0) & (s >= 0) & (c >= 0) & (s + c <= 1.0 + 1e-9)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (np.log(field_capacity) - np.log(wilting_point)) / (np.log(1500.0) - np.log(33.0))
        conductivity = 1930.0 * (saturation - field_capacity) ** (3.0 - slope)
        fitted &= (wilting_point > 0) & (wilting_point < field_capacity) & (field_capacity < saturation)
    products = (wilting_point, field_capacity, saturation, conductivity)
    return {name: np.where(fitted, values, np.nan) for name, values in zip(PRODUCTS, products, strict=True)}


def hydraulic_properties(layers: xr.Dataset) -> xr.Dataset:
    """Add water contents and conductivity to the layers of a soil.

    Parameters
    ----------
    layers
        Soil dataset of the contract, dims ``(depth)``. Texture is scaled to a sum of 100 %.

    Returns
    -------
    xr.Dataset
        The layers with ``wilting_point``, ``field_capacity``, ``saturation`` (fine earth, m3 m-3) and
        ``saturated_hydraulic_conductivity`` (mm h-1). Where the soil gives quantiles of sand, clay and carbon, each has
        ``<name>_std``: first-order propagation of (q95 - q05) / 3.29 of each input as if they were independent.
    """
    total = layers["sand"] + layers["silt"] + layers["clay"]
    inputs = {
        "sand": (layers["sand"] * 100 / total).to_numpy(),
        "clay": (layers["clay"] * 100 / total).to_numpy(),
        "soil_organic_carbon": layers["soil_organic_carbon"].to_numpy(),
    }
    central = _from_carbon(inputs)
    outside = np.isnan(central["field_capacity"]) & ~np.isnan(sum(inputs.values()))
    if outside.any():
        log.warning("%d soil layers lie outside the soils that Saxton and Rawls (2006) cover", int(outside.sum()))
    products = {name: ("depth", values, _attributes(name)) for name, values in central.items()}
    if all(f"{name}_{ending}" in layers for name in inputs for ending in ("q05", "q95")):
        for name, values in _propagated(inputs, layers).items():
            units, meaning = PRODUCTS[name]
            attributes = {"units": units, "long_name": f"{meaning}, standard deviation"}
            products[f"{name}_std"] = ("depth", values, attributes)
    history = "hydraulic properties after Saxton and Rawls (2006)"
    return layers.assign(products).assign_attrs(history=history)


def _from_carbon(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    organic_matter = inputs["soil_organic_carbon"] / 10 * ORGANIC_MATTER_PER_CARBON
    return saxton_rawls(inputs["sand"], inputs["clay"], organic_matter)


def _propagated(inputs: dict[str, np.ndarray], layers: xr.Dataset) -> dict[str, np.ndarray]:
    variance = {name: np.zeros(layers.sizes["depth"]) for name in PRODUCTS}
    for varied, values in inputs.items():
        spread = (layers[f"{varied}_q95"] - layers[f"{varied}_q05"]).to_numpy() / (2 * Z95)
        step = np.maximum(1e-3 * values, 1e-6)
        above, below = (_from_carbon(inputs | {varied: values + sign * step}) for sign in (1, -1))
        for name in PRODUCTS:
            variance[name] += ((above[name] - below[name]) / (2 * step) * spread) ** 2
    return {name: np.sqrt(values) for name, values in variance.items()}


def _attributes(name: str) -> dict[str, str]:
    units, meaning = PRODUCTS[name]
    return {"units": units, "long_name": meaning}


def total_available_water(layers: xr.Dataset, root_depth_m: float) -> float:
    """Return the total available water of a root zone [mm] (FAO-56, Eq. 82, summed over layers).

    Stones hold no water: each layer counts by 1 - coarse_fragments / 100 (Saxton and Rawls 2006, Eq. 21).

    Parameters
    ----------
    layers
        Result of :func:`hydraulic_properties`.
    root_depth_m
        Depth of the roots [m].

    Raises
    ------
    DataError
        When the roots reach below the lowest layer, or a layer within their reach has no water contents.
    """
    top, bottom = layers["depth_top_m"].to_numpy(), layers["depth_bottom_m"].to_numpy()
    if not 0 < root_depth_m <= bottom.max():
        raise DataError(
            f"Roots of {root_depth_m:g} m do not fit a soil known to {bottom.max():g} m.",
            "Correct the root depth, or give deeper soil layers.",
        )
    thickness = np.clip(np.minimum(bottom, root_depth_m) - top, 0.0, None)
    stones = layers["coarse_fragments"].to_numpy() / 100 if "coarse_fragments" in layers else np.zeros(top.size)
    water = (layers["field_capacity"] - layers["wilting_point"]).to_numpy() * (1 - stones)
    reached = thickness > 0
    if np.isnan(water[reached]).any():
        raise DataError(
            "A soil layer within the reach of the roots has no field capacity or wilting point.",
            "Give the soil layers in the configuration of the twin.",
        )
    return float(1000 * (water[reached] * thickness[reached]).sum())


def hydrologic_group(layers: xr.Dataset, depth_m: float = 1.0) -> str:
    """Return the hydrologic soil group, A to D, of a deep, drained soil by its least permeable layer.

    NRCS National Engineering Handbook 630, Table 7-1, for no restrictive layer or water table within 1 m: the group
    ends at 10, 4 and 0.4 micrometres per second (36, 14.4 and 1.44 mm/h).

    Raises
    ------
    DataError
        When a layer within ``depth_m`` has no conductivity.
    """
    conductivity = layers["saturated_hydraulic_conductivity"].to_numpy()[layers["depth_top_m"].to_numpy() < depth_m]
    if np.isnan(conductivity).any() or conductivity.size == 0:
        raise DataError(
            f"The soil has no conductivity throughout the upper {depth_m:g} m.",
            "Give the soil layers in the configuration of the twin.",
        )
    least = conductivity.min() / 3.6
    return next((group for group, limit in (("A", 10.0), ("B", 4.0), ("C", 0.4)) if least > limit), "D")


def curve_number(cover: str, condition: str, group: str) -> int:
    """Return the runoff curve number for average wetness (NRCS National Engineering Handbook 630, Table 9-1).

    Parameters
    ----------
    cover
        ``fallow``, ``row_crops``, ``small_grain``, ``pasture`` or ``orchard``.
    condition
        Hydrologic condition ``poor``, ``fair`` or ``good``.
    group
        Hydrologic soil group, A to D.

    Raises
    ------
    DataError
        When the table has no such entry.
    """
    numbers = CURVE_NUMBERS.get((cover, condition))
    if numbers is None or group not in "ABCD" or len(group) != 1:
        known = ", ".join(f"{name} {state}" for name, state in CURVE_NUMBERS)
        raise DataError(
            f"There is no curve number for {cover} in {condition} condition on group {group}.",
            f"Known are {known}, each for the groups A, B, C, D.",
        )
    return numbers["ABCD".index(group)]
