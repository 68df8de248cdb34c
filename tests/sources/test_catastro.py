"""Parcels of the cadastre: a recorded answer, refusals that come with status 200, degrees whichever way round."""

import httpx
import pytest

from agritwin.errors import DataError, SourceError
from agritwin.geometry import sigpac_code, to_crs
from agritwin.sources import http
from agritwin.sources.catastro import Catastro, rustic_reference

RECORDED = "eo_samples/catastro/wfscp_parcels_urban_29.gml"


@pytest.fixture(autouse=True)
def impatient(waits: list[float]) -> list[float]:
    return waits


def catastro(body: bytes | str, answers, status: int = 200):
    transport = answers(lambda request: httpx.Response(status, content=body))
    return Catastro(transport), transport


def test_recorded_parcels_have_the_area_that_the_cadastre_states(recorded, answers) -> None:
    register, transport = catastro(recorded(RECORDED).read_bytes(), answers)
    parcels = register.parcels_in(271800, 4813900, 272100, 4814200)
    assert len(parcels) == 29
    assert parcels[0].reference == "2041508TP7124S"
    for parcel in parcels:
        assert to_crs(parcel.geometry, 4326, 25830).area == pytest.approx(parcel.area_m2, abs=1.0)
    assert transport.requests[0].url.params["bbox"] == "271800,4813900,272100,4814200"


def test_a_parcel_is_asked_for_by_the_first_fourteen_characters(recorded, answers) -> None:
    register, transport = catastro(recorded(RECORDED).read_bytes(), answers)
    found = register.parcel("2041508tp7124s0001xy")
    assert found.area_m2 == 970
    params = transport.requests[0].url.params
    assert (params["STOREDQUERIE_ID"], params["refcat"], params["srsname"]) == (
        "GetParcel",
        "2041508TP7124S",
        "EPSG::25830",
    )
    assert "agritwin" in transport.requests[0].headers["user-agent"]


def test_calls_keep_their_distance(recorded, answers, waits, monkeypatch) -> None:
    register, _ = catastro(recorded(RECORDED).read_bytes(), answers)
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    register.parcel("2041508TP7124S")
    register.parcel("2041508TP7124S")
    assert max(waits) == 1.5


def test_the_parcel_of_a_sigpac_enclosure() -> None:
    assert rustic_reference(sigpac_code("47-96-0-0-5-20-1")) == "47096A00500020"
    assert rustic_reference(sigpac_code("3-7-0-0-12-345-2"), "B") == "03007B01200345"


def test_a_refusal_with_status_200_says_what_the_service_said(answers) -> None:
    report = (
        '<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1"><ows:Exception>'
        "<ows:ExceptionText>No existe la parcela</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
    )
    register, transport = catastro(report, answers)
    with pytest.raises(SourceError, match="No existe la parcela") as refused:
        register.parcel("47096A00500020")
    assert not refused.value.temporary
    assert len(transport.requests) == 1


def test_a_ban_is_not_argued_with(answers) -> None:
    register, transport = catastro("forbidden", answers, status=403)
    with pytest.raises(SourceError, match="403"):
        register.parcel("47096A00500020")
    assert len(transport.requests) == 1


@pytest.mark.parametrize("body", ["", "<html><body>mantenimiento</body></html>", "<FeatureCollection"])
def test_what_is_no_answer_is_asked_for_again_and_given_up(answers, body: str) -> None:
    register, transport = catastro(body, answers)
    with pytest.raises(SourceError) as failed:
        register.parcel("47096A00500020")
    assert failed.value.temporary
    assert len(transport.requests) == http.PATIENCE.tries


GML = """<FeatureCollection xmlns="http://www.opengis.net/wfs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:cp="http://inspire.ec.europa.eu/schemas/cp/4.0"><member><cp:CadastralParcel>
<cp:areaValue uom="{uom}">10000</cp:areaValue><cp:geometry><gml:MultiSurface><gml:surfaceMember>
<gml:Surface srsName="http://www.opengis.net/def/crs/EPSG/0/4258"><gml:patches><gml:PolygonPatch>
<gml:exterior><gml:LinearRing><gml:posList srsDimension="2">{corners}</gml:posList></gml:LinearRing></gml:exterior>
<gml:interior><gml:LinearRing><gml:posList srsDimension="2">{hole}</gml:posList></gml:LinearRing></gml:interior>
</gml:PolygonPatch></gml:patches></gml:Surface></gml:surfaceMember></gml:MultiSurface></cp:geometry>
<cp:nationalCadastralReference>47096A00500020</cp:nationalCadastralReference>
</cp:CadastralParcel></member></FeatureCollection>"""
OUTER = [(-4.82, 41.27), (-4.81, 41.27), (-4.81, 41.28), (-4.82, 41.28), (-4.82, 41.27)]
HOLE = [(-4.816, 41.274), (-4.814, 41.274), (-4.814, 41.276), (-4.816, 41.276), (-4.816, 41.274)]


@pytest.mark.parametrize("latitude_first", [True, False])
def test_degrees_are_understood_whichever_comes_first_and_holes_stay(answers, latitude_first: bool) -> None:
    def text(ring: list[tuple[float, float]]) -> str:
        return " ".join(f"{y} {x}" if latitude_first else f"{x} {y}" for x, y in ring)

    register, _ = catastro(GML.format(uom="m2", corners=text(OUTER), hole=text(HOLE)), answers)
    outline = register.parcel("47096A00500020").geometry
    assert outline.bounds == pytest.approx((-4.82, 41.27, -4.81, 41.28))
    assert len(outline.interiors) == 1


@pytest.mark.parametrize(
    "changes", [{"uom": "ha"}, {"corners": "1 2 3"}, {"corners": "here there"}, {"corners": ""}, {"hole": "1 2"}]
)
def test_a_changed_answer_is_an_error_that_says_so(answers, changes: dict[str, str]) -> None:
    sound = {"uom": "m2", "corners": "41.27 -4.82 41.27 -4.81 41.28 -4.81 41.27 -4.82", "hole": ""}
    register, _ = catastro(GML.format(**sound | changes), answers)
    with pytest.raises(SourceError, match=r"cannot be read|lacks"):
        register.parcel("47096A00500020")


def test_what_is_no_reference_and_too_large_a_box_are_refused_before_asking(answers) -> None:
    register, transport = catastro("", answers)
    with pytest.raises(DataError, match="no cadastral reference"):
        register.parcel("47-96")
    with pytest.raises(DataError, match="square kilometre"):
        register.parcels_in(0, 0, 2000, 1000)
    assert transport.requests == []
