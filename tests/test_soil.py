import logging

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agritwin import soil
from agritwin.errors import DataError

# Saxton and Rawls (2006), Table 3, organic matter 2.5 %: sand, clay [percent], wilting point, field capacity,
# saturation [volume percent], saturated conductivity [mm/h].
TABLE_3 = {
    "sand": (88, 5, 5, 10, 46, 108.1),
    "loamy sand": (80, 5, 5, 12, 46, 96.7),
    "sandy loam": (65, 10, 8, 18, 45, 50.3),
    "loam": (40, 20, 14, 28, 46, 15.5),
    "silt loam": (20, 15, 11, 31, 48, 16.1),
    "silt": (10, 5, 6, 30, 48, 22.0),
    "sandy clay loam": (60, 25, 17, 27, 43, 11.3),
    "clay loam": (30, 35, 22, 36, 48, 4.3),
    "silty clay loam": (10, 35, 22, 38, 51, 5.7),
    "silty clay": (10, 45, 27, 41, 52, 3.7),
    "sandy clay": (50, 40, 25, 36, 44, 1.4),
    "clay": (25, 50, 30, 42, 50, 1.1),
}
OM_25 = 2.5 / soil.ORGANIC_MATTER_PER_CARBON * 10


def layers(sand=40.0, clay=20.0, carbon=OM_25, stones=0.0, spread=None):
    """Three layers of one texture to 1 m; ``spread`` gives quantiles at plus and minus it."""
    values = {"sand": sand, "clay": clay, "silt": 100 - sand - clay, "soil_organic_carbon": carbon}
    variables = {name: ("depth", np.full(3, float(value))) for name, value in values.items()}
    variables["coarse_fragments"] = ("depth", np.full(3, float(stones)))
    if spread is not None:
        for name, value in values.items():
            variables[f"{name}_q05"] = ("depth", np.full(3, value - spread))
            variables[f"{name}_q95"] = ("depth", np.full(3, value + spread))
    tops = {"depth_top_m": ("depth", [0.0, 0.3, 0.6]), "depth_bottom_m": ("depth", [0.3, 0.6, 1.0])}
    return xr.Dataset(variables, tops)


@pytest.mark.parametrize("texture", TABLE_3)
def test_the_papers_own_table_is_reproduced(texture):
    sand, clay, *expected = TABLE_3[texture]
    found = soil.saxton_rawls(sand, clay, 2.5)
    assert round(100 * float(found["wilting_point"])) == expected[0]
    assert round(100 * float(found["field_capacity"])) == expected[1]
    assert round(100 * float(found["saturation"])) == expected[2]
    assert round(float(found["saturated_hydraulic_conductivity"]), 1) == pytest.approx(expected[3], abs=0.051)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 20))
def test_water_contents_keep_their_order_or_are_missing(sand, clay, organic_matter):
    found = soil.saxton_rawls(sand, clay, organic_matter)
    dry, moist, full, conductivity = (float(values) for values in found.values())
    if np.isnan(moist):
        assert np.isnan([dry, full, conductivity]).all()
    else:
        assert 0 < dry < moist < full < 1
        assert conductivity > 0


@pytest.mark.parametrize(("sand", "clay", "organic_matter"), [(10, 70, 2), (40, 20, 9), (70, 50, 2)])
def test_soils_the_equations_were_not_fitted_to_give_nothing(sand, clay, organic_matter):
    assert np.isnan(soil.saxton_rawls(sand, clay, organic_matter)["field_capacity"])


def test_layers_outside_the_range_are_reported(caplog):
    caplog.set_level(logging.WARNING)
    soil.hydraulic_properties(layers(sand=10, clay=80))
    assert "3 soil layers lie outside" in caplog.text


def test_layers_gain_properties_with_units_and_history():
    found = soil.hydraulic_properties(layers())
    assert found["field_capacity"].values == pytest.approx(0.28, abs=0.005)
    assert found["field_capacity"].attrs["units"] == "m3 m-3"
    assert found["saturated_hydraulic_conductivity"].attrs["units"] == "mm h-1"
    assert "Saxton" in found.attrs["history"]
    assert "field_capacity_std" not in found


def test_texture_that_does_not_add_up_is_scaled():
    given_as = layers()
    given_as = given_as.assign(sand=given_as["sand"] * 0.97, silt=given_as["silt"] * 0.97, clay=given_as["clay"] * 0.97)
    assert soil.hydraulic_properties(given_as)["field_capacity"].values == pytest.approx(
        soil.hydraulic_properties(layers())["field_capacity"].values
    )


def test_uncertainty_agrees_with_a_simulation():
    """The propagated standard deviation against 20 000 draws from the inputs' normal distributions."""
    spread = 3.0
    found = soil.hydraulic_properties(layers(spread=spread)).isel(depth=0)
    random = np.random.default_rng(1)
    deviation = spread / 1.645
    sand, clay, carbon = (random.normal(mean, deviation, 20_000) for mean in (40.0, 20.0, OM_25))
    drawn = soil.saxton_rawls(sand, clay, carbon / 10 * soil.ORGANIC_MATTER_PER_CARBON)
    for name in ("field_capacity", "wilting_point", "saturated_hydraulic_conductivity"):
        assert float(found[f"{name}_std"]) == pytest.approx(np.nanstd(drawn[name]), rel=0.1)


def test_available_water_is_counted_to_the_roots():
    """Loam holds 28 - 14 = 14 % available (Table 3): 140 mm in a metre, 105 mm in 75 cm."""
    found = soil.hydraulic_properties(layers())
    assert soil.total_available_water(found, 1.0) == pytest.approx(140, abs=5)
    assert soil.total_available_water(found, 0.75) == pytest.approx(0.75 * soil.total_available_water(found, 1.0))


def test_stones_hold_no_water():
    bare, stony = (soil.hydraulic_properties(layers(stones=share)) for share in (0, 25))
    assert soil.total_available_water(stony, 1.0) == pytest.approx(0.75 * soil.total_available_water(bare, 1.0))


@pytest.mark.parametrize("depth", [0.0, -1.0, 1.01])
def test_roots_must_end_within_the_known_soil(depth):
    with pytest.raises(DataError, match="known to 1 m"):
        soil.total_available_water(soil.hydraulic_properties(layers()), depth)


def test_unknown_layers_matter_only_within_reach_of_the_roots():
    found = soil.hydraulic_properties(layers())
    found["field_capacity"][2] = np.nan
    assert soil.total_available_water(found, 0.6) > 0
    with pytest.raises(DataError, match="no field capacity"):
        soil.total_available_water(found, 0.61)


@pytest.mark.parametrize(
    ("conductivity", "group"),
    [(36.1, "A"), (36.0, "B"), (14.5, "B"), (14.4, "C"), (1.45, "C"), (1.44, "D"), (0.0, "D")],
)
def test_the_hydrologic_group_follows_the_least_permeable_layer(conductivity, group):
    found = soil.hydraulic_properties(layers())
    found["saturated_hydraulic_conductivity"][:] = [100.0, conductivity, 100.0]
    assert soil.hydrologic_group(found) == group


def test_layers_below_the_depth_do_not_decide_the_group():
    found = soil.hydraulic_properties(layers())
    found["saturated_hydraulic_conductivity"][:] = [100.0, 100.0, np.nan]
    assert soil.hydrologic_group(found, 0.6) == "A"
    with pytest.raises(DataError, match="no conductivity"):
        soil.hydrologic_group(found, 1.0)


def test_curve_numbers_are_those_of_the_handbook():
    assert soil.curve_number("orchard", "fair", "B") == 65
    assert soil.curve_number("fallow", "poor", "D") == 94
    for (cover, condition), numbers in soil.CURVE_NUMBERS.items():
        assert list(numbers) == sorted(numbers), (cover, condition)
    with pytest.raises(DataError, match="no curve number for vineyard in fair"):
        soil.curve_number("vineyard", "fair", "B")
    with pytest.raises(DataError):
        soil.curve_number("orchard", "fair", "AB")
