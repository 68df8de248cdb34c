import holding
import pytest
from shapely import box

from agritwin.app import home
from agritwin.app.catalogue import open_twin, paths, published
from agritwin.errors import DataError


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workspace")
    holding.make(folder)
    return folder


def test_only_twins_with_products_are_published(root):
    (root / "data/twins/a-new-one").mkdir(exist_ok=True)
    (root / "data/twins/a-new-one/parcel.geojson").write_text("{}")
    assert published(root) == [holding.TWIN]


def test_the_catalogue_finds_every_product_that_the_rules_write(root):
    found = paths(root, holding.TWIN)
    assert {name for name, path in found.items() if path.is_file()} >= {*holding.PRODUCTS, "outline", "terrain"}


@pytest.mark.parametrize("name", ["47-9-9", "../../etc", ""])
def test_a_twin_that_is_not_published_is_refused(root, name):
    with pytest.raises(DataError, match="no published twin"):
        open_twin(root, name)


def test_the_first_page_has_a_card_and_a_shape_for_each_twin(root):
    page = home.build(root, "es")
    (card,) = page.cards
    assert (card.name, card.level, card.state) == ("La Prueba", "Bajo", "low")
    assert card.facts == ("6,75\u00a0ha", "15\u00a0jun\u00a02025", "NDVI 0,54 (3\u00a0jun\u00a02025)")
    shapes = page.plot.figure.select_one({"name": "parcels"}).data_source.data
    assert shapes["target"] == [f"twin?id={holding.TWIN}&lang=es"]
    assert shapes["colour"] == [home.COLOURS["low"]]


def test_parcels_far_apart_are_named_each_and_close_ones_together():
    shapes = [box(x, y, x + 100, y + 100) for x, y in [(0, 0), (200, 0), (5000, 0), (0, 3000)]]
    names = home.named(shapes, ["one", "two", "far", "north"], width=1000.0, height=500.0)
    assert names == {"x": [50.0, 5050.0, 50.0], "y": [0.0, 0.0, 3000.0], "name": ["one\ntwo", "far", "north"]}
    crowd = home.named(shapes[:1] * 5, list("abcde"), width=1000.0, height=500.0)
    assert crowd["name"] == ["a\nb\nc\n+ 2"]


def test_an_empty_workspace_has_an_empty_first_page(tmp_path):
    page = home.build(tmp_path, "en")
    assert page.cards == ()
    assert page.plot is None
