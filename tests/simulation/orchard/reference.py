"""The water balance once more, as a plain loop over days in NumPy: slow, to be read beside FAO-56."""

import numpy as np
from numpy.typing import NDArray

from agritwin.simulation.orchard import layout


def run(
    drivers: NDArray[np.float64], parameters: NDArray[np.float64], state: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Daily series (day, member) by name, and the state after the last day."""
    p = dict(zip(layout.PARAMETERS, parameters, strict=True))
    s = {name: row.copy() for name, row in zip(layout.STATE, state, strict=True)}
    series: dict[str, list[NDArray[np.float64]]] = {name: [] for name in layout.DAILY}
    for day in range(drivers.shape[1]):
        given = dict(zip(layout.DRIVERS, drivers[:, day], strict=False))
        today = step(day, given, p, s)
        for name in layout.DAILY:
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

    # exposed soil that irrigation wets, and that only rain wets; what joins them is dry
    exposed = np.clip(1 - cover, 0.01, 1)
    few_irrigated = np.minimum(np.maximum((1 - p["canopy_shelter"] * cover) * p["wetted_fraction"], 0.01), exposed)
    few = {"irrigated": few_irrigated, "rainfed": exposed - few_irrigated}
    lacking = {}
    for part in few:
        dry = np.maximum(few[part] - s[f"{part}_exposed_fraction"], 0)
        before = few[part] * s[f"{part}_surface_depletion"] + dry * (tew - s[f"{part}_surface_depletion"])
        lacking[part] = np.maximum(before - few[part] * infiltration, 0)  # mm over all the ground

    before = s["root_zone_depletion"] - infiltration
    excess = np.maximum(lacking["irrigated"] + lacking["rainfed"] - np.maximum(before, 0), 0)
    given_up = np.minimum(excess, lacking["rainfed"])
    lacking["rainfed"] = lacking["rainfed"] - given_up
    lacking["irrigated"] = lacking["irrigated"] - (excess - given_up)

    due = (before >= p["threshold"] * raw) & (p["first_day"] <= day) & (day <= p["last_day"])
    starts = [p["leaf_out"], p["stage_2"], p["stage_3"], p["maturity"]]
    shares = [p["deficit_stage_1"], p["deficit_stage_2"], p["deficit_stage_3"], 0.0]
    share = np.select([day >= start for start in starts[::-1]], shares[::-1], 0.0)
    held = np.where(p["deficit_stage_1"] < 0, 0, taw - share * (taw - p["threshold"] * raw))
    wanted = np.minimum(p["refill"] * before - held, before - lacking["rainfed"])
    wanted = np.minimum(np.minimum(wanted, p["maximum"]), p["season_limit"] - s["refilled"])
    refill = np.where(due, np.maximum(wanted, 0), 0)
    irrigation = given["irrigation"] + refill
    filled = np.maximum(before - irrigation, lacking["rainfed"])
    drainage = filled - (before - irrigation)
    wetted = np.maximum(lacking["irrigated"] - few["irrigated"] * irrigation * p["inverse_wetted"], 0)
    lacking["irrigated"] = np.minimum(wetted, filled - lacking["rainfed"])

    kc_max = np.maximum(1.2 + given["climate"] * p["height_factor"], kcb + 0.05)
    water = {part: few[part] * tew - lacking[part] for part in few}
    total = np.maximum(water["irrigated"] + water["rainfed"], 1e-9)
    stored = taw - filled
    ks = np.clip(stored / (taw - raw), 0, 1)
    reach = np.maximum(stored - water["rainfed"], 0)
    transpiration = np.minimum(ks * potential, reach)
    evaporated = {}
    for part, most in (("rainfed", stored), ("irrigated", reach - transpiration)):
        kr = np.clip(water[part] / np.maximum(few[part], 1e-6) * p["inverse_falling_rate"], 0, 1)
        ke = np.minimum(kr * water[part] / total * (kc_max - kcb), few[part] * kc_max)
        evaporated[part] = np.minimum(np.minimum(ke * et0, water[part]), most)
        s[f"{part}_surface_depletion"] = (lacking[part] + evaporated[part]) / np.maximum(few[part], 1e-6)
        s[f"{part}_exposed_fraction"] = few[part]
    evaporation = evaporated["irrigated"] + evaporated["rainfed"]
    s["root_zone_depletion"] = filled + transpiration + evaporation
    s["refilled"] = s["refilled"] + refill
    stages = [("leaf_out", "stage_2"), ("stage_2", "stage_3"), ("stage_3", "maturity")]
    for number, (first, last) in enumerate(stages, start=1):
        inside = (p[first] <= day) & (day < p[last])
        s[f"transpiration_stage_{number}"] = s[f"transpiration_stage_{number}"] + inside * transpiration
        s[f"potential_transpiration_stage_{number}"] = s[f"potential_transpiration_stage_{number}"] + inside * potential
    return {
        "root_zone_depletion": s["root_zone_depletion"],
        "irrigated_surface_depletion": s["irrigated_surface_depletion"],
        "rainfed_surface_depletion": s["rainfed_surface_depletion"],
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
