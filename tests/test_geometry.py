import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, box

from agritwin import geometry
from agritwin.errors import DataError
from agritwin.geometry import SigpacCode


def geojson(tmp_path, content):
    path = tmp_path / "parcel.geojson"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def feature(coordinates, **members):
    return {
        "type": "Feature",
        "properties": {},
        "geometry": {"type": "Polygon", "coordinates": [coordinates]},
    } | members


SQUARE = [[-4.82, 41.27], [-4.81, 41.27], [-4.81, 41.28], [-4.82, 41.28], [-4.82, 41.27]]


def test_sigpac_code_has_seven_parts():
    assert geometry.sigpac_code("47-96-0-0-5-20-1") == SigpacCode(47, 96, 0, 0, 5, 20, 1)


@pytest.mark.parametrize("text", ["47-96-0-0-5-20", "47-96-0-0-5-20-x", "", "53-1-0-0-1-1-1", "47-96-0-0-5-20-1\n"])
def test_other_texts_are_no_sigpac_code(text):
    with pytest.raises(DataError):
        geometry.sigpac_code(text)


@given(st.tuples(st.integers(1, 52), *[st.integers(0, 999)] * 6))
def test_sigpac_codes_survive_the_round_trip(numbers):
    code = SigpacCode(*numbers)
    assert geometry.sigpac_code(str(code)) == code


@pytest.mark.parametrize("name", ["47-96-0-0-5-20-1", "vineyard", "north-field-2"])
def test_good_twin_ids(name):
    assert geometry.check_twin_id(name) == name


@given(st.text(max_size=80))
def test_a_twin_id_is_always_a_safe_file_name(text):
    try:
        name = geometry.check_twin_id(text)
    except DataError:
        return
    assert name.isascii()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not name.startswith("-")
    assert not name.isdigit()


@pytest.mark.parametrize("name", ["../x", "a/b", "007", "a\0b", "Ω-1", "a" * 10_000, "-a", "a--b", ""])
def test_dangerous_twin_ids_are_refused(name):
    with pytest.raises(DataError):
        geometry.check_twin_id(name)


def test_the_example_parcel_measures_a_tenth_of_what_it_declares(shared):
    ((polygon, properties),) = geometry.read_parcels(shared / "holding_examples/47-96-0-0-5-20-1/geojson.json")
    assert geometry.geodesic_area_ha(polygon) == pytest.approx(13.63, abs=0.02)
    assert properties["area"] == 146.76


def test_one_degree_square_on_the_equator_has_the_published_area():
    # Karney's GeographicLib: a 1 x 1 degree cell at the equator of WGS 84 covers 12308.778 km2.
    assert geometry.geodesic_area_ha(box(0, 0, 1, 1)) == pytest.approx(1_230_877.8, rel=1e-6)


def test_multipolygons_and_collections_are_read(tmp_path):
    parts = MultiPolygon([box(-4.82, 41.27, -4.81, 41.28), box(-4.80, 41.27, -4.79, 41.28)])
    content = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "id": "a-b", "properties": None, "geometry": parts.__geo_interface__}],
    }
    ((polygon, properties),) = geometry.read_parcels(geojson(tmp_path, content))
    assert polygon.equals(parts)
    assert properties == {"id": "a-b"}


def test_projected_coordinates_with_their_declared_system_come_out_in_degrees(tmp_path):
    metres = geometry.to_crs(box(-4.82, 41.27, -4.81, 41.28), 4326, 25830)
    content = feature([list(corner) for corner in metres.exterior.coords])
    content["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25830"}}
    ((polygon, _),) = geometry.read_parcels(geojson(tmp_path, content))
    assert polygon.centroid.x == pytest.approx(-4.815, abs=1e-4)


def test_geopackage_is_read(tmp_path):
    import geopandas

    path = tmp_path / "parcel.gpkg"
    geopandas.GeoDataFrame({"id": ["north"]}, geometry=[box(347000, 4570000, 347100, 4570100)], crs=25830).to_file(path)
    ((polygon, properties),) = geometry.read_parcels(path)
    assert geometry.geodesic_area_ha(polygon) == pytest.approx(1.0, rel=2e-3)
    assert properties["id"] == "north"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (feature([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]), "crosses"),
        (feature([[347000, 4570000], [347100, 4570000], [347100, 4570100], [347000, 4570000]]), "metres"),
        (feature([[41.27, -120.5], [41.28, -120.5], [41.28, -120.4], [41.27, -120.5]]), "swap"),
        (feature(SQUARE, crs={"properties": {"code": "25830"}}), "look like degrees"),
        (feature(SQUARE, crs={"properties": {"code": "no idea"}}), "not understood"),
        ({"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [0, 0]}}, "Point is not"),
        ({"type": "Feature", "properties": {}, "geometry": None}, "geometry is missing"),
        ({"type": "FeatureCollection", "features": []}, "no feature"),
        ({"nothing": 1}, "not GeoJSON"),
    ],
)
def test_what_is_no_parcel_is_refused_with_file_and_reason(tmp_path, content, message):
    path = geojson(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        geometry.read_parcels(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy


def test_exchanged_coordinates_inside_the_range_of_degrees_are_caught_by_the_country():
    with pytest.raises(DataError, match="exchanged"):
        geometry.check_swap(box(41.27, -4.82, 41.28, -4.81), "Europe/Madrid", "parcel")
    geometry.check_swap(box(-4.82, 41.27, -4.81, 41.28), "Europe/Madrid", "parcel")


def test_a_file_that_is_no_json(tmp_path):
    path = tmp_path / "x.geojson"
    path.write_bytes(b"\xff\xfe<html>")
    with pytest.raises(DataError, match="not GeoJSON"):
        geometry.read_parcels(path)


@given(st.floats(-89, 89), st.floats(-179, 179))
def test_a_place_lies_in_its_cell(latitude, longitude):
    north, east = geometry.cell_centre(geometry.cell_id(latitude, longitude))
    assert abs(north - latitude) <= 0.05 + 1e-9
    assert abs(east - longitude) <= 0.05 + 1e-9


def test_middle_of_bounds_needs_no_shapely():
    assert geometry.middle_of_bounds(feature(SQUARE)["geometry"]) == pytest.approx((41.275, -4.815))
