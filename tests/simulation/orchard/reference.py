"""The water balance once more, as a plain loop over days in NumPy: slow, to be read beside FAO-56."""

import numpy as np
from numpy.typing import NDArray

from agritwin.simulation.orchard import kernels


def run(
    drivers: NDArray[np.float64], parameters: NDArray[np.float64], state: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Daily series (day, member) by name, and the state after the last day."""
    p = dict(zip(kernels.PARAMETERS, parameters, strict=True))
    s = {name: row.copy() for name, row in zip(kernels.STATE, state, strict=True)}
    series: dict[str, list[NDArray[np.float64]]] = {name: [] for name in kernels.DAILY}
    for day in range(drivers.shape[1]):
        given = dict(zip(kernels.DRIVERS, drivers[:, day], strict=False))
        today = step(day, given, p, s)
        for name in kernels.DAILY:
            series[name].append(np.broadcast_to(today[name], parameters.shape[1]))
    return {name: np.array(values) for name, values in series.items()}, s


def canopy(day: int, given: dict, p: dict) -> tuple[NDArray, NDArray]:
    if "kcb" in given:
        return given["kcb"], given["ground_cover"]
    up = np.clip((day - p["leaf_out"]) * p["inverse_development"], 0, 1)
    down = np.clip((day - p["senescence"]) * p["inverse_late"], 0, 1)
    off = np.clip((day - p["leaf_fall"]) * p["inverse_fall"], 0, 1)
    leaves = up - off
    kcb = (
        p["kcb_initial"]
        + (p["kcb_mid"] - p["kcb_initial"]) * up
        + (p["kcb_end"] - p["kcb_mid"]) * down
        + (p["kcb_initial"] - p["kcb_end"]) * off
        + p["kcb_climate_gain"] * given["climate"] * leaves
    )
    return np.maximum(kcb, 0), p["cover_minimum"] + (p["cover_maximum"] - p["cover_minimum"]) * leaves


def step(day: int, given: dict, p: dict, s: dict) -> dict[str, NDArray[np.float64]]:
    kcb, cover = canopy(day, given, p)
    rain, et0, taw, tew = given["precipitation"], given["et0"], p["total_available_water"], p["total_evaporable_water"]

    excess = np.maximum(rain - 0.2 * p["retention"], 0)
    runoff = excess**2 / (rain + 0.8 * p["retention"] + 1e-12)
    infiltration = rain - runoff
    potential = kcb * et0
    raw = taw * np.clip(p["depletion_fraction"] + p["depletion_adjustment"] * (5 - potential), 0.1, 0.8)

    before = s["root_zone_depletion"] - infiltration
    due = (before >= p["threshold"] * raw) & (p["first_day"] <= day) & (day <= p["last_day"])
    starts = [p["leaf_out"], p["stage_2"], p["stage_3"], p["maturity"]]
    shares = [p["deficit_stage_1"], p["deficit_stage_2"], p["deficit_stage_3"], 0.0]
    share = np.select([day >= start for start in starts[::-1]], shares[::-1], 0.0)
    held = np.where(p["deficit_stage_1"] < 0, 0, taw - share * (taw - p["threshold"] * raw))
    wanted = np.minimum(np.minimum(p["refill"] * before - held, p["maximum"]), p["season_limit"] - s["refilled"])
    refill = np.where(due, np.maximum(wanted, 0), 0)
    irrigation = given["irrigation"] + refill

    rained = infiltration > 0.2 * et0
    fw = np.where(rained, 1, np.where(irrigation > 0, p["wetted_fraction"], s["wetted_fraction"]))
    few = np.clip(np.minimum(1 - cover, (1 - p["canopy_shelter"] * cover) * fw), 0.01, 1)
    dry = np.maximum(few - s["exposed_wetted_fraction"], 0)
    surface = s["surface_depletion"] * (1 - dry / few) + tew * dry / few
    surface = np.maximum(surface - infiltration - irrigation * np.where(rained, 1, p["inverse_wetted"]), 0)

    depletion = np.maximum(before - irrigation, 0)
    drainage = np.maximum(irrigation - before, 0)
    surface = np.minimum(surface, depletion / few)

    kc_max = np.maximum(1.2 + given["climate"] * p["height_factor"], kcb + 0.05)
    kr = np.clip((tew - surface) * p["inverse_falling_rate"], 0, 1)
    ke = np.minimum(kr * (kc_max - kcb), few * kc_max)
    ks = np.clip((taw - depletion) / (taw - raw), 0, 1)
    transpiration = np.minimum(ks * potential, taw - depletion)
    evaporation = np.minimum(np.minimum(ke * et0, few * (tew - surface)), taw - depletion - transpiration)

    s["root_zone_depletion"] = depletion + transpiration + evaporation
    s["surface_depletion"] = surface + evaporation / few
    s["wetted_fraction"], s["exposed_wetted_fraction"] = fw, few
    s["refilled"] = s["refilled"] + refill
    stages = [("leaf_out", "stage_2"), ("stage_2", "stage_3"), ("stage_3", "maturity")]
    for number, (first, last) in enumerate(stages, start=1):
        inside = (p[first] <= day) & (day < p[last])
        s[f"transpiration_stage_{number}"] = s[f"transpiration_stage_{number}"] + inside * transpiration
        s[f"potential_transpiration_stage_{number}"] = s[f"potential_transpiration_stage_{number}"] + inside * potential
    return {
        "root_zone_depletion": s["root_zone_depletion"],
        "surface_depletion": s["surface_depletion"],
        "kcb": kcb,
        "ground_cover": cover,
        "readily_available_water": raw,
        "ks": ks,
        "soil_evaporation": evaporation,
        "transpiration": transpiration,
        "potential_transpiration": potential,
        "drainage": drainage,
        "runoff": runoff,
        "irrigation": irrigation,
    }
