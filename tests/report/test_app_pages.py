import datetime as dt

import holding
import pytest
from shapely import box

from agritwin.alerts.notifications import Notification
from agritwin.alerts.stores import SqlInbox, acknowledge
from agritwin.app import home
from agritwin.app.catalogue import open_twin, paths, published
from agritwin.errors import DataError
from agritwin.records.database import connect, migrate


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


@pytest.fixture
def told(root):
    """Hold an exercise at the twin, told to it and to a neighbour, and one that is over."""
    engine = connect(root / "data/records.db")
    migrate(engine)
    now = dt.datetime.now(dt.UTC)
    evidence = {"synthetic": True, "explanation": {"es": "Inundación: serio. Agua.", "en": "Flood: serious. Water."}}
    for event, recipient, hours in [("now", holding.TWIN, 12), ("now", "47-9-9", 12), ("over", holding.TWIN, -1)]:
        until = (now + dt.timedelta(hours=hours)).isoformat()
        told = Notification(event, recipient, holding.TWIN, "serious", "t", "b", evidence, now.isoformat(), until)
        SqlInbox(engine).put(told)
    yield engine
    engine.dispose()
    (root / "data/records.db").unlink()


def test_what_stands_is_told_on_the_first_page_in_its_language_until_somebody_takes_notice(root, told):
    (notice,) = home.build(root, "es").notices
    assert (notice.where, notice.state, notice.exercise) == ("La Prueba", "serious", True)
    assert notice.text == "Inundación: serio. Agua."
    assert home.build(root, "en").notices[0].text == "Flood: serious. Water."
    acknowledge(told, 1, "somebody", dt.datetime.now(dt.UTC))
    assert home.build(root, "es").notices == ()


def test_a_record_store_that_cannot_be_read_is_told_where_notices_stand(root):
    (root / "data/records.db").write_bytes(b"no database, but long enough to be looked at" * 100)
    (notice,) = home.build(root, "en").notices
    assert notice.state == "stale"
    assert "cannot be read" in notice.text
    (root / "data/records.db").unlink()


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
