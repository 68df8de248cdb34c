import datetime as dt
import json

import httpx
import numpy as np
import pytest

from agritwin.errors import SourceError
from agritwin.sources import soilgrids
from agritwin.sources.base import When, Where

TODAY = When(dt.date(2025, 6, 15), dt.date(2025, 6, 15))
PLACE = Where(41.27, -4.82)
# d_factor and target unit as the service sends them.
UNITS = {
    "bdod": (100, "kg/dm³"),
    "cfvo": (10, "cm³/100cm³"),
    "clay": (10, "%"),
    "phh2o": (10, "-"),
    "sand": (10, "%"),
    "silt": (10, "%"),
    "soc": (10, "g/kg"),
}


def answer(request, stored=lambda name, depth, statistic: 140, units=UNITS):
    asked = request.url.params
    layers = [
        {
            "name": name,
            "unit_measure": {"d_factor": units[name][0], "mapped_units": "x", "target_units": units[name][1]},
            "depths": [
                {"label": depth, "values": {key: stored(name, depth, key) for key in asked.get_list("value")}}
                for depth in asked.get_list("depth")
            ],
        }
        for name in asked.get_list("property")
    ]
    return httpx.Response(200, content=json.dumps({"type": "Feature", "properties": {"layers": layers}}))


def fetch(handler, answers):
    transport = answers(handler)
    return soilgrids.SoilGrids(transport=transport).fetch(PLACE, TODAY), transport


def test_stored_integers_become_units_by_the_factor_in_the_answer(answers):
    soil, _ = fetch(answer, answers)
    assert soil["bulk_density"].values.tolist() == [1.4] * 6
    assert soil["clay"].values.tolist() == [14.0] * 6
    assert soil["soil_organic_carbon"].attrs["units"] == "g kg-1"
    assert soil["ph"].values.tolist() == [14.0] * 6


def test_quantiles_have_their_own_variables(answers):
    values = {"mean": 200, "Q0.05": 100, "Q0.95": 400}
    soil, _ = fetch(lambda request: answer(request, lambda name, depth, statistic: values[statistic]), answers)
    assert (soil["clay_q05"][0], soil["clay"][0], soil["clay_q95"][0]) == (10, 20, 40)


def test_layers_run_from_the_surface_to_two_metres(answers):
    soil, _ = fetch(answer, answers)
    assert soil["depth_top_m"].values.tolist() == [0, 0.05, 0.15, 0.3, 0.6, 1.0]
    assert soil["depth_bottom_m"].values.tolist() == [0.05, 0.15, 0.3, 0.6, 1.0, 2.0]


def test_two_depths_a_request(answers):
    _, transport = fetch(answer, answers)
    assert [request.url.params.get_list("depth") for request in transport.requests] == [
        ["0-5cm", "5-15cm"],
        ["15-30cm", "30-60cm"],
        ["60-100cm", "100-200cm"],
    ]
    assert soilgrids.SoilGrids().plan(PLACE, TODAY).requests == 3


def test_over_a_town_the_nearest_neighbour_answers(answers):
    def handler(request):
        built_over = request.url.params["lon"] == "-4.82000"
        return answer(request, lambda *_: None if built_over else 140)

    soil, _ = fetch(handler, answers)
    assert soil.attrs["longitude"] == "-4.81750"
    assert soil.attrs["latitude"] == "41.27000"


def test_where_nothing_is_mapped_there_is_no_soil(answers):
    with pytest.raises(SourceError, match="no soil is mapped"):
        fetch(lambda request: answer(request, lambda *_: None), answers)


def test_quantiles_that_are_missing_throughout_are_left_out(answers):
    soil, _ = fetch(lambda request: answer(request, lambda name, depth, key: 140 if key == "mean" else None), answers)
    assert "clay_q05" not in soil
    assert np.isfinite(soil["clay"]).all()


@pytest.mark.parametrize("change", [{"clay": (10, "g/kg")}, {"bdod": (0, "kg/dm³")}])
def test_other_units_are_refused(change, answers):
    with pytest.raises(SourceError, match="came in"):
        fetch(lambda request: answer(request, units=UNITS | change), answers)
