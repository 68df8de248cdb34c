from hypothesis import given
from hypothesis import strategies as st

from agritwin.holding.intake import take_in
from agritwin.holding.mapping import Mapping
from agritwin.holding.products import group_products, similarity
from agritwin.records import queries
from tests.holding.conftest import AS_OF, PINILLO

NAMES = st.dictionaries(st.from_regex(r"[a-e]{3,8}( [0-9]{1,2})?", fullmatch=True), st.integers(1, 9), max_size=12)


@given(NAMES, st.randoms())
def test_groups_do_not_depend_on_the_order(counts, shuffled):
    names = list(counts)
    shuffled.shuffle(names)
    assert group_products({name: counts[name] for name in names}).equals(group_products(counts))


@given(NAMES)
def test_each_product_names_itself_and_is_written_as_often_as_its_spellings(counts):
    groups = group_products(counts).set_index("alias")["product"]
    assert set(groups.index) == set(counts)
    assert all(groups[product] == product and counts[product] >= counts[alias] for alias, product in groups.items())


def test_what_is_one_product_and_what_is_not():
    alike = [("sinerfol zinc", "synerfol zinc"), ("BORO15", "boro 15"), ("Quelato de zinc", "quelato zinc")]
    assert all(similarity(*pair) >= 90 for pair in alike)
    different = [("gesta 360", "gesta 480"), ("cobre 50", "cobre"), ("signum", "stamina")]
    assert all(similarity(*pair) < 90 for pair in different)


def test_a_confirmed_name_stands_above_proposals(engine, raw, workbook):
    header = ["FECHA", "LABOR", "RECINTO ID"]
    lines = [[f"{day}/03/2020", f"TRATAMIENTO ({name} (1))", PINILLO] for day, name in ((15, "cobre"), (16, "cobra"))]
    file = workbook([header, *lines, lines[0]])
    take_in(engine, [PINILLO], file, None, AS_OF, raw=raw)
    assert set(queries.treatments(engine, PINILLO)["product_name"]) == {
        "cobre",
        "cobra",
    }  # 80 percent
    columns = {"day": "FECHA", "text": "LABOR", "twin": "RECINTO ID"}
    tables = [{"kind": "activities", "columns": columns}]
    stated = Mapping.model_validate({"name": "m", "products": {"cobra": "cobre"}, "tables": tables})
    take_in(engine, [PINILLO], file, stated, AS_OF, raw=raw)
    treatments = queries.treatments(engine, PINILLO)
    assert set(treatments["product_name"]) == {"cobre"}
    assert set(treatments["product"]) == {"cobre", "cobra"}
