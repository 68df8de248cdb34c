"""Distances from edge to edge on the ellipsoid, and who is told."""

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from agritwin.alerts.neighbours import edge_distance_m, flow_relation, neighbours, recipients
from agritwin.errors import DataError
from agritwin.geometry import to_crs
from agritwin.terrain import drainage

GEOD = Geod(ellps="WGS84")
LON, LAT = -4.82, 41.27
PUBLISHED = Path(__file__).parents[3] / "shared" / "holding_examples"


def square(east_m=0.0, north_m=0.0, side_m=100.0, lon=LON, lat=LAT):
    """Square whose south-west corner lies so many metres from a point."""
    lon0, lat0, _ = GEOD.fwd(lon, lat, 90, east_m)
    lon0, lat0, _ = GEOD.fwd(lon0, lat0, 0, north_m)
    lon1 = GEOD.fwd(lon0, lat0, 90, side_m)[0]
    lat1 = GEOD.fwd(lon0, lat0, 0, side_m)[1]
    return shapely.box(lon0, lat0, lon1, lat1)


def brute_force(a, b, points=400):
    """Smallest geodesic distance between points along both outlines, a few centimetres too long at most."""
    edges = [
        np.array([edge.interpolate(t, normalized=True).coords[0] for t in np.linspace(0, 1, points)])
        for edge in (shapely.boundary(a), shapely.boundary(b))
    ]
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(points), np.arange(points)))
    one, other = edges[0][i], edges[1][j]
    return float(GEOD.inv(one[:, 0], one[:, 1], other[:, 0], other[:, 1])[2].min())


@pytest.mark.parametrize("gap", [1.0, 250.0, 900.0, 5000.0])
def test_distance_is_that_between_facing_edges(gap):
    assert edge_distance_m(square(), square(east_m=100 + gap)) == pytest.approx(gap, abs=0.1)
    assert edge_distance_m(square(), square(north_m=100 + gap)) == pytest.approx(gap, abs=0.05)


@settings(max_examples=25, deadline=None)
@given(st.floats(-3000, 3000), st.floats(-3000, 3000), st.floats(20, 400), st.floats(-60, 65))
def test_distance_is_symmetric_and_within_a_metre_of_brute_force(east, north, side, lat):
    a, b = square(lat=lat), square(east, north, side, lat=lat)
    distance = edge_distance_m(a, b)
    assert distance == edge_distance_m(b, a)
    if not a.intersects(b):
        assert distance == pytest.approx(brute_force(a, b), abs=4.5)
        assert distance <= brute_force(a, b) + 0.05


def test_brute_force_with_fine_steps_agrees_to_less_than_a_metre():
    a, b = square(side_m=120), shapely.affinity.rotate(square(700, 430, 150), 33)
    assert edge_distance_m(a, b) == pytest.approx(brute_force(a, b, 1500), abs=0.5)


def test_touching_and_overlapping_parcels_are_at_no_distance():
    assert edge_distance_m(square(), square(east_m=50)) == 0
    a = shapely.box(LON, LAT, LON + 0.001, LAT + 0.001)
    assert edge_distance_m(a, shapely.box(LON + 0.001, LAT, LON + 0.002, LAT + 0.001)) == 0
    corner = shapely.box(LON + 0.001, LAT + 0.001, LON + 0.002, LAT + 0.002)
    assert edge_distance_m(a, corner) == 0


def test_a_parcel_in_the_bay_of_a_concave_one_is_measured_to_the_bay():
    outer, bay = square(side_m=600), square(200, 200, 400)
    concave = outer.difference(bay)
    inside = square(300, 300, 100)
    assert edge_distance_m(concave, inside) == pytest.approx(100, abs=0.1)


def test_a_parcel_in_a_hole_is_measured_to_the_rim_of_the_hole():
    ring = square(side_m=900).difference(square(300, 300, 300))
    assert ring.interiors
    assert edge_distance_m(ring, square(400, 400, 100)) == pytest.approx(100, abs=0.1)


def test_parts_of_a_multipolygon_all_count():
    parts = shapely.MultiPolygon([square(), square(east_m=2000)])
    assert edge_distance_m(parts, square(east_m=2150)) == pytest.approx(50, abs=0.05)


@pytest.fixture
def parcels():
    return {"own": square(), "touching": square(100), "near": square(400), "far": square(1101), "at": square(0, 1099)}


def test_neighbours_are_those_whose_edge_is_near_enough_nearest_first(parcels):
    found = neighbours(parcels, "own", 1000.0)
    assert list(found) == ["touching", "near", "at"]
    assert found["near"] == pytest.approx(300, abs=0.1)


def test_being_neighbours_is_mutual(parcels):
    for a in parcels:
        for b in neighbours(parcels, a, 1000.0):
            assert a in neighbours(parcels, b, 1000.0)


@pytest.mark.parametrize("lat", [-55.0, 0.0, 41.0, 68.0])
def test_no_neighbour_is_lost_to_the_search_box(lat):
    around = {"own": square(lat=lat)}
    around |= {
        str(i): square(*place, lat=lat) for i, place in enumerate([(1095, 0), (-1095, 0), (0, 1095), (0, -1095)])
    }
    assert len(neighbours(around, "own", 1000.0)) == 4


def test_an_unknown_twin_is_an_error(parcels):
    with pytest.raises(DataError, match="not among"):
        neighbours(parcels, "other", 1000.0)


def test_the_twin_itself_is_told_first(parcels):
    told = recipients(parcels, "own", 500.0)
    assert [(r.twin, r.reason) for r in told] == [("own", "self"), ("touching", "near"), ("near", "near")]
    assert told[0].distance_m == 0


def test_a_twin_without_neighbours_is_told(parcels):
    assert [r.twin for r in recipients({"own": parcels["own"]}, "own", 500.0)] == ["own"]


def test_water_carries_the_news_further_than_the_distance(parcels):
    told = recipients(
        parcels, "own", 500.0, downstream=lambda above, below: (above, below) in {("own", "far"), ("own", "near")}
    )
    assert [(r.twin, r.reason) for r in told] == [
        ("own", "self"),
        ("near", "downstream"),
        ("far", "downstream"),
        ("touching", "near"),
    ]
    assert told[2].distance_m == pytest.approx(1001, abs=0.1)


def slope_falling_to_the_north():
    """Flow directions of a plane of 600 m by 600 m around the point, 5 m cells, UTM zone 30."""
    east, north = shapely.get_coordinates(to_crs(shapely.Point(LON, LAT), 4326, 32630))[0]
    x, y = east + np.arange(-297.5, 300, 5), north + np.arange(297.5, -300, -5)
    height = xr.DataArray(np.broadcast_to(-0.03 * (y[:, None] - north), (len(y), len(x))), {"y": y, "x": x}, ("y", "x"))
    return drainage(height, stream_area_m2=5000)["flow_direction"]


def test_water_on_a_slope_decides_who_lies_downstream():
    parcels = {
        "own": square(-50, -50),
        "below": square(-50, 120),
        "above": square(-50, -200),
        "beside": square(120, -50),
        "off the grid": square(-50, 2000),
    }
    downstream = flow_relation(slope_falling_to_the_north(), parcels, 32630)
    assert {name for name in parcels if name != "own" and downstream("own", name)} == {"below"}
    told = recipients(parcels, "own", 60.0, downstream)
    assert [(r.twin, r.reason) for r in told][:2] == [("own", "self"), ("below", "downstream")]
    assert "off the grid" not in {r.twin for r in told}


def test_nobody_is_told_twice(parcels):
    told = [r.twin for r in recipients(parcels, "own", 5000.0, downstream=lambda above, below: True)]
    assert len(told) == len(set(told)) == len(parcels)


def test_the_two_published_parcels_are_mutual_neighbours():
    if not PUBLISHED.exists():
        pytest.skip("the published example holdings are not here")
    shapes = {}
    for folder in ("47-96-0-0-5-20-1", "47-96-0-0-5-25-1"):
        document = json.loads((PUBLISHED / folder / "geojson.json").read_text())
        feature = document["features"][0] if "features" in document else document
        shapes[folder] = shapely.from_geojson(json.dumps(feature["geometry"]))
    a, b = shapes.values()
    assert edge_distance_m(a, b) == edge_distance_m(b, a)
    assert edge_distance_m(a, b) <= brute_force(a, b) + 0.05
