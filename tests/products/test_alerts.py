"""Who is told, wherever the outlines of the twins lie."""

import yaml
from shapely.geometry import box, mapping

from agritwin.products.alerts import told


def test_twins_are_told_by_distance_whether_their_outline_is_in_the_yaml_or_beside_it(tmp_path):
    (tmp_path / "twins").mkdir()
    east = 1 / 83_000  # a metre in degrees of longitude, roughly, at this latitude
    places = {"here": 0.0, "near": 400.0, "far": 5000.0}
    for name, metres in places.items():
        square = mapping(box(-4.8 + metres * east, 41.3, -4.8 + (metres + 100) * east, 41.301))
        (tmp_path / "twins" / f"{name}.yaml").write_text(yaml.safe_dump({"parcel": {"geometry": square}}))
    rows = told(tmp_path, "here", 1000.0)
    assert [(row["twin"], row["reason"]) for row in rows] == [("here", "self"), ("near", "near")]
    assert abs(rows[1]["distance_m"] - 300) < 10
