"""The outline of a parcel by its code, from whichever register answers."""

import httpx
import pytest
from shapely.geometry import shape

from agritwin.errors import DataError, SourceError
from agritwin.geometry import geodesic_area_ha
from agritwin.sources.catastro import Catastro
from agritwin.sources.parcels import registered_outline
from agritwin.sources.sigpac import Sigpac

CODE = "34-10-0-0-604-5021-13"


@pytest.fixture(autouse=True)
def impatient(waits: list[float]) -> list[float]:
    return waits


def registers(answers, sigpac: httpx.Response, catastro: httpx.Response):
    asked = answers(lambda request: catastro)
    return Sigpac(answers(lambda request: sigpac)), Catastro(asked), asked


def test_sigpac_gives_outline_and_attributes(recorded, answers) -> None:
    body = recorded("eo_samples/sigpac/recinfo.json").read_bytes()
    first, second, asked = registers(answers, httpx.Response(200, content=body), httpx.Response(500))
    feature = registered_outline(CODE, first, second)
    about = feature["properties"]
    assert (feature["id"], about["source"], about["use"], about["slope_percent"]) == (CODE, "sigpac", "PA", 1.2)
    # The geodesic area differs from the planar one of the register by the scale of the projection.
    assert geodesic_area_ha(shape(feature["geometry"])) == pytest.approx(about["area_ha"], rel=1e-3)
    assert asked.requests == []


def test_where_sigpac_does_not_answer_the_cadastre_does_and_the_note_says_what_that_means(recorded, answers) -> None:
    parcels = recorded("eo_samples/catastro/wfscp_parcels_urban_29.gml").read_bytes()
    first, second, asked = registers(answers, httpx.Response(503), httpx.Response(200, content=parcels))
    feature = registered_outline(CODE, first, second)
    assert feature["id"] == CODE
    assert feature["properties"]["source"] == "catastro"
    assert "whole cadastral parcel" in feature["properties"]["note"]
    assert asked.requests[0].url.params["refcat"] == "34010A60405021"


def test_an_enclosure_that_is_not_there_is_not_looked_for_elsewhere(recorded, answers) -> None:
    body = recorded("eo_samples/sigpac/recinfo-notfound.json").read_bytes()
    first, second, asked = registers(answers, httpx.Response(200, content=body), httpx.Response(500))
    with pytest.raises(SourceError, match="no enclosure"):
        registered_outline(CODE, first, second)
    assert asked.requests == []


def test_a_cadastral_reference_is_asked_of_the_cadastre(recorded, answers) -> None:
    parcels = recorded("eo_samples/catastro/wfscp_parcels_urban_29.gml").read_bytes()
    first, second, _ = registers(answers, httpx.Response(500), httpx.Response(200, content=parcels))
    feature = registered_outline("2041508TP7124S", first, second)
    assert feature["properties"]["area_ha"] == pytest.approx(0.097)
    assert feature["properties"]["note"] is None


@pytest.mark.parametrize("code", ["47-96", "nothing", "99-1-0-0-1-1-1"])
def test_what_is_no_code_is_refused(answers, code: str) -> None:
    first, second, _ = registers(answers, httpx.Response(500), httpx.Response(500))
    with pytest.raises(DataError):
        registered_outline(code, first, second)
