"""The map of who is told: each parcel by its reason, named, in a picture that says it in words too."""

from shapely.geometry import box

from agritwin.views.language import language
from agritwin.views.neighbours import told_map

ROWS = [
    {"twin": "a", "distance_m": 0.0, "reason": "self"},
    {"twin": "b", "distance_m": 5.8, "reason": "downstream"},
    {"twin": "c", "distance_m": 412.0, "reason": "near"},
    {"twin": "d", "distance_m": 800.0, "reason": "near"},
]
SHAPES = [box(0, 0, 100, 100), box(105, 0, 200, 100), box(512, 0, 600, 100), box(0, 900, 100, 950)]


def test_parcels_are_drawn_by_reason():
    plot = told_map(language("en"), ROWS, SHAPES)
    drawn = {renderer.name: renderer.data_source.data["twin"] for renderer in plot.figure.renderers if renderer.name}
    assert drawn == {"told-self": ["a"], "told-downstream": ["b"], "told-near": ["c", "d"]}
    assert [key.label for key in plot.keys] == ["this parcel", "downstream", "near"]


def test_the_summary_says_how_many():
    assert "3" in told_map(language("en"), ROWS, SHAPES).summary
    assert "aguas abajo: 1" in told_map(language("es"), ROWS, SHAPES).summary
