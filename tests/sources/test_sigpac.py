import json

import httpx
import pytest

from agritwin.errors import SourceError
from agritwin.geometry import SigpacCode, sigpac_code, to_crs
from agritwin.sources.sigpac import Sigpac

CODE = sigpac_code("34-10-0-0-604-5021-13")


def client(body, answers):
    transport = answers(lambda request: httpx.Response(200, content=body))
    return Sigpac(transport), transport


def test_a_recorded_enclosure(recorded, answers):
    sigpac, transport = client(recorded("eo_samples/sigpac/recinfo.json").read_bytes(), answers)
    found = sigpac.enclosure(CODE)
    assert str(transport.requests[0].url).endswith("/query/recinfo/34/10/0/0/604/5021/13.json")
    assert found.code == CODE
    assert (found.area_ha, found.slope_percent, found.altitude_m, found.use) == (28.8465, 1.2, 856.0, "PA")
    assert found.irrigation_percent == 0.0
    assert found.eligibility_percent == 53.0
    assert found.incidences == ("199",)


def test_the_stated_area_is_that_of_the_outline_in_the_national_grid(recorded, answers):
    sigpac, _ = client(recorded("eo_samples/sigpac/recinfo.json").read_bytes(), answers)
    found = sigpac.enclosure(CODE)
    assert to_crs(found.geometry, 4326, 25830).area / 1e4 == pytest.approx(found.area_ha, abs=1e-4)


def test_a_recorded_point_gives_the_same_enclosure(recorded, answers):
    sigpac, transport = client(recorded("eo_samples/sigpac/recinfobypoint.json").read_bytes(), answers)
    assert [found.code for found in sigpac.enclosures_at(41.8416, -4.7715)] == [CODE]
    # x, the longitude, comes first.
    assert "/recinfobypoint/4326/-4.7715000/41.8416000.json" in str(transport.requests[0].url)


def test_an_unknown_code_comes_as_an_empty_list(recorded, answers):
    sigpac, _ = client(recorded("eo_samples/sigpac/recinfo-notfound.json").read_bytes(), answers)
    with pytest.raises(SourceError, match="no enclosure 34-10-0-0-604-5021-13") as caught:
        sigpac.enclosure(CODE)
    assert "not INE" in caught.value.remedy
    assert sigpac.enclosures_at(36.0, -12.0) == []


@pytest.mark.parametrize(
    ("name", "layer", "share"),
    [("nitratos", "nitratos", 100.0), ("fitosanitarios", "fitosanitarios", 99.9999), ("red-natura", "red_natura", 0.0)],
)
def test_recorded_zones(name, layer, share, recorded, answers):
    sigpac, _ = client(recorded(f"eo_samples/sigpac/intersection-{name}.json").read_bytes(), answers)
    assert sigpac.overlap_percent(CODE, layer) == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize(
    ("key", "value"), [("wkt", "POLYGON((1 2"), ("wkt", "POINT (1 2)"), ("srid", 25830), ("superficie", "much")]
)
def test_a_damaged_answer_is_a_source_error(key, value, recorded, answers):
    rows = json.loads(recorded("eo_samples/sigpac/recinfo.json").read_bytes())
    sigpac, _ = client(json.dumps([rows[0] | {key: value}]).encode(), answers)
    with pytest.raises(SourceError):
        sigpac.enclosure(SigpacCode(*CODE))
