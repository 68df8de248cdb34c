"""The field's season, on recorded weather of Wageningen."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agritwin.errors import ConfigError, DataError
from agritwin.products import annual, season
from agritwin.simulation.annual.management import Cropping
from tests.simulation.annual.conftest import wageningen

LAST = dt.date(1988, 6, 14)
CROP = {"members": 12, "seed": 3, "root_depth_m": 1.0, "initial_depletion_share": 0.2, "horizon_days": 7}
IRRIGATION = {"rule": "none", "threshold_share_of_raw": 0.9, "maximum_mm_per_day": 25.0}
WHEAT = {"species": "wheat", "sowing": None, "harvest": None}


def layer(top: float, bottom: float, stones: float = 0.0) -> dict[str, float]:
    contents = {"wilting_point": 0.1, "field_capacity": 0.3, "saturation": 0.45}
    return {"depth_top_m": top, "depth_bottom_m": bottom, "coarse_fragments": stones, **contents} | {
        "saturated_hydraulic_conductivity": 5.0
    }


def site(**changes: Any) -> dict[str, Any]:
    soil = {"layers": [layer(0.0, 0.3), layer(0.3, 2.0, stones=20.0)]}
    return {"latitude": 51.97, "elevation_m": 7.0, "soil": soil, **changes}


@pytest.fixture(scope="module")
def weather() -> xr.Dataset:
    """The year 1988 as known on 14 June, then as past years went on."""
    past = xr.concat([wageningen(year) for year in (1977, 1978, 1979, 1980)], "day")
    now = wageningen(1988).sel(day=slice(None, str(LAST))).copy(deep=True)
    now["wind_speed"][40] = np.nan
    found, filled = annual.season_drivers(past, now, now, None, site(), "Europe/Amsterdam", CROP)
    assert filled == 1
    return found


@pytest.fixture(scope="module")
def years() -> tuple[xr.Dataset, xr.Dataset]:
    """Closed seasons up to October 1978, and the one since November, known up to June 1979."""
    whole = xr.concat([wageningen(year) for year in range(1976, 1980)], "day")
    return whole.sel(day=slice(None, "1978-10-31")), whole.sel(day=slice("1978-11-01", "1979-06-14"))


def test_drivers_reach_from_the_season_s_first_day_to_its_end(weather: xr.Dataset) -> None:
    assert weather.sizes == {"member": 12, "day": 366}
    assert not weather.to_dataarray().isnull().any()
    assert float(weather["precipitation"].sel(day=slice(None, str(LAST))).std("member").max()) < 1e-9
    assert float(weather["precipitation"].sum("day").std("member")) > 0.0


def test_the_soil_of_the_parcel_counts_without_its_stones() -> None:
    found = annual.parameters(site(), WHEAT, CROP)
    share = 0.3 + 0.7 * 0.8
    assert float(found["SMW"][0]) == pytest.approx(0.1 * share)
    assert float(found["SMFCF"][0]) == pytest.approx(0.3 * share)
    assert float(found["RDMSOL"][0]) == 100.0
    assert float(found["WAV"][0]) == pytest.approx(0.8 * 0.2 * share * 100.0)
    assert float(found["KSUB"][0]) == pytest.approx(12.0)
    assert float(found["SMFCF"].std()) > 0.0
    assert (found["SMFCF"] > found["SMW"]).all()
    unknown = annual.parameters(site(soil=None), WHEAT, CROP)
    assert unknown["SMFCF"].attrs["mark"] == "prior"


def test_a_crop_begins_as_its_parameters_do_or_when_it_is_sown() -> None:
    first = dt.date(1987, 11, 1)
    wheat, sentence = annual.manage(WHEAT, IRRIGATION, first, LAST)
    assert (wheat.sowing, wheat.start) == (dt.date(1988, 1, 1), "emergence")
    assert "begins at emergence on 01-01" in sentence
    maize, sentence = annual.manage(
        {"species": "maize", "sowing": "05-03", "harvest": "09-30"}, IRRIGATION, first, LAST
    )
    assert (maize.sowing, maize.start, maize.harvest) == (dt.date(1988, 5, 3), "sowing", dt.date(1988, 9, 30))
    assert "1988-05-03" in sentence


@pytest.mark.parametrize(
    ("day", "sown"), [("10-20", (1987, 10, 20)), ("11-15", (1987, 11, 15)), ("12-31", (1987, 12, 31))]
)
def test_what_is_sown_in_autumn_is_the_crop_of_the_winter_and_harvested_in_the_next_year(
    day: str, sown: tuple[int, int, int]
) -> None:
    found, _ = annual.manage({**WHEAT, "sowing": day, "harvest": "07-20"}, IRRIGATION, dt.date(1987, 11, 1), LAST)
    assert (found.sowing, found.start, found.harvest) == (dt.date(*sown), "sowing", dt.date(1988, 7, 20))


def test_in_the_south_the_year_begins_half_a_year_later() -> None:
    first, last = dt.date(2025, 5, 1), dt.date(2025, 12, 1)

    def manage(**planting: Any) -> Cropping:
        return annual.manage({**WHEAT, **planting}, IRRIGATION, first, last, southern=True)[0]

    assert (manage().sowing, manage().start) == (dt.date(2025, 7, 1), "emergence")
    assert manage(sowing="04-20", harvest="12-10").sowing == dt.date(
        2025, 4, 20
    )  # the winter's, sown before the season
    assert manage(species="maize").sowing == dt.date(2025, 10, 23)
    assert manage(species="maize", harvest="03-20").harvest == dt.date(2026, 3, 20)
    with pytest.raises(ConfigError, match="before") as refused:
        manage(species="maize", harvest="09-20")
    assert "from 10-24 to 06-30" in refused.value.remedy


def test_a_sowing_after_the_harvest_is_refused_with_both_and_the_range() -> None:
    late = {"species": "maize", "sowing": "05-03", "harvest": "04-01"}
    with pytest.raises(ConfigError, match=r"harvest is 04-01, before planting.sowing, 05-03") as refused:
        annual.manage(late, IRRIGATION, dt.date(1987, 11, 1), LAST)
    assert "from 05-04 to 12-31" in refused.value.remedy
    with pytest.raises(ConfigError, match="sowing 1988-05-03 is not before harvest 1988-05-01") as refused:
        Cropping(dt.date(1988, 5, 3), harvest=dt.date(1988, 5, 1))
    assert "from 1988-05-04 to 1989-05-03" in refused.value.remedy


def test_days_that_the_holding_wrote_down_go_above_the_usual_ones() -> None:
    context = pd.DataFrame({"activity_planting": 0.0, "activity_harvest": 0.0}, pd.date_range("1987-09-01", LAST))
    context.loc[["1987-10-25", "1987-10-27"], "activity_planting"] = 1.0
    context.loc[["1987-09-03", "1988-06-10"], "activity_harvest"] = 2.0  # the former is that of the crop before
    found, sentence = annual.manage(
        {**WHEAT, "sowing": "11-05", "harvest": "07-20"}, IRRIGATION, dt.date(1987, 11, 1), LAST, context
    )
    assert (found.sowing, found.harvest) == (dt.date(1987, 10, 27), dt.date(1988, 6, 10))
    assert "Sown on 1987-10-27, as the holding wrote down. Harvested on 1988-06-10" in sentence


def test_a_winter_crop_sown_in_autumn_meets_the_spring_of_its_parameters(years: tuple[xr.Dataset, xr.Dataset]) -> None:
    """Sown in October it stands over the turn of the year; late sown it flowers later; never far from the set's day."""
    flowering = {}
    for sowing in (None, "10-10", "12-20"):
        found = annual.field(site(), {**WHEAT, "sowing": sowing}, IRRIGATION, CROP, *years)
        weather, _ = annual.season_drivers(found.before, found.since, years[1], None, site(), "Europe/Amsterdam", CROP)
        grown = annual.run(weather, found.parameters, found.cropping)
        flowering[sowing] = grown["flowering"].dt.dayofyear.median().item()
        leaves = grown["leaf_area_index"].median("member")
        if sowing == "10-10":
            assert str(weather["day"].to_numpy()[0])[:10] == "1978-10-10"
            assert (grown["emergence"].dt.year == 1978).all()
            assert float(leaves.sel(day="1978-12-01")) > 0.0
            assert float(leaves.sel(day="1979-01-01")) == pytest.approx(0.142, abs=0.05)  # with which the set begins
            assert annual.stage_of(grown, dt.date(1978, 12, 15)) == "vegetative"
            assert annual.stage_of(grown, dt.date(1979, 9, 15)) == "harvested"
            assert float(abs(grown["water_balance_error"]).max()) < 0.01
    assert abs(flowering["10-10"] - flowering[None]) < 8
    assert flowering["12-20"] > flowering["10-10"] + 2


def test_a_sowing_in_autumn_rests_on_past_autumns(years: tuple[xr.Dataset, xr.Dataset]) -> None:
    past, now = years
    with pytest.raises(DataError, match="No past year is whole from 10-10 to 01-01"):
        annual.field(
            site(), {**WHEAT, "sowing": "10-10"}, IRRIGATION, CROP, past.sel(day=slice("1978-09-01", None)), now
        )


def test_summary_has_the_shape_of_the_product(weather: xr.Dataset) -> None:
    members = annual.parameters(site(), WHEAT, CROP)
    cropping, _ = annual.manage(WHEAT, IRRIGATION, dt.date(1988, 1, 1), LAST)
    run = annual.run(weather.isel(day=slice(0, 173)), members, cropping)
    found = annual.summary(run, cropping, LAST, 7)
    asked = "stage stages depletion_mm raw_mm taw_mm stress relative_yield irrigation_mm_season advice balance_error_mm"
    assert set(asked.split()) <= set(found)
    assert found["stage"] in annual.STAGES
    assert [row["stage"] for row in found["stages"]] == list(annual.SHOWN_DATES)
    assert found["stages"][0]["day"] == "1988-01-01"
    assert found["balance_error_mm"] < 0.01
    assert 0.0 < found["relative_yield"]["p10"] <= found["relative_yield"]["p90"] <= 1.0 + 1e-9
    assert found["advice"]["days"] == 7
    kept = annual.keep(run, {"synthetic": "false", "title": "t"})
    assert {"root_zone_depletion", "readily_available_water", "irrigation", "stage_flowering"} <= set(kept)
    assert kept.attrs["synthetic"] == "false"


def test_bare_soil_after_the_harvest_suffers_no_stress(weather: xr.Dataset) -> None:
    cropping, _ = annual.manage(WHEAT | {"harvest": "07-01"}, IRRIGATION, dt.date(1988, 1, 1), LAST)
    run = annual.run(
        weather.assign(precipitation=0.0 * weather["precipitation"]), annual.parameters(site(), WHEAT, CROP), cropping
    )
    after = run.sel(day=slice("1988-07-10", None))
    assert (after["root_zone_depletion"].isel(day=-1) > 0.0).all()
    assert (after["readily_available_water"] == 0.0).all()
    assert (after["ks"] == 1.0).all()
    assert (season.stress_days(after) == 0.0).all()
    assert (season.stress_days(run) > 0.0).all()


def test_water_given_raises_the_outlook_of_a_dry_field(weather: xr.Dataset) -> None:
    dry = weather.assign(precipitation=(weather["precipitation"] * 0.2).assign_attrs(weather["precipitation"].attrs))
    members = annual.parameters(site(), WHEAT, CROP)
    cropping, _ = annual.manage(WHEAT, {**IRRIGATION, "rule": "refill"}, dt.date(1988, 1, 1), LAST)
    onward = replace(cropping, irrigation=replace(cropping.irrigation, last_day=None))
    left = Cropping(cropping.sowing, cropping.start)
    watered, without = (annual.outlook_summary(annual.run(dry, members, each), dry, LAST) for each in (onward, left))
    assert watered["yield_dry_matter_kg_per_ha"]["p50"] > 1.2 * without["yield_dry_matter_kg_per_ha"]["p50"]
    assert watered["irrigation_mm"]["p50"] > 0.0
    assert watered["stages"][2]["day"] is not None


def test_species_of_the_settings_are_those_with_parameters() -> None:
    assert annual.grown({"species": "wheat"})
    assert not annual.grown({"species": "pistachio"})
