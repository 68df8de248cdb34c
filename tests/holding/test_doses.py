import pytest
from hypothesis import given
from hypothesis import strategies as st

from agritwin.holding.doses import Product, split_work

NAMES = st.from_regex(r"[a-zñáéíóú]{2,8}( [a-z0-9]{2,5})?", fullmatch=True)
DOSES = st.decimals(0, 999, places=3)
SEPARATORS = st.sampled_from([", ", ",", " ", " - ", "; ", "-"])


@given(NAMES, st.lists(st.tuples(NAMES, DOSES), min_size=1, max_size=6), SEPARATORS, st.booleans())
def test_products_and_doses_come_back(task, products, separator, closed):
    listed = separator.join(f"{name} ({str(dose).replace('.', ',')})" for name, dose in products)
    work = split_work(f"{task} ({listed}{')' if closed else ''}")
    assert work.task == task
    assert [(product.name, product.dose) for product in work.products] == [(n, float(d)) for n, d in products]
    assert work.leftover == ""


@given(st.text(max_size=200))
def test_nothing_that_is_a_word_gets_lost(text):
    work = split_work(text)
    kept = work.task + work.leftover + "".join(p.name + (p.unit or "") for p in work.products)
    for letter in filter(str.isalpha, text):
        assert letter in kept


@pytest.mark.parametrize(
    ("text", "task", "products"),
    [
        ("PODA", "PODA", []),
        (
            "TRATAMIENTO ATOMIZADOR INTEGRAL ( OPPONENT(0,07)sinerfol zinc (1) heliosoufre(2,5)we3lgro boro(1))",
            "TRATAMIENTO ATOMIZADOR INTEGRAL",
            [("OPPONENT", 0.07), ("sinerfol zinc", 1.0), ("heliosoufre", 2.5), ("we3lgro boro", 1.0)],
        ),
        (
            "TRATAMIENTO ATOMIZADOR INTEGRAL (AMIBOR (1)-OPPONENT(0,07))",
            "TRATAMIENTO ATOMIZADOR INTEGRAL",
            [("AMIBOR", 1.0), ("OPPONENT", 0.07)],
        ),
        ("TRATAMIENTO ATOMIZADOR INTEGRAL (STAMINA(0,03)", "TRATAMIENTO ATOMIZADOR INTEGRAL", [("STAMINA", 0.03)]),
    ],
)
def test_texts_as_holdings_write_them(text, task, products):
    work = split_work(text)
    assert (work.task, [(p.name, p.dose) for p in work.products], work.leftover) == (task, products, "")


def test_a_unit_in_the_text_is_kept():
    assert split_work("SPRAY (copper (1,5 kg/ha))").products == (Product("copper", 1.5, "kg/ha"),)


@pytest.mark.parametrize("text", ["SPRAY (copper)", "SPRAY (copper (much))", "SPRAY ((2))"])
def test_what_is_no_product_with_a_dose_is_left_over(text):
    work = split_work(text)
    assert work.products == ()
    assert work.leftover


def test_a_long_text_costs_no_time():
    assert split_work("SPRAY (" + "a" * 100_000).products == ()
