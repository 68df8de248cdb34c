"""What must hold for any annual crop, and what is refused."""

import datetime as dt
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agritwin.errors import ConfigError, DataError
from agritwin.simulation.annual import layout
from agritwin.simulation.annual.management import Cropping
from agritwin.simulation.annual.parameters import SPECIES, load, sample
from agritwin.simulation.annual.wofost import final_state, simulate
from tests.simulation.annual import published
from tests.simulation.annual.conftest import cropping, field, shipped
from tests.simulation.annual.drawn import CROPS, FIELDS, place

RULES = st.sampled_from(
    [
        {},
        {"rule": "fixed", "depth_mm": 20.0, "interval_days": 9},
        {"rule": "refill", "maximum_mm_per_day": 30.0, "season_limit_mm": 250.0},
        {"rule": "refill", "threshold_share_of_raw": 0.5, "refill_share": 0.8},
    ]
)


@given(drawn=FIELDS, crop=CROPS, rule=RULES)
@settings(max_examples=15, deadline=None)
def test_water_closes_every_day_and_nothing_is_negative(drawn: dict[str, float], crop: str, rule: dict) -> None:
    weather, soil = place(drawn)
    members = sample(crop, 3, 1, **soil)
    found = simulate(weather, members, None, shipped(crop, irrigation=rule))
    assert float(abs(found["water_balance_error"]).max()) < 1e-6
    stored = found["root_zone_water"] + found["subsoil_water"] + found["surface_storage"]
    came = weather["precipitation"] + found["irrigation"] - found["runoff"] - found["drainage"]
    used = found["transpiration"] + found["soil_evaporation"] + found["surface_evaporation"]
    unexplained = stored.diff("day").to_numpy() - (came - used).transpose("member", "day").to_numpy()[:, :-1]
    assert abs(unexplained).max() < 0.01
    for name in layout.DAILY:
        if name != "development_stage":  # -0.1 at sowing
            assert float(found[name].min()) >= -1e-9, name
    assert float((found["soil_moisture"] - members["SM0"]).max()) <= 1e-9
    assert (found["transpiration"] <= found["potential_transpiration"] + 1e-9).all()
    assert (found["ks"] <= 1.0).all()
    assert (found["development_stage"].diff("day") >= 0).all()
    if "season_limit_mm" in rule:
        assert float(found["season_irrigation"].max()) <= rule["season_limit_mm"] + 1e-9


@pytest.mark.parametrize("crop", ["wheat", "maize", "rapeseed"])
def test_interrupted_equals_uninterrupted_to_the_bit(crop: str) -> None:
    members, weather = sample(crop, 70, 5, IOX=1.0), published.weather()
    management = shipped(crop, irrigation={"rule": "refill", "season_limit_mm": 60.0})
    whole = simulate(weather, members, None, management)
    state, parts = None, []
    for first, last in ((0, 60), (60, 61), (61, 170), (170, 366)):
        part = simulate(weather.isel(day=slice(first, last)), members, state, management)
        state, parts = final_state(part), [*parts, part]
    for name in layout.DAILY:
        joined = np.concatenate([part[name].to_numpy() for part in parts], axis=1)
        assert joined.tobytes() == whole[name].to_numpy().tobytes(), name
    for name, values in final_state(whole).items():
        assert values.to_numpy().tobytes() == parts[-1][f"final_{name}"].to_numpy().tobytes(), name


@given(drawn=FIELDS, crop=CROPS, rule=RULES, members=st.integers(2, 70))
@settings(max_examples=5, deadline=None)
def test_equal_members_stay_equal(drawn: dict[str, float], crop: str, rule: dict, members: int) -> None:
    weather, soil = place(drawn)
    one = sample(crop, 2, 9, **soil).isel(member=[1])
    equal = one.isel(member=np.zeros(members, int)).assign_coords(member=np.arange(members))
    found = simulate(weather, equal, None, shipped(crop, irrigation=rule))
    for name in layout.DAILY:
        assert (found[name] == found[name].isel(member=0)).all(), name


def test_same_seed_same_bytes() -> None:
    once, again = (simulate(published.weather(), sample("potato", 45, 9), None, shipped("potato")) for _ in range(2))
    for name in once.data_vars:
        assert once[name].to_numpy().tobytes() == again[name].to_numpy().tobytes(), name
    assert float(once["yield_dry_matter"].std()) > 0


def test_own_weather_of_members_equals_shared_weather() -> None:
    members, weather = sample("sunflower", 37, 2), published.weather()
    own = xr.concat([weather] * 37, "member")
    shared, each = (simulate(drivers, members, None, shipped("sunflower")) for drivers in (weather, own))
    for name in layout.DAILY:
        np.testing.assert_allclose(each[name], shared[name], rtol=1e-12, atol=1e-12, err_msg=name)


def test_every_output_has_unit_and_meaning_and_days() -> None:
    found = simulate(published.weather(), sample("wheat", 2, 1), None, shipped("wheat"))
    for name, values in found.data_vars.items():
        assert values.attrs["long_name"], name
        assert values.dtype.kind == "M" or values.attrs["units"], name
    assert (found["day"] == published.weather()["day"]).all()
    assert found.attrs["synthetic"] == "false"
    first = found.isel(member=0)
    stages = [first[name].to_numpy() for name in ("emergence", "flowering", "ripeness")]
    assert stages == sorted(stages)
    assert float(first["development_stage"].sel(day=first["flowering"])) == 1.0
    assert float(first["development_stage"].sel(day=first["ripeness"])) == 2.0
    assert float(first["harvest_index"]) == pytest.approx(
        float(first["yield_dry_matter"] / first["total_above_ground_production"])
    )


def test_daily_variables_can_be_chosen() -> None:
    members = sample("barley", 3, 1)
    everything = simulate(published.weather(), members, None, shipped("barley"))
    some = simulate(published.weather(), members, None, shipped("barley"), daily=["transpiration", "leaf_area_index"])
    assert (some["leaf_area_index"] == everything["leaf_area_index"]).all()
    assert "stem_weight" not in some
    assert (some["season_transpiration"] == everything["season_transpiration"]).all()
    with pytest.raises(ConfigError, match="unknown daily variable colour"):
        simulate(published.weather(), members, None, shipped("barley"), daily=["colour"])


def test_potential_production_is_never_below_the_water_limited() -> None:
    for crop in SPECIES:
        members = sample(crop, 20, 1)
        limited, potential = (
            simulate(published.weather(), members, None, shipped(crop, production=production), daily=False)
            for production in ("water_limited", "potential")
        )
        assert (potential["total_above_ground_production"] >= limited["total_above_ground_production"] - 1e-6).all()
        assert "water_balance_error" not in potential


def test_irrigation_by_the_rule_keeps_a_crop_from_stress() -> None:
    members = sample("maize", 10, 1)
    rule = {"rule": "refill", "threshold_share_of_raw": 0.8}
    dry, watered = (
        simulate(published.weather(), members, None, shipped("maize", irrigation=each)) for each in (None, rule)
    )
    growing = (watered["leaf_area_index"] > 0.5) & (watered["phase"] < 4)
    assert float(watered["ks"].where(growing).min()) > 0.95
    assert float(watered["yield_dry_matter"].mean()) > 2 * float(dry["yield_dry_matter"].mean())
    assert float(dry["season_irrigation"].max()) == 0.0


def test_a_crop_not_yet_sown_leaves_the_soil_bare() -> None:
    weather = published.weather().isel(day=slice(0, 40))
    found = simulate(weather, field("maize"), None, cropping("maize"))
    assert (found["phase"] == 0).all()
    assert np.isnat(found["start"].to_numpy()).all()
    assert found["season_transpiration"].item() == 0.0
    assert found["season_soil_evaporation"].item() > 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"TSUM1": -5.0}, r"TSUM1 .* is -5 degC d\. Give a value from 50 to 5000"),
        ({"Q10": float("nan")}, "Q10"),
        ({"SMW": 0.4}, r"SMW \(0.4\) is not below SMFCF \(0.3175\)"),
        ({"AMAXTB": [(0, 35.0), (0, 30.0)]}, "x of AMAXTB"),
        ({"AMAXTB": [(0, 3500.0), (2, 30.0)]}, "AMAXTB .* is 3500"),
        ({"FLTB": [(0, 0.9), (2, 0.9)]}, "FLTB, FSTB and FOTB sum to"),
        ({"RDI": 90.0}, r"RDI \(90\) is not below RDMSOL \(60\)"),
        ({"IDSL": 1.0}, "DLC"),
    ],
)
def test_bad_parameters_are_refused_with_value_and_range(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate(published.weather(), field("wheat", **change), None, cropping("wheat"))


def test_missing_parameters_and_members_that_do_not_match_are_refused() -> None:
    without = {name: value for name, value in field("wheat").items() if name != "SPAN"}
    with pytest.raises(ConfigError, match="SPAN missing"):
        simulate(published.weather(), without, None, cropping("wheat"))
    with pytest.raises(ConfigError, match=r"\[2, 3\] members"):
        own = xr.concat([published.weather()] * 2, "member")
        simulate(own, field("wheat", SPAN=[30.0, 31.0, 32.0]), None, cropping("wheat"))


def test_crops_without_parameters_are_refused_with_the_remedy() -> None:
    for crop in ("alfalfa", "pistachio"):
        with pytest.raises(ConfigError, match=f"no WOFOST parameters for '{crop}'.*FAO-56"):
            sample(crop, 3, 1)


def test_dates_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="sowing 2000-05-01 is not before harvest 2000-03-01"):
        Cropping(sowing=dt.date(2000, 5, 1), harvest=dt.date(2000, 3, 1))
    with pytest.raises(ConfigError, match="without a day of harvest"):
        Cropping(sowing=dt.date(2000, 5, 1), end="harvest")
    with pytest.raises(ConfigError, match="lies before the first day"):
        simulate(published.weather().isel(day=slice(50, None)), field("wheat"), None, cropping("wheat"))
    with pytest.raises(ConfigError, match="unknown key seeding"):
        Cropping.of({"sowing": dt.date(2000, 5, 1), "seeding": 3})
    with pytest.raises(ConfigError, match="sowing missing"):
        Cropping.of({})


def test_bad_weather_is_refused() -> None:
    weather = published.weather()
    with pytest.raises(DataError, match="no bare_soil_evaporation"):
        simulate(weather.drop_vars("bare_soil_evaporation"), field("wheat"), None, cropping("wheat"))
    gap = weather.copy(deep=True)
    gap["precipitation"][5] = np.nan
    with pytest.raises(DataError, match="in 1 of 366 values"):
        simulate(gap, field("wheat"), None, cropping("wheat"))
    watts = weather.copy(deep=True)
    watts["shortwave_radiation"].attrs["units"] = "W m-2"
    with pytest.raises(DataError, match="expected 'MJ m-2 d-1'"):
        simulate(watts, field("wheat"), None, cropping("wheat"))
    with pytest.raises(DataError, match="do not follow"):
        simulate(weather.isel(day=[0, 2, 3]), field("wheat"), None, cropping("wheat"))


def test_shipped_parameters_say_where_they_come_from() -> None:
    for crop in SPECIES:
        for name, entry in load(crop).items():
            assert entry.source, f"{crop} {name}"
            assert entry.units, f"{crop} {name}"
        assert load(crop)["TSUM1"].mark == "published"
        assert load(crop)["WAV"].mark == "prior"
        drawn = sample(crop, 200, 3)
        assert float(drawn["TSUM1"][0]) == load(crop)["TSUM1"].value
        assert float(drawn["TSUM1"].min()) >= load(crop)["TSUM1"].low
